//! Ours and a real CoreDNS, each with its own words for one rule, in front of one upstream.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, MX, NS, SRV};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::side_by_side::{Wanted, all_are_asked, differences, shown, wanted};
use crate::support::wait::eventually;
use crate::support::{name, secs};
use interlocal::config::policy::PolicyRule;
use interlocal::config::{Overrides, PolicyConfig, UnknownKeys, corefile, file};
use interlocal::limits::Limits;

pub use crate::support::side_by_side::question;

/// One rule in both languages, and what is asked of it.
pub struct Case {
    /// Plugins, one a line.
    pub corefile: &'static str,
    /// Rows of `policy`.
    pub policy: &'static str,
    /// `NAME TYPE [CLASS] [+nsid] [+norec]`.
    pub asked: &'static [&'static str],
    /// Questions whose replies differ, in what, and why that is wanted.
    pub wanted: &'static [Wanted],
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
        assert_eq!(of_corefile(case), of_yaml(case), "{}", case.corefile);
        let Some(pair) = Pair::start(test, case).await else { return 0 };
        for asked in case.asked {
            let question = question(asked);
            let ours = question.clone().try_udp(pair.ours.dns()).await;
            let theirs = question.clone().try_udp(pair.theirs.address()).await;
            let found = differences(ours.as_ref(), theirs.as_ref());
            assert_eq!(
                found,
                wanted(asked, case.wanted),
                "{asked}\n{}\nours:   {}\ntheirs: {}\n{}",
                case.corefile,
                shown(ours.as_ref()),
                shown(theirs.as_ref()),
                pair.theirs.log()
            );
            compared += 1;
        }
        all_are_asked(case.asked, case.wanted);
    }
    compared
}

/// The rules as a Corefile says them: both languages come to the same.
fn of_corefile(case: &Case) -> Vec<PolicyConfig> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Corefile");
    std::fs::write(&path, format!(".:53 {{\n{}\n}}\n", case.corefile)).unwrap();
    let parsed = interlocal::app::corefile::parse(&path, &Limits::default(), &Overrides::default());
    let problems = |problems: Vec<interlocal::config::Problem>| panic!("{}", problems[0]);
    let corefile::Corefile { config, .. } = parsed.unwrap_or_else(problems).value;
    sorted(config.servers[0].policy.clone())
}

fn of_yaml(case: &Case) -> Vec<PolicyConfig> {
    let text = format!("policy: {}\n", case.policy);
    let path = std::path::Path::new("/etc/interlocal/interlocal.yaml");
    let parsed = file::parse(&text, path, UnknownKeys::Refuse, &Overrides::default());
    sorted(parsed.unwrap_or_else(|problems| panic!("{}", problems[0])).value.servers[0].policy.clone())
}

/// Kinds are carried out in a fixed order, so only the order within a kind says something.
fn sorted(mut rules: Vec<PolicyConfig>) -> Vec<PolicyConfig> {
    for rule in &mut rules {
        if let PolicyRule::Hosts(hosts) = &mut rule.rule {
            // The last line may end or not.
            hosts.inline.truncate(hosts.inline.trim_end().len());
        }
    }
    rules.sort_by_key(|rule| {
        let text = format!("{:?}", rule.rule);
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    });
    rules
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
