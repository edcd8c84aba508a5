//! Options one by one: the same Corefile before the real CoreDNS and before us, two upstreams behind each, every question asked
//! twice. What is compared is the reply, and whom the server asked for it and how, the second time too: so a cache, a transport and
//! an upstream that was left out show. Rules of the policy stage are compared in `conformance::policy`, names of the cluster in
//! `answers`.

mod blocks;
mod cache;
mod forward;
mod pages;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use interlocal::config::Overrides;

use crate::setup::{Folder, Served};
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::script::Transport;
use crate::support::server::ScriptServer;
use crate::support::side_by_side::{Part, Wanted, all_are_asked, differences, question, shown, wanted};
use crate::support::wait::eventually;
use crate::support::{name, secs};

/// One Corefile, and what is asked of it.
pub struct Case {
    /// What it shows; the list of `tested` has it.
    pub name: &'static str,
    /// Whole blocks at `PORT`, bound where `BIND` is; the upstreams are `ONE` and `TWO`.
    pub corefile: &'static str,
    /// Each is asked twice: see [`question`]; `+tcp` over TCP, `@2` at 127.0.0.2.
    pub asked: &'static [&'static str],
    pub wanted: &'static [Wanted],
}

/// A server with its upstreams, which give other addresses for every name.
struct Side {
    upstreams: [ScriptServer; 2],
    server: SocketAddr,
}

/// Asks both sides of each case everything twice, and gives how many replies were compared.
async fn compare(test: &str, cases: &[Case]) -> usize {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in cases {
        let [(our_side, our_text), (their_side, their_text)] = [side(case), side(case)];
        let port = their_side.server.port();
        let Some(coredns) = CoreDns::start_with(test, port, &their_text) else { return 0 };
        let folder = Folder::new(&our_text);
        folder.put("some/a.override", "errors\n");
        let _ours = Served::start_with(folder, Overrides::default()).await;
        is_up(&their_side, &coredns).await;
        for asked in case.asked {
            let mut different = BTreeSet::new();
            for time in ["first", "second"] {
                let ours = our_side.ask(asked).await;
                let theirs = their_side.ask(asked).await;
                let mut found = differences(ours.0.as_ref(), theirs.0.as_ref());
                if ours.1 != theirs.1 {
                    found.insert(Part::Asked);
                }
                if time == "second" {
                    // What is kept has aged, here and there.
                    found.remove(&Part::Ttl);
                }
                let allowed = wanted(asked, case.wanted);
                different.extend(found.iter().copied());
                compared += 1;
                if !found.is_subset(&allowed) {
                    wrong.push(format!(
                        "{}: {asked}, the {time} time: {:?}\n  ours:   {}, asked {:?}\n  theirs: {}, asked {:?}",
                        case.name,
                        found.difference(&allowed).collect::<Vec<_>>(),
                        shown(ours.0.as_ref()),
                        ours.1,
                        shown(theirs.0.as_ref()),
                        theirs.1
                    ));
                }
            }
            // Whom we ask of several goes by who was the fastest, so that alone need not differ each time.
            let allowed: BTreeSet<Part> =
                wanted(asked, case.wanted).into_iter().filter(|part| *part != Part::Asked).collect();
            if !allowed.is_empty() && allowed.is_disjoint(&different) {
                wrong.push(format!("{}: {asked}: no difference any more", case.name));
            }
        }
        all_are_asked(case.asked, case.wanted);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: usize = cases.iter().map(|case| case.asked.len() * 2).sum();
    assert_eq!(compared, all);
    compared
}

/// Ports, upstreams, and the case's text with them.
fn side(case: &Case) -> (Side, String) {
    let upstreams = [upstream("192.0.2.1"), upstream("192.0.2.2")];
    let port = free_block(1);
    let text = case
        .corefile
        .replace("PORT", &port.to_string())
        .replace("BIND", "bind 127.0.0.1")
        .replace("ONE", &upstreams[0].address().to_string())
        .replace("TWO", &upstreams[1].address().to_string());
    (Side { upstreams, server: ([127, 0, 0, 1], port).into() }, text)
}

async fn is_up(side: &Side, coredns: &CoreDns) {
    let asked = Ask::new("up.example", RecordType::A).patience(secs(1));
    let up = eventually(secs(60), || async { asked.try_udp(side.server).await.is_some() });
    assert!(up.await, "CoreDNS does not answer:\n{}", coredns.log());
}

impl Side {
    /// The reply, and who was asked for it.
    async fn ask(&self, asked: &str) -> (Option<Message>, BTreeSet<&'static str>) {
        self.upstreams.iter().for_each(ScriptServer::forget);
        let place = if asked.contains("@2") { [127, 0, 0, 2] } else { [127, 0, 0, 1] };
        let server = (place, self.server.port()).into();
        let ask = question(asked).patience(secs(20));
        let reply = if asked.contains("+tcp") { ask.try_tcp(server).await } else { ask.try_udp(server).await };
        let of = name(asked.split(' ').next().unwrap());
        let mut who = BTreeSet::new();
        for (upstream, [udp, tcp]) in self.upstreams.iter().zip([["one udp", "one tcp"], ["two udp", "two tcp"]]) {
            for received in upstream.received() {
                let asks = |message: &Message| message.queries.iter().any(|query| *query.name() == of);
                if received.message.as_ref().is_some_and(asks) {
                    who.insert(if received.transport == Transport::Tcp { tcp } else { udp });
                }
            }
        }
        (reply, who)
    }
}

/// Every name has this address and TTL 600, but for: `nope.*`, which do not exist; `broken.*`, which only the second upstream has;
/// `large.*`, which have 100 addresses.
fn upstream(address: &'static str) -> ScriptServer {
    let server = ScriptServer::start();
    server.on_any().edit(move |query, reply| {
        let asked = &query.queries[0];
        let first = asked.name().iter().next().unwrap_or_default().to_ascii_lowercase();
        match first.as_slice() {
            b"nope" => {
                reply.metadata.response_code = ResponseCode::NXDomain;
                reply.add_authority(crate::support::rule::soa("example", 600));
            }
            b"broken" if address == "192.0.2.1" => reply.metadata.response_code = ResponseCode::ServFail,
            _ if asked.query_type() != RecordType::A => {
                reply.add_authority(crate::support::rule::soa("example", 600));
            }
            label => {
                let count = if label == b"large" { 100 } else { 1 };
                for number in 0..count {
                    let mut octets = address.parse::<std::net::Ipv4Addr>().unwrap().octets();
                    octets[2] = octets[2].wrapping_add(number);
                    let data = RData::A(A(octets.into()));
                    reply.add_answer(Record::from_rdata(asked.name().clone(), 600, data));
                }
            }
        }
    });
    server
}
