//! The main job, end to end: regions that ask each other, in one process and in several, with good files and bad ones.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bad_files;
mod bad_table;
mod bounds;
mod clock_jumps;
mod dark;
mod demo;
mod digs;
mod hardship;
mod matrix;
mod peers_command;
mod processes;
mod refresh;
mod reload;
mod skew;
mod stale;
mod stanzas;
mod tls;
mod tls_door;
mod unsynced;
