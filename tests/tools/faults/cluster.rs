//! Faults between us and a real API server.

use crate::support::apiserver::ApiServer;
use crate::support::wait::eventually;
use crate::support::{http, secs};

use super::world::{Place, World, found, row};

const RBAC: &str = include_str!("../../../deploy/base/rbac.yaml");
const SLICES: &str = "- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}\n";

/// A region that reads the API server with this role.
async fn region(api: &ApiServer, name: &str, role: &str) -> (World, Place) {
    api.apply(&role.replace("name: interlocal", &format!("name: {name}"))).await;
    let token = api.token("kube-system", name).await;
    let mut world = World::new();
    world.kubeconfig = Some(api.kubeconfig_of(name, &token));
    let east = Place::new("east").key("kubernetes", "{source: api}");
    world.table(&[row("east", east.peers())]);
    api.apply(&crate::support::yaml::namespace("east")).await;
    (world, east)
}

/// Planted fault 1. One verb alone is named, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing() {
    let Some(api) = ApiServer::shared("a_right_that_is_missing").await else { return };
    assert!(RBAC.contains(SLICES));
    let (world, east) = region(&api, "poor", &RBAC.replace(SLICES, "")).await;
    let _running = world.serve(&east).await;
    let told = eventually(secs(60), || async {
        http::get(east.admin(), "/ready")
            .await
            .is_some_and(|(_, page)| page.contains("API: endpointslices: not allowed"))
    });
    assert!(told.await, "{:?}", http::get(east.admin(), "/ready").await);
    let ended = world.check(&east, &[]).await;
    found(&ended, "right-missing", "not allowed to list and watch endpointslices.discovery.k8s.io");
    assert!(ended.stdout.contains(SLICES.trim_end()), "{}", ended.stdout);
    let (world, east) = region(&api, "deaf", &RBAC.replace(SLICES, &SLICES.replace(", watch", ""))).await;
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(ended.stdout.contains("not allowed to watch endpointslices.discovery.k8s.io"), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_role_of_the_repository_all_is_well() {
    let Some(api) = ApiServer::shared("with_the_role_of_the_repository_all_is_well").await else { return };
    let (world, east) = region(&api, "rich", RBAC).await;
    let _running = world.serve_ready(&east).await;
    let ended = world.check(&east, &[]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("✔ the cluster's domain is cluster.local"), "{}", ended.stdout);
}

/// Planted fault 6 once more: outside of a pod the API server's certificate tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_cluster_domain_by_the_certificate() {
    let Some(api) = ApiServer::shared("a_wrong_cluster_domain_by_the_certificate").await else { return };
    let (world, east) = region(&api, "lost", RBAC).await;
    let east = east.key("cluster_domain", "prod.example");
    let _running = world.serve_ready(&east).await;
    let cause = "the cluster's domain is cluster.local, and not prod.example";
    found(&world.check(&east, &[]).await, "wrong-cluster-domain-by-certificate", cause);
}

#[tokio::test]
async fn an_api_server_that_is_away() {
    let (world, east) = (World::new(), Place::new("east").key("kubernetes", "{source: \"http://127.0.0.1:1\"}"));
    world.table(&[row("east", east.peers())]);
    let _running = world.serve(&east).await;
    let ended = world.check(&east, &[]).await;
    let first = ended.stdout.lines().find(|line| line.starts_with("✖ ") && line.contains(": ")).unwrap_or_default();
    assert_eq!(first, "✖ kubernetes: the API server cannot be asked", "{}", ended.stdout);
}

/// The table in a ConfigMap: its rows are looked at, and a missing right to it is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_in_a_configmap() {
    let Some(api) = ApiServer::shared("a_table_in_a_configmap").await else { return };
    let (world, east) = region(&api, "mapped", RBAC).await;
    let east = east.key("peers", "{configmap: kube-system/mapped-peers}");
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(
        ended.stdout.contains("not allowed to list and watch configmap kube-system/mapped-peers"),
        "{}",
        ended.stdout
    );
    api.apply(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: mapped, namespace: kube-system}\n\
         rules:\n- {apiGroups: [\"\"], resources: [configmaps], resourceNames: [mapped-peers], verbs: [list, watch]}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: mapped, namespace: kube-system}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: mapped}\n\
         subjects: [{kind: ServiceAccount, name: mapped, namespace: kube-system}]\n",
    )
    .await;
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(ended.stdout.contains("there is no ConfigMap kube-system/mapped-peers"), "{}", ended.stdout);
    let nobody = Place::new("nobody").peers();
    let table = format!("regions: {{east: {{}}, west: {{endpoints: [\"{nobody}\"]}}}}");
    api.apply(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: mapped-peers, namespace: kube-system}}\n\
         data:\n  peers.yaml: '{table}'\n"
    ))
    .await;
    let ended = world.check(&east, &["-o", "short"]).await;
    assert!(ended.stdout.contains(&format!("✖ peers: west {nobody}: connection refused")), "{}", ended.stdout);
}
