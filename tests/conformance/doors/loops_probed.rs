//! The self-probe in a running instance: `.` that leads back to ourselves, and back to somebody else; our own row; and what both
//! doors answer to it.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record, RecordType};

use super::setup::{STAMP, both, ede, stamp, world};
use crate::support::client::Ask;
use crate::support::read::{addresses, texts};
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, regions, secs, yaml};

async fn east() -> Running {
    let objects = yaml::join(&[yaml::namespace("east"), yaml::service("east/app", &["10.100.0.2"], &["http:80"])]);
    Region::new("east").manifests(&objects).key("limits", "{forward_deadline: 1s}").start().await
}

fn root(to: &[String]) -> String {
    format!("[{{zone: ., to: [{}]}}]", to.join(", "))
}

async fn reloaded(east: &Running, forward: &str, times: f64) {
    east.rewrite_key("forward", forward);
    east.until_metric("interlocal_config_reload_total{file=\"config\",result=\"ok\"}", times).await;
}

/// `127.0.0.53` or our own ClusterIP in a resolv.conf: no stamp is on these questions, so it is for the probe to find.
#[tokio::test]
async fn an_upstream_that_is_ourselves_is_taken_out_and_a_good_one_goes_in() {
    let east = east().await;
    let ourselves = format!("\"{}\"", east.dns());
    reloaded(&east, &root(std::slice::from_ref(&ourselves)), 1.0).await;
    east.until_metric(&format!("interlocal_upstream_loops{{zone=\".\",address=\"{}\"}}", east.dns()), 1.0).await;
    let reply = Ask::new("www.example.com", RecordType::A).udp(east.dns()).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ede(&reply).1, "loop: the route for . leads back here");
    let local = Ask::new("app.east.svc.cluster.local", RecordType::A).udp(east.dns()).await;
    assert_eq!(addresses(&local), [ip("10.100.0.2")]);

    let upstream = ScriptServer::start();
    drop(upstream.on("www.example.org", RecordType::A).answer_a("192.0.2.1", 60));
    reloaded(&east, &root(&[ourselves, format!("\"{}\"", upstream.address())]), 2.0).await;
    for _ in 0..3 {
        let reply = Ask::new("www.example.org", RecordType::A).udp(east.dns()).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.1")], "the other one of the list is asked");
    }
}

