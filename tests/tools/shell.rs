//! Completions, manual pages, the schema and the printed configuration: what editors and shells are given is what we read.

use std::path::Path;

use serde_json::Value;

use crate::json_schema::faults;
use crate::support::process::{self, Ended};

async fn run(args: &[&str]) -> Ended {
    let ended = process::run(&std::env::temp_dir(), args).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

async fn schema(of: &str) -> Value {
    serde_json::from_str(&run(&["schema", of]).await.stdout).unwrap()
}

#[tokio::test]
async fn the_schemas_take_our_own_files_and_refuse_mistakes() {
    let (config, peers) = (schema("config").await, schema("peers").await);
    let mut files = vec![(&config, "config/interlocal.yaml".to_owned()), (&peers, "config/peers.yaml".to_owned())];
    files.push((&peers, "config/demo/peers.yaml".to_owned()));
    files.extend(["central", "east", "west"].map(|region| (&config, format!("config/demo/{region}/interlocal.yaml"))));
    for (schema, name) in &files {
        assert_eq!(faults(schema, &file(name)), [""; 0], "{name}");
    }
    for (schema, text, fault) in [
        (&config, "cash: {}", ".cash: unknown"),
        (&config, "cache: {sise: 1MiB}", ".cache.sise: unknown"),
        (&config, "kubernetes: {pods: sure}", ".kubernetes.pods: no such choice"),
        (&config, "peers: {connections: 9}", ".peers.connections: out of range"),
        (&config, "listen: {dns: \":53\"}", ".listen.dns: is string"),
        (&config, "forward: [{zone: ., to: [x], transport: tpc}]", ".forward[0].transport: no such choice"),
        (&config, "forward: [{zone: ., to: [x], tls: {kay: a}}]", ".forward[0].tls.kay: unknown"),
        (&config, "forward: [{zone: ., to: [x], cache: 30s}]", ".forward[0].cache: is string"),
        (&config, "servers: [{listen: [\":53\"], cache: {sise: 1}}]", ".servers[0].cache.sise: unknown"),
        (&config, "listen: {peers_tls: {cert: a, kay: b}}", ".listen.peers_tls.kay: unknown"),
        (&peers, "regions: {east: {endpoint: [a]}}", ".regions.east.endpoint: unknown"),
        (&peers, "regions: {east: {tls: {kay: a}}}", ".regions.east.tls.kay: unknown"),
    ] {
        assert_eq!(faults(schema, text), [fault], "{text}");
    }
    assert_eq!(faults(&config, ""), [""; 0], "an empty file is a configuration");
}

/// The keys of the schema are those that the reader knows, each with its default and its meaning.
#[tokio::test]
async fn every_key_has_a_meaning_and_its_default() {
    let config = schema("config").await;
    let mut keys = 0;
    for (name, section) in config["properties"].as_object().unwrap() {
        let inner = section["properties"].as_object().or(section["items"]["properties"].as_object());
        let all: Vec<(String, &Value)> = match inner {
            Some(inner) if section.get("description").is_none() => {
                inner.iter().map(|(key, value)| (format!("{name}.{key}"), value)).collect()
            }
            _ => vec![(name.clone(), section)],
        };
        for (key, value) in all {
            keys += 1;
            // Each limit has a row of its own in another page; formats speak for themselves.
            let spoken = value["description"].is_string() || key.starts_with("limits.") || value.get("$ref").is_some();
            assert!(spoken || value["enum"].is_array(), "{key}: {value}");
        }
    }
    assert!(keys > 60, "{keys}");
    let of = |pointer: &str| config.pointer(&format!("/properties/{pointer}")).cloned();
    assert_eq!(of("cache/properties/size/default"), Some("16MiB".into()));
    assert_eq!(of("peers/properties/connections/default"), Some(2.into()));
    assert_eq!(of("listen/properties/dns/default"), Some(serde_json::json!(["0.0.0.0:53", "[::]:53"])));
    assert_eq!(of("metrics/properties/coredns_compat/default"), Some(true.into()));
}

/// What is printed is a configuration, and the default one.
#[tokio::test]
async fn the_printed_configuration_is_the_default() {
    use interlocal::config::{Config, Overrides, UnknownKeys, file};
    let printed = run(&["config"]).await.stdout;
    let parsed =
        file::parse(&printed, Path::new("x/interlocal.yaml"), UnknownKeys::Refuse, &Overrides::default()).unwrap();
    assert_eq!(parsed.value.listen, Config::default().listen);
    assert_eq!(parsed.value.limits, Config::default().limits);
    assert!(printed.lines().filter(|line| line.trim_start().starts_with('#')).count() > 20, "it is commented");
    assert!(run(&["config", "--peers"]).await.stdout.contains("regions:"));
}

/// What stands in a file has its place among the defaults; a file that is wrong is not shown as if it were not.
#[tokio::test]
async fn a_files_values_are_laid_over_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let good = path("good.yaml", "region: east\nlimits: {in_flight: 7}\nforward: [{zone: ., to: [10.1.2.3]}]\n");
    let printed = run(&["config", "-c", &good]).await.stdout;
    for line in [
        "region: east",
        "  in_flight: 7                # questions that wait for a peer or an upstream, over all doors; beyond it SERVFAIL at once",
        "  - {zone: ., to: [\"10.1.2.3\"]}",
        "  max_ttl: 30s",
    ] {
        assert!(printed.lines().any(|found| found == line), "{line}\n{printed}");
    }
    assert!(!printed.contains("[/etc/resolv.conf]"), "{printed}");
    let corefile = path("Corefile", ".:5300 {\n    forward . 10.1.2.3\n    cache 30\n}\n");
    let printed = run(&["config", "--corefile", &corefile]).await.stdout;
    assert!(printed.contains("\nservers:\n  - {listen: ") && printed.contains("\n  # dns: "), "{printed}");
    let bad = path("bad.yaml", "regoin: east\n");
    let ended = process::run(folder.path(), &["config", "-c", &bad]).await;
    assert!(ended.code == Some(2) && ended.stderr.contains("did you mean `region`?"), "{ended:?}");
}

#[tokio::test]
async fn shells_and_readers_get_every_command() {
    let help = run(&["--help"]).await.stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> =
        listed.filter_map(|line| line.split_whitespace().next()).filter(|it| *it != "help").collect();
    assert!(commands.contains(&"query") && commands.len() >= 12, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).await.stdout;
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let page = run(&["man"]).await.stdout;
    assert!(page.contains(".TH interlocal 1"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    run(&["man", "--dir", folder.path().to_str().unwrap()]).await;
    for command in &commands {
        assert!(folder.path().join(format!("interlocal-{command}.1")).exists(), "{command}");
    }
}

/// Not a terminal, so no colour whatever the environment says.
#[tokio::test]
async fn no_output_that_is_read_by_programs_has_colours() {
    for args in [&["--help"][..], &["query", "--help"], &["config"], &["schema"]] {
        let ended = run(args).await;
        assert!(!ended.stdout.contains('\x1b') && !ended.stderr.contains('\x1b'), "{args:?}");
    }
}
