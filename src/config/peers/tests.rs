//! What an operator is told about `peers.yaml`, word by word, and what is left of a bad table.

use super::*;
use crate::config::{Host, RowTls};

const EXAMPLE: &str = include_str!("../../../config/peers.yaml");

/// Judged by the cluster `east` with a stub zone.
fn load(text: &str) -> TableResult {
    load_as(text, Some("east"), UnknownKeys::Refuse)
}

fn load_as(text: &str, region: Option<&str>, unknown: UnknownKeys) -> TableResult {
    let (domain, stub) = ("cluster.local".parse().unwrap(), ["corp.example".parse().unwrap()]);
    let region = region.map(|region| RegionLabel::parse(region).unwrap());
    let limits = Limits { regions: 4, peer_addresses: 2, ..Limits::default() };
    let context = TableContext {
        cluster_domain: &domain,
        region: region.as_ref(),
        stub_zones: &stub,
        limits: &limits,
        folder: None,
    };
    parse(text, Path::new("peers.yaml"), &context, unknown)
}

fn table(text: &str) -> PeerTable {
    let result = load(text);
    assert_eq!((&result.errors[..], &result.warnings[..]), (&[][..], &[][..]), "{text}");
    result.table
}

fn errors(text: &str) -> String {
    load(text).errors.iter().map(|error| format!("{error}\n")).collect()
}

