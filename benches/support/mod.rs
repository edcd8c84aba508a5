//! What the benches of whole servers share: datagrams in batches, the echo server, the load and its questions. It knows nothing of
//! what is measured.
// Each bench uses its part.
#![allow(dead_code, unreachable_pub)]

/// Ports for the double of the API server.
#[path = "../../tests/support/ports.rs"]
pub mod ports;

pub mod echo;
pub mod mmsg;
pub mod questions;
pub mod saturate;
pub mod schedstat;
pub mod sys;
pub mod upstream;
pub mod words;
pub mod world;
