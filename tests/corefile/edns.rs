//! `rewrite edns0` and `bufsize`: what an upstream is asked with, and how long a reply is, beside a CoreDNS with the same Corefile.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, RecordType};
use interlocal::config::Overrides;

use crate::setup::{Folder, Served};
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::server::ScriptServer;
use crate::support::{read, secs};

const LOCAL: u16 = 0xffee;
const OTHER: u16 = 0xffef;
/// The codes that are looked at: what else a client sends CoreDNS passes on, and we do not.
const CODES: [u16; 4] = [3, 8, LOCAL, OTHER];

/// Rules of one block, and whether questions that bring the options themselves are the same too.
const RULES: [(&str, bool); 15] = [
    ("rewrite edns0 local set 0xffee abcd", true),
    ("rewrite edns0 local set 0xffee 0x61626364 revert", true),
    ("rewrite edns0 local set 65518 {client_ip}", true),
    ("rewrite edns0 local set 0xffee {qtype}", true),
    ("rewrite edns0 local set 0xffee {qname}", true),
    ("rewrite edns0 local set 0xffee {protocol}", true),
    ("rewrite edns0 local replace 0xffee new", true),
    // CoreDNS adds a second one.
    ("rewrite edns0 local append 0xffee new", false),
    ("rewrite edns0 local unset 0xffee", true),
    ("rewrite edns0 nsid set", true),
    ("rewrite edns0 nsid unset", true),
    ("rewrite edns0 subnet set 24 56", true),
    ("rewrite edns0 subnet append 20 56 revert", true),
    ("rewrite edns0 subnet replace 9 56", true),
    (
        "rewrite continue edns0 local set 0xffee abcd\n rewrite continue edns0 local replace 0xffee bcde revert\n rewrite edns0 subnet set 8 8",
        true,
    ),
];

fn upstream() -> ScriptServer {
    let server = ScriptServer::start();
    drop(server.on_name("x.example").answer_a("192.0.2.1", 600));
    drop(server.on_name("own.example").answer_a("192.0.2.1", 600));
    let text = TXT::new(vec!["x".repeat(100); 9]);
    drop(server.on_name("long.example").data(600, RData::TXT(text)));
    server
}

fn corefile(upstream: &ScriptServer, port: u16, rules: &str) -> String {
    format!(".:{port} {{\n bind 127.0.0.1\n {rules}\n forward . {}\n cache 30\n}}\n", upstream.address())
}

/// The two of them, each with an upstream of its own.
async fn pair(test: &str, rules: &str) -> Option<(Served, ScriptServer, CoreDns, ScriptServer)> {
    let (one, two, port) = (upstream(), upstream(), free_block(1));
    let theirs = CoreDns::start_with(test, port, &corefile(&two, port, rules))?;
    let ours = Served::start_with(Folder::new(&corefile(&one, 0, rules)), Overrides::default()).await;
    theirs.answers("x.example").await;
    Some((ours, one, theirs, two))
}

/// The options that the upstream was asked with, for each time that it was asked for this name.
async fn asked_with(server: SocketAddr, upstream: &ScriptServer, name: &str, ask: Ask) -> BTreeSet<(u16, Vec<u8>)> {
    upstream.forget();
    let reply = ask.patience(secs(20)).udp(server).await;
    assert_eq!(reply.answers.len(), 1, "{reply:?}");
    let received = upstream.received();
    let of_name = received.iter().filter_map(|one| one.message.as_ref()).filter(|message| {
        message.queries.first().is_some_and(|query| query.name().to_ascii().eq_ignore_ascii_case(&format!("{name}.")))
    });
    let options = |message| {
        CODES.into_iter().flat_map(move |code| read::options(message, code).into_iter().map(move |data| (code, data)))
    };
    of_name.flat_map(options).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_are_asked_with_the_options_of_coredns() {
    let mut compared = 0;
    for (rules, all) in RULES {
        let Some((ours, one, theirs, two)) = pair("upstreams_are_asked_with_the_options_of_coredns", rules).await
        else {
            return;
        };
        let plain = Ask::new("x.example", RecordType::A).edns(1_231).dnssec_ok();
        let own = Ask::new("own.example", RecordType::A).edns(1_232).option(LOCAL, b"own").option(3, b"");
        let own = own.option(8, &[0, 1, 16, 0, 198, 51]);
        for (name, ask) in [("own.example", own), ("x.example", plain)].into_iter().skip(usize::from(!all)) {
            // What no rule names, CoreDNS passes on as it came.
            let named = |code: &u16| match code {
                3 => rules.contains("nsid"),
                8 => rules.contains("subnet"),
                _ => rules.contains("local"),
            };
            let only = |options: BTreeSet<(u16, Vec<u8>)>| -> BTreeSet<(u16, Vec<u8>)> {
                options.into_iter().filter(|(code, _)| named(code)).collect()
            };
            let ours = asked_with(ours.dns(), &one, name, ask.clone()).await;
            let theirs = only(asked_with(theirs.address(), &two, name, ask).await);
            assert_eq!(only(ours.clone()), theirs, "{rules}: {name}: ours, theirs");
            assert_eq!(only(ours.clone()), ours, "{rules}: what no rule names stays here");
            compared += 1;
        }
    }
    assert_eq!(compared, 2 * RULES.len() - 1);
}

/// One subnet's answer is for that subnet, and no option comes back.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_options_is_for_the_same_options_only() {
    let upstream = upstream();
    let rules = "rewrite edns0 subnet append 24 56";
    let ours = Served::start_with(Folder::new(&corefile(&upstream, 0, rules)), Overrides::default()).await;
    let from = |subnet: &[u8]| Ask::new("x.example", RecordType::A).edns(1232).option(8, subnet).patience(secs(20));
    let (one, two) = ([0, 1, 24, 0, 198, 51, 100], [0, 1, 24, 0, 203, 0, 113]);
    for (ask, asked) in [(from(&one), 1), (from(&one), 1), (from(&two), 2), (from(&one), 2), (from(&two), 2)] {
        let reply = ask.udp(ours.dns()).await;
        assert_eq!((reply.answers.len(), read::options(&reply, 8).len()), (1, 0));
        assert_eq!(upstream.count("x.example", RecordType::A), asked);
    }
    let plain = Ask::new("x.example", RecordType::A).no_edns().patience(secs(20)).udp(ours.dns()).await;
    assert_eq!((plain.answers.len(), upstream.count("x.example", RecordType::A)), (1, 3), "127.0.0.0/24");
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_as_long_as_bufsize_says() {
    let mut compared = 0;
    for (size, wanted) in [(512, [true, true, true]), (900, [true, true, true]), (1_231, [true, false, false])] {
        let rules = format!("bufsize {size}");
        let Some((ours, _one, theirs, _two)) = pair("replies_are_as_long_as_bufsize_says", &rules).await else {
            return;
        };
        for (payload, wanted) in [700, 1_232, 4_096].into_iter().zip(wanted) {
            let ask = || Ask::new("long.example", RecordType::TXT).edns(payload).patience(secs(20));
            let mut cut = Vec::new();
            for server in [ours.dns(), theirs.address()] {
                let (over_udp, over_tcp) = (ask().udp(server).await, ask().tcp(server).await);
                cut.push((over_udp.metadata.truncation, over_tcp.metadata.truncation));
            }
            assert_eq!(cut, [(wanted, false); 2], "bufsize {size}, {payload}: ours, theirs");
            compared += 1;
        }
    }
    assert_eq!(compared, 9);
}
