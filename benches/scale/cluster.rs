//! The objects of a large cluster, as the API server writes them: 10,000 Services, every tenth headless, with a slice of 15
//! endpoints each.

use std::net::Ipv4Addr;
use std::sync::Arc;

/// Services, and slices.
pub const SERVICES: u32 = 10_000;
/// Of each slice.
pub const ENDPOINTS: u32 = 15;
/// What a small cluster has of both.
pub const FEW: u32 = 20;
const NAMESPACES: u32 = 100;

/// One object of the API as text.
pub type Text = Arc<str>;

pub fn namespaces() -> Vec<Text> {
    let named = (0..NAMESPACES).map(|number| format!("team-{number}")).chain(["kube-system".into(), "default".into()]);
    let object = |name: String| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}","uid":"{name}-0f2d-4f6e","resourceVersion":"7","creationTimestamp":"2026-11-01T08:00:00Z","labels":{{"kubernetes.io/metadata.name":"{name}"}}}},"spec":{{"finalizers":["kubernetes"]}},"status":{{"phase":"Active"}}}}"#
        )
    };
    named.map(|name| object(name).into()).collect()
}

/// `web-7.team-7`: the front of the Service's name in DNS.
pub fn name(number: u32) -> String {
    format!("web-{number}.team-{}.svc.cluster.local", number % NAMESPACES)
}

/// Every tenth Service answers with the addresses of its endpoints.
pub fn is_headless(number: u32) -> bool {
    number.is_multiple_of(10)
}

pub fn cluster_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a60_0000 + number)
}

pub fn service(number: u32) -> Text {
    let namespace = number % NAMESPACES;
    let ip = if is_headless(number) { "None".to_owned() } else { cluster_ip(number).to_string() };
    format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"web-{number}","namespace":"team-{namespace}","uid":"5b1c-{number}","resourceVersion":"7","creationTimestamp":"2026-11-01T08:00:00Z","labels":{{"app":"web-{number}","app.kubernetes.io/managed-by":"Helm"}},"annotations":{{"meta.helm.sh/release-name":"web-{number}","meta.helm.sh/release-namespace":"team-{namespace}"}}}},"spec":{{"clusterIP":"{ip}","clusterIPs":["{ip}"],"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{{"name":"http","port":80,"protocol":"TCP","targetPort":8080}}],"selector":{{"app":"web-{number}"}},"sessionAffinity":"None","type":"ClusterIP"}},"status":{{"loadBalancer":{{}}}}}}"#
    )
    .into()
}

/// The first endpoint's address tells the round, from 0: what a change changes.
pub fn first_address(number: u32, round: u32) -> Ipv4Addr {
    match round {
        0 => address(number, 0),
        _ => Ipv4Addr::from_bits(0x6440_0000 + round),
    }
}

fn address(number: u32, endpoint: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0b00_0000 + number * 16 + endpoint)
}

pub fn slice(number: u32, round: u32, version: u64) -> Text {
    let namespace = number % NAMESPACES;
    let endpoint = |at: u32| {
        let address = if at == 0 { first_address(number, round) } else { address(number, at) };
        let node = (number * ENDPOINTS + at) % 1_000;
        format!(
            r#"{{"addresses":["{address}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"nodeName":"ip-10-0-{}-{}.us-east-2.compute.internal","targetRef":{{"kind":"Pod","name":"web-{number}-7d4b9c6f5-{at:05}","namespace":"team-{namespace}","uid":"0b7a9a2e-5a0f-4a0e-9a51-{number:06}{at:06}"}},"zone":"us-east-2{}"}}"#,
            node / 250,
            node % 250,
            ["a", "b", "c"][node as usize % 3],
        )
    };
    let endpoints: Vec<String> = (0..ENDPOINTS).map(endpoint).collect();
    format!(
        r#"{{"addressType":"IPv4","apiVersion":"discovery.k8s.io/v1","endpoints":[{}],"kind":"EndpointSlice","metadata":{{"name":"web-{number}-x2x4z","generateName":"web-{number}-","namespace":"team-{namespace}","uid":"9c3d-{number}","resourceVersion":"{version}","creationTimestamp":"2026-11-01T08:00:00Z","generation":3,"labels":{{"app":"web-{number}","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"web-{number}"}},"ownerReferences":[{{"apiVersion":"v1","blockOwnerDeletion":true,"controller":true,"kind":"Service","name":"web-{number}","uid":"5b1c-{number}"}}]}},"ports":[{{"name":"http","port":8080,"protocol":"TCP"}}]}}"#,
        endpoints.join(",")
    )
    .into()
}
