//! Tests of the project itself: the shape of its code, the links of its docs, how it is built and released, and the scriptable
//! server that other tests believe.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod checks;
mod layers;
mod links;
mod release;
mod scripted;
