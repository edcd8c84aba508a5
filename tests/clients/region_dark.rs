//! A region that does not answer: it fails by its deadline, then at once, and comes back by itself.

use hickory_proto::op::ResponseCode;
use interlocal::answer::Failure;
use interlocal::peer::Settings;
use interlocal::peer::health::Health;
use tokio::time::Instant;

use crate::setup::{PATIENCE, at_once, nobody, own_stamp, question, region, settings};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ms, secs};

const WEB: &str = "web.east.svc.cluster.local";

fn dark(cause: &'static str) -> Failure {
    Failure::RegionDark { region: "east".into(), cause }
}

fn hasty() -> Settings {
    Settings { deadline: ms(300), ..settings() }
}

#[tokio::test]
async fn a_refused_connection_makes_it_dark_and_a_probe_brings_it_back() {
    let dead = nobody();
    let address = dead.address;
    let client = region(&[address], settings());
    assert_eq!(client.ask(&question(WEB), &own_stamp()).await.unwrap_err(), dark("connection refused"));
    assert!(client.is_dark());
    for _ in 0..10 {
        let failure = at_once(client.ask(&question(WEB), &own_stamp())).await;
        assert_eq!(failure.expect("known to be dark: no wait").unwrap_err(), dark("connection refused"));
    }
    assert_eq!(client.snapshot().addresses[0].questions, 0, "nothing was sent");
    drop(dead);
    let server = ScriptServer::start_on(address);
    let back = || async { client.snapshot().addresses[0].health == Health::Closed };
    assert!(eventually(PATIENCE, back).await, "no question was needed for it");
    assert!(!client.is_dark());
    assert!(client.ask(&question(WEB), &own_stamp()).await.is_ok());
    let probe = &server.received()[0];
    let probe = probe.message.as_ref().unwrap().queries[0].name().to_string();
    assert!(probe.starts_with("_interlocal-") && probe.ends_with(".east.svc.cluster.local."), "{probe}");
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_opens_on_the_second_connection() {
    let server = ScriptServer::start();
    server.on_any().drop_query();
    let client = region(&[server.address()], hasty());
    assert!(eventually(PATIENCE, || async { server.open_connections() == 1 }).await);
    let before = Instant::now();
    assert_eq!(client.ask(&question(WEB), &own_stamp()).await.unwrap_err(), dark("timed out"));
    assert!(before.elapsed() >= ms(300), "it had its time");
    let is_open = || async { client.snapshot().addresses[0].health != Health::Closed };
    assert!(eventually(PATIENCE, is_open).await, "no second question was needed");
    assert!(server.connections() >= 2, "one connection is not enough to say so");
    assert!(at_once(client.ask(&question(WEB), &own_stamp())).await.is_some());
    server.clear();
    server.on_any().rcode(ResponseCode::NXDomain);
    assert!(eventually(PATIENCE, || async { client.ask(&question(WEB), &own_stamp()).await.is_ok() }).await);
    assert_eq!(client.snapshot().addresses[0].health, Health::Closed);
}

#[tokio::test]
async fn one_name_that_is_never_answered_does_not_make_the_region_dark() {
    let server = ScriptServer::start();
    server.on_name("lost.example").drop_query();
    let client = region(&[server.address()], Settings { deadline: secs(2), ..settings() });
    for _ in 0..3 {
        let lost = tokio::spawn({
            let client = client.clone();
            async move { client.ask(&question("lost.example"), &own_stamp()).await }
        });
        // Others are answered meanwhile.
        while !lost.is_finished() {
            client.ask(&question(WEB), &own_stamp()).await.unwrap();
            tokio::time::sleep(ms(5)).await;
        }
        assert_eq!(lost.await.unwrap().unwrap_err(), dark("timed out"));
    }
    assert_eq!(client.snapshot().addresses[0].health, Health::Closed);
}

#[tokio::test]
async fn a_server_that_does_not_serve_the_region_stays_dark() {
    let dead = nobody();
    let address = dead.address;
    let client = region(&[address], settings());
    client.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    drop(dead);
    let server = ScriptServer::start_on(address);
    server.on_any().rcode(ResponseCode::Refused);
    assert!(eventually(PATIENCE, || async { client.snapshot().addresses[0].probe_failures >= 2 }).await);
    let failure = at_once(client.ask(&question(WEB), &own_stamp())).await;
    assert!(matches!(failure, Some(Err(Failure::RegionDark { .. }))), "{failure:?}");
    server.clear();
    assert!(eventually(PATIENCE, || async { client.ask(&question(WEB), &own_stamp()).await.is_ok() }).await);
}

/// The clock is the runtime's own: nothing else has to happen in these seconds.
#[tokio::test(start_paused = true)]
async fn probes_are_a_second_apart() {
    let dead = nobody();
    let client = region(&[dead.address], settings());
    client.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    tokio::time::sleep(secs(20)).await;
    let attempts = client.snapshot().addresses[0].connect_failures;
    assert!((16..=27).contains(&attempts), "{attempts} in 20 s");
}
