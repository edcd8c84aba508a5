//! What Prometheus reads and what is made of it: series beside a real CoreDNS's, boards and alerts of the field, our own alerts and
//! dashboard, and the log of questions.

mod applied;
mod boards;
mod certificates;
mod coredns;
mod exposition;
mod labels;
mod ours;
mod query_log;
mod rules;
mod world;

pub use applied::operators_kinds;
