//! The two doors and what may pass them: who is answered what, the stamp, chains of CNAMEs across regions, loops of every kind, and
//! what an answer may cost.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod binding;
mod bounds;
mod chase;
mod chase_peers;
mod heap;
mod loops;
mod loops_probed;
mod peers;
mod pods;
mod reverse;
mod setup;
mod stamp;
