//! Blocks: where they listen, what they take from elsewhere, how large their replies are, and whose turn it is in them.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;

use super::{Case, Side, compare, is_up, side};
use crate::setup::{Folder, Served};
use crate::support::coredns::CoreDns;
use crate::support::read::addresses;
use crate::support::server::ScriptServer;
use crate::support::side_by_side::Part::Asked;
use interlocal::config::Overrides;

const CASES: &[Case] = &[
    Case {
        name: "bind",
        corefile: ".:PORT {\n    bind 127.0.0.1\n    forward . ONE\n}\n.:PORT {\n    bind 127.0.0.2\n    forward . TWO\n}\nboth.example:PORT {\n    bind 127.0.0.1 127.0.0.2\n    forward . TWO\n}\n",
        asked: &["a.example A", "a.example A @2", "a.both.example A", "a.both.example A @2", "a.example A +tcp @2"],
        wanted: &[("a.example A +tcp @2", &[Asked], "UDP first, TCP where an answer does not fit")],
    },
    Case {
        name: "import of snippets and files",
        corefile: "(up) {\n    forward . TWO\n    cache 30\n}\n.:PORT {\n    BIND\n    import some/*.override\n    import none/*.override\n    forward . ONE\n}\nsnippet.example:PORT {\n    BIND\n    import up\n}\n",
        asked: &["a.example A", "a.snippet.example A"],
        wanted: &[],
    },
    Case {
        name: "bufsize 1232",
        corefile: ".:PORT {\n    BIND\n    bufsize 1232\n    forward . ONE\n}\n",
        asked: &["large.example A +large", "large.example A", "a.example A +large"],
        wanted: &[
            (
                "large.example A +large",
                &[Asked],
                "it is asked for over TCP at once, for whoever has room for all of it",
            ),
            ("large.example A", &[Asked], "it is asked for over TCP at once, for whoever has room for all of it"),
        ],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_answer_as_those_of_coredns() {
    let compared = compare("blocks_answer_as_those_of_coredns", CASES).await;
    println!("compared {compared} replies with CoreDNS");
}

const TURNS: Case = Case {
    name: "loadbalance",
    corefile: ".:PORT {\n    BIND\n    loadbalance round_robin\n    forward . ONE\n    cache 30\n}\n",
    asked: &[],
    wanted: &[],
};

/// Which address is first is nobody's to know; that it is not always the same one is what was asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_take_turns_as_with_loadbalance_of_coredns() {
    let [(our_side, our_text), (their_side, their_text)] = [side(&TURNS), side(&TURNS)];
    let test = "addresses_take_turns_as_with_loadbalance_of_coredns";
    let Some(coredns) = CoreDns::start_with(test, their_side.server.port(), &their_text) else { return };
    let _ours = Served::start_with(Folder::new(&our_text), Overrides::default()).await;
    is_up(&their_side, &coredns).await;
    for side in [&our_side, &their_side] {
        three(&side.upstreams[0]);
        assert_eq!(firsts(side).await.len(), 3);
    }
}

fn three(upstream: &ScriptServer) {
    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::{RData, Record};
    let record = |last: u8| {
        Record::from_rdata(crate::support::name("three.example"), 600, RData::A(A([192, 0, 2, last].into())))
    };
    upstream.on("three.example", RecordType::A).record(record(7)).record(record(8)).record(record(9));
}

async fn firsts(side: &Side) -> BTreeSet<std::net::IpAddr> {
    let mut firsts = BTreeSet::new();
    // Each is first a third of the time: sixty in a row without one of them would be one in ten thousand million.
    for _ in 0..60 {
        let (reply, _) = side.ask("three.example A").await;
        let all = addresses(&reply.expect("an answer"));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3, "{all:?}");
        firsts.insert(all[0]);
    }
    firsts
}

/// What `multisocket` asks for is so without it: every UDP worker has a socket of its own.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_address_has_as_many_sockets_as_workers() {
    let text = ".:0 {\n    bind 127.0.0.1 127.0.0.2\n    multisocket 7\n    whoami\n}\n";
    let served = Served::start_with(Folder::new(text), Overrides::default()).await;
    let table = std::fs::read_to_string("/proc/self/net/udp").unwrap();
    for address in &served.app().addresses().dns {
        let bytes: Vec<String> = match address.ip() {
            std::net::IpAddr::V4(ip) => ip.octets().iter().rev().map(|octet| format!("{octet:02X}")).collect(),
            std::net::IpAddr::V6(_) => continue,
        };
        let local = format!("{}:{:04X}", bytes.concat(), address.port());
        let sockets = table.lines().filter(|line| line.split_whitespace().nth(1) == Some(&local)).count();
        // `Served` has two workers for each address.
        assert_eq!(sockets, 2, "{address}\n{table}");
    }
}
