//! Host names of endpoints: resolved through the forward routes by longest zone, again and again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::RecordType::A;
use interlocal::answer::Failure;
use interlocal::config::{Endpoint, Host, Transport};
use interlocal::forward::{ForwardClient, HostLookup};
use interlocal::limits::Limits;
use interlocal::peer::RegionClient;
use interlocal::peer::resolve::{Looking, Resolve, Resolved};
use interlocal::wire::Name;
use parking_lot::Mutex;

use crate::setup::{PATIENCE, STAMP, forward_row, own_stamp, question, row, settings, upstreams, wire_name};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, ms, secs};

const WEB: &str = "web.east.svc.cluster.local";
const HOST: &str = "lb.example.com";

fn lookup(clients: Vec<Arc<ForwardClient>>) -> HostLookup {
    HostLookup::new(clients, own_stamp())
}

fn host(name: &str, port: u16) -> Endpoint {
    Endpoint { host: Host::Name(wire_name(name)), port }
}

#[tokio::test]
async fn all_addresses_of_both_families_with_the_least_ttl() {
    let server = ScriptServer::start();
    server.on(HOST, A).answer_a("192.0.2.1", 60).answer_a("192.0.2.2", 30);
    server.on(HOST, hickory_proto::rr::RecordType::AAAA).answer_aaaa("2001:db8::1", 45);
    let found = lookup(vec![upstreams(&[server.address()])]).lookup(&wire_name(HOST)).await.unwrap();
    let mut addresses = found.addresses;
    addresses.sort_unstable();
    assert_eq!(addresses, ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(ip));
    assert_eq!(found.ttl, secs(30));
}

#[tokio::test]
async fn each_name_of_a_chain_is_asked_where_it_belongs() {
    let (root, stub) = (ScriptServer::start(), ScriptServer::start());
    root.on_name(HOST).answer_cname("lb.corp.example", 20);
    stub.on("lb.corp.example", A).answer_a("192.0.2.3", 60);
    let corp = forward_row("corp.example", &[stub.address()], Transport::Tcp);
    let corp = ForwardClient::start(&corp, &Limits::default(), STAMP);
    let found = lookup(vec![upstreams(&[root.address()]), corp]).lookup(&wire_name(HOST)).await.unwrap();
    assert_eq!((found.addresses, found.ttl), (vec![ip("192.0.2.3")], secs(20)));
    assert_eq!(root.count("lb.corp.example", A), 0);
}

#[tokio::test]
async fn nothing_is_remembered_and_failures_are_short_words() {
    let server = ScriptServer::start();
    let lookup = lookup(vec![upstreams(&[server.address()])]);
    let name = wire_name(HOST);
    assert_eq!(lookup.lookup(&name).await.unwrap_err(), "no such name");
    server.on(HOST, A).answer_a("192.0.2.4", 60);
    assert!(lookup.lookup(&name).await.is_ok(), "the denial was not remembered");
    assert!(lookup.lookup(&name).await.is_ok());
    assert!(server.count(HOST, A) >= 3);
    lookup.update(Vec::new(), own_stamp());
    assert!(lookup.lookup(&name).await.is_err());
}

/// Answers what a test has put there, and counts.
#[derive(Default)]
struct Book {
    page: Mutex<Option<Resolved>>,
    asked: Mutex<usize>,
}

impl Book {
    fn write(&self, addresses: &[IpAddr], ttl: Duration) {
        *self.page.lock() = Some(Resolved { addresses: addresses.to_vec(), ttl });
    }
}

impl Resolve for Book {
    fn lookup<'l>(&'l self, _: &'l Name) -> Looking<'l> {
        *self.asked.lock() += 1;
        let page = self.page.lock().clone();
        Box::pin(async move { page.ok_or_else(|| "not there".to_owned()) })
    }
}

#[tokio::test]
async fn a_host_that_does_not_resolve_at_start_works_as_soon_as_it_does() {
    let (server, book) = (ScriptServer::start(), Arc::<Book>::default());
    let endpoint = host(HOST, server.address().port());
    let client = RegionClient::start(&row(vec![endpoint]), settings(), own_stamp(), Arc::clone(&book) as _);
    let failure = client.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    let why = format!("{HOST}: not there");
    assert_eq!(failure, Failure::RegionWithoutAddress { region: "east".into(), why });
    book.write(&[server.address().ip()], secs(60));
    assert!(eventually(PATIENCE, || async { client.ask(&question(WEB), &own_stamp()).await.is_ok() }).await);
}

#[tokio::test]
async fn the_first_question_waits_for_the_first_lookup() {
    struct Slow(IpAddr);
    impl Resolve for Slow {
        fn lookup<'l>(&'l self, _: &'l Name) -> Looking<'l> {
            Box::pin(async move {
                tokio::time::sleep(ms(200)).await;
                Ok(Resolved { addresses: vec![self.0], ttl: secs(60) })
            })
        }
    }
    let server = ScriptServer::start();
    let endpoint = host(HOST, server.address().port());
    let slow = Arc::new(Slow(server.address().ip()));
    let client = RegionClient::start(&row(vec![endpoint]), settings(), own_stamp(), slow);
    assert!(client.ask(&question(WEB), &own_stamp()).await.is_ok());
}

/// On paused time: nothing is asked but the book.
#[tokio::test(start_paused = true)]
async fn names_are_resolved_again_when_their_ttl_ends_and_the_last_good_set_is_kept() {
    let book = Arc::<Book>::default();
    book.write(&[ip("127.0.0.1")], secs(60));
    // Port 0 is refused without a packet.
    let client = RegionClient::start(&row(vec![host(HOST, 1)]), settings(), own_stamp(), Arc::clone(&book) as _);
    let mut listed = client.listed();
    tokio::time::sleep(secs(59)).await;
    assert_eq!((*book.asked.lock(), listed.borrow_and_update().len()), (1, 1));
    *book.page.lock() = None;
    tokio::time::sleep(secs(30)).await;
    assert!(*book.asked.lock() > 2, "asked again soon while it fails");
    assert_eq!(listed.borrow_and_update().len(), 1, "the last good set");
    assert!(client.snapshot().endpoints[0].error.is_some());
    book.write(&[ip("127.0.0.1"), ip("127.0.0.2")], secs(1));
    tokio::time::sleep(secs(30)).await;
    assert_eq!(listed.borrow_and_update().len(), 2);
    let before = *book.asked.lock();
    tokio::time::sleep(secs(50)).await;
    assert!((8..=11).contains(&(*book.asked.lock() - before)), "a TTL of 1 s is taken as 5");
    drop(client);
    let before = *book.asked.lock();
    tokio::time::sleep(secs(50)).await;
    assert_eq!(*book.asked.lock(), before, "a client that is gone asks no more");
}
