//! Ours and a real CoreDNS, each with its own words for one rule, in front of one upstream.

use std::collections::BTreeSet;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, MX, NS, SRV};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

use super::compare::{Part, differences, shown};
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{name, secs};

/// One rule in both languages, and what is asked of it.
pub struct Case {
    /// Plugins, one a line.
    pub corefile: &'static str,
    /// Rows of `policy`.
    pub policy: &'static str,
    /// `NAME TYPE [CLASS] [+nsid] [+norec]`.
    pub asked: &'static [&'static str],
    /// Questions whose replies differ, in what, and why that is wanted.
    pub wanted: &'static [(&'static str, &'static [Part], &'static str)],
}

pub struct Pair {
    pub ours: Running,
    theirs: CoreDns,
    _upstream: ScriptServer,
}

impl Pair {
    /// Both answer. None on a machine without CoreDNS.
    pub async fn start(test: &str, case: &Case) -> Option<Self> {
        let upstream = upstream();
        let plugins = format!("{}\n    forward . {}", case.corefile, upstream.address());
        let theirs = CoreDns::start(test, &plugins)?;
        let ours = region(case.policy, &upstream).start().await;
        let asked = Ask::new("ready.ready.example", RecordType::A).patience(secs(1));
        let there = eventually(secs(60), || async { asked.clone().try_udp(theirs.address()).await.is_some() });
        assert!(there.await, "CoreDNS does not answer:\n{}", theirs.log());
        Some(Self { ours, theirs, _upstream: upstream })
    }
}

/// One of ours in front of this upstream, remembering nothing.
pub fn region(policy: &str, upstream: &ScriptServer) -> Region {
    Region::new("")
        .key("cache", "{size: 0, max_ttl: 1h, max_negative_ttl: 1h}")
        .key("policy", policy)
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
}

/// Asks both everything, and gives how many replies were compared.
pub async fn compare(test: &str, cases: &[Case]) -> usize {
    let mut compared = 0;
    for case in cases {
        let Some(pair) = Pair::start(test, case).await else { return 0 };
        for asked in case.asked {
            let question = question(asked);
            let ours = question.clone().try_udp(pair.ours.dns()).await;
            let theirs = question.clone().try_udp(pair.theirs.address()).await;
            let found = differences(ours.as_ref(), theirs.as_ref());
            let wanted = case.wanted.iter().find(|(question, ..)| question == asked);
            let wanted: BTreeSet<Part> =
                wanted.map(|(_, parts, _)| parts.iter().copied().collect()).unwrap_or_default();
            assert_eq!(
                found,
                wanted,
                "{asked}\n{}\nours:   {}\ntheirs: {}\n{}",
                case.corefile,
                shown(ours.as_ref()),
                shown(theirs.as_ref()),
                pair.theirs.log()
            );
            compared += 1;
        }
        let unasked = case.wanted.iter().find(|(asked, ..)| !case.asked.contains(asked));
        assert!(unasked.is_none(), "nobody asks {unasked:?}");
    }
    compared
}

/// The question that a line says.
pub fn question(asked: &str) -> Ask {
    let mut words = asked.split(' ');
    let (name, rtype) = (words.next().unwrap(), words.next().unwrap());
    let rtype = rtype.parse().unwrap_or_else(|_| RecordType::Unknown(rtype[4..].parse().unwrap()));
    // Silence is an answer too, and both are on loopback.
    let ask = Ask::new(name, rtype).patience(secs(2));
    words.fold(ask, |ask, word| match word {
        "CH" => ask.class(DNSClass::CH),
        "+nsid" => ask.option(3, &[]),
        "+norec" => ask.no_rd(),
        other => panic!("{other}?"),
    })
}

/// The reply of ours alone.
pub async fn reply(ours: &Running, asked: &str) -> Message {
    question(asked).patience(secs(10)).udp(ours.dns()).await
}

/// A few names under `.example` and `.test`; everything else is NXDOMAIN, or SERVFAIL under `broken.example`.
pub fn upstream() -> ScriptServer {
    let server = ScriptServer::start();
    let a = |owner: &str, address: [u8; 4]| Record::from_rdata(name(owner), 30, RData::A(A(address.into())));
    server
        .on("web.example", RecordType::A)
        .record(a("web.example", [192, 0, 2, 1]))
        .record(a("web.example", [192, 0, 2, 2]));
    server.on("web.example", RecordType::AAAA).nodata("example", 20);
    server.on("both.example", RecordType::A).answer_a("192.0.2.3", 30);
    server.on("both.example", RecordType::AAAA).answer_aaaa("2001:db8::3", 30);
    server.on("both.example", RecordType::ANY).answer_a("192.0.2.3", 30);
    server.on("both.example", RecordType::HINFO).nodata("example", 20);
    server.on("a.b.example", RecordType::A).answer_a("192.0.2.4", 30);
    server.on("x.y.test", RecordType::A).answer_a("192.0.2.5", 300);
    let cname = |owner: &str, target: &str| Record::from_rdata(name(owner), 30, RData::CNAME(CNAME(name(target))));
    server
        .on("alias.example", RecordType::A)
        .record(cname("alias.example", "first.example"))
        .record(cname("first.example", "edge.cdn.test"))
        .record(a("edge.cdn.test", [192, 0, 2, 6]));
    server.on("edge.other.test", RecordType::A).answer_a("192.0.2.7", 30);
    server
        .on("mail.example", RecordType::MX)
        .data(30, RData::MX(MX::new(10, name("mx.in.test"))))
        .authority(Record::from_rdata(name("example"), 30, RData::NS(NS(name("ns.in.test")))));
    let srv = RData::SRV(SRV::new(1, 2, 80, name("web.in.test")));
    server.on("_http._tcp.in.test", RecordType::SRV).data(30, srv);
    server.on("web.in.test", RecordType::A).answer_a("192.0.2.8", 30);
    server.on_zone("broken.example").rcode(ResponseCode::ServFail);
    server
}
