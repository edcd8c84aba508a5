//! The three Corefiles of a guide for three regions, as three processes: each region asks the other two through the stanzas that
//! people write by hand. Once all three are interlocal, once one is, among two CoreDNS.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;

use crate::setup::shape;
use crate::support::apiserver::ApiServer;
use crate::support::client::{Ask, ask_tcp, ask_udp};
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::process::Process;
use crate::support::read::addresses;
use crate::support::wait::eventually;
use crate::support::{http, ip, secs, yaml};

/// Region, the address of its load balancer in the guide, and its pod's.
const REGIONS: [(&str, &str, &str); 3] = [
    ("central", "10.0.5.225", "10.0.1.144"),
    ("east", "10.0.100.177", "10.0.102.90"),
    ("west", "10.0.118.91", "10.0.115.11"),
];

/// The region's Corefile with the ports of this machine in place of the guide's, and nothing else changed.
fn corefile(region: &str, ports: &[u16; 3], own: u16) -> String {
    let mut text = shape(&format!("guide-{region}")).replace(":53 {", &format!(":{own} {{"));
    for ((_, guide, _), port) in REGIONS.iter().zip(ports) {
        text = text.replace(guide, &format!("127.0.0.1:{port}"));
    }
    text.replace("    health\n", &format!("    health 127.0.0.1:{}\n", own + 1))
        .replace("prometheus :9153", &format!("prometheus 127.0.0.1:{}", own + 2))
        .replace("/etc/resolv.conf", "127.0.0.1:1")
}

/// A cluster with one pod behind a headless Service in the namespace of its region.
fn objects(region: &str, address: &str) -> String {
    let path = format!("{region}/busybox");
    yaml::join(&[
        yaml::namespace(region),
        yaml::headless(&path, &["http:80"]),
        yaml::slice(&path, &[&format!("{address}=busybox-0")], &["http:80"]),
    ])
}

fn interlocal(folder: &std::path::Path, region: &str, address: &str, text: &str) -> Process {
    std::fs::create_dir_all(folder.join(region)).unwrap();
    std::fs::write(folder.join(region).join("Corefile"), text).unwrap();
    std::fs::write(folder.join(region).join("objects.yaml"), objects(region, address)).unwrap();
    let arguments = ["serve", "--corefile", "Corefile", "--manifests", "objects.yaml"];
    Process::start(&folder.join(region), &arguments)
}

async fn all_pairs(servers: &[(&str, SocketAddr)]) -> usize {
    let mut pairs = 0;
    for (from, server) in servers {
        for (to, _, address) in REGIONS.iter().filter(|(to, ..)| to != from) {
            let asked = format!("busybox-0.busybox.{to}.svc.cluster.local");
            // A process that was up before the other one may have to try again.
            let met = eventually(secs(60), || async {
                let reply = Ask::new(&asked, RecordType::A).patience(secs(2)).try_udp(*server).await;
                reply.is_some_and(|reply| addresses(&reply) == [ip(address)])
            });
            assert!(met.await, "{from} does not find {to}: {}", ask_udp(*server, &asked, RecordType::A).await);
            let reply = ask_tcp(*server, &asked, RecordType::A).await;
            assert_eq!(addresses(&reply), [ip(address)], "{from} asks for {to} over TCP");
            pairs += 1;
        }
    }
    pairs
}

#[tokio::test]
async fn the_three_corefiles_run_in_three_processes_and_all_six_pairs_resolve() {
    let folder = tempfile::tempdir().unwrap();
    let ports = [free_block(3), free_block(3), free_block(3)];
    let mut processes = Vec::new();
    let mut servers = Vec::new();
    for ((region, _, address), port) in REGIONS.iter().zip(ports) {
        processes.push(interlocal(folder.path(), region, address, &corefile(region, &ports, port)));
        servers.push((*region, SocketAddr::from(([127, 0, 0, 1], port))));
    }
    for ((_, server), process) in servers.iter().zip(&processes) {
        let page = SocketAddr::from(([127, 0, 0, 1], server.port() + 1));
        let up = eventually(secs(60), || async { matches!(http::get(page, "/health").await, Some((200, _))) });
        assert!(up.await, "not up:\n{}", process.stderr());
    }
    assert_eq!(all_pairs(&servers).await, 6);
    for process in processes {
        process.signal("TERM");
        let ended = process.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

/// Each region in turn is interlocal, and the other two are the real CoreDNS, with the same Corefiles.
#[tokio::test]
async fn one_interlocal_among_two_coredns_resolves_all_six_pairs() {
    let test = "one_interlocal_among_two_coredns";
    // One API server for the two: their stanzas go before what it says of each other's names.
    let Some(cluster) = ApiServer::start(test, &[]).await else { return };
    for (region, _, address) in REGIONS {
        cluster.apply(&objects(region, address)).await;
    }
    let mut pairs = 0;
    for (new, ..) in REGIONS {
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_block(3), free_block(3), free_block(3)];
        let (mut servers, mut ours, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for ((region, _, address), port) in REGIONS.iter().zip(ports) {
            let text = corefile(region, &ports, port);
            servers.push((*region, SocketAddr::from(([127, 0, 0, 1], port))));
            if *region == new {
                ours.push(interlocal(folder.path(), region, address, &text));
                continue;
            }
            let kubeconfig = format!("pods insecure\n      kubeconfig {}", cluster.kubeconfig().display());
            let text = text.replace("pods insecure", &kubeconfig);
            let Some(server) = CoreDns::start_with(test, port, &text) else { return };
            server.answers(&format!("busybox-0.busybox.{region}.svc.cluster.local")).await;
            others.push(server);
        }
        pairs += all_pairs(&servers).await;
        assert_eq!((ours.len(), others.len()), (1, 2));
    }
    assert_eq!(pairs, 18);
}
