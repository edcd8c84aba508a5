//! Random histories of random objects, the snapshot's every answer held against the oracle's.

use std::net::IpAddr;

use interlocal::config::PodMode;
use interlocal::wire::rtype;
use interlocal::zone::object::{
    Endpoint, Kind, Namespace, ObjectKey, ObjectName, Pod, Port, Protocol, Service, ServiceKind, Slice,
};
use interlocal::zone::{Builder, Event, Object, ReverseView, Snapshot, ZoneSettings};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::asking::{ask, ask_reverse, type_named};
use crate::making::settings;
use crate::oracle::{Records, World};

/// Few of each, so that histories meet themselves.
const NAMESPACES: [&str; 3] = ["a", "tcp", "kube-system"];
const SERVICES: [&str; 4] = ["web", "tcp", "a", "kube-dns"];
const LABELS: [&str; 4] = ["tcp", "udp", "web-0", "10-0-0-1"];
const ADDRESSES: [&str; 7] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "fd00::1", "fd00::2", "fd00::"];
const TYPES: [&str; 8] = ["A", "AAAA", "SRV", "TXT", "CNAME", "SOA", "NS", "MX"];

fn address() -> impl Strategy<Value = IpAddr> {
    select(&ADDRESSES[..]).prop_map(|text| text.parse().unwrap())
}

fn name(of: &'static [&'static str]) -> impl Strategy<Value = ObjectName> {
    (select(&NAMESPACES[..]), select(of)).prop_map(|(namespace, name)| ObjectName::new(namespace, name))
}

fn ports() -> impl Strategy<Value = Box<[Port]>> {
    let protocol = select(vec![Protocol::Tcp, Protocol::Udp]);
    let port = (select(vec!["", "http", "tcp"]), protocol, 1..4u16).prop_map(|(name, protocol, number)| Port {
        name: name.into(),
        protocol,
        number,
    });
    vec(port, 0..4).prop_map(Vec::into_boxed_slice)
}

fn service() -> impl Strategy<Value = Object> {
    let kind = prop_oneof![
        vec(address(), 0..3).prop_map(|addresses| ServiceKind::ClusterIp(addresses.into())),
        Just(ServiceKind::Headless),
        Just(ServiceKind::Headless),
        select(vec!["example.com", "web.a.svc.cluster.local"])
            .prop_map(|it| ServiceKind::ExternalName(it.parse().unwrap())),
    ];
    (name(&SERVICES), kind, ports(), any::<bool>()).prop_map(|(name, kind, ports, publish_not_ready)| {
        Object::Service(Service { name, kind, ports, publish_not_ready })
    })
}

fn slice() -> impl Strategy<Value = Object> {
    let endpoint = (address(), any::<bool>(), option::of(select(&LABELS[..])), option::of(select(&LABELS[..])));
    let endpoint = endpoint.prop_map(|(address, ready, hostname, pod)| Endpoint {
        address,
        ready,
        hostname: hostname.map(Into::into),
        pod: pod.map(Into::into),
    });
    (name(&["s1", "s2", "s3"]), select(&SERVICES[..]), ports(), vec(endpoint, 0..4)).prop_map(
        |(name, service, ports, endpoints)| {
            Object::Slice(Slice { name, service: service.into(), ports, endpoints: endpoints.into() })
        },
    )
}

fn object() -> impl Strategy<Value = Object> {
    prop_oneof![
        1 => select(&NAMESPACES[..]).prop_map(|name| Object::Namespace(Namespace { name: name.into(), uid: name.into() })),
        4 => service(),
        5 => slice(),
        1 => (name(&["p1", "p2"]), vec(address(), 0..3))
            .prop_map(|(name, addresses)| Object::Pod(Pod { name, addresses: addresses.into() })),
    ]
}

fn key() -> impl Strategy<Value = ObjectKey> {
    object().prop_map(|object| object.key())
}

