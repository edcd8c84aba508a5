//! Addresses of both families, and of the other one alone.

use hickory_proto::rr::RecordType;

use super::Instance;
use super::objects::{NODE, account, namespace, pod, run, service};
use crate::support::apiserver::ApiServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dual_stack_services_and_pods_have_both() {
    let Some(api) = ApiServer::shared("dual_stack_services_and_pods_have_both").await else { return };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    let both = "ipFamilyPolicy: RequireDualStack, ports: [{name: http, port: 80}]";
    api.apply(
        &[
            NODE,
            &namespace("dual"),
            "---\n",
            &service(
                "dual",
                "web",
                &format!("clusterIPs: [10.96.7.1, \"fd00:10:96::701\"], clusterIP: 10.96.7.1, {both}"),
            ),
            &service("dual", "db", &format!("clusterIP: None, selector: {{app: db}}, {both}")),
            &service(
                "dual",
                "six",
                "ipFamilies: [IPv6], clusterIP: \"fd00:10:96::702\", ports: [{name: http, port: 80}]",
            ),
            &pod("dual", "db-0", "db", "hostname: db-0, subdomain: db"),
        ]
        .concat(),
    )
    .await;
    run(&api, "dual", "db-0", &["10.1.7.1", "fd00:1:7::1"], true).await;
    east.resolves("web.dual.svc.cluster.local", &["10.96.7.1", "fd00:10:96::701"]).await;
    east.resolves("db.dual.svc.cluster.local", &["10.1.7.1", "fd00:1:7::1"]).await;
    east.resolves("db-0.db.dual.svc.cluster.local", &["10.1.7.1", "fd00:1:7::1"]).await;
    east.resolves("six.dual.svc.cluster.local", &["fd00:10:96::702"]).await;
    let reply = east.ask("six.dual.svc.cluster.local", RecordType::A).await;
    assert!(reply.answers.is_empty() && reply.authorities.len() == 1, "NODATA: {reply:?}");
    api.delete("dual", &["pod", "db-0"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_ipv6_alone_is_served() {
    let flags = ["--service-cluster-ip-range=fd00:10:96::/112", "--advertise-address=2001:db8::1"];
    let Some(api) = ApiServer::start("a_cluster_of_ipv6_alone_is_served", &flags).await else { return };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    api.apply(
        &[
            NODE,
            &namespace("six"),
            "---\n",
            &service("six", "web", "clusterIP: \"fd00:10:96::801\", ports: [{name: http, port: 80}]"),
            &service("six", "db", "clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]"),
            &pod("six", "db-0", "db", "hostname: db-0, subdomain: db"),
        ]
        .concat(),
    )
    .await;
    run(&api, "six", "db-0", &["fd00:1:8::1"], true).await;
    east.resolves("web.six.svc.cluster.local", &["fd00:10:96::801"]).await;
    east.resolves("db-0.db.six.svc.cluster.local", &["fd00:1:8::1"]).await;
    // The API server's own address, too.
    east.resolves("kubernetes.default.svc.cluster.local", &["fd00:10:96::1"]).await;
    let name = "1.0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa";
    let ptr = east.ask(name, RecordType::PTR).await;
    assert_eq!(ptr.answers[0].data.to_string(), "web.six.svc.cluster.local.");
}
