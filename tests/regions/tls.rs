//! Regions that ask each other over TLS: certificates on both sides, changed while questions are asked, and what each wrong one
//! says in `dig`. Names of other regions never suffer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tokio::net::TcpListener;

use crate::support::certificates::{Authority, Files};
use crate::support::client::ask_udp;
use crate::support::ip;
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::regions::demo_region;
use crate::support::running::Running;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

const EAST: &str = "busybox-0.busybox.east.svc.cluster.local";
const WEST: &str = "busybox-0.busybox.west.svc.cluster.local";
/// The door of everybody who shows a certificate and wants one.
const MUTUAL: &str = "cert: tls/tls.crt, key: tls/tls.key, client_ca: tls/ca.crt";
/// The row of a region with such a door.
const ROW: &str = "{ca: tls/ca.crt, server_name: dns.interlocal.test, cert: tls/tls.crt, key: tls/tls.key}";
const NAME: &[&str] = &["dns.interlocal.test"];

/// East and west, which ask each other over TLS only, and the files of each.
async fn two(authority: &Authority) -> ([Running; 2], [Files; 2]) {
    let bound = ["east", "west"].map(|label| {
        let region = demo_region(label).tls_door(MUTUAL);
        // The least age of which not all is the end of it.
        region.key("peers", "{file: peers.yaml, max_age: 6s, deadline: 8s}").bind()
    });
    let files = bound.each_ref().map(|region| Files::in_folder(region.folder()));
    for files in &files {
        files.ca(authority.pem());
        files.pair(&authority.sign(NAME));
    }
    let row =
        |at: usize| format!("  {}: {{endpoints: [\"{}\"], tls: {ROW}}}\n", bound[at].label(), bound[at].tls_door());
    let table = format!("regions:\n{}{}", row(0), row(1));
    bound.iter().for_each(|region| region.table(&table));
    let running = bound.map(super::support::region::Bound::start);
    // Whoever meets the other one before it has read its zone leaves it again.
    for region in &running {
        region.ready().await;
    }
    for region in &running {
        region.peers_up().await;
    }
    until_is(&running[0], WEST, "10.0.115.11").await;
    until_is(&running[1], EAST, "10.0.102.90").await;
    (running, files)
}

/// A region with a door over TLS and these certificates, and no peers.
async fn with_door(label: &str, keys: &str, files: impl FnOnce(&Files)) -> Running {
    let region = demo_region(label).tls_door(keys).table(&format!("regions: {{{label}: {{}}}}\n"));
    files(&Files::in_folder(region.folder()));
    region.start().await
}

/// East, whose table has west at this address with this `tls`, and itself.
async fn asking(west: SocketAddr, tls: &str, files: impl FnOnce(&Files)) -> Running {
    let region = demo_region("east").key("peers", "{file: peers.yaml, deadline: 5s}");
    files(&Files::in_folder(region.folder()));
    let table = format!("regions:\n  east: {{}}\n  west: {{endpoints: [\"{west}\"], tls: {tls}}}\n");
    region.table(&table).start().await
}

