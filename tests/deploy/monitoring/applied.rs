//! `deploy/monitoring` on a real API server, which knows the operator's kinds from definitions of our own: what they say of the
//! fields that we use is what the operator's say, and fields that they do not know are refused.

use serde_json::Value;

use crate::support::apiserver::ApiServer;
use crate::support::secs;
use crate::support::wait::eventually;

/// ServiceMonitor and PrometheusRule of `monitoring.coreos.com/v1`, as far as they are used here.
const KINDS: &str = include_str!("kinds.yaml");

/// Makes a server know the operator's kinds, and waits until it does.
pub async fn operators_kinds(api: &ApiServer) {
    api.apply(KINDS).await;
    let known = eventually(secs(60), || async {
        api.try_kubectl(&["get", "prometheusrules,servicemonitors", "-A"], "").await.ok
    });
    assert!(known.await, "the definitions are not in use");
}

#[tokio::test]
async fn the_folder_is_taken_by_an_api_server_that_knows_the_operators_kinds() {
    let test = "the_folder_is_taken_by_an_api_server_that_knows_the_operators_kinds";
    let Some(api) = ApiServer::shared(test).await else { return };
    let folder = format!("{}/deploy/monitoring", env!("CARGO_MANIFEST_DIR"));
    let objects = api.kubectl(&["kustomize", &folder]).await;
    operators_kinds(&api).await;
    let wanted: Vec<Value> = serde_saphyr::from_multiple(&objects).unwrap();
    let ours: Vec<String> = wanted
        .iter()
        .filter(|object| {
            let kind = object["kind"].as_str().unwrap();
            let dashboard = object["metadata"]["name"] == "interlocal-dashboard";
            ["ServiceMonitor", "PrometheusRule"].contains(&kind) || dashboard
        })
        .map(Value::to_string)
        .collect();
    assert_eq!(ours.len(), 3, "{objects}");
    let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    api.try_kubectl(&apply, &ours.join("\n---\n")).await.good();
    let rule = api.get("kube-system", "prometheusrule/interlocal").await;
    assert!(rule["spec"]["groups"][0]["rules"].as_array().unwrap().len() >= 22, "{rule}");
    let monitor = api.get("kube-system", "servicemonitor/interlocal").await;
    // It finds the Service that every cluster has, by its port's name.
    assert_eq!(monitor["spec"]["selector"]["matchLabels"]["k8s-app"], "kube-dns");
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], "metrics");
    let map = api.get("kube-system", "configmap/interlocal-dashboard").await;
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let board: Value = serde_json::from_str(map["data"]["interlocal.json"].as_str().unwrap()).unwrap();
    assert_eq!(board["uid"], "interlocal");
    // The definitions are no rubber stamp.
    let wrong =
        ours.iter().find(|object| object.contains("ServiceMonitor")).unwrap().replace("\"interval\"", "\"intervals\"");
    assert!(!api.try_kubectl(&apply, &wrong).await.ok);
}
