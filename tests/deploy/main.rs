//! The manifests of `deploy/`, as an operator applies them: rendered by kubectl's own kustomize, taken by a real API server, and run
//! as a kubelet would run them. No Pod starts in these tests: [`pod`] is the kubelet, a network namespace is the Pod's.

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
// A helper that fails has to stop the test; clippy knows only `#[test]` functions as tests.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod applied;
mod files;
mod helm;
mod monitoring;
mod network;
mod nlb;
mod overlays;
mod pod;
mod rendered;
mod shape;
