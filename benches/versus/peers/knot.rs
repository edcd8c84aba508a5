//! Knot DNS: an authoritative server, with the names as a zone.

use std::process::Command;

use super::{Peer, Place, program, version, zone_file};
use crate::process::free;
use crate::support::world::{DOMAIN, Work};

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let program = program("knotd")?;
    let address = free()?;
    let folder = place.folder.join("knot");
    std::fs::create_dir_all(&folder)?;
    place.write("knot/cluster.zone", &zone_file())?;
    let text = format!(
        "server:\n  listen: 127.0.0.1@{port}\n  rundir: {folder}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n  \
         tcp-max-clients: 200\n\
         log:\n  - target: stderr\n    any: warning\ndatabase:\n  storage: {folder}\n\
         zone:\n  - domain: {DOMAIN}\n    storage: {folder}\n    file: cluster.zone\n    zonefile-sync: -1\n    \
         journal-content: none\n",
        port = address.port(),
        folder = folder.display()
    );
    let config = place.write("knot/knot.conf", &text)?;
    let mut command = Command::new(&program);
    command.arg("-c").arg(config);
    let mut process = place.run(command, "knot")?;
    process.until_right(address, &Work::ClusterIp.questions())?;
    Ok(vec![Peer {
        key: "knot",
        name: "Knot".into(),
        version: version(&program, "--version"),
        address,
        process,
        works: vec![Work::ClusterIp, Work::Headless, Work::Search],
        tcp: true,
        forwards: false,
        paced: true,
    }])
}
