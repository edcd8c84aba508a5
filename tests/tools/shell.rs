//! Completions, manual pages, the schema and the printed configuration: what editors and shells are given is what we read.

use std::path::Path;

use serde_json::Value;

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

/// What is wrong with a value, by the words of JSON Schema that ours uses.
fn judge(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(to) = schema["$ref"].as_str() {
        return judge(root, root.pointer(to.trim_start_matches('#')).expect("what it refers to"), value, at, wrong);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(some) => some.iter().any(|one| one == kind),
        _ => true,
    };
    if !fits {
        wrong.push(format!("{at}: is {kind}"));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        wrong.push(format!("{at}: no such choice"));
    }
    let number = value.as_u64();
    let bound = |name: &str| schema[name].as_u64().zip(number);
    if bound("minimum").is_some_and(|(least, is)| is < least) || bound("maximum").is_some_and(|(most, is)| is > most) {
        wrong.push(format!("{at}: out of range"));
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        judge(root, &schema["items"], item, &format!("{at}[{place}]"), wrong);
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => judge(root, schema, item, &at, wrong),
            (None, Value::Bool(false)) => wrong.push(format!("{at}: unknown")),
            (None, other) => judge(root, other, item, &at, wrong),
        }
    }
}

fn faults(schema: &Value, yaml: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    let mut wrong = Vec::new();
    judge(schema, schema, &value, "", &mut wrong);
    wrong
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
