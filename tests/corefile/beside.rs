//! What stands beside a Corefile: a peer table with the door for other regions, a listener for the tools, and the commands that
//! read a Corefile as `serve` does.

use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use interlocal::config::{Overrides, PeersSource};

use crate::setup::{Folder, Served};
use crate::support::client::ask_udp;
use crate::support::ports::free_block;
use crate::support::process::{Process, run};
use crate::support::read::addresses;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{http, ip, secs, yaml};

const STANZA: &str =
    "east.svc.cluster.local:PORT {\n    bind 127.0.0.1\n    forward . 127.0.0.1:1 {\n        force_tcp\n    }\n}\n";

fn objects() -> String {
    let path = "central/web";
    yaml::join(&[
        yaml::namespace("central"),
        yaml::namespace("default"),
        yaml::service(path, &["10.96.0.80"], &["http:80"]),
        yaml::service("default/web", &["10.96.0.81"], &["http:80"]),
    ])
}

fn table(east: SocketAddr) -> String {
    format!("version: 1\nregions:\n  central: {{}}\n  east: {{endpoints: [\"{east}\"]}}\n")
}

fn beside(folder: &Folder) -> Overrides {
    Overrides {
        region: Some("central".into()),
        peers: Some(folder.path("peers.yaml")),
        manifests: Some(folder.path("objects.yaml")),
        listen_peers: Some(vec!["127.0.0.1:0".into()]),
        ..Overrides::default()
    }
}

/// East, as another region's resolver is.
fn east() -> ScriptServer {
    let east = ScriptServer::start();
    east.on("web.east.svc.cluster.local", RecordType::A).answer_a("10.2.0.80", 60);
    east
}

fn corefile(stanza: &str) -> String {
    format!(".:PORT {{\n    bind 127.0.0.1\n    kubernetes cluster.local\n}}\n{stanza}").replace("PORT", "0")
}

#[test]
fn with_a_table_of_its_own_a_corefile_opens_the_peers_door_and_its_stanzas_are_not_read() {
    let folder = Folder::new(&corefile(STANZA));
    let (alone, _) = folder.parse(&Overrides::default()).unwrap();
    assert!(alone.config.listen.peers.is_empty(), "closed unless it is configured");
    assert!(matches!(alone.config.peers.source, PeersSource::Table(_)));
    let overrides = Overrides { listen_peers: None, ..beside(&folder) };
    let (with, warnings) = folder.parse(&overrides).unwrap();
    assert_eq!(with.config.listen.peers.len(), 2, "on 8053 of both families");
    assert!(matches!(with.config.peers.source, PeersSource::File(_)));
    assert_eq!(with.config.servers[0].forward, [], "the stanza is no zone that is forwarded either");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Corefile:5:1: warning: the stanza of `east` is not read"), "{}", warnings[0]);
}

#[tokio::test]
async fn other_regions_ask_an_instance_that_runs_from_a_corefile() {
    let east = east();
    let folder = Folder::new(&corefile(STANZA));
    folder.put("objects.yaml", &objects());
    folder.put("peers.yaml", &table(east.address()));
    let overrides = beside(&folder);
    let served = Served::start_with(folder, overrides).await;
    let door = served.app().addresses().peers[0];
    let reply = ask_udp(door, "web.central.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.96.0.80")], "{reply}");
    for other in ["web.default.svc.cluster.local", "web.east.svc.cluster.local", "www.example.net"] {
        let reply = ask_udp(door, other, RecordType::A).await;
        assert_eq!(reply.response_code, ResponseCode::Refused, "{reply}");
    }
    let reply = ask_udp(served.dns(), "web.east.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.2.0.80")], "the row and not the stanza says where it is: {reply}");
    // The table is a file like any other: a row that comes is a region at once.
    let west = ScriptServer::start();
    west.on("web.west.svc.cluster.local", RecordType::A).answer_a("10.3.0.80", 60);
    let more = format!("{}  west: {{endpoints: [\"{}\"]}}\n", table(east.address()), west.address());
    served.folder.put("peers.yaml", &more);
    let there = eventually(secs(60), || async {
        addresses(&ask_udp(served.dns(), "web.west.svc.cluster.local", RecordType::A).await) == [ip("10.3.0.80")]
    });
    assert!(there.await, "the new row is not taken");
    // The Corefile changes, and the table is still the file's.
    served.folder.put(
        "Corefile",
        &corefile("new.example:PORT {\n    bind 127.0.0.1\n    template ANY ANY {\n        rcode NXDOMAIN\n    }\n}\n"),
    );
    let there = eventually(secs(60), || async {
        ask_udp(served.dns(), "x.new.example", RecordType::A).await.response_code == ResponseCode::NXDomain
    });
    assert!(there.await, "the new block is not taken");
    let reply = ask_udp(door, "web.central.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.96.0.80")], "{reply}");
}

