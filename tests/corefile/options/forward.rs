//! `forward`: who is asked, over what, and for which names.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;
use interlocal::config::Overrides;

use super::{Case, compare};
use crate::setup::{Folder, Served};
use crate::support::client::ask_udp;
use crate::support::coredns::CoreDns;
use crate::support::dig::skip;
use crate::support::ports::free_block;
use crate::support::read::addresses;
use crate::support::script::Transport;
use crate::support::server::ScriptServer;
use crate::support::side_by_side::Part::{Asked, Ede};
use crate::support::wait::eventually;
use crate::support::{ip, secs};

const CASES: &[Case] = &[
    Case {
        name: "one upstream over UDP, whatever the client asks over with prefer_udp",
        corefile: ".:PORT {\n    BIND\n    forward . ONE {\n        prefer_udp\n    }\n}\n",
        asked: &["a.example A", "a.example A +tcp", "nope.example A", "a.example TXT", "broken.example A"],
        wanted: &[("broken.example A", &[Ede, Asked], "who failed is said, and a failure is kept for a second")],
    },
    Case {
        name: "force_tcp",
        corefile: ".:PORT {\n    BIND\n    forward . ONE {\n        force_tcp\n    }\n}\n",
        asked: &["a.example A", "a.example A +tcp", "large.example A", "large.example A +tcp"],
        wanted: &[],
    },
    Case {
        name: "several stanzas and except",
        corefile: ".:PORT {\n    BIND\n    forward corp.example TWO {\n        except out.corp.example\n    }\n    forward . ONE\n}\n",
        asked: &["a.example A", "a.corp.example A", "corp.example A", "a.out.corp.example A", "out.corp.example A"],
        wanted: &[],
    },
    Case {
        name: "failover",
        corefile: ".:PORT {\n    BIND\n    forward . ONE TWO {\n        policy sequential\n        failover SERVFAIL REFUSED\n    }\n}\nonly.example:PORT {\n    BIND\n    forward . ONE {\n        failover SERVFAIL\n    }\n}\n",
        asked: &["broken.example A", "broken.only.example A"],
        wanted: &[
            ("broken.example A", &[Asked], "the upstream that answers is asked first, whatever the policy"),
            ("broken.only.example A", &[Ede, Asked], "who failed is said, and a failure is kept for a second"),
        ],
    },
    Case {
        name: "what says how upstreams are asked changes no answer",
        corefile: ".:PORT {\n    BIND\n    forward . ONE {\n        max_fails 3\n        expire 20s\n        max_age 30s\n        max_idle_conns 10\n        read_timeout 3s\n        max_connect_attempts 4\n        health_check 5s\n        max_concurrent 1000\n        policy round_robin\n        failfast_all_unhealthy_upstreams\n    }\n}\n",
        asked: &["a.example A", "nope.example A", "broken.example A"],
        wanted: &[("broken.example A", &[Ede, Asked], "who failed is said, and a failure is kept for a second")],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstreams_are_asked_as_by_coredns() {
    let compared = compare("upstreams_are_asked_as_by_coredns", CASES).await;
    println!("compared {compared} replies with CoreDNS");
}

/// CoreDNS takes such a name where its `resolver` says, once, when it starts; we take it from whom the file forwards to, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_regions_host_name_is_looked_up_by_whom_the_file_forwards_to() {
    let (upstream, east) = (ScriptServer::start(), ScriptServer::start());
    upstream.on("east-dns.example", RecordType::A).answer_a("127.0.0.1", 60);
    east.on("web.east.svc.cluster.local", RecordType::A).answer_a("10.2.0.80", 60);
    let text = format!(
        ".:PORT {{\n    BIND\n    kubernetes cluster.local\n    forward . {one}\n}}\neast.svc.cluster.local:PORT {{\n    BIND\n    \
         forward . east-dns.example:{} {{\n        force_tcp\n        resolver {one}\n    }}\n}}\n",
        east.address().port(),
        one = upstream.address()
    )
    .replace("BIND", "bind 127.0.0.1");
    let port = free_block(1);
    let test = "a_regions_host_name_is_looked_up";
    let theirs = text.replace("PORT", &port.to_string()).replace("    kubernetes cluster.local\n", "");
    let Some(theirs) = CoreDns::start_with(test, port, &theirs) else { return };
    let folder = Folder::new(&text.replace("PORT", "0"));
    let ours = Served::start(folder, &crate::support::yaml::namespace("default")).await;
    theirs.answers("east-dns.example").await;
    for server in [ours.dns(), theirs.address()] {
        let met = eventually(secs(60), || async {
            addresses(&ask_udp(server, "web.east.svc.cluster.local", RecordType::A).await) == [ip("10.2.0.80")]
        });
        assert!(met.await, "{}", theirs.log());
    }
    assert!(east.received().iter().all(|received| received.transport == Transport::Tcp));
}

/// A file like resolv.conf knows no ports, so the upstream is at port 53 of an address of this process's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstreams_of_a_file_are_asked_as_by_coredns() {
    let test = "upstreams_of_a_file_are_asked_as_by_coredns";
    let [.., high, low] = std::process::id().to_be_bytes();
    let at = SocketAddr::from(([127, 77, high, low.max(1)], 53));
    if std::net::UdpSocket::bind(at).is_err() {
        return skip(test, &format!("{at}, which is root's"));
    }
    let upstream = ScriptServer::start_on(at);
    upstream.on("www.example.net", RecordType::A).answer_a("192.0.2.80", 600);
    let text = ".:PORT {\n    bind 127.0.0.1\n    forward . FILE\n}\n";
    let port = free_block(1);
    let ours = Folder::new(&text.replace("PORT", "0").replace("FILE", "./upstreams"));
    ours.put("upstreams", &format!("search example.net\nnameserver {}\n", at.ip()));
    let file = ours.path("upstreams").display().to_string();
    let theirs = text.replace("PORT", &port.to_string()).replace("FILE", &file);
    let Some(theirs) = CoreDns::start_with(test, port, &theirs) else { return };
    let ours = Served::start_with(ours, Overrides::default()).await;
    theirs.answers("www.example.net").await;
    for server in [ours.dns(), theirs.address()] {
        upstream.forget();
        let reply = ask_udp(server, "www.example.net", RecordType::A).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.80")], "{reply}");
        assert!(upstream.received().iter().all(|received| received.transport == Transport::Udp));
    }
}
