//! The Helm chart: what it makes is what kustomize makes, its values are those of the CoreDNS chart, and a wrong one is refused.
//! Nothing here knows what is right for a cluster: that is held for the folders of `deploy/`, which the chart has to equal.

mod applied;
mod compare;
mod coredns;
mod equal;
mod packed;
mod refused;
mod table;
mod used;

use std::path::Path;

use serde_json::Value;

use crate::support::apiserver::Said;
use crate::support::helm::Helm;

pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/interlocal");
/// The release of the cluster's own DNS.
pub const RELEASE: &str = "interlocal";

/// `helm template`, as for the API server that our tests know; whatever comes of it.
pub fn template(helm: &Helm, release: &str, arguments: &[&str]) -> Said {
    let all = ["template", release, CHART, "--namespace", "kube-system", "--kube-version", "1.37.1"];
    helm.run(Path::new(CHART), &[&all, arguments].concat())
}

/// The objects of it; it has to succeed.
pub fn objects(helm: &Helm, release: &str, arguments: &[&str]) -> Vec<Value> {
    let yaml = template(helm, release, arguments).good();
    serde_saphyr::from_multiple(&yaml).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}
