//! What the chart makes is taken by a real API server, from kubectl and from Helm itself; and the pod that it describes answers.

use std::path::Path;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use super::equal::PAIRS;
use super::{CHART, RELEASE, template};
use crate::network::inside;
use crate::pod::Pod;
use crate::rendered::Rendered;
use crate::support::apiserver::{ApiServer, Said};
use crate::support::client::{ask_tcp, ask_udp};
use crate::support::helm::Helm;
use crate::support::read::addresses;

/// What the Prometheus operator would install.
const KINDS: &str = include_str!("../monitoring/kinds.yaml");

/// Everything that does not exclude something else.
const ALL: &str = "peersService.enabled=true,networkPolicy.enabled=true,autoscaler.enabled=true,prometheus.service.enabled=true,\
    prometheus.monitor.enabled=true,prometheus.rules.enabled=true,prometheus.dashboard.enabled=true,config.peers.configmap=kube-system/interlocal-peers,config.kubernetes.pods=verified";

/// `helm` with a release in kube-system, on this server.
fn helm(helm: &Helm, command: &[&str], values: &[&str]) -> Said {
    helm.run(Path::new(CHART), &[command, &["--namespace", "kube-system"], values].concat())
}

/// Everything in the cluster that Helm says is its own.
async fn of_helm(api: &ApiServer) -> Vec<String> {
    let kinds = "all,configmaps,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,\
                 poddisruptionbudgets,networkpolicies,servicemonitors,prometheusrules";
    let label = "app.kubernetes.io/managed-by=Helm";
    let names = api.kubectl(&["get", kinds, "--all-namespaces", "--selector", label, "--output", "name"]).await;
    names.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_server_takes_each_set_of_values_as_it_is() {
    const TEST: &str = "the_api_server_takes_each_set_of_values_as_it_is";
    let Some(program) = Helm::find(TEST) else { return };
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    api.apply(KINDS).await;
    api.kubectl(&["wait", "--for=condition=Established", "--all", "crd"]).await;
    let more = [(RELEASE, &["--set", ALL][..]), (RELEASE, &["--set", "hpa.enabled=true,isClusterService=false"])];
    let sets = PAIRS.iter().map(|pair| (pair.release, pair.values)).chain(more);
    let mut taken = 0;
    for (release, values) in sets {
        let yaml = template(&program, release, values).good();
        let objects = yaml.lines().filter(|line| line.starts_with("kind: ")).count();
        for dry in [&["--dry-run=server"][..], &[]] {
            let apply = [&["apply", "--validate=strict"], dry, &["-f", "-"]].concat();
            let said = api.try_kubectl(&apply, &yaml).await;
            // A warning is a field that the server would rather not have.
            assert!(said.ok && !said.stderr.contains("Warning"), "{values:?}: {}{}", said.stdout, said.stderr);
            assert_eq!(said.stdout.lines().count(), objects, "{values:?}: {}", said.stdout);
        }
        api.try_kubectl(&["delete", "--wait=false", "-f", "-"], &yaml).await.good();
        taken += 1;
    }
    assert_eq!(taken, PAIRS.len() + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_installs_it_changes_it_without_a_restart_and_takes_it_away() {
    const TEST: &str = "helm_installs_it_changes_it_without_a_restart_and_takes_it_away";
    let Some(program) = Helm::find(TEST) else { return };
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    let program = program.with(api.kubeconfig());
    api.apply(KINDS).await;
    api.kubectl(&["wait", "--for=condition=Established", "--all", "crd"]).await;

    let said = helm(&program, &["install", RELEASE, CHART], &["--set", ALL]).good();
    assert!(said.contains("STATUS: deployed"), "{said}");
    let installed = of_helm(&api).await;
    // Two Deployments, three Services, three maps, two accounts with their roles, and the rest once.
    assert!(installed.len() >= 20, "{installed:?}");
    let before = api.get("kube-system", "deployment/interlocal").await;

    let table = "peers.regions.east.endpoints={192.0.2.1},config.cache.size=8MiB";
    helm(&program, &["upgrade", RELEASE, CHART], &["--set", ALL, "--set", table]).good();
    let map = api.get("kube-system", "configmap/interlocal-peers").await;
    assert!(map["data"]["peers.yaml"].as_str().unwrap().contains("192.0.2.1"), "{map}");
    let after = api.get("kube-system", "deployment/interlocal").await;
    assert_eq!(
        after["metadata"]["generation"], before["metadata"]["generation"],
        "nothing is restarted for a new table"
    );
    assert_eq!(of_helm(&api).await, installed);

    helm(&program, &["uninstall", RELEASE], &["--wait=false"]).good();
    let left = of_helm(&api).await;
    assert!(left.is_empty(), "{left:?}");
}

/// Who began with kustomize can go on with Helm, and no pod is replaced for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_takes_over_what_kubectl_applied() {
    const TEST: &str = "helm_takes_over_what_kubectl_applied";
    let Some(program) = Helm::find(TEST) else { return };
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    let program = program.with(api.kubeconfig());
    let Some(base) = Rendered::of(TEST, "base").await else { return };
    api.apply(&base.yaml).await;
    let spec = async || -> Value { api.get("kube-system", "deployment/interlocal").await["spec"].clone() };
    let before = spec().await;
    let refused = helm(&program, &["install", RELEASE, CHART], &[]);
    assert!(!refused.ok && refused.stderr.contains("invalid ownership metadata"), "{}", refused.stderr);
    helm(&program, &["install", RELEASE, CHART, "--take-ownership"], &[]).good();
    assert_eq!(spec().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_of_the_chart_answers_for_its_region() {
    const TEST: &str = "helm::applied::a_pod_of_the_chart_answers_for_its_region";
    if !inside(TEST) {
        return;
    }
    let Some(program) = Helm::find(TEST) else { return };
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    let program = program.with(api.kubeconfig());
    api.apply(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: east}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: east}\n\
         spec: {clusterIP: 10.96.7.1, ports: [{name: http, port: 80}]}\n",
    )
    .await;
    let values = "region=east,ports.dns=5353,ports.peers=8054,ports.ready=8282,peers.regions.east.endpoints={192.0.2.1},\
                  config.kubernetes.ttl=17s";
    helm(&program, &["install", RELEASE, CHART], &["--set", values]).good();
    let pod = Pod::start(&api, "deployment/interlocal").await;
    pod.until_ready().await;
    // The pods' door, with what the values say of the zone; the peers' door, with the region.
    let reply = ask_udp("127.0.0.1:5353".parse().unwrap(), "web.east.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply).iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.96.7.1"], "{reply:?}");
    assert_eq!(reply.answers[0].ttl, 17);
    let reply = ask_tcp("127.0.0.1:8054".parse().unwrap(), "web.east.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply).len(), 1, "{reply:?}");
    assert!(!pod.log().contains("not allowed"), "{}", pod.log());
    let ended = pod.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
