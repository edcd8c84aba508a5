//! One Corefile of each shape that the field runs, written for the purpose: it is understood without a complaint, and it runs.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use interlocal::config::{KubernetesSource, Overrides, PeersSource};

use crate::setup::{Folder, Served, on_loopback, shape, shapes};
use crate::support::client::{Ask, ask_tcp, ask_udp};
use crate::support::read::addresses;
use crate::support::server::ScriptServer;
use crate::support::{ip, yaml};

#[test]
fn every_shape_is_understood_as_it_is() {
    let names = shapes();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let (read, warnings) = Folder::new(&shape(&name))
            .parse(&Overrides::default())
            .unwrap_or_else(|problems| panic!("{name}: {}", problems.join("\n")));
        let unexpected = |warning: &&String| {
            let known = if name == "camunda" { "is an address of" } else { "no file is called" };
            !warning.contains(known)
        };
        assert_eq!(warnings.iter().find(unexpected), None, "{name}");
        let cluster = name != "nodelocal";
        assert_eq!(read.config.kubernetes.source != KubernetesSource::None, cluster, "{name}");
        assert!(read.config.listen.peers.is_empty() && read.config.listen.admin.is_none(), "{name}");
    }
}

/// Answers for the cluster, for a name of the Internet, and for a reverse name that is nobody's here.
#[tokio::test]
async fn every_shape_runs() {
    let mut ran = 0;
    for name in shapes() {
        let upstream = ScriptServer::start();
        upstream.on("www.example.net", RecordType::A).answer_a("192.0.2.80", 60);
        upstream.on("web.default.svc.cluster.local", RecordType::A).answer_a("10.9.9.9", 60);
        let folder = Folder::new(&on_loopback(&shape(&name), upstream.address()));
        folder.put("NodeHosts", "192.0.2.33 node-a\n");
        let objects =
            yaml::join(&[yaml::namespace("default"), yaml::service("default/web", &["10.96.0.80"], &["http:80"])]);
        let served = if name == "nodelocal" {
            Served::start_with(folder, Overrides::default()).await
        } else {
            Served::start(folder, &objects).await
        };
        let expected = if name == "nodelocal" { "10.9.9.9" } else { "10.96.0.80" };
        for reply in [
            ask_udp(served.dns(), "web.default.svc.cluster.local", RecordType::A).await,
            ask_tcp(served.dns(), "web.default.svc.cluster.local", RecordType::A).await,
        ] {
            assert_eq!(addresses(&reply), [ip(expected)], "{name}: {reply}");
        }
        let reply = ask_udp(served.dns(), "www.example.net", RecordType::A).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.80")], "{name}: {reply}");
        if name != "nodelocal" {
            let reply = ask_udp(served.dns(), "none.default.svc.cluster.local", RecordType::A).await;
            assert_eq!(reply.response_code, ResponseCode::NXDomain, "{name}: {reply}");
        }
        ran += 1;
    }
    assert!(ran >= 15, "{ran} ran");
}

#[test]
fn stanzas_of_other_regions_are_rows_of_the_peer_table() {
    for (name, expected) in [
        ("cockroachdb", &["eu-central-1 3", "us-west-2 3"][..]),
        ("camunda", &["camunda-paris 3", "camunda-paris-failover 3"]),
        ("tidb", &["tidb2 2"]),
        ("guide-central", &["east 1", "west 1"]),
        ("kubeadm", &[]),
    ] {
        let (read, _) = Folder::new(&shape(name)).parse(&Overrides::default()).unwrap();
        let rows: Vec<String> = match &read.config.peers.source {
            PeersSource::Table(table) => {
                table.regions.iter().map(|row| format!("{} {}", row.label, row.endpoints.len())).collect()
            }
            _ => Vec::new(),
        };
        assert_eq!(rows, expected, "{name}");
        assert_eq!(read.config.servers.len(), 1, "{name}: one listener");
    }
}

#[tokio::test]
async fn nobody_is_asked_for_what_no_block_has() {
    let upstream = ScriptServer::start();
    let text = format!("example.org:0 {{\n    bind 127.0.0.1\n    forward . {}\n}}\n", upstream.address());
    let served = Served::start_with(Folder::new(&text), Overrides::default()).await;
    let reply = Ask::new("www.example.net", RecordType::A).udp(served.dns()).await;
    assert_eq!(reply.response_code, ResponseCode::Refused, "{reply}");
}
