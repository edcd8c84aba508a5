//! The zone: looking names up into a send buffer, and building snapshots. A look-up includes starting the reply, which is
//! also measured alone.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use interlocal::config::PodMode;
use interlocal::wire::reply::{Owner, ReplyWriter};
use interlocal::wire::{Incoming, Name, NameBuf, Query, rtype};
use interlocal::zone::object::{Endpoint, ObjectName, Port, Protocol, Service, ServiceKind, Slice};
use interlocal::zone::{Builder, Event, Object, ReverseView, Snapshot, ZoneSettings};

fn ports() -> Box<[Port]> {
    Box::new([Port { name: "http".into(), protocol: Protocol::Tcp, number: 80 }])
}

fn service(number: u32, kind: ServiceKind) -> Object {
    let name = ObjectName::new(format!("namespace-{}", number % 100), format!("service-{number}"));
    Object::Service(Service { name, kind, ports: ports(), publish_not_ready: false, external: None })
}

/// Part of a Service's endpoints; `ready` of them are.
fn slice(number: u32, part: u32, endpoints: u32, ready: u32) -> Object {
    let endpoint = |at: u32| Endpoint {
        address: Ipv4Addr::from_bits(0x0b00_0000 + number * 16 + part * 100 + at).into(),
        ready: at < ready,
        hostname: None,
        pod: None,
    };
    Object::Slice(Slice {
        name: ObjectName::new(format!("namespace-{}", number % 100), format!("service-{number}-{part}")),
        service: format!("service-{number}").into(),
        ports: ports(),
        endpoints: (0..endpoints).map(endpoint).collect(),
    })
}

/// 10,000 Services of 15 endpoints, every tenth headless.
fn cluster() -> Vec<Object> {
    let objects = (0..10_000).flat_map(|number| {
        let kind = match number % 10 {
            0 => ServiceKind::Headless,
            _ => ServiceKind::ClusterIp(Box::new([Ipv4Addr::from_bits(0x0a60_0000 + number).into()])),
        };
        let ready = if number == 10 { 3 } else { 15 };
        [service(number, kind), slice(number, 0, 15, ready)]
    });
    let large = [service(20_000, ServiceKind::Headless)].into_iter();
    objects.chain(large).chain((0..50).map(|part| slice(20_000, part, 100, 100))).collect()
}

fn builder(objects: Vec<Object>) -> Builder {
    let origins = vec!["cluster.local".parse().expect("a name")];
    let settings = ZoneSettings {
        origins,
        ttl: 5,
        pods: PodMode::Insecure,
        only_known_namespaces: false,
        endpoint_pod_names: false,
        ignore_empty_services: false,
        externals: Vec::new(),
    };
    let mut builder = Builder::new(settings);
    objects.into_iter().for_each(|object| builder.apply(Event::Apply(object)));
    builder.mark_synced();
    builder
}

fn question(name: &str) -> Vec<u8> {
    let name: Name = name.parse().expect("a name");
    let mut message = b"\0\0\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    message.extend_from_slice(name.as_ref().wire());
    message.extend_from_slice(&[0, 0, 0, 1]);
    message
}

fn measure(c: &mut Criterion, id: &str, name: &str, mut look: impl FnMut(&NameBuf, &mut ReplyWriter<'_>, usize)) {
    let message = question(name);
    let mut buf = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&message, &mut buf) else { panic!("a question") };
    let mut out = vec![0; 4_096];
    let mut rotation = 0;
    c.bench_function(id, |bencher| {
        bencher.iter(|| {
            let mut writer = ReplyWriter::start(black_box(&mut out), black_box(&query), 1_232);
            look(query.name, &mut writer, rotation);
            rotation += 1;
        });
    });
}

fn lookups(c: &mut Criterion, zone: &Arc<Snapshot>) {
    measure(c, "lookup/nothing but the question", "service-11.namespace-11.svc.cluster.local", |_, writer, _| {
        black_box(writer.room());
    });
    let search = "service-11.namespace-11.svc.cluster.local.namespace-11.svc.cluster.local";
    for (id, name, qtype) in [
        ("ClusterIP A", "service-11.namespace-11.svc.cluster.local", rtype::A),
        ("ClusterIP AAAA, no data", "service-11.namespace-11.svc.cluster.local", rtype::AAAA),
        ("search path, no such name", search, rtype::A),
        ("headless, 3 endpoints", "service-10.namespace-10.svc.cluster.local", rtype::A),
        ("headless, 5,000 endpoints cut to 1,232 octets", "service-20000.namespace-0.svc.cluster.local", rtype::A),
        ("ClusterIP SRV", "_http._tcp.service-11.namespace-11.svc.cluster.local", rtype::SRV),
        ("headless SRV, 3 endpoints", "_http._tcp.service-10.namespace-10.svc.cluster.local", rtype::SRV),
        ("endpoint A", "11-0-0-160.service-10.namespace-10.svc.cluster.local", rtype::A),
    ] {
        measure(c, &format!("lookup/{id}"), name, |name, writer, rotation| {
            black_box(zone.lookup(0, name, Owner::Question, qtype, writer, rotation));
        });
    }
    for (id, address) in [("Service", 0x0a60_000b), ("endpoint", 0x0b00_00a0)] {
        let address: IpAddr = Ipv4Addr::from_bits(address).into();
        measure(c, &format!("lookup/PTR of a {id}"), "1.0.0.10.in-addr.arpa", |_, writer, _| {
            black_box(zone.reverse(address, ReverseView::Cluster, Owner::Question, rtype::PTR, writer));
        });
    }
}

fn building(c: &mut Criterion, builder: &mut Builder) {
    let mut group = c.benchmark_group("build");
    group.sample_size(10);
    group.bench_function("155,000 endpoints from nothing", |bencher| {
        bencher.iter_batched(cluster, |objects| self::builder(objects).publish(1), criterion::BatchSize::PerIteration);
    });
    group.finish();
    for (id, number, endpoints) in [("15", 12, 15), ("5,000", 20_000, 100)] {
        let mut ready = 0;
        c.bench_function(&format!("build/one slice of a Service of {id} endpoints"), |bencher| {
            bencher.iter(|| {
                ready = (ready + 1) % 2;
                builder.apply(Event::Apply(slice(number, 0, endpoints, endpoints - ready)));
                black_box(builder.publish(1))
            });
        });
    }
}

fn zone(c: &mut Criterion) {
    let mut builder = builder(cluster());
    let zone = builder.publish(1).expect("something to publish");
    lookups(c, &zone);
    building(c, &mut builder);
}

criterion_group! {
    name = benches;
    // Short, so that all benches together take minutes; `--measurement-time` makes one longer.
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = zone
}
criterion_main!(benches);
