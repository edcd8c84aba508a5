//! Kubernetes objects in few words, as the API server writes them.

use serde_json::{Value, json};

pub fn namespace(name: &str) -> Value {
    json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "uid": format!("uid-of-{name}")}})
}

/// In kube-system, with this text under `peers.yaml`.
pub fn table(name: &str, text: &str) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"namespace": "kube-system", "name": name},
        "data": {"peers.yaml": text, "README": "not a table"}})
}

/// `shop/web` with a cluster IP; `None` is a headless one.
pub fn service(name: &str, ip: &str) -> Value {
    let (namespace, name) = name.split_once('/').unwrap();
    json!({"kind": "Service", "apiVersion": "v1", "metadata": {"namespace": namespace, "name": name},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ports": [{"name": "http", "port": 80}]}})
}

/// One slice of a Service, of the same name with `-1`.
pub fn slice(service: &str, addresses: &[&str]) -> Value {
    let (namespace, service) = service.split_once('/').unwrap();
    let endpoints: Vec<Value> =
        addresses.iter().map(|address| json!({"addresses": [address], "conditions": {"ready": true}})).collect();
    json!({"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
        "metadata": {"namespace": namespace, "name": format!("{service}-1"),
            "labels": {"kubernetes.io/service-name": service}},
        "endpoints": endpoints, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]})
}

pub fn pod(name: &str, ip: &str) -> Value {
    let (namespace, name) = name.split_once('/').unwrap();
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": namespace, "name": name},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}})
}

/// `shop/web-0`, `shop/web-1` and so on, headless, with one address each: two objects a name.
pub fn many(count: usize) -> Vec<Value> {
    let both = |number: usize| {
        let name = format!("shop/web-{number}");
        let address = format!("10.{}.{}.{}", 1 + number / 65_536, number / 256 % 256, number % 256);
        [service(&name, "None"), slice(&name, &[&address])]
    };
    [namespace("kube-system"), namespace("shop")].into_iter().chain((0..count).flat_map(both)).collect()
}
