//! Resident memory with a large cluster and a full cache.

use std::net::SocketAddr;
use std::time::Duration;

use crate::process::Process;
use crate::support::questions::{Questions, question};
use crate::support::saturate::{self, Width};
use crate::support::world::OUTSIDE;
use interlocal::wire::rtype;

pub const CACHED: usize = 10_000;
const WIDTH: Width = Width { sockets: 1, window: 16 };

/// Fills the cache, and gives the memory in octets.
pub fn measure(server: SocketAddr, process: &Process) -> anyhow::Result<u64> {
    let names = (0..CACHED).map(|number| question(&format!("memory-{number}.{OUTSIDE}"), rtype::A, Some((0, 1))));
    let names = Questions::new(names.collect());
    saturate::run(server, &names, WIDTH, Duration::from_secs(3))?;
    Ok(process.used().resident)
}
