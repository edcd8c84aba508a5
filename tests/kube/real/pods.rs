//! Services with selectors and Pods becoming answers: what the EndpointSlice controller makes of them, and we of that.

use hickory_proto::rr::{RData, RecordType};

use super::Instance;
use super::objects::{NODE, account, namespace, pod, run, service};
use crate::support::apiserver::ApiServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_are_answers_while_they_are_ready() {
    let Some(api) = ApiServer::shared("pods_are_answers_while_they_are_ready").await else { return };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    let headless = "clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]";
    let early =
        "clusterIP: None, selector: {app: db}, publishNotReadyAddresses: true, ports: [{name: sql, port: 5432}]";
    api.apply(
        &[
            NODE,
            &namespace("pods"),
            "---\n",
            &service("pods", "db", headless),
            &service("pods", "early", early),
            &service("pods", "front", "clusterIP: 10.96.4.1, selector: {app: db}, ports: [{name: sql, port: 5432}]"),
            &pod("pods", "db-0", "db", "hostname: db-0, subdomain: db"),
            &pod("pods", "db-1", "db", "hostname: db-1, subdomain: db"),
        ]
        .concat(),
    )
    .await;
    let (db, early) = ("db.pods.svc.cluster.local", "early.pods.svc.cluster.local");
    east.resolves("front.pods.svc.cluster.local", &["10.96.4.1"]).await;
    east.resolves(db, &[]).await;

    run(&api, "pods", "db-0", &["10.1.4.1"], true).await;
    run(&api, "pods", "db-1", &["10.1.4.2"], false).await;
    east.resolves(db, &["10.1.4.1"]).await;
    east.resolves(early, &["10.1.4.1", "10.1.4.2"]).await;
    east.resolves("db-0.db.pods.svc.cluster.local", &["10.1.4.1"]).await;
    east.resolves("db-1.db.pods.svc.cluster.local", &[]).await;

    run(&api, "pods", "db-1", &["10.1.4.2"], true).await;
    east.resolves(db, &["10.1.4.1", "10.1.4.2"]).await;
    east.resolves("db-1.db.pods.svc.cluster.local", &["10.1.4.2"]).await;
    let srv = east.ask("_sql._tcp.db.pods.svc.cluster.local", RecordType::SRV).await;
    let mut targets: Vec<(u16, String)> = srv.answers.iter().map(|it| port_and_target(&it.data)).collect();
    targets.sort();
    assert_eq!(
        targets,
        [(5432, "db-0.db.pods.svc.cluster.local.".into()), (5432, "db-1.db.pods.svc.cluster.local.".into())]
    );
    let ptr = east.ask("1.4.1.10.in-addr.arpa", RecordType::PTR).await;
    let names: Vec<String> = ptr.answers.iter().map(|it| it.data.to_string()).collect();
    assert!(names.contains(&"db-0.db.pods.svc.cluster.local.".to_owned()), "{names:?}");

    // Nobody runs these Pods, so one that is deleted goes on terminating.
    api.kubectl(&["delete", "pod", "-n", "pods", "db-0", "--wait=false"]).await;
    east.resolves(db, &["10.1.4.2"]).await;
    east.resolves("db-0.db.pods.svc.cluster.local", &[]).await;
    east.resolves(early, &["10.1.4.1", "10.1.4.2"]).await;
    api.delete("pods", &["pod", "db-0"]).await;
    east.resolves(early, &["10.1.4.2"]).await;
    run(&api, "pods", "db-1", &["10.1.4.2"], false).await;
    east.resolves(db, &[]).await;
    api.delete("pods", &["pod", "db-1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verified_pods_are_those_that_there_are() {
    let Some(api) = ApiServer::shared("verified_pods_are_those_that_there_are").await else { return };
    api.apply(&[NODE, &namespace("verified"), "---\n", &pod("verified", "one", "one", "")].concat()).await;
    run(&api, "verified", "one", &["10.1.5.1", "fd00:1:5::1"], true).await;
    // The role of the other overlay of the repository, under a name of its own.
    let overlay = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/pods-verified");
    let rendered = api.kubectl(&["kustomize", overlay]).await;
    let rights = rendered
        .split("---\n")
        .filter(|text| ["ServiceAccount\n", "ClusterRole"].iter().any(|kind| text.contains(&format!("kind: {kind}"))));
    let text = rights.collect::<Vec<_>>().join("---\n").replace("name: interlocal", "name: verifier");
    api.apply(&text).await;
    let kubeconfig = api.kubeconfig_of("verifier", &api.token("kube-system", "verifier").await);
    let east = Instance::ready(&kubeconfig, "pods: verified").await;
    east.resolves("10-1-5-1.verified.pod.cluster.local", &["10.1.5.1"]).await;
    east.resolves("fd00-1-5--1.verified.pod.cluster.local", &["fd00:1:5::1"]).await;
    east.resolves("10-1-5-2.verified.pod.cluster.local", &[]).await;
    east.resolves("10-1-5-1.default.pod.cluster.local", &[]).await;
    api.delete("verified", &["pod", "one"]).await;
    east.resolves("10-1-5-1.verified.pod.cluster.local", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_without_selectors_have_the_slices_that_people_write() {
    let Some(api) = ApiServer::shared("services_without_selectors_have_the_slices_that_people_write").await else {
        return;
    };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {name: hand-made, namespace: slices, labels: {kubernetes.io/service-name: box}}\n\
         addressType: IPv4\nports: [{name: smtp, port: 25}]\n\
         endpoints:\n- {addresses: [192.0.2.5], hostname: mail}\n\
         - {addresses: [192.0.2.6], conditions: {ready: false}}\n---\n";
    api.apply(
        &[
            &namespace("slices"),
            "---\n",
            slice,
            &service("slices", "box", "clusterIP: None, ports: [{name: smtp, port: 25}]"),
            &service("slices", "away", "type: ExternalName, externalName: box.slices.svc.cluster.local"),
        ]
        .concat(),
    )
    .await;
    east.resolves("box.slices.svc.cluster.local", &["192.0.2.5"]).await;
    east.resolves("mail.box.slices.svc.cluster.local", &["192.0.2.5"]).await;
    east.resolves("away.slices.svc.cluster.local", &["192.0.2.5"]).await;
    let reply = east.ask("away.slices.svc.cluster.local", RecordType::CNAME).await;
    assert_eq!(reply.answers[0].data.to_string(), "box.slices.svc.cluster.local.");
    let ptr = east.ask("5.2.0.192.in-addr.arpa", RecordType::PTR).await;
    assert_eq!(ptr.answers[0].data.to_string(), "mail.box.slices.svc.cluster.local.");
    api.patch("slices", "endpointslice/hand-made", "{\"endpoints\": [{\"addresses\": [\"192.0.2.9\"]}]}").await;
    east.resolves("box.slices.svc.cluster.local", &["192.0.2.9"]).await;
    east.resolves("192-0-2-9.box.slices.svc.cluster.local", &["192.0.2.9"]).await;
    // Deleted with the Service's own slices, and made again with another kind.
    api.delete("slices", &["service/box", "endpointslice/hand-made"]).await;
    east.resolves("box.slices.svc.cluster.local", &[]).await;
    api.apply(&service("slices", "box", "clusterIP: 10.96.6.1, ports: [{name: smtp, port: 25}]")).await;
    east.resolves("box.slices.svc.cluster.local", &["10.96.6.1"]).await;
    // The namespace controller takes all that is in it away.
    api.kubectl(&["delete", "namespace", "slices", "--wait=false"]).await;
    east.resolves("box.slices.svc.cluster.local", &[]).await;
    east.resolves("10-9-9-9.slices.pod.cluster.local", &[]).await;
}

fn port_and_target(data: &RData) -> (u16, String) {
    match data {
        RData::SRV(srv) => (srv.port, srv.target.to_ascii()),
        other => panic!("{other} is no SRV record"),
    }
}
