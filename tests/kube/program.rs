//! The whole program with an API server: what pods and operators see of it.

use std::net::SocketAddr;
use std::process::Command;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::double::{Double, Fault, Wanted};
use crate::objects::{many, service};
use crate::support::client::ask_udp;
use crate::support::ports::free_block;
use crate::support::process::{self, Process};
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{http, ip};
use crate::zone::LIMIT;

fn region(double: &Double) -> Region {
    Region::new("east").key("kubernetes", &format!("{{source: \"{}\"}}", double.url()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_the_zone_was_read_its_names_fail_with_a_reason() {
    let mut double = Double::stopped().await;
    double.fill(many(3));
    let upstream = ScriptServer::start();
    upstream.on("www.example.com.", RecordType::A).answer_a("192.0.2.1", 60);
    let rows = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let east = region(&double).forward(&rows).bind().start();
    let forwarded = ask_udp(east.dns(), "www.example.com", RecordType::A).await;
    assert_eq!(addresses(&forwarded), [ip("192.0.2.1")], "everything else works at once");
    let reply = ask_udp(east.dns(), "web-0.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.response_code, ResponseCode::ServFail);
    assert_eq!(extended_errors(&reply)[0].0, 14, "not ready");
    let said = || async {
        let (status, text) = east.get("/ready").await;
        status == 503 && text.contains("services: cannot reach the API server")
    };
    assert!(eventually(LIMIT, said).await, "{:?}", east.get("/ready").await);
    double.start_again().await;
    east.ready().await;
    let reply = ask_udp(east.dns(), "web-0.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.1.0.0")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_in_the_api_is_a_change_of_answers() {
    let double = Double::start().await;
    double.fill(many(3));
    let east = region(&double).start().await;
    double.apply(service("shop/new", "10.96.0.7"));
    let answered = || async {
        addresses(&ask_udp(east.dns(), "new.shop.svc.cluster.local", RecordType::A).await) == [ip("10.96.0.7")]
    };
    assert!(eventually(LIMIT, answered).await);
    double.delete("services", "shop/new");
    let gone = || async {
        let reply = ask_udp(east.dns(), "new.shop.svc.cluster.local", RecordType::A).await;
        reply.response_code == ResponseCode::NXDomain
    };
    assert!(eventually(LIMIT, gone).await);
    for (series, value) in [
        ("interlocal_kube_objects{resource=\"services\"}", 3.0),
        ("interlocal_kube_watching{resource=\"endpointslices\"}", 1.0),
        ("interlocal_kube_lists_total{resource=\"services\",way=\"stream\"}", 1.0),
        ("interlocal_zone_staleness_seconds", 0.0),
        ("interlocal_kube_events_total{resource=\"services\"}", 2.0),
    ] {
        east.until_metric(series, value).await;
    }
    assert!(east.metric("interlocal_kube_last_event_timestamp_seconds{resource=\"services\"}").await > Some(1.7e9));
    assert!(east.metric("interlocal_kube_last_sync_timestamp_seconds{resource=\"services\"}").await > Some(1.7e9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_changes_no_answer_and_no_readiness() {
    let mut double = Double::start().await;
    double.fill(many(3));
    let east = region(&double).start().await;
    double.stop();
    east.until_metric("interlocal_kube_watching{resource=\"services\"}", 0.0).await;
    assert_eq!(east.get("/ready").await.0, 200);
    let reply = ask_udp(east.dns(), "web-0.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!((reply.response_code, addresses(&reply)), (ResponseCode::NoError, vec![ip("10.1.0.0")]));
    double.apply(service("shop/new", "10.96.0.7"));
    double.start_again().await;
    let answered =
        || async { !addresses(&ask_udp(east.dns(), "new.shop.svc.cluster.local", RecordType::A).await).is_empty() };
    assert!(eventually(LIMIT, answered).await);
}

/// What is read follows the configuration, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_source_and_other_pods_are_taken_by_a_reload() {
    let (double, other) = (Double::start().await, Double::start().await);
    double.fill(many(3));
    other.fill(many(5));
    let east = region(&double).start().await;
    assert_eq!(double.count(Wanted::Of("pods")), 0);
    east.rewrite_key("kubernetes", &format!("{{source: \"{}\", pods: verified}}", other.url()));
    east.until_metric("interlocal_zone_services", 5.0).await;
    assert!(eventually(LIMIT, || async { other.count(Wanted::Of("pods")) == 1 }).await);
    double.plan(Wanted::Any, Fault::refuse(500, "InternalError"), 1);
    double.close_connections();
    assert!(eventually(LIMIT, || async { other.count(Wanted::Of("services")) == 1 }).await);
}

/// A denial is never remembered: the first question behind the change gets the new address, though it was denied before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_deleted_and_made_again_is_answered_with_the_first_question() {
    let double = Double::start().await;
    double.fill(many(3));
    let east = region(&double).start().await;
    for round in 0..20 {
        double.delete("services", "shop/web-1");
        east.until_metric("interlocal_zone_services", 2.0).await;
        let denied = ask_udp(east.dns(), "web-1.shop.svc.cluster.local", RecordType::A).await;
        assert_eq!(denied.response_code, ResponseCode::NXDomain);
        let address = format!("10.96.0.{round}");
        double.apply(service("shop/web-1", &address));
        east.until_metric("interlocal_zone_services", 3.0).await;
        let reply = ask_udp(east.dns(), "web-1.shop.svc.cluster.local", RecordType::A).await;
        assert_eq!(addresses(&reply), [ip(&address)], "round {round}");
    }
}

/// As in a pod: the token is in a file, which somebody else renews. The old one is refused from that moment on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_renewed_leaves_no_gap() {
    let (double, folder, first) = (Double::start().await, tempfile::tempdir().unwrap(), free_block(2));
    double.fill(many(3));
    double.require("old");
    let path = |name: &str| folder.path().join(name);
    let [dns, metrics] = [first, first + 1].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let kubeconfig = format!(
        "{{apiVersion: v1, kind: Config, current-context: here, contexts: [{{name: here, context: {{cluster: c, user: u}}}}],
          clusters: [{{name: c, cluster: {{server: '{}'}}}}], users: [{{name: u, user: {{tokenFile: '{}'}}}}]}}",
        double.url(),
        path("token").display()
    );
    let config = format!(
        "listen: {{dns: ['{dns}'], peers: [], health: '', ready: '', metrics: '{metrics}', admin: ''}}\n\
         kubernetes: {{source: api}}\npeers: {{file: ''}}\nforward: []\nshutdown: {{lameduck: 0s}}\n"
    );
    for (name, text) in [("token", "old"), ("kubeconfig", kubeconfig.as_str()), ("interlocal.yaml", config.as_str())] {
        std::fs::write(path(name), text).unwrap();
    }
    let mut command = Command::new(process::binary());
    command.env("KUBECONFIG", path("kubeconfig")).env_remove("KUBERNETES_SERVICE_HOST");
    let process = Process::of(command, folder.path(), &["serve", "--config", "interlocal.yaml"]);
    let services = |wanted: f64| async move {
        let seen = || async {
            let page = http::get(metrics, "/metrics").await;
            page.is_some_and(|(_, text)| http::series(&text, "interlocal_zone_services") == Some(wanted))
        };
        eventually(LIMIT, seen).await
    };
    assert!(services(3.0).await, "{}", process.stderr());
    std::fs::write(path("token~"), "new").unwrap();
    std::fs::rename(path("token~"), path("token")).unwrap();
    double.require("new");
    double.close_connections();
    double.apply(service("shop/new", "10.96.0.7"));
    assert!(services(4.0).await, "{}", process.stderr());
    let reply = ask_udp(dns, "web-0.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.1.0.0")]);
    assert_eq!(double.count(Wanted::Streams("services")), 1, "the watch went on where it was");
}
