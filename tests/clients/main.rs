//! The clients that ask peers and upstreams, against servers that follow a script: what a network does to them, and what the
//! rest of the program sees of it. Nothing here knows how the clients do it.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod ageing;
mod cut;
mod faults;
mod hosts;
mod loops;
mod region;
mod region_dark;
mod setup;
mod upstreams;
mod upstreams_behind;
mod upstreams_tcp;