/// `label zones | mesh | cidrs | endpoints`, and why it is broken.
fn shown(table: &PeerTable) -> Vec<String> {
    fn join<T: ToString>(items: &[T]) -> String {
        items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
    let row = |row: &RegionRow| {
        let mesh = row.mesh.as_ref().map(ToString::to_string).unwrap_or_default();
        let broken = row.broken.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let (zones, cidrs, endpoints) = (join(&row.zones), join(&row.cidrs), join(&row.endpoints));
        format!("{} {zones} | {mesh} | {cidrs} | {endpoints}{broken}", row.label)
    };
    table.regions.iter().map(row).collect()
}

#[test]
fn example_table_is_valid_from_every_region() {
    for region in [None, Some("central"), Some("east"), Some("west")] {
        let result = load_as(EXAMPLE, region, UnknownKeys::Refuse);
        assert_eq!((&result.errors[..], &result.warnings[..]), (&[][..], &[][..]), "{region:?}");
        assert_eq!(
            shown(&result.table),
            [
                "central central.svc.cluster.local |  | 10.0.80.0/20 | k8s-dns-0d1e2f.elb.ca-central-1.amazonaws.com:53",
                "east east.svc.cluster.local | east.mesh | 10.0.96.0/20 | k8s-dns-3a4b5c.elb.us-east-2.amazonaws.com:53",
                "west west.svc.cluster.local |  | 10.0.112.0/20 | 10.0.118.91:53 [2001:db8::7]:53",
            ]
        );
    }
}

#[test]
fn every_key_of_a_row_takes_effect() {
    let table = table(
        "
regions:
  east:
  de: {endpoints: [10.0.0.2], allow_tld: true, override_local: true, cidrs: [10.1.0.0/16, 2001:db8::/48]}
  west:
    endpoints: ['dns.example.com:5353']
    zones: [west.svc.cluster.local, kafka.svc.cluster.local, x.de.svc.cluster.local]
    allow_tld: true
",
    );
    assert_eq!(
        shown(&table),
        [
            "de de.svc.cluster.local |  | 10.1.0.0/16 2001:db8::/48 | 10.0.0.2:53",
            "east east.svc.cluster.local |  |  | ",
            "west west.svc.cluster.local kafka.svc.cluster.local x.de.svc.cluster.local |  |  | dns.example.com:5353",
        ]
    );
    assert!(table.regions[0].override_local && table.regions[0].allow_tld);
    assert!(matches!(table.regions[2].endpoints[0].host, Host::Name(_)));
    assert_eq!(table.region(&RegionLabel::parse("west").unwrap()), Some(&table.regions[2]));
}

#[test]
fn tls_of_a_row_moves_its_port_and_names_files_beside_the_table() {
    let context = Limits::default();
    let cluster_domain = "cluster.local".parse().unwrap();
    let context =
        TableContext { cluster_domain: &cluster_domain, region: None, stub_zones: &[], limits: &context, folder: None };
    let text = "
regions:
  east: {endpoints: [10.0.0.1, 'dns.example:5300'], tls: {ca: tls/ca.crt, server_name: DNS.example., cert: /c, key: k}}
  north: {endpoints: ['2001:db8::7'], tls: {}}
  west: {endpoints: [10.0.0.2], tls: ~}
";
    let result = parse(text, Path::new("/etc/i/peers.yaml"), &context, UnknownKeys::Refuse);
    assert_eq!((&result.errors[..], &result.warnings[..]), (&[][..], &[][..]));
    let endpoints = |row: &RegionRow| row.endpoints.iter().map(ToString::to_string).collect::<Vec<_>>();
    let [east, north, west] = &result.table.regions[..] else { panic!("{:?}", result.table) };
    assert_eq!(endpoints(east), ["10.0.0.1:853", "dns.example:5300"]);
    assert_eq!(endpoints(north), ["[2001:db8::7]:853"]);
    assert_eq!(endpoints(west), ["10.0.0.2:53"]);
    let tls = east.tls.as_ref().unwrap();
    assert_eq!(tls.ca.as_ref().unwrap().path, Path::new("/etc/i/tls/ca.crt"));
    let (certificate, key) = tls.identity.as_ref().unwrap();
    assert_eq!((&*certificate.path, &*key.path), (Path::new("/c"), Path::new("/etc/i/k")));
    assert_eq!(tls.server_name.as_ref().unwrap().to_string(), "DNS.example");
    assert_eq!(north.tls, Some(RowTls { ca: None, server_name: None, identity: None }));
    assert_eq!(west.tls, None);

    let elsewhere = parse(text, Path::new("/home/me/peers.yaml"), &context, UnknownKeys::Refuse).table;
    assert_eq!(elsewhere.hash, result.table.hash, "where the table lies is no part of its meaning");
    for (old, new) in
        [("tls/ca.crt", "ca.crt"), ("DNS.example.", "x.example"), ("key: k", "key: j"), ("tls: {}", "tls: ~")]
    {
        let other = parse(&text.replace(old, new), Path::new("peers.yaml"), &context, UnknownKeys::Refuse).table;
        assert_ne!(other.hash, result.table.hash, "{new}");
    }
}

#[test]
fn a_row_whose_tls_is_wrong_is_never_asked_in_clear_text() {
    for (tls, message) in [
        ("{cert: a}", "`tls.cert` without `tls.key`"),
        ("{key: a}", "`tls.key` without `tls.cert`"),
        ("{ca: ''}", "`tls.ca` is empty"),
        ("{server_name: 'a b'}", "`a b` is no name that a certificate can be for"),
        ("{ca: [a]}", "expected a text, found a list"),
        ("true", "expected a mapping, found a boolean `true`"),
    ] {
        let result = load(&format!("regions: {{east: {{endpoints: [10.0.0.1], tls: {tls}}}}}"));
        assert_eq!(result.errors.iter().map(|error| &*error.message).collect::<Vec<_>>(), [message]);
        let [row] = &result.table.regions[..] else { panic!("{:?}", result.table) };
        assert!(row.broken.is_some() && row.endpoints.is_empty(), "{tls}: {row:?}");
    }
}

#[test]
fn hash_is_of_the_meaning() {
    let one = "
domain: cluster.local
regions:
  east: {endpoints: [10.0.0.1]}
  west: {endpoints: [10.0.0.2, 10.0.0.3], cidrs: [10.1.0.0/16]}
";
    let same = "
version: 1   # and so on
regions:
  west:
    cidrs: [10.1.0.0/16]
    zones: [WEST.svc.cluster.local.]
    endpoints: ['10.0.0.3:53', 10.0.0.2]
  east: {endpoints: [10.0.0.1], override_local: false}
";
    assert_eq!(table(one).hash, table(same).hash);
    assert_eq!(table(one).hash, 0xaa21_f44d_2f36_3e1e, "the same on every machine and in every version");
    for other in ["10.0.0.4", "'10.0.0.2:54'", "a.example"] {
        assert_ne!(table(&one.replace("10.0.0.2", other)).hash, table(one).hash, "{other}");
    }
    assert_ne!(table(&one.replace("cidrs", "mesh").replace("[10.1.0.0/16]", "a.b")).hash, table(one).hash);
}

#[test]
fn unknown_key_is_an_error_or_a_warning() {
    let text = "version: 1\nregions:\n  west:\n    endpoint: [10.0.0.1]\n    endpoints: [10.0.0.1]\n";
    let shown = "peers.yaml:4:5: error: unknown key `endpoint`
   4 |     endpoint: [10.0.0.1]
     |     ^^^^^^^^
  help: did you mean `endpoints`?
";
    assert_eq!(errors(text), shown);
    let result = load_as(text, Some("west"), UnknownKeys::Warn);
    assert_eq!(result.errors, []);
    assert_eq!(format!("{}\n", result.warnings[0]), shown.replace("error:", "warning:"));
}

#[test]
fn newer_version_is_read_as_far_as_it_is_known() {
    let result = load("version: 2\nquantum: 1\nregions: {east: , west: {endpoints: [10.0.0.1]}}\n");
    assert_eq!(result.errors, []);
    assert_eq!(result.table.regions.len(), 2);
    let warnings: Vec<&str> = result.warnings.iter().map(|warning| &warning.message[..]).collect();
    assert_eq!(warnings, ["version 2 is newer than this program knows (1)", "unknown key `quantum`"]);
    assert!(errors("version: 0\nregions: {}\n").contains("1:10: error: there is no version 0"));
    assert!(errors("version: one\nregions: {}\n").contains("1:10: error: expected a whole number, found `one`"));
}

#[test]
fn domain_must_be_that_of_the_cluster() {
    assert_eq!(
        errors("domain: k8s.local\nregions: {east: }\n"),
        "peers.yaml:1:9: error: the table is for `k8s.local`, this cluster is `cluster.local`
   1 | domain: k8s.local
     |         ^^^^^^^^^
  help: `domain` here and `cluster_domain` in interlocal.yaml must agree
"
    );
}

#[test]
fn equal_zones_in_two_rows_are_refused_and_the_first_row_keeps_them() {
    let text = "regions:
  east: {}
  central: {endpoints: [10.0.0.1], cidrs: [10.1.0.0/16]}
  west:
    endpoints: [10.0.0.2]
    zones: [west.svc.cluster.local, Central.svc.cluster.local]
    cidrs: [10.1.0.0/16]
";
    let result = load(text);
    assert_eq!(
        errors(text),
        "peers.yaml:6:37: error: zone `central.svc.cluster.local` belongs to two regions, `central` and `west`
   6 |     zones: [west.svc.cluster.local, Central.svc.cluster.local]
     |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^
  help: the other is in line 3; one region can own it
peers.yaml:7:13: error: range `10.1.0.0/16` belongs to two regions, `central` and `west`
   7 |     cidrs: [10.1.0.0/16]
     |             ^^^^^^^^^^^
  help: the other is in line 3; one region can own it
"
    );
    assert_eq!(
        shown(&result.table)[2],
        "west west.svc.cluster.local |  |  |  (zone `central.svc.cluster.local` belongs to two regions, `central` and `west`)"
    );
    assert_eq!(shown(&result.table)[0], "central central.svc.cluster.local |  | 10.1.0.0/16 | 10.0.0.1:53");
    let nested = "regions: {east: , west: {endpoints: [10.0.0.1], zones: [a.east.svc.cluster.local]}}\n";
    assert_eq!(table(nested).regions.len(), 2, "nested zones are fine");
}

#[test]
fn top_level_domains_need_to_be_allowed() {
    assert_eq!(
        errors("regions:\n  de: {endpoints: [10.0.0.1]}\n"),
        "peers.yaml:2:3: error: `de` is a top-level domain
   2 |   de: {endpoints: [10.0.0.1]}
     |   ^^
  help: search paths would send `example.de` to this region; choose another label, or write `allow_tld: true`
"
    );
    let broken = load("regions: {east: , local: {endpoints: [10.0.0.1]}}\n").table;
    assert_eq!(shown(&broken)[1], "local  |  |  |  (`local` is a top-level domain)", "it takes no names");
    let by_mesh = "regions: {mesh: {endpoints: [10.0.0.1]}, east: {mesh: east.mesh}}\n";
    assert!(errors(by_mesh).contains("1:11: error: `mesh` is a top-level domain"));
    assert!(errors("regions: {east: , example: {endpoints: [10.0.0.1]}}\n").contains("`example` is a top-level"));
}

#[test]
fn reserved_names_are_refused() {
    assert_eq!(
        errors("regions:\n  east:\n  kube-system:\n    endpoints: [10.0.0.1]\n"),
        "peers.yaml:3:3: error: zone `kube-system.svc.cluster.local` takes the namespace `kube-system` of the cluster itself
   3 |   kube-system:
     |   ^^^^^^^^^^^
  help: `default` and `kube-*` are in every cluster; name the region otherwise
"
    );
    let zones = "regions: {east: , west: {endpoints: [10.0.0.1], zones: [cluster.local, ., west.example]}}\n";
    let shown = errors(zones);
    for line in [
        "1:57: error: `cluster.local` is the cluster domain itself",
        "1:72: error: `.` holds the cluster domain `cluster.local`",
        "1:75: error: zone `west.example` is not below `svc.cluster.local`",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn every_row_but_the_own_one_needs_endpoints() {
    assert_eq!(
        errors("regions:\n  east:\n  west: {}\n  central: {endpoints: []}\n"),
        "peers.yaml:3:3: error: region `west` has no `endpoints`
   3 |   west: {}
     |   ^^^^
  help: write the host or address of its resolver: `endpoints: [10.0.118.91]`
peers.yaml:4:24: error: region `central` has no `endpoints`
   4 |   central: {endpoints: []}
     |                        ^
  help: write the host or address of its resolver: `endpoints: [10.0.118.91]`
"
    );
    let result = load_as("regions: {east: }\n", None, UnknownKeys::Warn);
    assert_eq!(result.errors.len(), 1, "without an own region every row is a peer");
    let many = "regions: {east: , west: {endpoints: [10.0.0.1, 10.0.0.2, 10.0.0.3]}}\n";
    assert!(errors(many).contains("1:37: error: region `west` has 3 endpoints, more than 2"));
    let twice = "regions: {east: , west: {endpoints: [10.0.0.1, '10.0.0.1:53']}}\n";
    assert!(errors(twice).contains("1:48: error: endpoint `10.0.0.1:53` is named twice"));
}

#[test]
fn own_region_without_a_row_is_a_warning() {
    let result = load_as("regions:\n  east: {endpoints: [10.0.0.1]}\n", Some("esat"), UnknownKeys::Refuse);
    assert_eq!(result.errors, []);
    assert_eq!(
        result.warnings[0].to_string(),
        "peers.yaml:2:3: warning: this cluster is region `esat`, which has no row: no region can ask for its names
   2 |   east: {endpoints: [10.0.0.1]}
     |   ^
  help: did you mean `east`?"
    );
}

#[test]
fn broken_rows_are_regions_without_addresses() {
    let text = "regions:
  East: {endpoints: [10.0.0.1]}
  east: 5
  west: {endpoints: [10.0.0.1, 'https://x'], cidrs: [10.1.2.3/16]}
  central: {endpoints: [10.0.0.2]}
  west: {}
";
    let result = load(text);
    let messages: Vec<String> =
        result.errors.iter().map(|error| format!("{}:{} {}", error.line, error.column, error.message)).collect();
    assert_eq!(
        messages,
        [
            "2:3 `East` is not a region label",
            "3:9 expected a mapping, found a number `5`",
            "4:32 `https://x` is not an endpoint: it has neither a scheme nor a path",
            "4:54 `10.1.2.3/16` has bits set behind its prefix",
            "6:3 `west` is given twice",
        ]
    );
    assert_eq!(
        shown(&result.table),
        [
            "central central.svc.cluster.local |  |  | 10.0.0.2:53",
            "east east.svc.cluster.local |  |  |  (its body cannot be read)",
            "west west.svc.cluster.local |  |  |  (its `endpoints` cannot be read)",
        ]
    );
}

#[test]
fn files_that_are_no_table_are_errors_and_an_empty_table_is_none() {
    assert_eq!(table("regions: {east: {}}").regions.len(), 1);
    for (text, why) in [
        ("", "1:1: error: the table has no `regions`"),
        ("regions: [a]", "1:10: error: expected a mapping, found a list"),
        ("- a", "1:1: error: expected a mapping, found a list"),
        ("regions: {", "error: "),
        ("regions: {a1: , b1: , c1: , d1: , e1: }", "1:35: error: the table has more than 4 regions"),
        ("regions: {west: {zones: [], endpoints: [10.0.0.1]}}", "1:25: error: region `west` owns no names"),
        ("regions: {west: {cidrs: [0.0.0.0/0], endpoints: [10.0.0.1]}}", "`0.0.0.0/0` is every address there is"),
    ] {
        assert!(errors(text).contains(why), "{text}: {}", errors(text));
    }
    assert_eq!(load("").table.regions, []);
    assert_eq!(load_as("regions: {}", None, UnknownKeys::Refuse).errors, []);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(128))]

    /// Whatever is cut out of a table and put in its place, no row of what is left owns a name that it may not.
    #[test]
    fn no_text_panics_or_takes_the_cluster(
        at in 0..EXAMPLE.len(), cut in 0..40_usize, new in "([a-z.:,0-9 \n{}\\[\\]-]|svc|default|cluster|local|zones: ){0,12}",
    ) {
        let start = EXAMPLE.floor_char_boundary(at);
        let end = EXAMPLE.floor_char_boundary((start + cut).min(EXAMPLE.len()));
        let text = format!("{}{new}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
        let result = load_as(&text, Some("east"), UnknownKeys::Warn);
        let svc: Name = "svc.cluster.local".parse().unwrap();
        for row in &result.table.regions {
            proptest::prop_assert!(row.zones.iter().all(|zone| *zone != svc && zone.as_ref().is_in(svc.as_ref())));
            proptest::prop_assert!(row.broken.is_none() || row.endpoints.is_empty());
            let own = row.label.as_str() == "east";
            proptest::prop_assert!(own || row.broken.is_some() || !row.endpoints.is_empty());
        }
        let broken = result.table.regions.iter().any(|row| row.broken.is_some());
        proptest::prop_assert!(!broken || !result.errors.is_empty());
    }
}
