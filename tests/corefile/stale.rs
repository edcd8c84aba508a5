//! `serve_stale`, its policy and `keepttl`: an upstream answers, its TTL ends, the upstream changes, and a CoreDNS and we say the
//! same one after another. What is told apart is which answer comes, not when.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use interlocal::config::Overrides;

use crate::setup::{Folder, Served};
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ms, secs};

/// What the upstream says once the TTL of the first answer is over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Moved,
    Failed,
    Gone,
    Late,
}

/// Options of `cache`, what the upstream does, the next answer, and what comes at last: `old`, `new`, or an rcode.
const CASES: [(&str, Then, &str, &str); 12] = [
    ("", Then::Moved, "new", "new"),
    ("", Then::Failed, "SERVFAIL", "SERVFAIL"),
    ("serve_stale 1h immediate 1s", Then::Moved, "old", "new"),
    ("serve_stale 1h immediate 1s", Then::Failed, "old", "old"),
    ("serve_stale 1h immediate 1s", Then::Gone, "old", "NXDOMAIN"),
    ("serve_stale 1h immediate 1s\n serve_stale_policy prefer_positive", Then::Gone, "old", "old"),
    ("serve_stale 1h verify", Then::Moved, "new", "new"),
    ("serve_stale 1h verify 0 1s 5s", Then::Failed, "old", "old"),
    ("serve_stale 1h verify", Then::Gone, "NXDOMAIN", "NXDOMAIN"),
    ("serve_stale 1h verify 0 1s\n serve_stale_policy prefer_positive", Then::Gone, "old", "old"),
    ("serve_stale 1h verify 100ms 1s", Then::Late, "old", "new"),
    ("serve_stale", Then::Failed, "old", "old"),
];

fn name(case: usize) -> String {
    format!("case-{case}.example")
}

async fn answer(server: SocketAddr, asked: &str) -> (String, Option<u32>) {
    let reply = Ask::new(asked, RecordType::A).patience(secs(20)).udp(server).await;
    let Some(record) = reply.answers.first() else { return (rcode(reply.response_code), None) };
    let address = record.data.to_string();
    let known = [("192.0.2.1", "old"), ("192.0.2.2", "new")].into_iter().find(|(text, _)| *text == address);
    (known.map_or(address.clone(), |(_, word)| word.to_owned()), Some(record.ttl))
}

fn rcode(rcode: ResponseCode) -> String {
    match rcode {
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        other => other.to_string(),
    }
}

fn script(upstream: &ScriptServer, case: usize, then: Then) {
    let name = name(case);
    let rule = upstream.on(&name, RecordType::A);
    match then {
        Then::Moved => drop(rule.answer_a("192.0.2.2", 1)),
        Then::Failed => drop(rule.rcode(ResponseCode::ServFail)),
        Then::Gone => drop(rule.nxdomain("example", 1)),
        Then::Late => drop(rule.delay(ms(1_500)).answer_a("192.0.2.2", 1)),
    }
}

/// The first answer, the next one once its TTL is over, and the last one once the two servers have nothing more to learn.
async fn story(server: SocketAddr, upstream: &ScriptServer, options: &str, ours: bool) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let of_these: Vec<usize> = (0..CASES.len()).filter(|case| CASES[*case].0 == options).collect();
    upstream.clear();
    for case in &of_these {
        drop(upstream.on(&name(*case), RecordType::A).answer_a("192.0.2.1", 1));
        assert_eq!(answer(server, &name(*case)).await, ("old".into(), Some(1)), "{options}");
    }
    upstream.clear();
    of_these.iter().for_each(|case| script(upstream, *case, CASES[*case].1));
    tokio::time::sleep(ms(2_100)).await;
    for case in of_these {
        let (next, ttl) = answer(server, &name(case)).await;
        // RFC 8767 4 forbids the TTL of 0 that CoreDNS gives if it is told no other.
        let wanted = if next == "old" && options == "serve_stale" && !ours { 0 } else { 1 };
        assert!(ttl.is_none_or(|ttl| ttl == wanted), "{options}: {ttl:?}");
        let last = CASES[case].3;
        let ends = eventually(secs(30), || async { answer(server, &name(case)).await.0 == last });
        let last = if ends.await { last.to_owned() } else { answer(server, &name(case)).await.0 };
        told.push((next, last));
    }
    told
}

fn corefile(upstream: SocketAddr, port: u16, options: &str) -> String {
    format!(
        ".:{port} {{\n bind 127.0.0.1\n forward . {upstream}\n cache 30 {{\n success 9984 30 0\n denial 9984 30 0\n \
         servfail 0\n {options}\n }}\n}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_past_their_ttl_are_those_of_coredns() {
    let test = "answers_past_their_ttl_are_those_of_coredns";
    let options: BTreeSet<&str> = CASES.iter().map(|case| case.0).collect();
    let mut compared = 0;
    for options in options {
        let (one, two) = (ScriptServer::start(), ScriptServer::start());
        let port = free_block(1);
        let Some(theirs) = CoreDns::start_with(test, port, &corefile(two.address(), port, options)) else { return };
        drop(two.on("www.example", RecordType::A).answer_a("192.0.2.9", 1));
        let ours = Served::start_with(Folder::new(&corefile(one.address(), 0, options)), Overrides::default()).await;
        theirs.answers("www.example").await;
        let (ours, theirs) =
            tokio::join!(story(ours.dns(), &one, options, true), story(theirs.address(), &two, options, false));
        assert_eq!(ours, theirs, "{options}: ours, theirs");
        let wanted: Vec<(String, String)> = CASES
            .iter()
            .filter(|case| case.0 == options)
            .map(|(_, _, next, last)| ((*next).to_owned(), (*last).to_owned()))
            .collect();
        assert_eq!(ours, wanted, "{options}");
        compared += ours.len();
    }
    assert_eq!(compared, CASES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn ttls_that_do_not_count_down_are_those_of_coredns() {
    let test = "ttls_that_do_not_count_down_are_those_of_coredns";
    let upstream = ScriptServer::start();
    drop(upstream.on_name("kept.example").answer_a("192.0.2.1", 25));
    drop(upstream.on_name("www.example").answer_a("192.0.2.9", 1));
    let port = free_block(1);
    let Some(theirs) = CoreDns::start_with(test, port, &corefile(upstream.address(), port, "keepttl")) else { return };
    let counting = Served::start_with(Folder::new(&corefile(upstream.address(), 0, "")), Overrides::default()).await;
    let ours = Served::start_with(Folder::new(&corefile(upstream.address(), 0, "keepttl")), Overrides::default()).await;
    theirs.answers("www.example").await;
    let servers = [ours.dns(), theirs.address(), counting.dns()];
    for server in servers {
        assert_eq!(answer(server, "kept.example").await.1, Some(25));
    }
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let mut ttls = Vec::new();
    for server in servers {
        ttls.push(answer(server, "kept.example").await.1.unwrap_or(0));
    }
    assert_eq!(ttls[..2], [25, 25]);
    assert!(ttls[2] < 25, "{ttls:?}");
}
