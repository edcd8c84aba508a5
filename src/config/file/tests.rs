//! What an operator is told about `interlocal.yaml`, word by word.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::node::{Content, Node};
use crate::config::{
    ApiFiles, ExternalConfig, ForwardConfig, KubernetesSource, Listen, LogConfig, LogFormat, Namespaces, PodMode,
    QueryClass, QueryLogConfig, QueryLogFormat, Selector, Transport, Upstream,
};

const EXAMPLE: &str = include_str!("../../../config/interlocal.yaml");
const PAGE: &str = include_str!("../../../docs/configuration.md");

fn load(text: &str, unknown: UnknownKeys) -> Result<Parsed<Config>, Vec<Problem>> {
    parse(text, Path::new("conf/interlocal.yaml"), unknown, &Overrides::default())
}

fn config(text: &str) -> Config {
    let parsed = load(text, UnknownKeys::Refuse).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"));
    assert_eq!(parsed.warnings, []);
    parsed.value
}

/// All errors as they are shown, one after the other.
fn errors(text: &str) -> String {
    let errors = load(text, UnknownKeys::Refuse).expect_err(text);
    errors.iter().map(|error| format!("{error}\n")).collect()
}

#[test]
fn empty_file_is_the_default() {
    for text in ["", "# nothing\n", "---\n", "{}", "limits:\nregion:\nforward: ~\nlisten:\n  dns:\n"] {
        assert_eq!(config(text), Config::default(), "{text}");
    }
}

#[test]
fn example_file_says_the_defaults() {
    assert_eq!(config(EXAMPLE), Config::default());
}

#[test]
fn example_file_names_every_key() {
    let root = yaml::tree(EXAMPLE).unwrap();
    assert_eq!(keys(&root), known(UNKNOWN));
    let mut sections = 0;
    for (name, section) in entries(&root) {
        match &section.content {
            Content::Map(_) => assert_eq!(keys(section), known(&format!("{name}: {{{UNKNOWN}}}")), "{name}"),
            Content::List(rows) if !rows.is_empty() => {
                assert_eq!(keys(&rows[0]), known(&format!("{name}: [{{{UNKNOWN}}}]")), "{name}");
            }
            _ => continue,
        }
        sections += 1;
    }
    assert_eq!(sections, 9, "listen, kubernetes, peers, forward, cache, shutdown, limits, metrics, log");
}

