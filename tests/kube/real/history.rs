//! Watches that end all the time, and a server that has forgotten what came before: nobody may see it in an answer.

use interlocal::kube::Selection;
use interlocal::kube::api::{Settings, Target};

use super::Instance;
use super::instance::failures;
use super::objects::{account_by, cluster_ip, namespace, web};
use super::relay;
use super::steady::Steady;
use crate::support::apiserver::ApiServer;
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone};

/// Without its cache of watches, the server asks etcd, which can be told to forget.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_from_before_a_compaction_is_told_so_and_lists_anew() {
    const TEST: &str = "a_watch_from_before_a_compaction_is_told_so_and_lists_anew";
    let flags = ["--watch-cache-sizes=services#0,endpointslices.discovery.k8s.io#0,namespaces#0"];
    let Some(api) = ApiServer::start(TEST, &flags).await else { return };
    let relay = relay::to(api.port()).await;
    let kubeconfig = account_by(&api, &relay, "interlocal").await;
    api.apply(&web("old", "10.96.11.1")).await;
    let east = Instance::ready(&kubeconfig, "").await;
    let steady = Steady::watch(&east, "web.old.svc.cluster.local", "10.96.11.1");
    for round in 1..=3 {
        // What the watch of Services does not hear of, so that what it would hear next is before the compaction.
        let others: Vec<String> = (0..4).map(|other| namespace(&format!("old-{round}-{other}")) + "---\n").collect();
        api.apply(&others.concat()).await;
        api.compact().await;
        relay::cut(&relay);
        east.until_metric(&failures("services", "gone"), f64::from(round)).await;
        let (name, address) = (format!("new-{round}"), format!("10.96.11.1{round}"));
        api.apply(&cluster_ip("old", &name, &address)).await;
        east.resolves(&format!("{name}.old.svc.cluster.local"), &[&address]).await;
    }
    steady.never_missing();
    assert_eq!(east.metric("interlocal_kube_relist_removed_total{resource=\"services\"}").await, 0.0);
}

/// We say ourselves how long a watch may last, so what the server would choose (`--min-request-timeout`) never comes to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_that_end_every_second_miss_nothing() {
    const TEST: &str = "watches_that_end_every_second_miss_nothing";
    let Some(api) = ApiServer::start(TEST, &["--min-request-timeout=5"]).await else { return };
    let (_proxy, url) = api.proxy().await;
    api.apply(&web("short", "10.96.12.1")).await;
    let settings = Settings { watch: secs(1), ..Settings::default() };
    let zone = Zone::of(Target::Url(url), &settings, &Selection::default());
    assert!(eventually(LIMIT, || async { zone.snapshot().synced && zone.services() == 2 }).await);
    zone.fewest();
    for round in 0..40 {
        api.apply(&cluster_ip("short", &format!("more-{round}"), &format!("10.96.12.{}", round + 10))).await;
        assert!(eventually(LIMIT, || async { zone.services() == 3 + round }).await, "{round}: {}", zone.services());
    }
    assert_eq!(zone.fewest(), 2, "none was missing at any time");
    zone.until_metric("interlocal_kube_watches_total{resource=\"services\"}", 5.0).await;
    let lists = zone.metric("interlocal_kube_lists_total{resource=\"services\",way=\"stream\"}");
    assert_eq!(lists, 1.0, "each watch goes on where the last one ended");
    assert_eq!(zone.metric(&failures("services", "gone")), 0.0);
}
