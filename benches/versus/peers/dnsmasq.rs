//! dnsmasq: a small forwarder, with the names as a file of hosts. Over TCP it starts a process for each connection, 20 at most, so
//! that is not measured.

use std::process::Command;

use super::{Peer, Place, addresses, program, version};
use crate::process::free;
use crate::support::world::{DOMAIN, Work};

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let program = program("dnsmasq")?;
    let address = free()?;
    let hosts: String = addresses().map(|(name, address)| format!("{address} {name}\n")).collect();
    let hosts = place.write("dnsmasq.hosts", &hosts)?;
    let text = format!(
        "port={}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nserver={}#{}\naddn-hosts={}\nlocal=/{DOMAIN}/\n\
         cache-size=10000\ndns-forward-max=10000\nlocal-ttl=5\nuser=\ngroup=\npid-file=\nlog-facility=-\n",
        address.port(),
        place.upstream.ip(),
        place.upstream.port(),
        hosts.display()
    );
    let config = place.write("dnsmasq.conf", &text)?;
    let mut command = Command::new(&program);
    command.arg("-k").arg(format!("--conf-file={}", config.display()));
    let mut process = place.run(command, "dnsmasq")?;
    process.until_right(address, &Work::ClusterIp.questions())?;
    Ok(vec![Peer {
        key: "dnsmasq",
        name: "dnsmasq".into(),
        version: version(&program, "--version"),
        address,
        process,
        works: vec![Work::ClusterIp, Work::Headless, Work::Search, Work::Cached],
        tcp: false,
        forwards: false,
        paced: true,
    }])
}
