//! Decisions for a table of three regions, seen from east.

use std::time::Duration;

use super::*;
use crate::config::*;
use crate::limits::Limits;
use crate::route::{Follow, Source};
use crate::wire::Name;
use crate::wire::stamp::{Hop, write_stamp};

const CENTRAL: Remote = Remote::Peer(0);
const WEST: Remote = Remote::Peer(2);
const OWN: ClusterId = ClusterId([7; 8]);

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn row(label: &str, zones: &[&str], cidr: &str) -> RegionRow {
    RegionRow {
        label: RegionLabel::parse(label).expect("a label"),
        zones: zones.iter().map(|zone| name(zone)).collect(),
        mesh: Some(name(&format!("{label}.mesh"))),
        cidrs: vec![cidr.parse().expect("a range")],
        endpoints: Vec::new(),
        allow_tld: false,
        override_local: false,
        tls: None,
        broken: None,
    }
}

fn forward(zone: &str) -> ForwardConfig {
    ForwardConfig::new(name(zone), Vec::new(), Transport::Udp)
}

fn routes() -> Routes {
    let server = ServerConfig {
        listen: Vec::new(),
        zones: vec![name("cluster.local")],
        cache: CacheConfig { size: 0, max_ttl: Duration::ZERO, max_negative_ttl: Duration::ZERO, prefetch: false },
        forward: vec![
            forward("."),
            forward("corp.example.com"),
            forward("old.svc.cluster.local"),
            forward("113.0.10.in-addr.arpa"),
        ],
        policy: Vec::new(),
        routes: crate::config::RouteRules::default(),
        external: Vec::new(),
    };
    let config = Config {
        region: Some(RegionLabel::parse("east").expect("a label")),
        cluster_domain: name("cluster.local"),
        servers: vec![server],
        listen: ListenConfig { peers_chase_outside: true, ..ListenConfig::default() },
        kubernetes: KubernetesConfig::default(),
        peers: PeersConfig {
            configmap: None,
            source: PeersSource::None,
            stale: Duration::ZERO,
            stale_after: Duration::ZERO,
            deadline: Duration::ZERO,
            connections: 1,
            max_age: Duration::ZERO,
        },
        shutdown: ShutdownConfig { lameduck: Duration::ZERO },
        limits: Limits::default(),
        state_dir: None,
        workers: None,
        metrics: MetricsConfig { coredns_compat: true },
        log: LogConfig { format: LogFormat::Text, level: "warn".into(), queries: None },
        stamp_option: 65_313,
        plain_sockets: false,
    };
    let table = PeerTable {
        regions: vec![
            row("central", &["central.svc.cluster.local"], "10.0.0.0/20"),
            row("east", &["east.svc.cluster.local"], "10.0.96.0/20"),
            row("west", &["west.svc.cluster.local", "kafka.svc.cluster.local"], "10.0.112.0/20"),
        ],
        hash: 0,
    };
    Routes::build(&config, &table)
}

const PODS: Whence<'static> = Whence { door: Door::Pods { server: 0 }, stamp: None, own_id: OWN };
const PEERS: Whence<'static> = Whence { door: Door::Peers, stamp: None, own_id: OWN };

fn decide(whence: &Whence<'_>, text: &str) -> Decision {
    routes().decide(whence, &NameBuf::from(name(text).as_ref()))
}

#[test]
fn the_longest_zone_decides_at_the_pods_door() {
    for (text, expected) in [
        ("web.default.svc.cluster.local", Decision::Local { origin: 0 }),
        ("busybox.east.svc.cluster.local", Decision::Local { origin: 0 }),
        ("web.default.svc.east.mesh", Decision::Local { origin: 1 }),
        ("busybox.central.svc.cluster.local", Decision::Remote(CENTRAL)),
        ("x.kafka.svc.cluster.local", Decision::Remote(WEST)),
        ("web.payments.svc.west.mesh", Decision::Remote(WEST)),
        ("example.com", Decision::Remote(Remote::Forward(0))),
        ("a.corp.example.com", Decision::Remote(Remote::Forward(1))),
        ("x.old.svc.cluster.local", Decision::Remote(Remote::Forward(2))),
        ("abc123._interlocal-loop.west.svc.cluster.local", Decision::Probe),
        ("abc123._interlocal-loop", Decision::Probe),
    ] {
        assert_eq!(decide(&PODS, text), expected, "{text}");
    }
}

#[test]
fn the_peers_door_answers_for_its_own_region_only() {
    for text in ["busybox.east.svc.cluster.local", "east.svc.cluster.local"] {
        assert_eq!(decide(&PEERS, text), Decision::Local { origin: 0 }, "{text}");
    }
    assert_eq!(decide(&PEERS, "web.default.svc.east.mesh"), Decision::Local { origin: 1 });
    for text in ["web.default.svc.cluster.local", "cluster.local", "example.com", ".", "a.corp.example.com"] {
        assert_eq!(decide(&PEERS, text), Decision::Refuse(Failure::NotHere), "{text}");
    }
    assert_eq!(decide(&PEERS, "x.west.svc.cluster.local"), Decision::Refuse(Failure::FromCluster));
}

