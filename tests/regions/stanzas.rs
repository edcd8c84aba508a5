//! What goes wrong with addresses and answers of other regions when stanzas are written by hand, and does not here. The number
//! before a name is that of the failure; most have their tests where the part is that prevents them:
//!
//! | failures | tests |
//! |---|---|
//! | F1 to F4, the pasted address | here, `clients/hosts` |
//! | F5, F6, a table of others for each region | `processes::three_processes_with_three_configurations_and_one_table`, `doors/loops_probed::the_own_row_is_no_loop` |
//! | F7, F8, a forgotten region, a hidden namespace | `doors/pods`, `reload/hiding` |
//! | F9 to F11, no validation, shared fate, restarts | `bad_files`, `bad_table`, `reload/bad`, `reload/edits` |
//! | F12, replicas that disagree | here |
//! | F13, F14, loops | `doors/loops`, `doors/loops_probed`, `clients/loops` |
//! | F15, F16, the exported resolver, a door for TCP only | `doors/peers` |
//! | F17, F18, idle connections, one target for hours | here, `clients/faults`, `clients/cut`, `clients/ageing` |
//! | F21, upstreams over TCP | `clients/upstreams`, `clients/upstreams_tcp` |
//! | F22, answers that do not fit | here, `conformance/size` |
//! | F23, F24, an ocean every 5 s, kept failures | `refresh`, `stale` |
//! | F25 to F27, kept failures, frozen order, search paths | here, `conformance/kubernetes` |
//! | F28 to F30, a dark region, its return, an unsynced one | `stale`, `dark`, `unsynced`, `clients/faults`; F29 here too |
//! | F31, no metrics | here, `peers_command` |
//! | F32, clear text | `tls`, `tls_door` |
//! | F35, F36, reverse names, whole clusters | `matrix` |
//!
//! The same with real networks and many questions: `cargo bench --bench faults`.

use std::collections::HashSet;
use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, ask_tcp, ask_udp};
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::regions::{demo_region, three, together};
use crate::support::relay::{Relay, Weather};
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, secs, yaml};

const HOST: &str = "lb.example.com";

/// A server that has this address for every name of west, on this address.
fn west_at(listen: &str, port: u16, address: &'static str) -> ScriptServer {
    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::{RData, Record};
    let server = ScriptServer::start_on(SocketAddr::new(ip(listen), port));
    server.on_zone("west.svc.cluster.local").edit(move |query, reply| {
        let asked = &query.queries[0];
        if asked.query_type() == RecordType::A {
            reply.add_answer(Record::from_rdata(asked.name().clone(), 1, RData::A(A(address.parse().unwrap()))));
        }
    });
    server
}

/// Asks for names of west, a new one each time, until it has this address.
async fn until_west_is(east: &Running, address: &str) {
    let mut number = 0;
    let seen = eventually(secs(30), || {
        number += 1;
        let asked = format!("n{number}.{}.west.svc.cluster.local", address.replace('.', "-"));
        let dns = east.dns();
        async move { addresses(&ask_udp(dns, &asked, RecordType::A).await) == [ip(address)] }
    });
    assert!(seen.await, "west is not answered by who has {address}");
}

#[tokio::test]
async fn f1_f3_a_load_balancer_that_moves_is_followed() {
    let first = west_at("127.0.0.1", 0, "192.0.2.1");
    let port = first.address().port();
    let second = west_at("127.0.0.2", port, "192.0.2.2");
    let upstream = ScriptServer::start();
    drop(upstream.on(HOST, RecordType::A).answer_a("127.0.0.1", 1));
    let east = Region::new("east")
        .table(&format!("regions: {{west: {{endpoints: [\"{HOST}:{port}\"]}}}}\n"))
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .start()
        .await;
    until_west_is(&east, "192.0.2.1").await;
    // Its name leads elsewhere now; where it led before it still answers, as a withdrawn address may for a while.
    drop(upstream.on(HOST, RecordType::A).answer_a("127.0.0.2", 1));
    until_west_is(&east, "192.0.2.2").await;
    let closed = eventually(secs(20), || async { first.open_connections() == 0 });
    assert!(closed.await, "the address that is gone keeps its connections");
    assert!(second.open_connections() > 0);
}