/// An address that leads back to us for a while. It is probed every 30 s; a change of the list asks all of it at once.
#[tokio::test]
async fn an_upstream_that_was_mended_comes_back() {
    let (east, upstream, second) = (east().await, ScriptServer::start(), ScriptServer::start());
    let instance = format!("{:016x}", east.app().core().instance);
    let leads_back = move |query: &Message, reply: &mut Message| {
        let name = query.queries[0].name().clone();
        let ids = TXT::new(vec!["0000000000000000".to_owned(), instance.clone()]);
        reply.answers = vec![Record::from_rdata(name, 0, RData::TXT(ids))];
    };
    drop(upstream.on_any().edit(leads_back));
    let row = format!("\"{}\"", upstream.address());
    reloaded(&east, &root(std::slice::from_ref(&row)), 1.0).await;
    let series = format!("interlocal_upstream_loops{{zone=\".\",address=\"{}\"}}", upstream.address());
    east.until_metric(&series, 1.0).await;
    let failed = Ask::new("www.example.com", RecordType::A).udp(east.dns()).await;
    assert_eq!(ede(&failed).1, "loop: the route for . leads back here");

    upstream.clear();
    drop(upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    drop(second.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    reloaded(&east, &root(&[row, format!("\"{}\"", second.address())]), 2.0).await;
    east.until_metric(&series, 0.0).await;
    let served = eventually(secs(20), || async {
        addresses(&Ask::new("www.example.com", RecordType::A).udp(east.dns()).await) == [ip("192.0.2.1")]
    });
    assert!(served.await);
}

/// F13: loops that form while we run, behind an upstream and behind a region's row. Nothing of ours changed, so it is found only by
/// asking again.
#[tokio::test]
async fn a_loop_that_forms_at_run_time_is_found() {
    let (upstream, west) = (ScriptServer::start(), ScriptServer::start());
    let east = east().await;
    reloaded(&east, &root(&[format!("\"{}\"", upstream.address())]), 1.0).await;
    east.rewrite_peers(&format!(
        "regions:\n  east: {{endpoints: [\"127.0.0.1:1\"]}}\n  west: {{endpoints: [\"{}\"]}}\n",
        west.address()
    ));
    let probed = |server: &ScriptServer| {
        let all = server.received();
        all.iter()
            .filter_map(|query| query.message.as_ref())
            .any(|query| query.queries[0].name().to_ascii().contains("_interlocal-loop"))
    };
    assert!(eventually(secs(20), || async { probed(&upstream) && probed(&west) }).await);
    let instance = format!("{:016x}", east.app().core().instance);
    for server in [&upstream, &west] {
        let ids = TXT::new(vec!["0000000000000000".to_owned(), instance.clone()]);
        drop(server.on_any().edit(move |query: &Message, reply: &mut Message| {
            let name = query.queries[0].name().clone();
            if name.to_ascii().contains("_interlocal-loop") {
                reply.answers = vec![Record::from_rdata(name, 0, RData::TXT(ids.clone()))];
            }
        }));
    }
    let series = [
        format!("interlocal_upstream_loops{{zone=\".\",address=\"{}\"}} 1", upstream.address()),
        format!("interlocal_peer_loops{{region=\"west\",address=\"{}\"}} 1", west.address()),
    ];
    let mut number = 0;
    let found = eventually(secs(30), || {
        number += 1;
        let asked = [format!("n{number}.example.com"), format!("n{number}.west.svc.cluster.local")];
        let (east, series) = (&east, &series);
        async move {
            for name in &asked {
                Ask::new(name, RecordType::A).udp(east.dns()).await;
            }
            let (_, page) = east.get("/metrics").await;
            series.iter().all(|one| page.contains(one.as_str()))
        }
    });
    assert!(found.await);
}

/// The own row leads to our own load balancer; that is as it should be, and it is never asked.
#[tokio::test]
async fn the_own_row_is_no_loop() {
    let objects = |label: &str| {
        yaml::join(&[yaml::namespace(label), yaml::service(&format!("{label}/app"), &["10.100.0.2"], &["http:80"])])
    };
    let met = regions::together([
        Region::new("east").manifests(&objects("east")),
        Region::new("west").manifests(&objects("west")),
    ])
    .await;
    for region in &met.running {
        region.peers_up().await;
        let reply = both(region.dns(), &Ask::new("app.east.svc.cluster.local", RecordType::A)).await;
        assert_eq!(addresses(&reply), [ip("10.100.0.2")]);
        let (_, page) = region.get("/metrics").await;
        assert!(!page.lines().any(|line| line.starts_with("interlocal_peer_loops{")), "{}", region.label());
    }
}

/// A row that leads to ourselves under another region's name is found, and says so; the others go on.
#[tokio::test]
async fn another_regions_row_that_leads_to_ourselves_is_found() {
    let east = east().await;
    let rows = format!(
        "regions:\n  east: {{endpoints: [\"127.0.0.1:1\"]}}\n  west: {{endpoints: [\"{}\"]}}\n",
        east.peers_door()
    );
    east.rewrite_peers(&rows);
    east.until_metric(&format!("interlocal_peer_loops{{region=\"west\",address=\"{}\"}}", east.peers_door()), 1.0)
        .await;
    let reply = both(east.dns(), &Ask::new("app.west.svc.cluster.local", RecordType::A)).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ede(&reply).1, "loop: the route for west.svc.cluster.local leads back here");
    let own = both(east.dns(), &Ask::new("app.east.svc.cluster.local", RecordType::A)).await;
    assert_eq!(addresses(&own), [ip("10.100.0.2")]);
}

/// Answered at both doors whatever stands behind it, stamped or not, and never forwarded, cached or chased.
#[tokio::test]
async fn the_probe_is_answered_at_both_doors_and_goes_nowhere() {
    let world = world().await;
    let cluster = world.east_id().map(|octet| format!("{octet:02x}")).concat();
    let instance = format!("{:016x}", world.east.app().core().instance);
    let before = (world.west.received().len(), world.upstream.received().len());
    for door in [world.east.dns(), world.east.peers_door()] {
        for suffix in ["", ".west.svc.cluster.local", ".cluster.local", ".corp.example.com", ".in-addr.arpa"] {
            let asked = format!("0123456789abcdef._interlocal-loop{suffix}");
            let ask = Ask::new(&asked, RecordType::TXT);
            let reply = both(door, &ask).await;
            assert_eq!(texts(&reply), [cluster.clone(), instance.clone()], "{asked}");
            assert_eq!(reply.answers[0].ttl, 0);
            let stamped = ask.option(STAMP, &stamp(&[(world.east_id(), "east")]));
            assert_eq!(texts(&both(door, &stamped).await).len(), 2, "{asked}");
            let other = both(door, &Ask::new(&asked, RecordType::A)).await;
            assert_eq!((other.metadata.response_code, other.answers.len()), (ResponseCode::NoError, 0));
        }
    }
    let named = |server: &ScriptServer, from: usize| {
        let all = server.received();
        all[from..].iter().all(|query| {
            let name = query.message.as_ref().unwrap().queries[0].name().to_ascii();
            !name.contains("0123456789abcdef")
        })
    };
    assert!(named(&world.west, before.0) && named(&world.upstream, before.1));
}
