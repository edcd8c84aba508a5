//! What the tests put into the real API server: the role that users are given, and a few objects as short text.

use std::path::PathBuf;

use interlocal::clock;
use k8s_openapi::jiff::Timestamp;

use crate::support::apiserver::ApiServer;
use crate::support::relay::Relay;

/// The role as it stands in the repository, where users find it.
pub const RBAC: &str = include_str!("../../../deploy/base/rbac.yaml");

/// A namespace, and in it a ClusterIP Service `web` with this address.
pub fn web(namespace: &str, address: &str) -> String {
    format!("{}---\n{}", self::namespace(namespace), cluster_ip(namespace, "web", address))
}

pub fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
}

/// A Service with an address, and nothing behind it.
pub fn cluster_ip(namespace: &str, name: &str, address: &str) -> String {
    service(namespace, name, &format!("clusterIP: {address}, ports: [{{name: http, port: 80}}]"))
}

pub fn service(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n---\n"
    )
}

/// The role of the repository under another name, for tests that take it away.
pub fn rbac(name: &str) -> String {
    RBAC.replace("name: interlocal", &format!("name: {name}"))
}

/// A ServiceAccount of this name with exactly the role of the repository; its kubeconfig.
pub async fn account(api: &ApiServer, name: &str) -> PathBuf {
    api.apply(&rbac(name)).await;
    api.kubeconfig_of(name, &api.token("kube-system", name).await)
}

/// The same, through a relay.
pub async fn account_by(api: &ApiServer, relay: &Relay, name: &str) -> PathBuf {
    api.apply(&rbac(name)).await;
    let token = api.token("kube-system", name).await;
    api.write_kubeconfig(name, relay.address().port(), &format!("token: {token}"))
}

/// A Node, without which the EndpointSlice controller leaves its Pods out.
pub const NODE: &str = "apiVersion: v1\nkind: Node\n\
    metadata: {name: node-a, labels: {topology.kubernetes.io/zone: zone-a}}\n---\n";

/// A Pod on that Node that nobody runs: it has no address, and is not ready.
pub fn pod(namespace: &str, name: &str, app: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\n\
         metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {app}}}}}\n\
         spec: {{nodeName: node-a, containers: [{{name: it, image: none}}], {spec}}}\n---\n"
    )
}

/// What its kubelet would say of it, now.
pub async fn run(api: &ApiServer, namespace: &str, name: &str, ips: &[&str], ready: bool) {
    let all: Vec<String> = ips.iter().map(|ip| format!("{{\"ip\": \"{ip}\"}}")).collect();
    let now = Timestamp::from_second(clock::unix_seconds().try_into().unwrap()).unwrap();
    let status = format!(
        "{{\"status\": {{\"phase\": \"Running\", \"podIP\": \"{}\", \"podIPs\": [{}], \
         \"conditions\": [{{\"type\": \"Ready\", \"status\": \"{}\", \
         \"lastTransitionTime\": \"{now}\"}}]}}}}",
        ips[0],
        all.join(", "),
        if ready { "True" } else { "False" }
    );
    api.patch_status(namespace, &format!("pod/{name}"), &status).await;
}
