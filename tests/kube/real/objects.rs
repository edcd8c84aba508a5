//! What the tests put into the real API server: the role that users are given, and a few objects as short text.

use crate::support::apiserver::ApiServer;

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

/// The kubeconfig of interlocal's ServiceAccount, with exactly the role of the repository.
pub async fn account(api: &ApiServer) -> std::path::PathBuf {
    api.apply(RBAC).await;
    api.kubeconfig_of("interlocal", &api.token("kube-system", "interlocal").await)
}
