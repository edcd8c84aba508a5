//! DNS for Kubernetes clusters that span regions.

pub mod answer;
pub mod clock;
pub mod config;
pub mod kube;
pub mod limits;
pub mod publish;
pub mod wire;
pub mod zone;