fn event() -> impl Strategy<Value = Event> {
    let kind = select(vec![Kind::Namespace, Kind::Service, Kind::Slice, Kind::Pod]);
    prop_oneof![
        8 => object().prop_map(Event::Apply),
        3 => key().prop_map(Event::Delete),
        1 => (kind, vec(object(), 0..6)).prop_map(|(kind, mut objects)| {
            objects.retain(|object| object.kind() == kind);
            Event::Replace(kind, objects)
        }),
    ]
}

fn zone_settings() -> impl Strategy<Value = ZoneSettings> {
    let pods = select(vec![PodMode::Disabled, PodMode::Verified]);
    (pods, any::<bool>(), 1..3u32).prop_map(|(pods, endpoint_pod_names, ttl)| ZoneSettings {
        pods,
        endpoint_pod_names,
        ttl,
        ..settings()
    })
}

/// Names that are likely to be near something.
fn questions() -> impl Strategy<Value = Vec<String>> {
    let label = select(
        [
            &NAMESPACES[..],
            &SERVICES,
            &LABELS,
            &["_tcp", "_udp", "_http", "http", "_", "svc", "pod", "dns", "ns", "fd00--0"],
        ]
        .concat(),
    );
    let front = vec(label, 0..5).prop_map(|labels| labels.join("."));
    let name = (front, select(vec!["svc", "a.svc", "web.a.svc", "pod", ""])).prop_map(|(front, end)| {
        [front.as_str(), end].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(".")
    });
    vec(name, 20)
}

fn same_answers(
    zone: &Snapshot,
    settings: &ZoneSettings,
    records: &Records,
    names: &[String],
) -> Result<(), TestCaseError> {
    for name in names {
        let full = if name.is_empty() { "cluster.local".into() } else { format!("{name}.cluster.local") };
        for record_type in TYPES {
            let reply = ask(zone, &full, type_named(record_type));
            let ttl = if name == "dns-version" { 28_800 } else { settings.ttl };
            let plain = |answer: &String| answer.replacen(&format!(" {ttl} "), " ", 1);
            let answered: Result<Vec<String>, &str> = match reply.found.as_str() {
                "NODATA" => Err("NODATA"),
                "NXDOMAIN" => Err("NXDOMAIN"),
                _ => Ok(reply.answers.iter().map(plain).collect()),
            };
            prop_assert_eq!(answered, records.ask(name, record_type), "{} {}", name, record_type);
        }
    }
    for text in ADDRESSES {
        let reply = ask_reverse(zone, text, ReverseView::Cluster, rtype::PTR);
        let names = records.reverse.get(&text.parse().unwrap()).cloned().unwrap_or_default();
        let expected: Vec<String> = names.iter().map(|name| format!("PTR {} {name}", settings.ttl)).collect();
        prop_assert_eq!(reply.answers, expected, "{}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_the_oracle(
        first in zone_settings(),
        then in zone_settings(),
        early in vec(event(), 0..12),
        late in vec(event(), 0..12),
        asked in questions(),
    ) {
        let mut world = World::default();
        let mut builder = Builder::new(first);
        builder.mark_synced();
        let mut newest = builder.publish(7);
        let mut change = |builder: &mut Builder, event: Event| {
            world.change(event.clone());
            builder.apply(event);
            newest = builder.publish(7).or(newest.take());
        };
        early.into_iter().for_each(|event| change(&mut builder, event));
        builder.reconfigure(then.clone());
        late.into_iter().for_each(|event| change(&mut builder, event));
        newest = builder.publish(7).or(newest.take());
        let zone = newest.expect("the first one is always published");
        prop_assert!(builder.publish(8).is_none(), "nothing changed since");

        let records = Records::new(&world, &then, 7);
        let names: Vec<String> = records.names().cloned().chain(asked).collect();
        same_answers(&zone, &then, &records, &names)?;

        let mut anew = Builder::new(then);
        let objects: Vec<Object> = world.objects().cloned().collect();
        objects.into_iter().rev().for_each(|object| anew.apply(Event::Apply(object)));
        anew.mark_synced();
        let anew = anew.publish(9).expect("the first one is always published");
        prop_assert_eq!((zone.hash, zone.counts, zone.cluster_id), (anew.hash, anew.counts, anew.cluster_id));
    }
}
