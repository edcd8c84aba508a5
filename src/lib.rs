//! DNS for Kubernetes clusters that span regions.

pub mod answer;
pub mod cache;
pub mod clock;
pub mod config;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod publish;
pub mod ready;
pub mod reload;
pub mod route;
pub mod server;
pub mod wire;
