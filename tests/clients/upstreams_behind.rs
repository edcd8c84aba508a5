//! Upstreams behind upstreams: `failover`, `next`, and servers that are named by host.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use interlocal::answer::Failure;
use interlocal::config::{ForwardConfig, NextConfig, Outcome, RowTls, Transport, Upstream};
use interlocal::forward::ForwardClient;
use interlocal::limits::Limits;
use interlocal::wire::{Name, Rcode};

use crate::setup::{PATIENCE, STAMP, forward_row, last_octets, patient, question};
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

const NAME: &str = "a.example";

fn row(to: &[SocketAddr], transport: Transport) -> ForwardConfig {
    forward_row(".", to, transport)
}

fn start(row: &ForwardConfig) -> Arc<ForwardClient> {
    ForwardClient::start(row, &patient(), STAMP)
}

fn addresses<const N: usize>(servers: &[ScriptServer; N]) -> [SocketAddr; N] {
    servers.each_ref().map(ScriptServer::address)
}

fn behind(outcome: Outcome, row: ForwardConfig) -> NextConfig {
    NextConfig { on: [outcome].into(), row }
}

#[tokio::test]
async fn each_server_is_asked_once_while_answers_are_to_fail_over() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let servers = [(); 5].map(|()| ScriptServer::start());
        let all = addresses(&servers);
        let client = start(&ForwardConfig { failover: [Rcode::NXDOMAIN].into(), ..row(&all, transport) });
        let answer = client.ask(&question(NAME), None).await.unwrap();
        assert_eq!(answer.body.rcode, Rcode::NXDOMAIN, "the last answer is the one");
        // A late answer has one asked again, or another one earlier.
        let asked = servers.each_ref().map(|server| server.count(NAME, RecordType::A));
        assert!(asked.iter().all(|count| (1..=4).contains(count)), "{transport:?}: {asked:?}");
        assert!(client.snapshot().failovers >= 1, "{transport:?}");
        servers[4].on(NAME, RecordType::A).answer_a("192.0.2.5", 60);
        let answer = client.ask(&question(NAME), None).await.unwrap();
        assert_eq!(last_octets(&answer, NAME), [5], "{transport:?}");
    }
}

/// 2 s, and no time at all as soon as it is known to be down.
#[tokio::test]
async fn a_silent_server_does_not_take_an_answer_away() {
    let servers = [(); 2].map(|()| ScriptServer::start());
    servers[1].on_any().drop_query();
    let client =
        start(&ForwardConfig { failover: [Rcode::NXDOMAIN].into(), ..row(&addresses(&servers), Transport::Udp) });
    let down = || async {
        assert_eq!(client.ask(&question(NAME), None).await.unwrap().body.rcode, Rcode::NXDOMAIN);
        client.snapshot().udp.iter().any(|server| !server.up)
    };
    assert!(eventually(PATIENCE, down).await, "{:?}", client.snapshot().udp);
    let before = servers[1].count(NAME, RecordType::A);
    assert_eq!(client.ask(&question(NAME), None).await.unwrap().body.rcode, Rcode::NXDOMAIN);
    assert_eq!(servers[1].count(NAME, RecordType::A), before, "who is down is not asked in vain");
}

#[tokio::test]
async fn answers_lead_on_as_they_say() {
    let [first, second, third] = [(); 3].map(|()| ScriptServer::start());
    second.on_name(NAME).nodata("example", 60);
    third.on(NAME, RecordType::A).answer_a("192.0.2.3", 60);
    let of = |server: &ScriptServer, transport| row(&[server.address()], transport);
    let next = vec![
        behind(Outcome::Rcode(Rcode::NXDOMAIN), of(&second, Transport::Tcp)),
        behind(Outcome::NoData, of(&third, Transport::Udp)),
    ];
    let client = start(&ForwardConfig { next, ..of(&first, Transport::Udp) });
    assert_eq!(last_octets(&client.ask(&question(NAME), None).await.unwrap(), NAME), [3]);
    let before = third.count(NAME, RecordType::A);
    assert!([&first, &second].map(|server| server.count(NAME, RecordType::A)).iter().all(|count| *count > 0));
    assert_eq!(client.snapshot().led_on, 2);
    // What is not named ends it.
    second.on_name(NAME).rcode(ResponseCode::Refused);
    assert_eq!(client.ask(&question(NAME), None).await.unwrap().body.rcode, Rcode::REFUSED);
    first.on(NAME, RecordType::A).answer_a("192.0.2.1", 60);
    assert_eq!(last_octets(&client.ask(&question(NAME), None).await.unwrap(), NAME), [1]);
    assert_eq!(third.count(NAME, RecordType::A), before, "who is not led to is not asked");
    // Nobody there: a denial of the first is not the answer.
    first.clear();
    second.on_any().drop_query();
    let limits = Limits { forward_deadline: secs(1), ..Limits::default() };
    let row = ForwardConfig {
        next: vec![behind(Outcome::Rcode(Rcode::NXDOMAIN), of(&second, Transport::Udp))],
        ..of(&first, Transport::Udp)
    };
    let failure = ForwardClient::start(&row, &limits, STAMP).ask(&question(NAME), None).await.unwrap_err();
    assert_eq!(failure, Failure::UpstreamDark { zone: Name::root(), cause: None });
}

