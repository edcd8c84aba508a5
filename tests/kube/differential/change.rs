//! What happens to the objects while both servers watch: some go, some are others afterwards, and at the end there is a marker, so
//! that it can be seen that a watch has come so far.

use serde_json::{Value, json};

use super::model::{Kind, Objects, Slice, list};

/// Answered by whoever has seen the change.
pub const MARKER: &str = "last.marker.marker.svc.cluster.local";

pub struct Change {
    pub deleted: Value,
    pub replaced: Value,
    pub marker: Value,
}

/// The objects afterwards, and the way there. Who is touched goes by the place in the list, so that each kind is.
pub fn of(before: &Objects) -> (Objects, Change) {
    let mut after = before.clone();
    let (mut deleted, mut replaced) = (Vec::new(), Vec::new());
    let places: Vec<usize> = (0..after.services.len()).collect();
    for place in places {
        let service = &mut after.services[place];
        match place % 7 {
            // Gone, with its slices or without them.
            1 => {
                deleted.extend(service.manifest());
                if place % 2 == 0 {
                    deleted.extend(service.slice_manifests());
                    service.slices.clear();
                }
                service.kind = Kind::Absent;
                service.selector = None;
            }
            // Ready is not ready, and the other way round.
            2 | 3 => {
                service.slices.iter_mut().for_each(flip);
                replaced.extend(service.slice_manifests());
            }
            4 => {
                deleted.extend(service.slice_manifests());
                service.slices.clear();
            }
            // A Service that leads elsewhere, or has another port.
            5 => {
                match &mut service.kind {
                    Kind::External(target) => "outside.example".clone_into(target),
                    _ => service.ports.iter_mut().for_each(|port| port.number += 1),
                }
                replaced.extend(service.manifest());
            }
            _ => {}
        }
    }
    (after, Change { deleted: list(deleted), replaced: list(replaced), marker: marker() })
}

fn flip(slice: &mut Slice) {
    for endpoint in &mut slice.endpoints {
        endpoint.conditions[0] = Some(!endpoint.is_ready());
    }
}

fn marker() -> Value {
    let named = |name: &str| json!({"name": name, "namespace": "marker"});
    let mut slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": named("marker-0"),
        "addressType": "IPv4", "ports": [], "endpoints": [{"addresses": ["10.9.9.9"], "hostname": "last"}]});
    slice["metadata"]["labels"] = json!({"kubernetes.io/service-name": "marker"});
    list(vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "marker"}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": named("marker"), "spec": {"clusterIP": "None"}}),
        slice,
    ])
}
