//! Corefiles: each shape of the field runs, what is refused says so, and answers are those of CoreDNS.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod beside;
mod cluster;
mod commands;
mod edns;
mod faults;
mod forward;
mod grammar;
mod guide;
mod logging;
mod options;
mod refusals;
mod reloads;
mod setup;
mod shapes;
mod stale;
mod table;
mod tested;
