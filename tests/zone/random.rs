//! Random histories of random objects, the snapshot's every answer held against the oracle's.

use std::net::IpAddr;
use std::sync::Arc;

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

fn namespace() -> impl Strategy<Value = Object> {
    (select(&NAMESPACES[..]), any::<bool>())
        .prop_map(|(name, served)| Object::Namespace(Namespace { name: name.into(), uid: name.into(), served }))
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
        Object::Service(Service { name, kind, ports, publish_not_ready, external: None })
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
        1 => namespace(),
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
    (pods, any::<[bool; 3]>(), 1..3u32).prop_map(|(pods, flags, ttl)| {
        let [endpoint_pod_names, only_known_namespaces, ignore_empty_services] = flags;
        ZoneSettings { pods, only_known_namespaces, endpoint_pod_names, ignore_empty_services, ttl, ..settings() }
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

/// Which types are asked of a name.
#[derive(Clone, Copy)]
enum Types {
    All,
    /// One, another one for each name, beginning with this.
    One(usize),
}

impl Types {
    fn of(self, name: usize) -> &'static [&'static str] {
        match self {
            Self::All => &TYPES,
            Self::One(first) => &TYPES[(first + name) % TYPES.len()..][..1],
        }
    }
}

fn same_answers<'n>(
    zone: &Snapshot,
    settings: &ZoneSettings,
    records: &Records,
    names: impl IntoIterator<Item = &'n String>,
    types: Types,
) -> Result<(), TestCaseError> {
    for (number, name) in names.into_iter().enumerate() {
        let full = if name.is_empty() { "cluster.local".into() } else { format!("{name}.cluster.local") };
        for record_type in types.of(number) {
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

/// The zone beside the world that it should be like.
struct Pair {
    world: World,
    builder: Builder,
    settings: ZoneSettings,
    newest: Arc<Snapshot>,
}

impl Pair {
    /// Events before the first publication: a list of all there is, in whatever order.
    fn new(settings: ZoneSettings, events: Vec<Event>) -> Self {
        let (mut world, mut builder) = (World::default(), Builder::new(settings.clone()));
        for event in events {
            world.change(event.clone());
            builder.apply(event);
        }
        builder.mark_synced();
        let newest = builder.publish(SERIAL.into()).expect("the first one is always published");
        Self { world, builder, settings, newest }
    }

    fn change(&mut self, event: Event) {
        self.world.change(event.clone());
        self.builder.apply(event);
        self.publish();
    }

    fn reconfigure(&mut self, settings: ZoneSettings) {
        self.settings = settings.clone();
        self.builder.reconfigure(settings);
        self.publish();
    }

    fn publish(&mut self) {
        if let Some(snapshot) = self.builder.publish(SERIAL.into()) {
            self.newest = snapshot;
        }
    }

    fn records(&self) -> Records {
        Records::new(&self.world, &self.settings, SERIAL)
    }

    fn is_right(&self, asked: &[String], types: Types) -> Result<(), TestCaseError> {
        let records = self.records();
        same_answers(&self.newest, &self.settings, &records, records.names().chain(asked), types)
    }

    /// A replica that was told all of it at once, in another order, has the same content.
    fn is_like_a_replica(&self) -> Result<(), TestCaseError> {
        let mut anew = Builder::new(self.settings.clone());
        let objects: Vec<Object> = self.world.objects().cloned().collect();
        objects.into_iter().rev().for_each(|object| anew.apply(Event::Apply(object)));
        anew.mark_synced();
        let (anew, zone) = (anew.publish(9).expect("the first one is always published"), &self.newest);
        prop_assert_eq!((zone.hash, zone.counts, zone.cluster_id), (anew.hash, anew.counts, anew.cluster_id));
        Ok(())
    }
}

/// Of every snapshot: the time does not go on in a history.
const SERIAL: u32 = 7;

/// A hundred times as many when there is time: `INTERLOCAL_FULL=1`, and `--release`.
fn config() -> ProptestConfig {
    let cases = if std::env::var_os("INTERLOCAL_FULL").is_some() { 100_000 } else { 1_000 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_set_of_objects_is_answered_as_by_the_oracle(
        settings in zone_settings(),
        objects in vec(object(), 0..24),
        asked in questions(),
    ) {
        let pair = Pair::new(settings, objects.into_iter().map(Event::Apply).collect());
        pair.is_right(&asked, Types::All)?;
        pair.is_like_a_replica()?;
    }

    #[test]
    fn a_history_is_answered_as_by_the_oracle_after_every_step(
        first in zone_settings(),
        then in zone_settings(),
        early in vec(event(), 0..8),
        late in vec(event(), 0..8),
        asked in questions(),
    ) {
        let mut pair = Pair::new(first, Vec::new());
        for (number, event) in early.into_iter().enumerate() {
            pair.change(event);
            pair.is_right(&[], Types::One(number))?;
        }
        pair.reconfigure(then);
        for (number, event) in late.into_iter().enumerate() {
            pair.is_right(&[], Types::One(number))?;
            pair.change(event);
        }
        prop_assert!(pair.builder.publish(u64::from(SERIAL) + 1).is_none(), "nothing changed since");
        pair.is_right(&asked, Types::All)?;
        pair.is_like_a_replica()?;
    }
}