#[test]
fn a_question_from_a_cluster_never_goes_to_a_peer() {
    let data = write_stamp(None, Hop { id: ClusterId([1; 8]), label: b"central" });
    let stamped = Whence { stamp: Stamp::parse(&data), ..PODS };
    assert_eq!(decide(&stamped, "x.west.svc.cluster.local"), Decision::Refuse(Failure::FromCluster));
    assert_eq!(decide(&stamped, "x.west.mesh"), Decision::Refuse(Failure::FromCluster));
    assert_eq!(decide(&stamped, "x.default.svc.cluster.local"), Decision::Local { origin: 0 });
    assert_eq!(decide(&stamped, "example.com"), Decision::Remote(Remote::Forward(0)));
}

#[test]
fn a_question_that_was_here_before_goes_nowhere() {
    let first = write_stamp(None, Hop { id: OWN, label: b"east" });
    let data = write_stamp(Stamp::parse(&first), Hop { id: ClusterId([1; 8]), label: b"west" });
    let stamped = Whence { stamp: Stamp::parse(&data), ..PODS };
    let looped = Decision::Refuse(Failure::Loop { path: "east > west > east".into() });
    assert_eq!(decide(&stamped, "x.west.svc.cluster.local"), looped);
    assert_eq!(decide(&stamped, "a.corp.example.com"), looped);
    assert_eq!(decide(&stamped, "x.east.svc.cluster.local"), Decision::Local { origin: 0 }, "harmless");
}

fn otherwise(whence: &Whence<'_>, text: &str) -> Otherwise {
    match decide(whence, text) {
        Decision::Reverse(question) => question.otherwise,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn reverse_names_go_to_the_region_that_has_the_range() {
    assert_eq!(otherwise(&PODS, "144.1.0.10.in-addr.arpa"), Otherwise::Claimed(CENTRAL));
    assert_eq!(otherwise(&PODS, "112.0.10.in-addr.arpa"), Otherwise::Claimed(WEST));
    assert_eq!(otherwise(&PODS, "1.113.0.10.in-addr.arpa"), Otherwise::Claimed(Remote::Forward(3)), "a longer stub");
    assert_eq!(otherwise(&PODS, "1.0.0.192.in-addr.arpa"), Otherwise::Unclaimed(Remote::Forward(0)));
    assert_eq!(otherwise(&PODS, "1.96.0.10.in-addr.arpa"), Otherwise::Unclaimed(Remote::Forward(0)), "own range");
    assert_eq!(otherwise(&PEERS, "1.96.0.10.in-addr.arpa"), Otherwise::Missing { zone_labels: 4 });
    assert_eq!(otherwise(&PEERS, "1.112.0.10.in-addr.arpa"), Otherwise::Refuse(Failure::NotHere));
}

fn follow(whence: &Whence<'_>, source: Source, text: &str) -> Follow {
    routes().follow(whence, source, &NameBuf::from(name(text).as_ref()))
}

#[test]
fn chains_go_on_where_the_asker_may_go() {
    let go = |decision| Follow::Go(decision);
    let local = Source::Local;
    assert_eq!(follow(&PODS, local, "b.west.svc.cluster.local"), go(Decision::Remote(WEST)));
    assert_eq!(follow(&PODS, local, "example.com"), go(Decision::Remote(Remote::Forward(0))));
    let peer = Source::Remote(CENTRAL);
    assert_eq!(follow(&PODS, peer, "b.west.svc.cluster.local"), go(Decision::Remote(WEST)));
    assert_eq!(follow(&PODS, peer, "b.east.svc.cluster.local"), go(Decision::Local { origin: 0 }));
    assert_eq!(follow(&PODS, peer, "example.com"), go(Decision::Remote(Remote::Forward(0))));
    let private = Failure::TargetPrivate { region: "central".into() };
    assert_eq!(follow(&PODS, peer, "db.default.svc.cluster.local"), Follow::End(private));
}

#[test]
fn chains_at_the_peers_door_never_reach_a_peer() {
    let local = Source::Local;
    assert_eq!(follow(&PEERS, local, "db.default.svc.cluster.local"), Follow::Go(Decision::Local { origin: 0 }));
    assert_eq!(follow(&PEERS, local, "b.west.svc.cluster.local"), Follow::Leave);
    assert_eq!(follow(&PEERS, local, "b.default.svc.west.mesh"), Follow::Leave);
    assert_eq!(follow(&PEERS, local, "example.com"), Follow::Go(Decision::Remote(Remote::Forward(0))));
}
