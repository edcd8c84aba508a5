//! DNS for Kubernetes clusters that span regions.

pub mod answer;
pub mod clock;
pub mod config;
pub mod forward;
pub mod limits;
pub mod peer;
pub mod publish;
pub mod route;
pub mod wire;
