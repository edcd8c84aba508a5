//! Unbound: a resolver, with the names as local data.

use std::process::Command;

use super::{Peer, Place, addresses, program, version};
use crate::process::free;
use crate::support::world::{DOMAIN, Work};

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let program = program("unbound")?;
    let address = free()?;
    let mut text = format!(
        "server:\n  interface: 127.0.0.1@{port}\n  directory: \"\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  \
         logfile: \"\"\n  verbosity: 0\n  num-threads: 1\n  do-ip6: no\n  do-not-query-localhost: no\n  module-config: \"iterator\"\n  \
         access-control: 127.0.0.0/8 allow\n  incoming-num-tcp: 200\n  outgoing-range: 4096\n  num-queries-per-thread: 2048\n  \
         so-rcvbuf: 4m\n  so-sndbuf: 4m\n\
         \x20 local-zone: \"{DOMAIN}.\" static\n  local-data: \"{DOMAIN}. 5 SOA ns.dns.{DOMAIN}. hostmaster.{DOMAIN}. 1 7200 1800 86400 5\"\n",
        port = address.port(),
    );
    for (name, address) in addresses() {
        text += &format!("  local-data: \"{name}. 5 A {address}\"\n");
    }
    text += &format!(
        "remote-control:\n  control-enable: no\nforward-zone:\n  name: \".\"\n  forward-addr: {}@{}\n",
        place.upstream.ip(),
        place.upstream.port()
    );
    let config = place.write("unbound.conf", &text)?;
    let mut command = Command::new(&program);
    command.arg("-d").arg("-p").arg("-c").arg(config);
    let mut process = place.run(command, "unbound")?;
    process.until_right(address, &Work::ClusterIp.questions())?;
    Ok(vec![Peer {
        key: "unbound",
        name: "Unbound".into(),
        version: version(&program, "-V"),
        address,
        process,
        works: vec![Work::ClusterIp, Work::Headless, Work::Search, Work::Cached],
        tcp: true,
        forwards: false,
        paced: true,
    }])
}
