//! NSD: an authoritative server, with the names as a zone.

use std::process::Command;

use super::{Peer, Place, program, version, zone_file};
use crate::process::free;
use crate::support::world::{DOMAIN, Work};

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let program = program("nsd")?;
    let address = free()?;
    let folder = place.folder.join("nsd");
    std::fs::create_dir_all(&folder)?;
    place.write("nsd/cluster.zone", &zone_file())?;
    let text = format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n  username: \"\"\n  database: \"\"\n  zonesdir: \"{folder}\"\n  \
         pidfile: \"{folder}/nsd.pid\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  zonelistfile: \"{folder}/zone.list\"\n  \
         xfrdir: \"{folder}\"\n  tcp-count: 200\n  reuseport: yes\n  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n\
         zone:\n  name: {DOMAIN}\n  zonefile: cluster.zone\n",
        port = address.port(),
        folder = folder.display()
    );
    let config = place.write("nsd/nsd.conf", &text)?;
    let mut command = Command::new(&program);
    command.arg("-d").arg("-c").arg(config);
    let mut process = place.run(command, "nsd")?;
    process.until_right(address, &Work::ClusterIp.questions())?;
    Ok(vec![Peer {
        key: "nsd",
        name: "NSD".into(),
        version: version(&program, "-v"),
        address,
        process,
        works: vec![Work::ClusterIp, Work::Headless, Work::Search],
        tcp: true,
        forwards: false,
        paced: true,
    }])
}