#[tokio::test]
async fn f2_every_address_of_a_name_is_used() {
    let first = west_at("127.0.0.1", 0, "192.0.2.1");
    let port = first.address().port();
    let second = west_at("127.0.0.2", port, "192.0.2.1");
    let upstream = ScriptServer::start();
    drop(upstream.on(HOST, RecordType::A).answer_a("127.0.0.1", 60).answer_a("127.0.0.2", 60));
    let east = Region::new("east")
        .table(&format!("regions: {{west: {{endpoints: [\"{HOST}:{port}\"]}}}}\n"))
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .start()
        .await;
    until_west_is(&east, "192.0.2.1").await;
    // One zone of the load balancer goes.
    let both = eventually(secs(20), || async { first.connections() > 0 && second.connections() > 0 });
    assert!(both.await, "both are connected to before one is needed");
    drop(first);
    for number in 0..20 {
        let asked = format!("m{number}.a.west.svc.cluster.local");
        let reply = ask_udp(east.dns(), &asked, RecordType::A).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.1")], "{reply}");
    }
}

#[tokio::test]
async fn f4_a_row_that_leads_to_another_region_says_so() {
    let west = demo_region("west").bind();
    let wrong = west.peers_door();
    west.table(&format!("regions:\n{}", west.table_row()));
    let west = west.start();
    west.ready().await;
    let row = format!("regions: {{central: {{endpoints: [\"{wrong}\"]}}}}\n");
    let east = demo_region("east").table(&row).start().await;
    let reply = ask_udp(east.dns(), "dual.central.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "{reply}");
    let (_, text) = &extended_errors(&reply)[0];
    let named = text.contains("region central") && (text.contains("REFUSED") || text.contains("does not serve"));
    assert!(named, "{text}");
}

/// The hash of the table that an instance goes by.
async fn hash(region: &Running) -> String {
    let (_, page) = region.get("/metrics").await;
    let line = page.lines().find(|line| line.starts_with("interlocal_peers_table_info{")).expect("there is one");
    line.split('"').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn f12_the_hash_of_the_table_tells_who_has_an_old_one() {
    let regions = together(["east", "west"].map(demo_region)).await;
    let (east, west) = (regions.of("east"), regions.of("west"));
    let before = hash(east).await;
    assert_eq!(before, hash(west).await, "one file, one hash");
    let newer = format!("{}  north:\n    endpoints: [\"127.0.0.1:1\"]\n", regions.table);
    east.rewrite_peers(&newer);
    assert!(eventually(secs(20), || async { hash(east).await != before }).await);
    assert_eq!(hash(west).await, before, "west has the old one still");
    west.rewrite_peers(&newer);
    assert!(eventually(secs(20), || async { hash(east).await == hash(west).await }).await);
}

#[tokio::test]
async fn f22_an_answer_of_a_region_that_does_not_fit_is_cut_and_whole_over_tcp() {
    let pods: Vec<String> = (0..100).map(|number| format!("10.7.0.{number}")).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    let objects = [
        yaml::namespace("west"),
        yaml::headless("west/many", &["http:80"]),
        yaml::slice("west/many", &pods, &["http:80"]),
    ];
    let regions = together([Region::new("east"), Region::new("west").manifests(&yaml::join(&objects))]).await;
    let east = regions.of("east");
    east.peers_up().await;
    let asked = "many.west.svc.cluster.local";
    let small = Ask::new(asked, RecordType::A).no_edns().udp(east.dns()).await;
    assert!(small.metadata.truncation && small.edns.is_none());
    let larger = Ask::new(asked, RecordType::A).edns(1_232).udp(east.dns()).await;
    assert!(larger.metadata.truncation && larger.edns.is_some(), "TC, and OPT kept");
    let whole = ask_tcp(east.dns(), asked, RecordType::A).await;
    assert_eq!((whole.metadata.truncation, addresses(&whole).len()), (false, 100));
}

#[tokio::test]
async fn f25_a_region_that_is_starting_is_asked_again_soon() {
    let west = demo_region("west").key("kubernetes", "{source: later.yaml}").bind();
    let west_row = west.table_row();
    west.table(&format!("regions:\n{west_row}"));
    let west = west.start();
    let east = Region::new("east").table(&format!("regions:\n{west_row}")).start().await;
    let asked = "db.west.svc.cluster.local";
    let reply = ask_udp(east.dns(), asked, RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "no denial: {reply}");
    let objects = [yaml::namespace("west"), yaml::service("west/db", &["10.96.0.7"], &["sql:5432"])];
    west.write("later.yaml", &yaml::join(&objects));
    west.ready().await;
    let found = eventually(secs(20), || async {
        addresses(&ask_udp(east.dns(), asked, RecordType::A).await) == [ip("10.96.0.7")]
    });
    assert!(found.await, "east goes by what west said before it had read its cluster");
}

#[tokio::test]
async fn f26_addresses_of_a_region_take_turns() {
    let objects = [
        yaml::namespace("west"),
        yaml::headless("west/three", &["http:80"]),
        yaml::slice("west/three", &["10.7.0.1", "10.7.0.2", "10.7.0.3"], &["http:80"]),
    ];
    let regions = together([Region::new("east"), Region::new("west").manifests(&yaml::join(&objects))]).await;
    let east = regions.of("east");
    east.peers_up().await;
    // One fetch: what follows comes from memory.
    let asked = "three.west.svc.cluster.local";
    let mut firsts = Vec::new();
    for _ in 0..7 {
        for reply in [ask_udp(east.dns(), asked, RecordType::A).await, ask_tcp(east.dns(), asked, RecordType::A).await]
        {
            let addresses = addresses(&reply);
            assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 3, "{reply}");
            firsts.push(addresses[0]);
        }
    }
    for address in ["10.7.0.1", "10.7.0.2", "10.7.0.3"] {
        assert!(firsts.contains(&ip(address)), "{address} is never the first: {firsts:?}");
    }
}

#[tokio::test]
async fn f29_many_who_waited_for_a_region_get_their_answers_when_it_is_back() {
    let west = west_at("127.0.0.1", 0, "192.0.2.1");
    let relay = Relay::start(west.address(), Weather::default()).await.unwrap();
    let east = Region::new("east")
        .table(&format!("regions: {{west: {{endpoints: [\"{}\"]}}}}\n", relay.address()))
        .key("peers", "{file: peers.yaml, deadline: 10s, stale_after: 10s}")
        .key("limits", "{in_flight: 399, peer_in_flight: 50}")
        .start()
        .await;
    until_west_is(&east, "192.0.2.1").await;
    relay.change(|weather| weather.dark = true);
    let asking: Vec<_> = (0..400)
        .map(|number| {
            let (dns, asked) = (east.dns(), format!("c{number}.a.west.svc.cluster.local"));
            tokio::spawn(async move { Ask::new(&asked, RecordType::A).patience(secs(30)).udp(dns).await })
        })
        .collect();
    assert!(
        eventually(secs(20), || async {
            east.counter("interlocal_client_refused_total{what=\"questions\"}").await >= 200.0
        })
        .await
    );
    assert_eq!(east.counter("interlocal_fetches_in_flight").await, 200.0, "no more wait than one client may have");
    relay.change(|weather| weather.dark = false);
    let (mut answered, mut refused) = (0, 0);
    for asked in asking {
        let reply = asked.await.unwrap();
        match extended_errors(&reply).first() {
            None if addresses(&reply) == [ip("192.0.2.1")] => answered += 1,
            Some((_, text)) if text == "too many questions of this client in flight" => refused += 1,
            _ => panic!("{reply}"),
        }
    }
    assert_eq!((answered, refused), (200, 200));
    until_west_is(&east, "192.0.2.1").await;
}

#[tokio::test]
async fn f31_each_address_of_each_region_has_its_numbers() {
    let regions = three().await;
    let (_, page) = regions.of("east").get("/metrics").await;
    for (region, other) in [("central", regions.of("central")), ("west", regions.of("west"))] {
        let labels = format!("{{region=\"{region}\",address=\"{}\"}} ", other.peers_door());
        for name in
            ["up", "rtt_seconds", "in_flight", "connections", "queries_total", "failures_total", "connects_total"]
        {
            let series = format!("interlocal_peer_{name}{labels}");
            assert!(page.lines().any(|line| line.starts_with(&series)), "no {series} in\n{page}");
        }
        assert!(page.contains(&format!("interlocal_peer_up{labels}1\n")), "{region} is up");
    }
}

#[tokio::test]
async fn f17_connections_that_the_network_forgot_without_a_word_cost_no_question() {
    let west = west_at("127.0.0.1", 0, "192.0.2.1");
    let relay = Relay::start(west.address(), Weather::default()).await.unwrap();
    let east = Region::new("east")
        .table(&format!("regions: {{west: {{endpoints: [\"{}\"]}}}}\n", relay.address()))
        .key("peers", "{file: peers.yaml, deadline: 10s, stale_after: 10s}")
        .start()
        .await;
    until_west_is(&east, "192.0.2.1").await;
    for round in 0..3 {
        relay.change(|weather| weather.forgets += 1);
        let asked = format!("r{round}.a.west.svc.cluster.local");
        let reply = Ask::new(&asked, RecordType::A).patience(secs(30)).udp(east.dns()).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.1")], "{reply}");
    }
}
