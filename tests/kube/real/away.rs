//! The API server is away, at the start and later, and comes back: as it was, or with a history that begins after ours.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tokio::time::{Instant, sleep};

use super::Instance;
use super::instance::failures;
use super::objects::{account, cluster_ip, namespace, web};
use super::steady::Steady;
use crate::support::apiserver::ApiServer;
use crate::support::read::extended_errors;
use crate::support::secs;

/// How long it is away: long enough for the pauses between two tries to have grown to their longest.
const AWAY: std::time::Duration = secs(17);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_at_the_start_and_later_is_waited_for() {
    const TEST: &str = "a_server_that_is_away_at_the_start_and_later_is_waited_for";
    let Some(mut api) = ApiServer::start(TEST, &[]).await else { return };
    let kubeconfig = account(&api, "interlocal").await;
    api.apply(&web("away", "10.96.10.1")).await;
    api.kill();

    let east = Instance::start(&kubeconfig, "");
    east.says(503, "services: cannot reach the API server").await;
    let reply = east.ask("web.away.svc.cluster.local", RecordType::A).await;
    assert_eq!((reply.response_code, extended_errors(&reply)[0].0), (ResponseCode::ServFail, 14));
    api.start_again().await;
    let back = Instant::now();
    east.until_ready().await;
    println!("away at the start: ready {:?} after the API server", back.elapsed());
    east.resolves("web.away.svc.cluster.local", &["10.96.10.1"]).await;

    let steady = Steady::watch(&east, "web.away.svc.cluster.local", "10.96.10.1");
    // What no watch of ours hears of, so that the history of the next server begins after what we know.
    for round in 0..3 {
        api.kubectl(&["create", "configmap", "-n", "away", &format!("unheard-{round}")]).await;
    }
    api.kill();
    sleep(AWAY).await;
    east.says(200, "services: 2 objects, no watch for ").await;
    assert!(east.metric("interlocal_zone_staleness_seconds").await > 10.0);
    let starting = Instant::now();
    api.start_again().await;
    let (started, back) = (starting.elapsed(), Instant::now());
    api.apply(&cluster_ip("away", "late", "10.96.10.2")).await;
    let made = Instant::now();
    east.resolves("late.away.svc.cluster.local", &["10.96.10.2"]).await;
    println!(
        "away for {AWAY:?}: a change is seen {:?} after the API server is ready, {:?} after it is made (start: {started:?})",
        back.elapsed(),
        made.elapsed()
    );
    steady.never_missing();
    // Its history begins with the restart: each watch was told 410 and listed anew, and nothing was missing meanwhile.
    east.until_metric(&failures("services", "gone"), 1.0).await;
    assert_eq!(east.metric("interlocal_kube_relist_removed_total{resource=\"services\"}").await, 0.0);
}

/// As after a restore of the wrong backup: the same credentials, no object that we know, and versions from before ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_back_empty_is_not_believed_at_once() {
    const TEST: &str = "a_server_that_is_back_empty_is_not_believed_at_once";
    let Some(mut api) = ApiServer::start(TEST, &[]).await else { return };
    let objects: String =
        (1..=150).map(|n| cluster_ip("empty", &format!("web-{n}"), &format!("10.96.15.{n}"))).collect();
    api.apply(&format!("{}---\n{objects}", namespace("empty"))).await;
    // The administrator: a ServiceAccount would be gone with everything else.
    let east = Instance::ready(&api.kubeconfig(), "").await;
    let steady = Steady::watch(&east, "web-1.empty.svc.cluster.local", "10.96.15.1");
    api.kill();
    std::fs::remove_dir_all(api.folder().join("etcd")).unwrap();
    api.start_again().await;
    east.until_metric("interlocal_kube_list_held_back{resource=\"services\"}", 1.0).await;
    steady.never_missing();
    east.says(200, "a list that takes most away is held back").await;
    // What is new is served meanwhile, and the next list agrees.
    api.apply(&web("fresh", "10.96.16.1")).await;
    east.resolves("web.fresh.svc.cluster.local", &["10.96.16.1"]).await;
    east.resolves("web-1.empty.svc.cluster.local", &[]).await;
    east.until_metric("interlocal_kube_relist_removed_total{resource=\"services\"}", 150.0).await;
}
