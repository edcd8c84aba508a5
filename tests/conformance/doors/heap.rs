//! What an answer from memory costs of the heap: nothing. The allocator counts what this thread asks of it.
#![allow(unsafe_code, reason = "an allocator that counts cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};
use interlocal::clock;
use interlocal::route::Door;
use interlocal::server::asking::{Asking, Transport};
use interlocal::server::core::View;
use interlocal::server::question::Outcome;

use super::setup::{NORTH, STAMP, World, stamp, world};
use crate::support::client::Ask;

struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Threads that are ending have no counter any more.
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The reply to a message, and how often the heap was asked for something meanwhile.
fn answer(world: &World, door: Door, message: &[u8]) -> (Message, usize) {
    let core = world.east.app().core();
    let view = View::load(core);
    let mut out = vec![0; 1_232];
    let mut length = 0;
    let mut least = usize::MAX;
    // The first one may set something up once for the thread.
    for rotation in 0..3 {
        let asking = Asking {
            core,
            view: &view,
            door,
            transport: Transport::Udp,
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 53_000,
            now: clock::now(),
            rotation,
        };
        let before = CALLS.get();
        let outcome = asking.answer(message, &mut out);
        least = least.min(CALLS.get() - before);
        let Outcome::Reply(done) = outcome else { panic!("memory has the answer: {outcome:?}") };
        length = done.len;
    }
    (Message::from_vec(&out[..length]).unwrap(), least)
}

#[tokio::test]
async fn answers_from_memory_take_nothing_from_the_heap() {
    let world = world().await;
    drop(world.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 300));
    drop(world.west.on("app.west.svc.cluster.local", RecordType::A).answer_a("192.0.2.2", 300));
    for cached in ["www.example.com", "gone.example.com", "app.west.svc.cluster.local"] {
        Ask::new(cached, RecordType::A).udp(world.east.dns()).await;
    }
    let (pods, peers) = (Door::Pods { server: 0 }, Door::Peers);
    let a = |asked: &str| Ask::new(asked, RecordType::A);
    let (fine, denied, refused) = (ResponseCode::NoError, ResponseCode::NXDomain, ResponseCode::Refused);
    for (what, door, ask, rcode) in [
        ("a local name", pods, a("web.default.svc.cluster.local"), fine),
        ("without EDNS", pods, a("web.default.svc.cluster.local").no_edns(), fine),
        ("a headless Service", pods, a("db.east.svc.cluster.local"), fine),
        ("an endpoint", pods, a("db-0.db.east.svc.cluster.local"), fine),
        ("a pod", pods, a("10-1-2-3.default.pod.cluster.local"), fine),
        ("SRV", pods, Ask::new("_sql._tcp.db.east.svc.cluster.local", RecordType::SRV), fine),
        ("a reverse name", pods, Ask::new("7.96.0.10.in-addr.arpa", RecordType::PTR), fine),
        ("a chain inside the cluster", pods, a("near.east.svc.cluster.local"), fine),
        ("the SOA", pods, Ask::new("cluster.local", RecordType::SOA), fine),
        ("an answer in the cache", pods, a("www.example.com"), fine),
        ("a peer's answer in the cache", pods, a("app.west.svc.cluster.local"), fine),
        ("a denial in the cache", pods, a("gone.example.com"), denied),
        ("no data", pods, Ask::new("web.default.svc.cluster.local", RecordType::AAAA), fine),
        ("a search path", pods, a("www.example.com.default.svc.cluster.local"), denied),
        ("a search path with a namespace", pods, a("www.default.svc.cluster.local"), denied),
        ("at the peers' door", peers, a("app.east.svc.cluster.local"), fine),
        ("by its mesh name", peers, a("web.default.svc.east.mesh"), fine),
        ("a reverse name of a region", peers, Ask::new("22.96.0.10.in-addr.arpa", RecordType::PTR), fine),
        ("no such reverse name", peers, Ask::new("99.96.0.10.in-addr.arpa", RecordType::PTR), denied),
        ("refused at the peers' door", peers, a("www.example.com"), refused),
        ("another region's name", peers, a("app.west.svc.cluster.local"), refused),
        ("with a stamp", peers, a("app.east.svc.cluster.local").option(STAMP, &stamp(&[NORTH])), fine),
        ("a transfer", pods, Ask::new("cluster.local", RecordType::AXFR), refused),
        ("another class", pods, Ask::new("version.bind", RecordType::TXT).class(DNSClass::HS), refused),
        ("RD=0", pods, a("nobody.example.com").no_rd(), refused),
        ("a later EDNS", pods, a("web.default.svc.cluster.local").edns_version(1), ResponseCode::BADVERS),
    ] {
        let (reply, calls) = answer(&world, door, &ask.bytes());
        let said = reply.metadata.response_code;
        assert!(said == rcode || u16::from(said) == u16::from(rcode), "{what}: {reply:?}");
        assert_eq!(calls, 0, "{what}");
    }
    let mut two = a("web.default.svc.cluster.local").bytes();
    two[5] = 2;
    let (reply, calls) = answer(&world, pods, &two);
    assert_eq!((reply.metadata.response_code, calls), (ResponseCode::FormErr, 0));
}
