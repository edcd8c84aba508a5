//! Ports for processes that have to be told theirs before they start. Below the range that systems give out by
//! themselves (from 32768 on Linux), so that nobody is given one between our look and the start of the process.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const LAST: u16 = 31_000;
/// A block starts at a multiple of this.
const STEP: u16 = 40;

/// How many blocks this process has taken.
static TAKEN: AtomicU16 = AtomicU16::new(0);

/// The first of `count` ports, at most 40, that are free on 127.0.0.1 for UDP and TCP. Each call has others.
pub fn free_block(count: u16) -> u16 {
    assert!(count <= STEP);
    let blocks = (LAST - FIRST) / STEP;
    // Two test binaries at once start at different places.
    let start = u16::try_from(std::process::id() % u32::from(blocks)).expect("below the number of blocks");
    for _ in 0..blocks {
        let block = (start + TAKEN.fetch_add(1, Ordering::Relaxed)) % blocks;
        let first = FIRST + block * STEP;
        if (first..first + count).all(is_free) {
            return first;
        }
    }
    panic!("no {count} free ports from {FIRST} to {LAST}");
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
}
