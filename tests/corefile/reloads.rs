//! A Corefile that changes while it is served: taken whole or not at all, and no question is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::setup::{Folder, Served};
use crate::support::client::{Ask, ask_udp};
use crate::support::read::addresses;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, secs, yaml};

fn corefile(upstream: &ScriptServer, more: &str) -> String {
    format!(
        ".:0 {{\n    bind 127.0.0.1\n    kubernetes cluster.local\n    forward . {}\n    cache 30\n    import custom/*.override\n{more}}}\n",
        upstream.address()
    )
}

fn objects() -> String {
    yaml::join(&[yaml::namespace("default"), yaml::service("default/web", &["10.96.0.80"], &["http:80"])])
}

async fn until(served: &Served, asked: &str, rcode: ResponseCode) {
    let seen =
        eventually(secs(60), || async { ask_udp(served.dns(), asked, RecordType::A).await.response_code == rcode });
    assert!(seen.await, "{asked} is not {rcode}: {}", ask_udp(served.dns(), asked, RecordType::A).await);
}

const TEMPLATE: &str = "template ANY ANY blocked.example {\n    rcode NXDOMAIN\n}\n";

#[tokio::test]
async fn the_file_and_its_imports_are_taken_or_kept() {
    let upstream = ScriptServer::start();
    upstream.on("a.blocked.example", RecordType::A).answer_a("192.0.2.1", 60);
    upstream.on("b.blocked.example", RecordType::A).answer_a("192.0.2.1", 60);
    let folder = Folder::new(&corefile(&upstream, ""));
    std::fs::create_dir(folder.path("custom")).unwrap();
    let served = Served::start(folder, &objects()).await;
    until(&served, "a.blocked.example", ResponseCode::NoError).await;
    // A file that comes to the pattern's folder.
    served.folder.put("custom/block.override", TEMPLATE);
    until(&served, "a.blocked.example", ResponseCode::NXDomain).await;
    // One that is wrong: what was taken stays.
    served.folder.put("custom/block.override", "nonsense\n");
    served.folder.put("Corefile", &corefile(&upstream, "    more nonsense\n"));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    until(&served, "b.blocked.example", ResponseCode::NXDomain).await;
    // And mended.
    served.folder.put("custom/block.override", "errors\n");
    served.folder.put("Corefile", &corefile(&upstream, ""));
    until(&served, "b.blocked.example", ResponseCode::NoError).await;
}

/// Questions on several sockets, as fast as they are answered, while the file changes twenty times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_lose_no_question() {
    let upstream = ScriptServer::start();
    upstream.on("www.example.net", RecordType::A).answer_a("192.0.2.80", 600);
    let served = Served::start(Folder::new(&corefile(&upstream, "")), &objects()).await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let askers: Vec<_> = (0..8)
        .map(|number| {
            let (stop, asked, dns) = (Arc::clone(&stop), Arc::clone(&asked), served.dns());
            let (name, address) = match number % 2 {
                0 => ("web.default.svc.cluster.local", "10.96.0.80"),
                _ => ("www.example.net", "192.0.2.80"),
            };
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let reply = Ask::new(name, RecordType::A).patience(secs(20)).try_udp(dns).await;
                    let reply = reply.unwrap_or_else(|| panic!("lost: {name}"));
                    assert_eq!(addresses(&reply), [ip(address)], "{reply}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for number in 0..20 {
        let blocked = format!("n{number}.example");
        let more = format!("    template ANY ANY {blocked} {{\n        rcode REFUSED\n    }}\n");
        served.folder.put("Corefile", &corefile(&upstream, &more));
        until(&served, &blocked, ResponseCode::Refused).await;
    }
    stop.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked > 500, "{asked} asked");
    // What was kept of the upstream's answer outlived every reload.
    assert!(
        upstream.count("www.example.net", RecordType::A) <= 2,
        "{}",
        upstream.count("www.example.net", RecordType::A)
    );
}
