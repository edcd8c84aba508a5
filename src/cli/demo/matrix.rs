//! Every region is asked for the other regions' pods, over UDP and TCP. What is right is read from the manifests, not from a
//! server.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::Running;
use crate::cli::ask::{self, Over};
use crate::kube::{Selection, manifests};
use crate::limits::Limits;
use crate::zone::object::Object;

/// The pod that every region has, behind a headless Service of the same name without its number.
const POD: &str = "busybox-0";
const SERVICE: &str = "busybox";

/// One question and what came of it.
pub(super) struct Cell {
    pub from: String,
    pub to: String,
    pub over: Over,
    /// How long it took, or what was wrong.
    pub result: Result<Duration, String>,
}

/// The name that is asked for.
pub(super) fn name(region: &str) -> String {
    format!("{POD}.{SERVICE}.{region}.svc.cluster.local")
}

/// Asks all directed pairs, each over UDP and TCP.
pub(super) async fn ask(running: &[Running]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for from in running {
        for to in running.iter().filter(|to| to.region.label != from.region.label) {
            let expected = expected(&to.region.manifests, &to.region.label);
            for over in [Over::Udp, Over::Tcp] {
                let (server, name, expected) = (from.dns, name(&to.region.label), expected.clone());
                // Blocking sockets, as a stub resolver has them, off the threads that serve.
                let result = tokio::task::spawn_blocking(move || check(server, &name, over, expected)).await;
                cells.push(Cell {
                    from: from.region.label.clone(),
                    to: to.region.label.clone(),
                    over,
                    result: result.unwrap_or_else(|error| Err(error.to_string())),
                });
            }
        }
    }
    cells
}

fn check(server: SocketAddr, name: &str, over: Over, expected: Result<IpAddr, String>) -> Result<Duration, String> {
    let answered = ask::addresses(server, name, over)?;
    let expected = expected?;
    if answered.addresses == [expected] {
        return Ok(answered.took);
    }
    let got = match answered.addresses.as_slice() {
        [] => answered.rcode.clone(),
        addresses => addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    let why = answered.errors.iter().map(|text| format!(" ({text})")).collect::<String>();
    Err(format!("wants {expected}, got {got}{why}"))
}

/// The address that the region's manifests give the pod.
fn expected(manifests: &Path, region: &str) -> Result<IpAddr, String> {
    let loaded = manifests::load(manifests, &Limits::default(), &Selection::default());
    let endpoints = loaded.objects.iter().filter_map(|object| match object {
        Object::Slice(slice) if &*slice.name.namespace == region && &*slice.service == SERVICE => {
            Some(&slice.endpoints)
        }
        _ => None,
    });
    let pod = endpoints.flatten().find(|endpoint| endpoint.hostname.as_deref() == Some(POD));
    pod.map(|pod| pod.address).ok_or_else(|| format!("no {POD} in {}", manifests.display()))
}
