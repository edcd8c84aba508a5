//! The clients that ask peers and upstreams, against servers that follow a script: what a network does to them, and what the
//! rest of the program sees of it. Nothing here knows how the clients do it.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod hosts;
mod loops;
mod region;
mod region_dark;
mod setup;
mod upstreams;
mod upstreams_tcp;
