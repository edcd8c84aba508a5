//! The doors: what listens, and one question end to end.

pub mod admin;
pub mod heartbeat;
