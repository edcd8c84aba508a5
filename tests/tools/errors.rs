//! Every text of an error in one golden file: what each mistake looks like to who made it, with file, line, column, snippet and help;
//! what the tools say; and every text that stands in the source, for those that no test can bring about. A new text, or a changed
//! one, is seen there.

use std::path::Path;

use crate::golden;
use crate::support::process;
use crate::texts;

/// What the tools are called with, in a folder without most of it.
const TOOLS: &[&[&str]] = &[
    &["validate", "none.yaml"],
    &["serve", "--config", "none.yaml"],
    &["serve", "--config", "taken.yaml"],
    &["serve", "--config", "socket.yaml"],
    &["serve", "--config", "empty.yaml", "--region", "East", "--listen", "127.0.0.1:0"],
    &["validate", "objects.yaml"],
    &["config", "-c", "none.yaml"],
    &["config", "-c", "list.yaml"],
    &["import", "none"],
    &["demo", "--dir", "none"],
    &["query", "web.", "--manifests", "none"],
    &["query", "web..x", "--manifests", "fine.yaml"],
    &["query", "web.", "NONSENSE", "--manifests", "fine.yaml"],
    &["query", "web.", "--manifests", "fine.yaml", "--server", "7"],
    &["status", "--admin", "unix:/nowhere/admin.sock"],
    &["status", "--admin", "here"],
    &["cache", "get", "web", "--admin", "ADDRESS"],
    &["zone", "get", "web"],
    &["compare", "--against", "127.0.0.1:1", "--ours", "127.0.0.1:1"],
    &["compare", "--against", "127.0.0.1:1", "--file", "none", "--manifests", "fine.yaml"],
    &["compare", "--against", "127.0.0.1:1", "--file", "empty.yaml", "--manifests", "fine.yaml"],
    &["compare", "--against", "127.0.0.1:1", "--from-instance", "ADDRESS"],
    &["check", "--config", "none.yaml"],
    &["check", "--wait", "5"],
];

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
    "listen: {admin: \"unix:admin.sock\"}\n",
    "listen: {health: \"unix:/run/health.sock\"}\n",
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
    let tools = said_by_tools(folder.path()).await;
    let (all, found) = in_the_source();
    // What a file's reader says is among the texts of the source, or the look at the source has missed some.
    let said = page.lines().chain(include_str!("../corefile/golden/refusals.txt").lines());
    let said = said.filter_map(|line| line.strip_prefix("  help: ").or_else(|| Some(line.split_once(": error: ")?.1)));
    let said: Vec<&str> = said.filter(|text| text.contains(' ') && !text.starts_with("its keys are: ")).collect();
    let is_ours = |text: &str| {
        // Two are put together: `what` and what is wrong with it; ranges are numbers; and one is the YAML crate's.
        let rest = text.strip_prefix('`').and_then(|text| text.split_once("` "));
        let range = text.split_once(" to ").is_some_and(|(least, _)| least.starts_with(|it: char| it.is_ascii_digit()));
        let known = |text| texts::is_one_of(&found, text);
        known(text) || rest.is_some_and(|(_, rest)| known(rest)) || range || text == "unclosed bracket '['"
    };
    let missed: Vec<&&str> = said.iter().filter(|text| !is_ours(text)).collect();
    assert!(missed.is_empty() && said.len() > 300, "{} of {}: {missed:#?}", missed.len(), said.len());
    let anything: Vec<&regex::Regex> =
        found.iter().filter(|template| template.is_match("quite another thing")).collect();
    assert!(anything.is_empty(), "{anything:?}");
    golden::check("errors.txt", &format!("{page}{tools}{all}"), &[]);
}

/// What the tools say when they cannot do it.
async fn said_by_tools(folder: &Path) -> String {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let off = "peers: [], health: \"\", ready: \"\", metrics: \"\"";
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    put("taken.yaml", &format!("listen: {{dns: [\"{address}\"], {off}, admin: \"\"}}\n"));
    put("socket.yaml", &format!("listen: {{dns: [\"127.0.0.1:0\"], {off}, admin: \"unix:/nowhere/admin.sock\"}}\n"));
    put("empty.yaml", "");
    put("list.yaml", "- a\n");
    put("fine.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    put("objects.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: 80}\n---\nkind: [\n");
    let mut page = String::new();
    for args in TOOLS {
        let args: Vec<&str> = args.iter().map(|arg| if *arg == "ADDRESS" { closed.as_str() } else { arg }).collect();
        let ended = process::run(folder, &args).await;
        assert!(ended.code.is_some_and(|code| code > 0), "{args:?}: {ended:?}");
        page += &format!("===\n$ interlocal {}\n{}{}", args.join(" "), ended.stdout, ended.stderr);
    }
    page.replace(&address, "TAKEN").replace(&closed, "CLOSED")
}

/// Every text of the source, and what each may become.
fn in_the_source() -> (String, Vec<regex::Regex>) {
    let (mut page, mut templates) = (String::from("===\nin the source\n"), Vec::new());
    for (file, texts) in texts::all() {
        page += &format!("\nsrc/{file}\n");
        for text in texts {
            page += &format!("  {text}\n");
            templates.push(texts::template(&text));
        }
    }
    assert!(templates.len() > 800, "{}", templates.len());
    (page, templates)
}
