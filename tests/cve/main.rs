//! What may come from the network to do harm: what fuzzing found, and mutations of it.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod replay;