#[test]
fn page_has_a_row_for_every_key_with_its_default() {
    let (_, table) = PAGE.split_once("\n## Keys\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let cells = |line: &'static str| line.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = table.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    let default_of = |key: &str| rows.iter().find(|row| row[1] == key).map(|row| row[3].as_str());
    let mut expected: BTreeSet<String> =
        known(&format!("servers: [{{{UNKNOWN}}}]")).into_iter().map(|key| format!("servers[].{key}")).collect();
    let root = yaml::tree(EXAMPLE).unwrap();
    for (name, section) in entries(&root) {
        let (prefix, keys) = match &section.content {
            Content::Map(_) => (format!("{name}."), entries(section)),
            // Its rows are there already.
            Content::List(_) if name == "servers" => continue,
            Content::List(rows) if !rows.is_empty() => (format!("{name}[]."), entries(&rows[0])),
            _ => (String::new(), vec![(name, section)]),
        };
        for (key, value) in keys {
            let key = format!("{prefix}{key}");
            let written = value.scalar().filter(|text| !text.is_empty() && !key.starts_with("forward"));
            assert!(written.is_none_or(|text| default_of(&key).is_some_and(|cell| cell.contains(text))), "{key}");
            expected.insert(key);
        }
    }
    assert_eq!(rows.iter().map(|row| row[1].clone()).collect::<BTreeSet<_>>(), expected);
}

/// Not a key of anything.
const UNKNOWN: &str = "a_key_that_nobody_knows: 1";

/// A key that the spec does not know is refused with a list of those that it knows: so the spec itself says its keys.
fn known(text: &str) -> BTreeSet<String> {
    let errors = load(text, UnknownKeys::Refuse).unwrap_err();
    let known = errors.iter().find_map(|error| error.help.as_deref()?.strip_prefix("known: ")).unwrap();
    known.split(", ").map(str::to_owned).collect()
}

fn entries(node: &Node) -> Vec<(&str, &Node)> {
    let Content::Map(entries) = &node.content else { panic!("{node:?}") };
    entries.iter().map(|(key, value)| (key.scalar().unwrap(), value)).collect()
}

fn keys(node: &Node) -> BTreeSet<String> {
    entries(node).into_iter().map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn every_key_takes_effect() {
    let config = config(
        "
region: 1e3
cluster_domain: k8s.example.
listen: {dns: [':5300'], peers: [], peers_allow: [10.0.0.0/8, 2001:db8::1], health: '', ready: ~, metrics: ':1', admin: '[::1]:2',
  peers_tls: {listen: [':8'], cert: c.pem, key: /k.pem, client_ca: ca.pem}}
kubernetes: {source: manifests/east, pods: verified, ttl: 1h, namespaces: [shop, db], labels: 'app in (a, b),!x', endpoint_pod_names: true, noendpoints: true}
peers: {file: tables/peers.yaml, configmap: kube-system/peers, stale: 2h, stale_after: 100ms, deadline: 200ms, connections: 3, max_age: 1m}
forward:
  - {zone: ., to: [10.1.2.3, '[2001:db8::7]:5353']}
  - {zone: Corp.example.com, to: [/run/resolv.conf], transport: tcp}
  - {zone: a.k8s.example, to: [10.1.2.4], stamp: false, random_case: true}
cache: {size: 0, max_ttl: 1m, max_negative_ttl: 1s, prefetch: false}
shutdown: {lameduck: 0s}
limits: {regions: 3, tcp_idle: 30s, tls_handshake: 1s, manifest_bytes: 1MiB, watch_line_bytes: 2MiB, list_page_bytes: 3MiB}
state_dir: state
workers: 3
metrics: {coredns_compat: false}
log: {format: text, level: 'interlocal::peer=debug,warn', queries: {class: [denial, error], format: json, sample: 10}}
stamp_option: 65001
sockets: plain
",
    );
    assert_eq!(
        config.stub_zones().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["corp.example.com", "a.k8s.example"]
    );
    assert_eq!(config.region.unwrap().as_str(), "1e3", "a label, though YAML calls it a number");
    assert_eq!(config.cluster_domain.to_string(), "k8s.example");
    assert_eq!(config.servers.len(), 1);
    let server = &config.servers[0];
    assert_eq!((&server.listen[..], &server.zones[..]), (&[Listen::Port(5300)][..], &[config.cluster_domain][..]));
    assert_eq!(server.cache.size, 0);
    assert_eq!(server.cache.max_ttl, Duration::from_secs(60));
    assert!(!server.cache.prefetch);
    let shown = |row: &ForwardConfig| {
        let to: Vec<String> = row.to.iter().map(ToString::to_string).collect();
        format!("{} {} {:?} {} {}", row.zone, to.join(" "), row.transport, row.stamp, row.random_case)
    };
    assert_eq!(
        server.forward.iter().map(shown).collect::<Vec<_>>(),
        [
            ". 10.1.2.3:53 [2001:db8::7]:5353 Udp false false",
            "corp.example.com /run/resolv.conf Tcp true false",
            "a.k8s.example 10.1.2.4:53 Udp false true",
        ]
    );
    assert_eq!((config.listen.peers.len(), config.listen.peers_allow.len()), (0, 2));
    assert_eq!((config.listen.health, config.listen.ready), (None, None));
    assert_eq!(config.listen.admin, Some("[::1]:2".parse().unwrap()));
    let tls = config.listen.peers_tls.unwrap();
    let files = [Some(&tls.files.certificate), Some(&tls.files.key), tls.files.client_ca.as_ref()];
    assert_eq!(files.map(|path| path.unwrap().to_str().unwrap()), ["conf/c.pem", "/k.pem", "conf/ca.pem"]);
    assert_eq!((tls.listen, config.limits.tls_handshake), (vec![Listen::Port(8)], Duration::from_secs(1)));
    assert_eq!(config.kubernetes.source, KubernetesSource::Manifests("conf/manifests/east".into()));
    assert_eq!((config.kubernetes.pods, config.kubernetes.ttl), (PodMode::Verified, HOUR));
    assert_eq!(config.kubernetes.namespaces, Namespaces::Named(["shop", "db"].map(String::from).into()));
    assert_eq!(config.kubernetes.labels.to_string(), "app in (a,b),!x");
    assert!(config.kubernetes.endpoint_pod_names && config.kubernetes.noendpoints);
    assert_eq!((config.limits.watch_line_bytes, config.limits.list_page_bytes), (2 << 20, 3 << 20));
    assert_eq!(config.peers.source, PeersSource::File("conf/tables/peers.yaml".into()));
    let configmap = config.peers.configmap.unwrap();
    assert_eq!((configmap.to_string(), &*configmap.folder), ("kube-system/peers".into(), Path::new("conf/tables")));
    assert_eq!((config.peers.deadline, config.peers.connections), (Duration::from_millis(200), 3));
    assert_eq!(config.shutdown.lameduck, Duration::ZERO);
    assert_eq!((config.limits.regions, config.limits.tcp_idle), (3, Duration::from_secs(30)));
    assert_eq!(config.limits.in_flight, crate::limits::Limits::default().in_flight);
    assert_eq!(config.state_dir.as_deref(), Some(Path::new("conf/state")));
    assert_eq!((config.workers, config.stamp_option, config.plain_sockets), (Some(3), 65_001, true));
    assert!(!config.metrics.coredns_compat);
    let queries = QueryLogConfig {
        classes: [QueryClass::Denial, QueryClass::Error].into(),
        format: QueryLogFormat::Json,
        sample: 10,
    };
    let level = "interlocal::peer=debug,warn".into();
    assert_eq!(config.log, LogConfig { format: LogFormat::Text, level, queries: Some(queries) });
}

#[test]
fn namespaces_are_all_or_named_or_labelled() {
    let of = |text: &str| config(&format!("kubernetes: {{{text}}}")).kubernetes.namespaces;
    assert_eq!(of("namespaces: [], namespace_labels: ''"), Namespaces::All);
    assert_eq!(of("namespaces: [a], namespace_labels: ''"), Namespaces::Named([String::from("a")].into()));
    let selector = Selector::parse("dns=public").unwrap();
    assert_eq!(of("namespaces: [], namespace_labels: dns=public"), Namespaces::Labelled(selector));
    assert_eq!(config("kubernetes: {ttl: 0s}").kubernetes.ttl, Duration::ZERO);
}

#[test]
fn no_peer_file_is_no_peers() {
    assert_eq!(config("peers: {file: ''}").peers.source, PeersSource::None);
    let url = "http://127.0.0.1:8001";
    let source = config(&format!("kubernetes: {{source: '{url}'}}")).kubernetes.source;
    assert_eq!(source, KubernetesSource::Url(url.into()));
}

#[test]
fn files_for_the_api_server_are_all_there_and_empty_services_are_known() {
    let of = |text: &str| config(&format!("kubernetes: {{{text}}}")).kubernetes;
    let tls = "tls: {cert: c, key: /k, ca: a}";
    let url = "https://10.0.0.1:6443".to_owned();
    let files = ApiFiles { certificate: "conf/c".into(), key: "/k".into(), ca: "conf/a".into() };
    assert_eq!(of(&format!("source: '{url}', {tls}")).source, KubernetesSource::Certified { url, files });
    assert!(of("ignore_empty_service: true, noendpoints: false").ignore_empty_service);
    for (text, message) in [
        ("ignore_empty_service: true, noendpoints: true", "every Service is empty"),
        ("source: 'https://a', tls: {cert: c, key: k}", "`tls` has no `ca`"),
        ("source: 'http://a', tls: {cert: c, key: k, ca: a}", "`tls` is for a `source`"),
        (tls, "`tls` is for a `source`"),
    ] {
        let errors = errors(&format!("kubernetes: {{{text}}}"));
        assert!(errors.contains(message), "{text}: {errors}");
    }
}

#[test]
fn zones_of_load_balancers_are_beside_the_clusters() {
    let row = "{zone: LB.example, ttl: 1m, apex: NS, headless: true, fallthrough: true}";
    let zone = ExternalConfig { ttl: Duration::from_secs(60), ..ExternalConfig::new("lb.example".parse().unwrap()) };
    let zone = ExternalConfig { apex: "ns".into(), headless: true, fallthrough: true, ..zone };
    assert_eq!(config(&format!("external: [{row}]")).servers[0].external, std::slice::from_ref(&zone));
    let both = config(&format!("servers: [{{listen: [':53']}}, {{listen: [':54'], external: [{row}]}}]"));
    assert_eq!((&both.servers[0].external[..], &both.servers[1].external[..]), (&[][..], &[zone][..]));
    for (row, message) in [
        ("{}", "the row has no `zone`"),
        ("{zone: .}", "must not be the root"),
        ("{zone: cluster.local}", "`cluster.local` is the cluster's own zone"),
        ("{zone: a, apex: b.c}", "the apex `b.c` is not one label"),
        ("{zone: a, ttl: 2h}", "ttl"),
        ("{zone: a}, {zone: a}", "zone `a` has two rows"),
        (&format!("{{zone: {}}}", ["x"; 60].join(".") + &".y".repeat(62)), "too long to stand below it"),
    ] {
        let errors = errors(&format!("external: [{row}]"));
        assert!(errors.contains(message), "{row}: {errors}");
    }
    let forward = "forward: [{zone: lb.example, to: [10.0.0.1]}]";
    assert!(errors(&format!("{forward}\nexternal: [{{zone: lb.example}}]")).contains("nobody would be sent to"));
    assert_eq!(config(&format!("{forward}\nexternal: [{row}]")).servers[0].external.len(), 1);
    assert!(errors("external: []\nservers: [{listen: [':53']}]").contains("`external` and `servers` cannot both"));
}

#[test]
fn peers_tls_needs_a_certificate_and_listens_on_8853() {
    let tls = config("listen: {peers_tls: {cert: c, key: k}}").listen.peers_tls.unwrap();
    assert_eq!(tls.listen, ["0.0.0.0:8853", "[::]:8853"].map(|text| text.parse().unwrap()));
    for (text, message) in [
        ("{}", "`peers_tls` has no `cert`"),
        ("{cert: c}", "`peers_tls` has no `key`"),
        ("{cert: c, key: ''}", "`peers_tls` has no `key`"),
        ("{cert: c, key: k, client_ca: ''}", "`client_ca` is empty"),
        ("{cert: c, key: k, listen: []}", "`peers_tls` listens nowhere"),
        ("{cert: c, key: k, listen: [':8053']}", "`peers_tls` on `:8053` takes the port of `peers` on `0.0.0.0:8053`"),
    ] {
        let errors = errors(&format!("listen: {{peers_tls: {text}}}"));
        assert!(errors.contains(message), "{text}: {errors}");
    }
}

#[test]
fn upstreams_over_tls_have_port_853_and_their_names() {
    let rows = "forward:\n  - zone: .\n    to: ['9.9.9.9%dns.quad9.net', '10.0.0.1:54', dns.example.com]\n    tls: {ca: ca.pem}\n    failover: [NXDOMAIN]\n    next:\n      - {on: [NXDOMAIN, nodata], to: [10.0.0.2]}\n      - {on: [SERVFAIL], to: [10.0.0.3], tls: {}}\n    resolver: [10.0.0.9]\n";
    let config = config(rows);
    let row = &config.servers[0].forward[0];
    let shown = |row: &ForwardConfig| row.to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(shown(row), "9.9.9.9%dns.quad9.net:853 10.0.0.1:54 dns.example.com:853");
    assert_eq!(row.transport, Transport::Tcp);
    assert_eq!(row.tls.as_ref().unwrap().files().collect::<Vec<_>>(), [Path::new("conf/ca.pem")]);
    assert_eq!(row.failover, [crate::wire::Rcode::NXDOMAIN].into());
    assert_eq!(row.resolver, ["10.0.0.9:53".parse().map(Upstream::Address).unwrap()]);
    assert_eq!(row.all().map(shown).collect::<Vec<_>>()[1..], ["10.0.0.2:53", "10.0.0.3:853"]);
    assert_eq!((row.next[0].on.len(), row.next[0].row.transport), (2, Transport::Udp));
    assert!(row.next[1].row.tls.is_some() && row.next[1].row.next.is_empty());
    for (text, message) in [
        ("to: [10.0.0.1], tls: {}, transport: udp", "there is no TLS over UDP"),
        ("to: [/etc/resolv.conf], tls: {}", "a file says nobody's port or name of TLS"),
        ("to: ['10.0.0.1%a']", "the row has no `tls`"),
        ("to: ['10.0.0.1%a'], tls: {server_name: b}", "`server_name` for all, and this server another one"),
        ("to: ['tls://10.0.0.1']", "`tls://10.0.0.1` is not an upstream: it has no scheme"),
        ("to: [10.0.0.1], tls: {cert: c}", "`tls.cert` without `tls.key`"),
        ("to: [10.0.0.1], failover: [NOERROR]", "`NOERROR` is what everybody is asked for"),
        ("to: [10.0.0.1], failover: [NONE]", "`NONE` is not an rcode"),
        ("to: [10.0.0.1], next: [{to: [10.0.0.2]}]", "`on` is missing"),
        ("to: [10.0.0.1], next: [{on: [NODATA]}]", "`.` is forwarded to nobody"),
        ("to: [a.example], resolver: [b.example]", "who looks up host names has no host name itself"),
        ("to: [a.example], resolver: []", "`resolver` is empty"),
    ] {
        let errors = errors(&format!("forward: [{{zone: ., {text}}}]"));
        assert!(errors.contains(message), "{text}: {errors}");
    }
}

#[test]
fn questions_are_logged_only_if_asked_for() {
    let queries = |text: &str| config(&format!("log: {{queries: {text}}}")).log.queries;
    assert_eq!(queries(""), None);
    let all = queries("{}").unwrap();
    assert_eq!((all.classes.len(), all.format, all.sample), (3, QueryLogFormat::CoreDns, 1));
    assert_eq!(queries("{class: [all, error]}"), Some(all));
    let class = errors("log: {queries: {class: [errors]}}");
    assert!(class.contains("expected `all` or `success` or `denial` or `error`, found `errors`"), "{class}");
    assert!(errors("log: {queries: {class: []}}").contains("`queries` logs nothing"));
    assert!(errors("log: {queries: {sample: 0}}").contains("out of range"));
}

#[test]
fn servers_replace_the_flat_keys() {
    let rows = "servers:\n  - listen: [':53']\n    forward: []\n  - {listen: ['10.0.0.1:54'], zones: [a, b], cache: {size: 1KiB}}\n";
    let servers = config(rows).servers;
    assert_eq!(servers[0].zones, [Config::default().cluster_domain]);
    assert!(servers[0].forward.is_empty());
    assert_eq!((servers[1].zones.len(), servers[1].cache.size), (2, 1024));
    assert_eq!(servers[1].forward[0].to, [Upstream::ResolvConf("/etc/resolv.conf".into())]);
    assert_eq!(servers[1].forward[0].transport, Transport::Udp);
    assert_eq!(
        errors("servers: [{listen: [':53']}]\ncache: {size: 1KiB}\nlisten: {dns: [':54']}\n"),
        "conf/interlocal.yaml:2:8: error: `cache` and `servers` cannot both be given
   2 | cache: {size: 1KiB}
     |        ^
  help: move it into the rows of `servers`
conf/interlocal.yaml:3:15: error: `listen.dns` and `servers` cannot both be given
   3 | listen: {dns: [':54']}
     |               ^
  help: move it into the rows of `servers`
"
    );
}

#[test]
fn unknown_key_is_an_error_or_a_warning() {
    let text = "cache:\n  max_tll: 5s\n";
    let shown = "conf/interlocal.yaml:2:3: error: unknown key `max_tll`
   2 |   max_tll: 5s
     |   ^^^^^^^
  help: did you mean `max_ttl`?
";
    assert_eq!(errors(text), shown);
    let parsed = load(text, UnknownKeys::Warn).unwrap();
    assert_eq!(parsed.value, Config::default());
    assert_eq!(format!("{}\n", parsed.warnings[0]), shown.replace("error:", "warning:"));
}

#[test]
fn wrong_types_say_what_was_expected() {
    assert_eq!(
        errors(
            "cache: 5\nlisten:\n  dns: \":53\"\nkubernetes: {ttl: [5s]}\nlimits:\n  regions: many\nmetrics: {coredns_compat: yes}\n"
        ),
        "conf/interlocal.yaml:1:8: error: expected a mapping, found a number `5`
   1 | cache: 5
     |        ^
  help: its keys are: size, max_ttl, max_negative_ttl, prefetch
conf/interlocal.yaml:3:8: error: expected a list, found `:53`
   3 |   dns: \":53\"
     |        ^^^^^
  help: write `[\":53\"]`
conf/interlocal.yaml:4:19: error: expected a duration such as `5s`, found a list
   4 | kubernetes: {ttl: [5s]}
     |                   ^
conf/interlocal.yaml:6:12: error: expected a whole number, found `many`
   6 |   regions: many
     |            ^^^^
conf/interlocal.yaml:7:27: error: expected `true` or `false`, found `yes`
   7 | metrics: {coredns_compat: yes}
     |                           ^^^
"
    );
}

#[test]
fn bad_durations_and_sizes_say_how_to_write_them() {
    assert_eq!(
        errors("kubernetes:\n  ttl: 5\ncache: {size: 16MB, max_ttl: 1500ms}\n"),
        "conf/interlocal.yaml:2:8: error: duration `5` has no unit
   2 |   ttl: 5
     |        ^
  help: write `5s` for seconds
conf/interlocal.yaml:3:15: error: `16MB` is not a size
   3 | cache: {size: 16MB, max_ttl: 1500ms}
     |               ^^^^
  help: did you mean `16MiB`?
conf/interlocal.yaml:3:30: error: a TTL must be whole seconds, not `1500ms`
   3 | cache: {size: 16MB, max_ttl: 1500ms}
     |                              ^^^^^^
"
    );
}

#[test]
fn values_out_of_range_say_the_range() {
    let text =
        "stamp_option: 3\nworkers: 0\npeers: {connections: 9, max_age: 2ms}\nlimits: {in_flight: 0}\nregion: East\n";
    let shown = errors(text);
    for line in [
        "1:15: error: `3` is out of range",
        "help: 65001 to 65534",
        "2:10: error: expected `auto` or a number from 1 to 1024, found `0`",
        "3:22: error: `9` is out of range",
        "3:34: error: `2ms` is out of range",
        "help: 1s to 24h",
        "4:21: error: `0` is out of range",
        "5:9: error: `East` is not a region label",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let cases = [
        ("peers: {stale_after: 2s}", "1:22: error: `stale_after` (2s) is later than `deadline` (1500ms)"),
        ("listen: {health: ':53'}", "1:18: error: `health` on `:53` takes the port of `dns` on `0.0.0.0:53`"),
        ("listen: {dns: [':53', '10.0.0.1:53']}", "`dns` on `10.0.0.1:53` takes the port of `dns` on `:53`"),
        ("forward: [{zone: a, to: [10.0.0.1]}, {zone: A., to: [10.0.0.2]}]", "1:45: error: zone `a` has two rows"),
        ("forward: [{zone: a, to: []}]", "1:25: error: `a` is forwarded to nobody"),
        ("forward: [{to: [10.0.0.1]}]", "1:11: error: the row has no `zone`"),
        ("forward: [{zone: ., to: [10.0.0.1], stamp: true}]", "1:44: error: questions to `.` never carry the stamp"),
        ("forward: [{zone: cluster.local, to: [10.0.0.1]}]", "`cluster.local` is the cluster domain"),
        ("forward: [{zone: a, to: [10.0.0.1, '10.0.0.1:53']}]", "1:36: error: `10.0.0.1:53` is named twice"),
        ("forward: [~]", "1:11: error: expected a value, found nothing"),
        ("cluster_domain: .", "1:17: error: the cluster domain must not be the root"),
        ("servers: [{zones: [a]}]", "the server listens nowhere"),
        ("kubernetes: {source: ''}", "1:22: error: the source is empty"),
        ("kubernetes: {source: 'http://'}", "1:22: error: the source is no URL"),
        ("kubernetes: {source: 'https://:80'}", "1:22: error: the source is no URL"),
        ("kubernetes: {ttl: 3601s}", "1:19: error: `3601s` is out of range"),
        ("kubernetes: {namespaces: [shop, Db]}", "1:33: error: `Db` cannot be the name of a namespace"),
        ("kubernetes: {namespaces: [shop, shop]}", "1:33: error: namespace `shop` is named twice"),
        ("kubernetes: {namespaces: shop}", "1:26: error: expected a list, found `shop`"),
        ("kubernetes: {labels: 'app in web'}", "1:22: error: `app in web` is no part of a label selector"),
        (
            "kubernetes: {namespaces: [a], namespace_labels: b}",
            "1:49: error: `namespaces` and `namespace_labels` cannot both be given",
        ),
        ("log: {level: verbose}", "1:14: error: expected `error` or `warn`"),
        ("sockets: fast", "1:10: error: expected `batched` or `plain`, found `fast`"),
        ("cache: {size: 1KiB}\ncache: {size: 2KiB}", "2:1: error: `cache` is given twice"),
        ("[1]: 2", "error: "),
        ("- region: east", "1:1: error: expected a mapping, found a list"),
        ("region: [", "error: "),
        ("region: a\n---\nregion: b\n", "2:1: error: a second document starts here"),
    ];
    for (text, expected) in cases {
        let shown = errors(text);
        assert!(shown.contains(expected), "{text}: {expected}\n{shown}");
    }
}

#[test]
fn text_that_is_not_yaml_is_an_error_with_its_place() {
    assert_eq!(
        errors("listen:\n  health: ':1'\n  region: [\n"),
        "conf/interlocal.yaml:3:11: error: unclosed bracket '['
   3 |   region: [
     |           ^
"
    );
    assert!(errors("region: *x\n").contains("1:9: error: reference to unknown value"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Whatever is cut out of a file and put in its place, the answer is a value or problems that can be shown.
    #[test]
    fn no_text_panics(at in 0..EXAMPLE.len(), cut in 0..40_usize, new in "[\\PC\n\t:{}\\[\\],'\"&*#|!-]{0,12}") {
        let start = EXAMPLE.floor_char_boundary(at);
        let end = EXAMPLE.floor_char_boundary((start + cut).min(EXAMPLE.len()));
        let text = format!("{}{new}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
        match load(&text, UnknownKeys::Refuse) {
            Ok(parsed) => proptest::prop_assert!(parsed.warnings.is_empty()),
            Err(errors) => proptest::prop_assert!(errors.iter().all(|error| !error.to_string().is_empty())),
        }
    }
}
