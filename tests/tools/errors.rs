//! What each mistake in a file looks like to who made it: every one of them with file, line, column, snippet and help, in one golden
//! file. A new text, or a changed one, is seen there.

use crate::golden;
use crate::support::process;

/// Mistakes in `interlocal.yaml`.
const CONFIG: &[&str] = &[
    "listen: [\n",
    "just text\n",
    "region: east\nregion: west\n",
    "cluster_domian: cluster.local\n",
    "cluster_domain: .\n",
    "cluster_domain: a..b\n",
    "region: East\n",
    "region: [east]\n",
    "region: kube-system\n",
    "kubernetes: {ttl: 5}\n",
    "kubernetes: {ttl: 1500ms}\n",
    "kubernetes: {ttl: 2h}\n",
    "kubernetes: {pods: sure}\n",
    "kubernetes: {pods: verfied}\n",
    "kubernetes: {namespaces: [shop], namespace_labels: \"a=b\"}\n",
    "kubernetes: {namespaces: [shop, shop]}\n",
    "kubernetes: {labels: \"a in (\"}\n",
    "listen: {dns: \":53\"}\n",
    "listen: {dns: [53]}\n",
    "listen: {dns: [\"localhost:53\"]}\n",
    "listen: {dns: [\"::1:53\"]}\n",
    "listen: {dns: []}\n",
    "listen: {health: \":8080\", ready: \":8080\"}\n",
    "listen: {peers_allow: [10.0.97.5/20]}\n",
    "listen: {peers_allow: [ten]}\n",
    "listen: {peers_tls: {cert: a}}\n",
    "listen: {identify: yes}\n",
    "peers: {stale_after: 2s, deadline: 1s}\n",
    "peers: {connections: 9}\n",
    "peers: {configmap: peers}\n",
    "peers: {max_age: 2}\n",
    "forward: {zone: ., to: [10.1.2.3]}\n",
    "forward: [{to: [10.1.2.3]}]\n",
    "forward: [{zone: corp.example}]\n",
    "forward: [{zone: corp.example, to: []}]\n",
    "forward: [{zone: corp.example, to: [10.1.2]}]\n",
    "forward: [{zone: corp.example, to: ['tls://10.1.2.3']}]\n",
    "forward: [{zone: corp.example, to: [10.1.2.3], tls: {}, transport: udp}]\n",
    "forward: [{zone: corp.example, to: [10.1.2.3], tls: {cert: a.pem}}]\n",
    "forward: [{zone: corp.example, to: ['10.1.2.3%a.example']}]\n",
    "forward: [{zone: corp.example, to: [/etc/resolv.conf], tls: {}}]\n",
    "forward: [{zone: corp.example, to: [10.1.2.3], failover: [NOERROR]}]\n",
    "forward: [{zone: corp.example, to: [10.1.2.3], next: [{to: [10.1.2.4]}]}]\n",
    "forward: [{zone: corp.example, to: [dns.example], resolver: [dns.example]}]\n",
    "forward: [{zone: corp.example, to: [10.1.2.3], transport: tpc}]\n",
    "forward: [{zone: ., to: [10.1.2.3], stamp: true}]\n",
    "forward: [{zone: a.b, to: [10.1.2.3]}, {zone: A.b, to: [10.1.2.4]}]\n",
    "forward: [{zone: cluster.local, to: [10.1.2.3]}]\n",
    "cache: {size: 16MB}\n",
    "cache: {size: lots}\n",
    "cache: {max_ttl: 1500ms}\n",
    "cache: {max_ttl: 999h}\n",
    "shutdown: {lameduck: -5s}\n",
    "limits: {in_flight: 0}\n",
    "limits: {in_flight: many}\n",
    "limits: {forward_tries: 33}\n",
    "workers: some\n",
    "workers: 0\n",
    "log: {format: xml}\n",
    "log: {level: loud}\n",
    "stamp_option: 3\n",
    "sockets: fast\n",
    "servers: [{zones: [cluster.local]}]\n",
    "servers: [{listen: [\":53\"]}]\ncache: {size: 1MiB}\n",
    "metrics: {coredns_compat: 1}\nstate_dir: [a]\n",
];

/// Mistakes in `peers.yaml`.
const PEERS: &[&str] = &[
    "regions: 7\n",
    "regions:\n  east:\n    endpoint: [10.0.0.1]\n",
    "regions:\n  East: {endpoints: [10.0.0.1]}\n",
    "regions:\n  de: {endpoints: [10.0.0.1]}\n",
    "regions:\n  default: {endpoints: [10.0.0.1]}\n",
    "regions:\n  kube-system: {endpoints: [10.0.0.1]}\n",
    "regions:\n  east: {}\n",
    "regions:\n  east: {endpoints: []}\n",
    "regions:\n  east: {endpoints: [\"2001:db8::7:53\"]}\n",
    "regions:\n  east: {endpoints: [\"10.0.0.1:99999\"]}\n",
    "regions:\n  east: {endpoints: [\"host_name!\"]}\n",
    "regions:\n  east: {endpoints: [10.0.0.1], zones: [east.example.com]}\n",
    "regions:\n  east: {endpoints: [10.0.0.1], zones: [svc.cluster.local]}\n",
    "regions:\n  east: {endpoints: [10.0.0.1], mesh: local}\n",
    "regions:\n  east: {endpoints: [10.0.0.1], cidrs: [10.0.97.5/20]}\n",
    "regions:\n  east: {endpoints: [10.0.0.1], zones: [a.svc.cluster.local]}\n  west: {endpoints: [10.0.0.2], zones: [a.svc.cluster.local]}\n",
    "regions:\n  east: {endpoints: [10.0.0.1], tls: {cert: a.pem}}\n",
    "version: 2\nregions:\n  east: {endpoints: [10.0.0.1]}\n",
    "domain: other.local\nregions:\n  east: {endpoints: [10.0.0.1]}\n",
];

#[tokio::test]
async fn every_mistake_is_shown_with_its_place_and_its_mend() {
    let folder = tempfile::tempdir().unwrap();
    let mut page = String::new();
    let of = |name, region: &'static [&'static str], texts: &'static [&'static str]| {
        texts.iter().map(move |text| (name, region, text))
    };
    let without_a_row = of("peers.yaml", &["--region", "esat"], &PEERS[2..3]);
    for (name, region, mistake) in
        of("interlocal.yaml", &[], CONFIG).chain(of("peers.yaml", &[], PEERS)).chain(without_a_row)
    {
        std::fs::write(folder.path().join(name), mistake).unwrap();
        let ended = process::run(folder.path(), &[&["validate"][..], region, &[name]].concat()).await;
        // Which keys there are is the schema's business.
        let keys = "help: its keys are: ";
        let short = |line: &str| match line.split_once(keys) {
            Some((before, _)) => format!("{before}{keys}…\n"),
            None => format!("{line}\n"),
        };
        let shown: String = ended.stdout.lines().chain(ended.stderr.lines()).map(short).collect();
        page += &format!("===\n{mistake}---\n{shown}");
    }
    assert_eq!(page.matches("===\n").count(), CONFIG.len() + PEERS.len() + 1);
    golden::check("errors.txt", &page, &[]);
}
