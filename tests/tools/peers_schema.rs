//! The JSON Schema of `peers.yaml` against the reader: what one takes the other takes, and what an editor can find the reader refuses.

use std::collections::BTreeSet;
use std::path::Path;

use interlocal::config::peers::{TableContext, parse};
use interlocal::config::{RegionLabel, UnknownKeys};
use interlocal::limits::Limits;
use serde_json::Value;

use crate::json_schema::faults;
use crate::support::process;

/// What the reader says, one problem a line.
fn read(text: &str) -> Vec<String> {
    let (domain, own) = ("cluster.local".parse().unwrap(), RegionLabel::parse("own").unwrap());
    let context = TableContext {
        cluster_domain: &domain,
        region: Some(&own),
        stub_zones: &[],
        limits: &Limits::default(),
        folder: None,
    };
    let result = parse(text, Path::new("peers.yaml"), &context, UnknownKeys::Refuse);
    result.errors.iter().map(ToString::to_string).collect()
}

async fn schema() -> Value {
    let ended = process::run(&std::env::temp_dir(), &["schema", "peers"]).await;
    serde_json::from_str(&ended.stdout).unwrap()
}

/// A row of `east`, beside our own.
fn row(row: &str) -> String {
    format!("regions:\n  own:\n  east: {row}\n")
}

const GOOD: &[&str] = &[
    "{endpoints: [10.0.0.1]}",
    "{endpoints: [\"10.0.0.1:5353\", \"[2001:db8::7]:53\", \"2001:db8::8\", k8s-x_1.elb.example.com, \"dns.example.com.:8053\"]}",
    "{endpoints: [a.example], zones: [east.svc.cluster.local, kafka.svc.cluster.local]}",
    "{endpoints: [a.example], mesh: east.mesh, cidrs: [10.0.96.0/20, \"fd00::/64\", 10.9.9.9/32]}",
    "{endpoints: [a.example], allow_tld: true, override_local: false}",
    "{endpoints: [a.example], tls: {}}",
    "{endpoints: [a.example], tls: {ca: ca.crt, server_name: dns.east, cert: a.crt, key: a.key}}",
    "{endpoints: [a.example], zones: , cidrs: }",
];

const BROKEN: &[&str] = &[
    "{endpoint: [10.0.0.1]}",
    "{endpoints: 10.0.0.1}",
    "{endpoints: [[10.0.0.1]]}",
    "{endpoints: [{host: a}]}",
    "{endpoints: [\"https://a.example/\"]}",
    "{endpoints: [\"a b\"]}",
    "{endpoints: [\"host!\"]}",
    "{endpoints: [a.example], zones: east.svc.cluster.local}",
    "{endpoints: [a.example], zones: [\"a b.svc.cluster.local/x\"]}",
    "{endpoints: [a.example], mesh: [east.mesh]}",
    "{endpoints: [a.example], cidrs: [ten]}",
    "{endpoints: [a.example], cidrs: [10.0.0.0/20/3]}",
    "{endpoints: [a.example], cidrs: {a: b}}",
    "{endpoints: [a.example], allow_tld: sometimes}",
    "{endpoints: [a.example], allow_tld: [true]}",
    "{endpoints: [a.example], override_local: 1}",
    "{endpoints: [a.example], tls: true}",
    "{endpoints: [a.example], tls: {kay: a}}",
    "{endpoints: [a.example], tls: {cert: a.crt}}",
    "{endpoints: [a.example], tls: {key: a.key}}",
    "{endpoints: [a.example], tls: {ca: [a]}}",
    "[a.example]",
    "a.example",
];

/// Whole files.
const BROKEN_FILES: &[&str] = &[
    "",
    "version: 1\n",
    "regions:\n",
    "regions: 7\n",
    "regions: [own]\n",
    "version: 0\nregions: {own: }\n",
    "version: one\nregions: {own: }\n",
    "domain: [cluster.local]\nregions: {own: }\n",
    "regoins: {own: }\n",
    "regions: {own: , East: {endpoints: [a.example]}}\n",
    "regions: {own: , east_1: {endpoints: [a.example]}}\n",
    "regions: {own: , -east: {endpoints: [a.example]}}\n",
];

#[tokio::test]
async fn the_schema_of_the_table_says_what_the_reader_says() {
    let schema = schema().await;
    let good = GOOD.iter().map(|it| row(it)).chain([
        "regions: {own: }\n".to_owned(),
        "version: 1\ndomain: cluster.local\nregions: {own: {}}\n".to_owned(),
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/peers.yaml")).unwrap() + "  own:\n",
    ]);
    let mut compared = 0;
    for text in good {
        assert_eq!((faults(&schema, &text), read(&text)), (Vec::new(), Vec::new()), "{text}");
        compared += 1;
    }
    for text in BROKEN.iter().map(|it| row(it)).chain(BROKEN_FILES.iter().map(|it| (*it).to_owned())) {
        assert!(!faults(&schema, &text).is_empty(), "the schema takes\n{text}");
        assert!(!read(&text).is_empty(), "the reader takes\n{text}");
        compared += 1;
    }
    assert_eq!(compared, GOOD.len() + 3 + BROKEN.len() + BROKEN_FILES.len());
}

/// Which keys there are: the reader lists them when it meets another one.
#[tokio::test]
async fn the_schema_of_the_table_has_the_keys_of_the_reader() {
    let schema = schema().await;
    let of_schema = |pointer: &str| -> BTreeSet<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let of_reader = |text: &str| -> BTreeSet<String> {
        let said = read(text).join("\n");
        let keys = said.split_once("help: known: ").unwrap_or_else(|| panic!("{said}")).1;
        keys.lines().next().unwrap().split(", ").map(str::to_owned).collect()
    };
    let row_keys = "/properties/regions/additionalProperties/properties";
    for (pointer, text) in [
        ("/properties", "quite_another: 1\nregions: {own: }\n".to_owned()),
        (row_keys, row("{endpoints: [a.example], quite_another: 1}")),
        (&format!("{row_keys}/tls/properties"), row("{endpoints: [a.example], tls: {quite_another: 1}}")),
    ] {
        assert_eq!(of_schema(pointer), of_reader(&text), "{pointer}");
    }
}