/// What `dig` says of west at last: the first questions may only say that there is no connection yet.
async fn until_told(east: &Running, wanted: &str) {
    let wanted = format!("region west does not answer: {wanted}");
    let ask = || async {
        let reply = ask_udp(east.dns(), WEST, RecordType::A).await;
        assert_eq!(reply.response_code, ResponseCode::ServFail, "{reply}");
        extended_errors(&reply).first().map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let told = eventually(secs(20), || async { ask().await == wanted }).await;
    assert!(told, "{:?} and not {wanted:?}", ask().await);
    let local = ask_udp(east.dns(), "web.default.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&local), [ip("172.20.2.10")]);
}

async fn until_answered(east: &Running) {
    until_is(east, WEST, "10.0.115.11").await;
}

async fn until_is(region: &Running, asked: &str, address: &str) {
    let answered = eventually(secs(20), || async {
        addresses(&ask_udp(region.dns(), asked, RecordType::A).await) == [ip(address)]
    });
    assert!(answered.await, "{:?}", extended_errors(&ask_udp(region.dns(), asked, RecordType::A).await));
}

#[tokio::test]
async fn two_regions_ask_each_other_over_tls_with_certificates_on_both_sides() {
    let ([east, west], _files) = two(&Authority::new("one")).await;
    for region in [&east, &west] {
        assert_eq!(region.metric("interlocal_tls_ok").await, Some(1.0));
        assert!(region.counter("interlocal_tls_handshakes_total").await > 0.0);
    }
    assert_eq!(east.metric("interlocal_peer_tls_ok{region=\"west\"}").await, Some(1.0));
    // The first day of 4096, for all of them.
    for series in [
        "interlocal_tls_not_after_timestamp_seconds{file=\"certificate\"}",
        "interlocal_tls_not_after_timestamp_seconds{file=\"client_ca\"}",
        "interlocal_peer_tls_not_after_timestamp_seconds{region=\"west\",file=\"ca\"}",
        "interlocal_peer_tls_not_after_timestamp_seconds{region=\"west\",file=\"certificate\"}",
    ] {
        assert_eq!(east.metric(series).await, Some(67_090_118_400.0), "{series}");
    }
    // A peer's answer over TLS is as one over TCP: with authority, refused if it is another region's.
    let reply = ask_udp(east.dns(), "nobody.west.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn certificates_and_authority_change_on_both_sides_without_a_lost_question() {
    let old = Authority::new("old");
    let (regions, files) = two(&old).await;
    let regions = Arc::new(regions);
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = [(0, "west"), (1, "east")]
        .into_iter()
        .map(|(at, peer)| {
            let (regions, stop) = (Arc::clone(&regions), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Relaxed) {
                    // A new name each time, which no memory has.
                    let asked = format!("n{at}-{number}.{peer}.svc.cluster.local");
                    let reply = ask_udp(regions[at].dns(), &asked, RecordType::A).await;
                    number += 1;
                    let errors = extended_errors(&reply);
                    if errors.iter().any(|(_, text)| text.contains("timed out")) {
                        // A machine that is busy for a whole second, and nobody's certificate.
                        continue;
                    }
                    assert_eq!(reply.response_code, ResponseCode::NXDomain, "{asked}: {errors:?}");
                }
                number
            })
        })
        .collect();
    let new = Authority::new("new");
    let both = format!("{}{}", old.pem(), new.pem());
    // Both authorities first, then the certificates, then the old authority goes. Connections are made anew at each step.
    let steps: [&dyn Fn(&Files); 3] =
        [&|files| files.ca(&both), &|files| files.pair(&new.sign(NAME)), &|files| files.ca(new.pem())];
    for (number, step) in steps.iter().enumerate() {
        files.iter().for_each(step);
        for region in regions.iter() {
            let handshakes = region.counter("interlocal_tls_handshakes_total").await;
            let again = eventually(secs(40), || async {
                region.counter("interlocal_tls_handshakes_total").await >= handshakes + 6.0
            });
            assert!(again.await, "step {number}: {} sees no new connections", region.label());
            for series in [
                "interlocal_tls_ok",
                "interlocal_peer_tls_ok{region=\"east\"}",
                "interlocal_peer_tls_ok{region=\"west\"}",
            ] {
                let ok =
                    eventually(secs(20), || async { region.metric(series).await.is_none_or(|value| value == 1.0) });
                assert!(ok.await, "step {number}: {series}");
            }
        }
    }
    stop.store(true, Relaxed);
    for asker in askers {
        assert!(asker.await.unwrap() > 0);
    }
    let west = regions[1].tls_door();
    until_answered(
        &asking(west, ROW, |files| {
            files.ca(new.pem());
            files.pair(&new.sign(NAME));
        })
        .await,
    )
    .await;
    let late = asking(west, ROW, |files| {
        files.ca(new.pem());
        files.pair(&old.sign(NAME));
    })
    .await;
    until_told(&late, "our certificate was refused").await;
    let late = asking(west, ROW, |files| {
        files.ca(old.pem());
        files.pair(&new.sign(NAME));
    })
    .await;
    until_told(&late, "certificate not trusted").await;
}

#[tokio::test]
async fn each_wrong_certificate_of_a_region_has_its_words() {
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let keys = "cert: tls/tls.crt, key: tls/tls.key";
    let good = with_door("west", keys, |files| files.pair(&one.sign(NAME))).await;
    let expired = with_door("west", keys, |files| files.pair(&one.sign_until(NAME, 2020))).await;
    let by_address = with_door("west", keys, |files| files.pair(&one.sign(&["127.0.0.1"]))).await;
    let row = "{ca: tls/ca.crt, server_name: dns.interlocal.test}";
    let trusting = |files: &Files| files.ca(one.pem());

    until_answered(&asking(good.tls_door(), row, trusting).await).await;
    until_answered(&asking(by_address.tls_door(), "{ca: tls/ca.crt}", trusting).await).await;
    let east = asking(good.tls_door(), row, |files| files.ca(other.pem())).await;
    until_told(&east, "certificate not trusted").await;
    assert!(east.counter("interlocal_peer_tls_failures_total{region=\"west\",cause=\"not_trusted\"}").await > 0.0);
    until_told(&asking(good.tls_door(), "{ca: tls/ca.crt}", trusting).await, "certificate is for another name").await;
    let named = row.replace("dns.", "x.");
    until_told(&asking(good.tls_door(), &named, trusting).await, "certificate is for another name").await;
    until_told(&asking(expired.tls_door(), row, trusting).await, "certificate expired").await;
    let http = good.app().addresses().health.unwrap();
    until_told(&asking(http, row, trusting).await, "server does not speak TLS").await;
    // To DNS in clear text a handshake is the length of a long message, of which the rest never comes.
    until_told(&asking(good.peers_door(), row, trusting).await, "TLS handshake timed out").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    until_told(&asking(silent.local_addr().unwrap(), row, trusting).await, "TLS handshake timed out").await;
}

#[tokio::test]
async fn our_own_files_that_are_wrong_cost_their_region_until_they_are_mended() {
    let one = Authority::new("one");
    let west = with_door("west", MUTUAL, |files| {
        files.ca(one.pem());
        files.pair(&one.sign(NAME));
    })
    .await;
    let east = asking(west.tls_door(), ROW, |_| {}).await;
    let files = Files::in_folder(east.path(".").as_path());
    until_told(&east, "CA file missing").await;
    assert_eq!(east.metric("interlocal_peer_tls_ok{region=\"west\"}").await, Some(0.0));
    files.ca("nothing of a certificate");
    files.put("tls.crt", &one.sign(NAME).cert);
    until_told(&east, "key file missing").await;
    let (_, page) = east.get("/peers").await;
    assert!(page.contains("tls.key: key file missing") && page.contains("\"cause\": \"key file missing\""), "{page}");
    files.put("tls.key", &one.sign(NAME).key);
    until_told(&east, "no certificate in the CA file").await;
    files.ca(one.pem());
    until_told(&east, "key is not the certificate's").await;
    files.pair(&one.sign(NAME));
    until_answered(&east).await;
    east.until_metric("interlocal_peer_tls_ok{region=\"west\"}", 1.0).await;
    // What was good stays while it is wrong again.
    files.remove("tls.key");
    east.until_metric("interlocal_peer_tls_ok{region=\"west\"}", 0.0).await;
    until_answered(&east).await;
}

#[tokio::test]
async fn a_region_that_wants_a_certificate_says_so_to_whoever_has_none() {
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let west = with_door("west", MUTUAL, |files| {
        files.ca(one.pem());
        files.pair(&one.sign(NAME));
    })
    .await;
    let none = "{ca: tls/ca.crt, server_name: dns.interlocal.test}";
    let east = asking(west.tls_door(), none, |files| files.ca(one.pem())).await;
    until_told(&east, "our certificate was refused").await;
    let refused =
        |cause: &str| format!("interlocal_tls_handshake_failures_total{{cause=\"{cause}_client_certificate\"}}");
    assert!(west.counter(&refused("no")).await > 0.0);
    let east = asking(west.tls_door(), ROW, |files| {
        files.ca(one.pem());
        files.pair(&other.sign(NAME));
    })
    .await;
    until_told(&east, "our certificate was refused").await;
    assert!(west.counter(&refused("bad")).await > 0.0);
    assert_eq!(west.counter("interlocal_tls_handshakes_total").await, 0.0, "nobody was let in");
}

#[tokio::test]
async fn a_row_that_turns_to_tls_is_not_asked_in_clear_text_any_more() {
    let west = ScriptServer::start();
    drop(west.on_zone("west.svc.cluster.local").answer_a("192.0.2.1", 0));
    let row = |tls: &str| format!("regions: {{west: {{endpoints: [\"{}\"]{tls}}}}}\n", west.address());
    let east = Region::new("east").table(&row("")).start().await;
    east.peers_up().await;
    assert_eq!(addresses(&ask_udp(east.dns(), "a.b.west.svc.cluster.local", RecordType::A).await), [ip("192.0.2.1")]);
    Files::in_folder(east.path(".").as_path()).ca(Authority::new("one").pem());
    east.rewrite_peers(&row(", tls: {ca: tls/ca.crt}"));
    let told = eventually(secs(20), || async {
        let reply = ask_udp(east.dns(), "c.d.west.svc.cluster.local", RecordType::A).await;
        reply.response_code == ResponseCode::ServFail
    });
    assert!(told.await);
    west.forget();
    for number in 0..5 {
        let asked = format!("n{number}.e.west.svc.cluster.local");
        assert_eq!(ask_udp(east.dns(), &asked, RecordType::A).await.response_code, ResponseCode::ServFail);
    }
    // Neither a question nor a probe: what comes is a handshake, which no server of DNS reads to its end.
    assert_eq!(west.received().len(), 0);
}
