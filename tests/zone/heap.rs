//! What the zone costs in memory: nothing for a lookup, and few megabytes for a large cluster.
#![allow(unsafe_code, reason = "an allocator that counts cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};

use interlocal::config::PodMode;
use interlocal::wire::reply::{Owner, ReplyWriter};
use interlocal::wire::{Incoming, Name, NameBuf, Query, rtype};
use interlocal::zone::object::{Endpoint, ObjectName, Port, Protocol, Service, ServiceKind, Slice};
use interlocal::zone::{Builder, Event, Object, ReverseView, ZoneSettings};

struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn note(bytes: isize) {
    // Threads that are ending have no counters any more.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    let _ = BYTES.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn port(name: &str, number: u16) -> Port {
    Port { name: name.into(), protocol: Protocol::Tcp, number }
}

/// Every tenth Service is headless, and its endpoints have hostnames.
fn cluster(services: u32, endpoints: u32) -> Builder {
    let origins = vec!["cluster.local".parse().unwrap()];
    let settings = ZoneSettings { origins, pods: PodMode::Insecure, ..crate::making::settings() };
    let mut builder = Builder::new(settings);
    for number in 0..services {
        let (namespace, headless) = (format!("namespace-{}", number % 100), number % 10 == 0);
        let name = ObjectName::new(namespace.clone(), format!("service-{number}"));
        let kind = if headless {
            ServiceKind::Headless
        } else {
            ServiceKind::ClusterIp(Box::new([Ipv4Addr::from_bits(0x0a60_0000 + number).into()]))
        };
        let ports: Box<[Port]> = Box::new([port("http", 80), port("metrics", 9_090)]);
        builder.apply(Event::Apply(Object::Service(Service {
            name: name.clone(),
            kind,
            ports: ports.clone(),
            publish_not_ready: false,
            external: None,
        })));
        let endpoint = |at: u32| Endpoint {
            address: Ipv4Addr::from_bits(0x0b00_0000 + number * endpoints + at).into(),
            ready: true,
            hostname: headless.then(|| format!("service-{number}-{at}").into()),
            pod: Some(format!("service-{number}-7d4b9c6f5-x{at:04}").into()),
        };
        let name = ObjectName::new(namespace, format!("service-{number}-abcde"));
        builder.apply(Event::Apply(Object::Slice(Slice {
            name,
            service: format!("service-{number}").into(),
            ports,
            endpoints: (0..endpoints).map(endpoint).collect(),
        })));
    }
    builder.mark_synced();
    builder
}

#[test]
fn lookups_do_not_touch_the_heap() {
    let zone = cluster(100, 15).publish(1).unwrap();
    let mut out = vec![0; 65_535];
    for (name, qtype) in [
        ("service-1.namespace-1.svc", rtype::A),
        ("service-1.namespace-1.svc", rtype::AAAA),
        ("service-1.namespace-1.svc", rtype::SRV),
        ("service-10.namespace-10.svc", rtype::A),
        ("service-10.namespace-10.svc", rtype::SRV),
        ("_http._tcp.service-10.namespace-10.svc", rtype::SRV),
        ("_http._tcp.service-10.namespace-10.svc", rtype::A),
        ("service-10-3.service-10.namespace-10.svc", rtype::A),
        ("11-0-0-15.service-1.namespace-1.svc", rtype::A),
        ("service-1.namespace-1.svc.cluster.local.namespace-1.svc", rtype::A),
        ("none.namespace-1.svc", rtype::A),
        ("namespace-1.svc", rtype::A),
        ("1-2-3-4.namespace-1.pod", rtype::A),
        ("dns-version", rtype::TXT),
        ("ns.dns", rtype::A),
    ] {
        let name: Name = format!("{name}.cluster.local").parse().unwrap();
        let mut message = b"\0\0\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        message.extend_from_slice(name.as_ref().wire());
        message.extend_from_slice(&[0, 0, 0, 1]);
        let before = CALLS.get();
        let mut buf = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&message, &mut buf) else { panic!("a question") };
        let mut writer = ReplyWriter::start(&mut out, &query, 65_535);
        zone.lookup(0, query.name, Owner::Question, qtype, &mut writer, 7);
        let address: IpAddr = Ipv4Addr::from_bits(0x0b00_0000 + 15).into();
        zone.reverse(address, ReverseView::Cluster, Owner::Question, rtype::PTR, &mut writer);
        assert_eq!(CALLS.get() - before, 0, "{name}");
    }
}

#[test]
fn a_large_cluster_fits() {
    let before = BYTES.get();
    let mut builder = cluster(10_000, 15);
    let objects = BYTES.get() - before;
    let zone = builder.publish(1).unwrap();
    let all = BYTES.get() - before;
    assert_eq!((zone.counts.services, zone.counts.endpoints), (10_000, 150_000));
    println!("objects {} KiB, records {} KiB", objects >> 10, (all - objects) >> 10);
    // The whole process may take 64 MB, the allocator's overhead, caches and buffers included.
    assert!(all < 48 << 20, "{all} bytes");
}
