//! dnsdist: a load balancer whose packet cache answers what the server behind it has said once; and without that cache.

use std::process::Command;

use super::{Peer, Place, program, version};
use crate::process::free;
use crate::support::world::Work;

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let program = program("dnsdist")?;
    let mut peers = Vec::new();
    for cached in [true, false] {
        let address = free()?;
        let cache = if cached { "getPool(\"\"):setCache(newPacketCache(100000))\n" } else { "" };
        let text = format!(
            "setSecurityPollSuffix(\"\")\nsetLocal(\"{address}\")\nsetACL({{\"127.0.0.0/8\"}})\nnewServer(\"{}\")\n{cache}",
            place.upstream
        );
        let name = if cached { "dnsdist" } else { "dnsdist-bare" };
        let config = place.write(&format!("{name}.conf"), &text)?;
        let mut command = Command::new(&program);
        command.arg("--supervised").arg("--disable-syslog").arg("-C").arg(config);
        let mut process = place.run(command, name)?;
        process.until_right(address, &Work::ClusterIp.questions())?;
        let works = vec![Work::ClusterIp, Work::Headless, Work::Search, Work::Cached];
        peers.push(Peer {
            key: name,
            name: if cached { "dnsdist, packet cache" } else { "dnsdist, no cache" }.into(),
            version: version(&program, "--version"),
            address,
            process,
            works: if cached { works } else { Vec::new() },
            tcp: cached,
            forwards: !cached,
            paced: cached,
        });
    }
    Ok(peers)
}