/// `serve`, `query`, `check`, `compare` and `validate` with the same files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_that_reads_a_configuration_reads_a_corefile() {
    let port = free_block(6);
    let [second, health, peers, admin] = [1, 2, 3, 4].map(|more| format!("127.0.0.1:{}", port + more));
    let text = format!(
        ".:{port} .:{} {{\n    bind 127.0.0.1\n    kubernetes cluster.local {{\n        pods insecure\n    }}\n    ready {health}\n}}\n",
        port + 1
    );
    let folder = Folder::new(&text);
    folder.put("objects.yaml", &objects());
    let east = east();
    folder.put("peers.yaml", &table(east.address()));
    let here = folder.path("");
    let files =
        ["--corefile", "Corefile", "--peers", "peers.yaml", "--region", "central", "--manifests", "objects.yaml"];
    let with = |command: &[&'static str], more: &[&str]| -> Vec<String> {
        command.iter().copied().chain(files).chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let ended = |arguments: Vec<String>| {
        let here = here.clone();
        async move { run(&here, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };

    let arguments = with(&["serve"], &["--listen-peers", &peers, "--listen-admin", &admin]);
    let server = Process::start(&here, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let page: SocketAddr = health.parse().unwrap();
    let up = eventually(secs(60), || async { matches!(http::get(page, "/ready").await, Some((200, _))) });
    assert!(up.await, "not up:\n{}", server.stderr());
    let reply = ask_udp(peers.parse().unwrap(), "web.central.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.96.0.80")], "{reply}");

    // Of the instance, and of the files.
    let asked = run(&here, &["query", "web.default.svc.cluster.local.", "--admin", &admin]).await;
    assert!(asked.code == Some(0) && asked.stdout.contains("10.96.0.81"), "{}{}", asked.stdout, asked.stderr);
    let asked = ended(with(&["query", "web.default.svc.cluster.local."], &[])).await;
    assert!(asked.code == Some(0) && asked.stdout.contains("10.96.0.81"), "{}{}", asked.stdout, asked.stderr);
    let alone = run(&here, &["query", "web.default.svc.cluster.local.", "--corefile", "Corefile"]).await;
    assert!(alone.code == Some(2) && alone.stderr.contains("--manifests"), "{}", alone.stderr);

    let checked = ended(with(&["check"], &["--admin", &admin])).await;
    for part in ["Corefile: domain cluster.local, region central", "peers.yaml: 2 regions", "uses this peer table"] {
        assert!(checked.stdout.contains(part), "{part}:\n{}{}", checked.stdout, checked.stderr);
    }
    let ours = format!("127.0.0.1:{port}");
    let compared = ended(with(&["compare"], &["--ours", &ours, "--against", &second, "--rate", "5000"])).await;
    assert_eq!(compared.code, Some(0), "{}{}", compared.stdout, compared.stderr);
    let valid = run(&here, &["validate", "Corefile", "peers.yaml", "--region", "central"]).await;
    assert_eq!(valid.code, Some(0), "{}{}", valid.stdout, valid.stderr);

    // A Corefile that is wrong is so for each of them.
    folder.put("Corefile", ".:53 {\n    view a {\n        expr true\n    }\n}\n");
    for (command, code) in [(&["query", "a."][..], 2), (&["check"], 2), (&["compare", "--against", "127.0.0.1:1"], 2)] {
        let ended = ended(with(command, &[])).await;
        assert_eq!(ended.code, Some(code), "{command:?}: {}{}", ended.stdout, ended.stderr);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("`view` is not supported"), "{command:?}: {said}");
    }
}
