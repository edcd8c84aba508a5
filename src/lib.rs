//! DNS for Kubernetes clusters that span regions.

pub mod answer;
pub mod app;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod forward;
pub mod kube;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod peer;
pub mod policy;
pub mod publish;
pub mod ready;
pub mod reload;
pub mod route;
pub mod server;
pub mod tls;
pub mod wire;
pub mod zone;