#[tokio::test]
async fn hosts_are_looked_up_by_the_resolver_until_it_knows_them() {
    let (server, resolver) = (ScriptServer::start(), ScriptServer::start());
    server.on(NAME, RecordType::A).answer_a("192.0.2.1", 60);
    resolver.on("up.test", RecordType::AAAA).nodata("test", 60);
    let endpoint = format!("up.test:{}", server.address().port()).parse().unwrap();
    let row = ForwardConfig {
        to: vec![Upstream::Host(endpoint)],
        resolver: vec![Upstream::Address(resolver.address())],
        ..row(&[], Transport::Udp)
    };
    let client = start(&row);
    let failure = client.ask(&question(NAME), None).await.unwrap_err();
    assert_eq!(failure, Failure::UpstreamWithoutAddress { zone: Name::root() });
    assert!(client.snapshot().trouble.unwrap().contains("up.test"), "{:?}", client.snapshot().trouble);
    resolver.on("up.test", RecordType::A).answer_a("127.0.0.1", 60);
    assert!(eventually(PATIENCE, || async { client.ask(&question(NAME), None).await.is_ok() }).await);
    assert_eq!((client.snapshot().trouble, client.snapshot().udp.len()), (None, 1));
    // The first question waits for the first look.
    let answer = start(&row).ask(&question(NAME), None).await.unwrap();
    assert_eq!(last_octets(&answer, NAME), [1]);
    assert_eq!(server.count("up.test", RecordType::A), 0, "its own servers are not asked for it");
}

#[tokio::test]
async fn a_host_has_so_many_addresses_and_no_more() {
    let resolver = ScriptServer::start();
    resolver.on("up.test", RecordType::AAAA).nodata("test", 60);
    let all: Vec<String> = (1..=40).map(|last| format!("127.0.1.{last}")).collect();
    drop(all.iter().fold(resolver.on("up.test", RecordType::A), |rule, one| rule.answer_a(one, 60)));
    let row = ForwardConfig {
        to: vec![Upstream::Host("up.test:1".parse().unwrap())],
        resolver: vec![Upstream::Address(resolver.address())],
        ..row(&[], Transport::Udp)
    };
    let client = start(&row);
    assert!(eventually(PATIENCE, || async { !client.listed().borrow().is_empty() }).await);
    assert_eq!(client.listed().borrow().len(), Limits::default().peer_addresses);
}

#[tokio::test]
async fn a_client_is_made_anew_for_another_way_of_connecting() {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let tls = |name: &str| RowTls { ca: None, server_name: interlocal::tls::PeerName::parse(name), identity: None };
    let clear = row(&[address], Transport::Tcp);
    let over_tls = ForwardConfig { tls: Some(tls("a.example")), ..clear.clone() };
    let other_name = ForwardConfig { tls: Some(tls("b.example")), ..clear.clone() };
    let chained = ForwardConfig { next: vec![behind(Outcome::NoData, over_tls.clone())], ..clear.clone() };
    let rows = [clear, over_tls, other_name, chained];
    for (at, one) in rows.iter().enumerate() {
        let client = start(one);
        assert_eq!(rows.each_ref().map(|row| client.can_take(row)), [0, 1, 2, 3].map(|other| other == at));
    }
}
