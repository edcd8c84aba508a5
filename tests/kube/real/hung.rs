//! A server, or a connection to it, that is there and says nothing: noticed by the end that we asked for and did not get.

use interlocal::kube::Selection;
use interlocal::kube::api::{Settings, Target};
use tokio::time::Instant;

use super::Instance;
use super::instance::failures;
use super::objects::{account, cluster_ip, web};
use super::relay;
use super::steady::Steady;
use crate::support::apiserver::ApiServer;
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone};

/// As an operator runs it: with the program's own times, so this takes a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_noticed_and_asked_again() {
    const TEST: &str = "a_server_that_hangs_is_noticed_and_asked_again";
    let Some(mut api) = ApiServer::start(TEST, &[]).await else { return };
    let kubeconfig = account(&api, "interlocal").await;
    api.apply(&web("hung", "10.96.13.1")).await;
    let east = Instance::ready(&kubeconfig, "").await;
    let steady = Steady::watch(&east, "web.hung.svc.cluster.local", "10.96.13.1");
    let since = Instant::now();
    api.pause();
    east.until_metric(&failures("services", "silent"), 1.0).await;
    println!("a hung server is noticed after {:?}", since.elapsed());
    assert_eq!(east.page().await.unwrap().0, 200);
    api.resume();
    let back = Instant::now();
    api.apply(&cluster_ip("hung", "late", "10.96.13.2")).await;
    east.resolves("late.hung.svc.cluster.local", &["10.96.13.2"]).await;
    println!("a change is seen {:?} after the server goes on", back.elapsed());
    steady.never_missing();
}

/// A firewall forgot the connection: the server is well, and new connections work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_dead_without_a_word_is_given_up() {
    const TEST: &str = "a_connection_that_is_dead_without_a_word_is_given_up";
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    let (_proxy, url) = api.proxy().await;
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let relay = relay::to(port).await;
    api.apply(&web("dead", "10.96.14.1")).await;
    let settings =
        Settings { watch: secs(3), watch_grace: secs(1), head: secs(2), client_age: secs(1), ..Settings::default() };
    let target = Target::Url(format!("http://127.0.0.1:{}", relay.address().port()));
    let zone = Zone::of(target, &settings, &Selection::default());
    assert!(eventually(LIMIT, || async { zone.snapshot().synced && zone.services() == 2 }).await);
    zone.fewest();
    relay::freeze(&relay);
    api.apply(&cluster_ip("dead", "late", "10.96.14.2")).await;
    zone.until_metric(&failures("services", "silent"), 1.0).await;
    assert!(eventually(LIMIT, || async { zone.services() == 3 }).await);
    assert_eq!(zone.fewest(), 2);
}
