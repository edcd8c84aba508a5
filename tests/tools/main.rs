//! The operators' tools against real instances: what they print, and which exit code they end with.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod chaos;
mod compare;
mod errors;
mod faults;
mod golden;
mod instance;
mod json_keys;
mod json_schema;
mod peers_schema;
mod query;
mod query_rules;
mod shell;
mod status_page;
mod texts;
