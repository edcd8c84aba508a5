//! What the integration tests stand on: regions in a box, a DNS server that follows a script, clients that ask, waiting,
//! and `dig`.
//! A test binary takes it in with `#[path = "../support/mod.rs"] mod support;`. Nothing here knows interlocal's own
//! wire code: bytes are judged by hickory-proto and by hickory's client, never by the code under test.
//!
//! * [`region::Region`]: an instance of interlocal with its files; [`regions`]: several with one table; [`running`]: what
//!   they can be asked; [`yaml`]: Kubernetes objects as text; [`http`]: their pages.
//! * [`process::Process`]: the binary, with its output, exit code and signals; [`ports`]: ports for it.
//! * [`server::ScriptServer`]: answers, delays, lies and hangs up as told; UDP and TCP on one loopback port.
//! * [`rule`]: the sentence that a test writes; [`script`]: the pure step from a query to what is sent.
//! * [`client`]: one question with any flag, raw bytes, a TCP conversation; [`hickory`]: the independent judge.
//! * [`lab::Lab`]: an instance and its upstream, asked four ways; [`raw`]: queries and replies octet by octet.
//! * [`differential`]: what tests beside other servers have in common; [`side_by_side`]: one question to two of them.
//! * [`read`]: what a test wants out of a message: addresses, texts, extended errors.
//! * [`certificates`]: an authority, and what it signs; [`tls_front`]: TLS in front of a server.
//! * [`apiserver`]: a real Kubernetes API server; [`coredns`]: a real CoreDNS; [`helm`]: Helm; [`tool`]: where such programs are.
//! * [`relay`]: the network between two servers, the demo's own; [`balancer`]: what stands for a ClusterIP and a load balancer; [`steady`]: clients that ask all along.
//! * [`browser`]: a real browser that shows a page.
//! * [`wait`]: poll until it is so. [`dig`]: run `dig` where there is one.

// Each test binary compiles this module for itself and uses the part that it needs.
#![allow(dead_code)]
// What is `pub` here is for the test binary, which exports nothing.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

pub mod apiserver;
pub mod balancer;
pub mod browser;
pub mod certificates;
pub mod client;
pub mod coredns;
pub mod differential;
pub mod dig;
pub mod helm;
pub mod hickory;
pub mod http;
pub mod lab;
pub mod pair;
pub mod ports;
pub mod process;
pub mod raw;
pub mod read;
pub mod region;
pub mod regions;
#[path = "../../src/cli/demo/relay.rs"]
pub mod relay;
pub mod rule;
pub mod running;
pub mod script;
pub mod server;
pub mod side_by_side;
pub mod steady;
pub mod tls_front;
pub mod tool;
pub mod wait;
pub mod yaml;

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::rr::Name;

/// The name, complete whether the text ends in a dot or not.
pub fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap_or_else(|error| panic!("{text:?} is no DNS name: {error}"));
    name.set_fqdn(true);
    name
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no IP address"))
}

pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
