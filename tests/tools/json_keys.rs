//! What programs read of the tools: every key of every `-o json`, in one golden file. A key that is gone, or is called otherwise, is seen
//! there; the pages of docs/ have each of them.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::faults::world::{Place, World, row};
use crate::golden;
use crate::support::client::ask_udp;
use crate::support::server::ScriptServer;

/// Paths of keys, `[]` for each item of a list; names that are data are `*`.
fn keys(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                // The rows of docs/coredns.md.
                let key = if at == "wanted" { "*" } else { key };
                let path = if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
                into.insert(path.clone());
                keys(inner, &path, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, &format!("{at}[]"), into)),
        _ => {}
    }
}

#[tokio::test]
async fn the_keys_that_programs_read_stay() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example", RecordType::A).answer_a("192.0.2.1", 300));
    let closed = Place::new("west");
    let east = Place::new("east")
        .key("forward", &format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .key("policy", "[{any: true}]");
    let world = World::new();
    world.table(&[row("east", east.peers()), row("west", closed.peers())]);
    let _running = world.serve_ready(&east).await;
    ask_udp(east.dns(), "www.example", RecordType::A).await;
    ask_udp(east.dns(), "web.west.svc.cluster.local", RecordType::A).await;
    let (admin, ours, theirs) = (east.admin().to_string(), east.dns().to_string(), east.peers().to_string());
    let mut page = String::new();
    for args in [
        &["status", "--admin", &admin][..],
        &["peers", "--admin", &admin],
        &["cache", "get", "www.example", "--admin", &admin],
        &["cache", "flush", "--admin", &admin],
        &["zone", "get", "east/web", "--admin", &admin],
        &["query", "web.east", "--admin", &admin],
        &["query", "web.west.svc.cluster.local.", "--admin", &admin],
        &["query", "www.example.", "--trace", "--admin", &admin],
        &["check", "--config", "east.yaml", "--matrix"],
        &["compare", "--config", "east.yaml", "--ours", &ours, "--against", &theirs],
    ] {
        let ended = world.run(&[args, &["-o", "json"]].concat()).await;
        let value: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let mut found = BTreeSet::new();
        keys(&value, "", &mut found);
        let shown: Vec<&str> = args.iter().copied().take_while(|arg| !arg.starts_with("--")).collect();
        let trace = if args.contains(&"--trace") { " --trace" } else { "" };
        page += &format!("$ interlocal {}{trace}\n", shown.join(" "));
        page.extend(found.iter().map(|key| format!("{key}\n")));
    }
    golden::check("json-keys.txt", &page, &[]);

    let docs = ["tools", "check", "compare", "peers"]
        .map(|name| std::fs::read_to_string(format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap());
    let last = page.lines().filter(|line| !line.starts_with('$')).map(|path| path.rsplit('.').next().unwrap_or(path));
    let names: BTreeSet<&str> = last.filter(|name| *name != "*").collect();
    let written = |name: &str| {
        let ends = ["`", ".", "[]"].into_iter().flat_map(|end| [format!("`{name}{end}"), format!("].{name}{end}")]);
        ends.into_iter().any(|written| docs.iter().any(|page| page.contains(&written)))
    };
    let missing: Vec<&&str> = names.iter().filter(|name| !written(name)).collect();
    assert!(missing.is_empty() && names.len() > 60, "{missing:?} are in no page, of {}", names.len());
}
