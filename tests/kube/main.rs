//! The API source against an API server double: everything that a real API server, a network and an administrator can do to
//! a watch; and against a real one, in `real`. What is asked each time: is the zone what the server has, in the end and at every moment before?

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod away;
mod differential;
mod double;
mod guard;
mod history;
mod lists;
mod objects;
mod program;
mod real;
mod refusals;
mod watches;
mod zone;
