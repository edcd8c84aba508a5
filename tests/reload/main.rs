//! Files that change while questions are asked: what is edited shows in the answers, what is wrong changes nothing, and
//! what did not change is not touched.

// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bad;
mod edits;
mod hiding;
mod kept;
mod load;
mod making;
mod restart;
