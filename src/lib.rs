//! DNS for Kubernetes clusters that span regions.

pub mod clock;
pub mod config;
pub mod limits;
pub mod wire;
