//! What every DNS server is tested for, asked of a real instance over UDP and TCP, IPv4 and IPv6: headers, EDNS, sizes, TCP,
//! transparency of what is forwarded, caching, and the shape of the cluster's zone; in `doors`, what may
//! pass which door.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod caching;
mod chains;
mod coalescing;
mod doors;
mod edns;
mod entry;
mod forwarders;
mod framing;
mod keys;
mod kubernetes;
mod memory;
mod policy;
mod questions;
mod size;
mod stale;
mod tcp;
mod tcp_buffers;
mod tcp_limits;
mod transparency;
