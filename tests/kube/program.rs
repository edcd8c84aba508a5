//! The whole program with an API server: what pods and operators see of it.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::double::{Double, Fault, Wanted};
use crate::objects::{many, service};
use crate::support::client::ask_udp;
use crate::support::ip;
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::wait::eventually;
use crate::zone::LIMIT;

fn region(double: &Double) -> Region {
    Region::new("east").key("kubernetes", &format!("{{source: \"{}\"}}", double.url()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_the_zone_was_read_its_names_fail_with_a_reason() {
    let mut double = Double::stopped().await;
    double.fill(many(3));
    let east = region(&double).bind().start();
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
