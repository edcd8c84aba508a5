//! What tells two questions apart in the cache: name, type, class, DO, CD, and the route (CVE-2024-0874).

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::support::ip;
use crate::support::lab::{NXDOMAIN, lab, lab_with};
use crate::support::raw::{A, AAAA, Raw};
use crate::support::read::addresses;
use crate::support::server::ScriptServer;

const FAR: &str = "www.example.com";

/// An address that says with which flags it was asked for.
fn by_flags(query: &Message, reply: &mut Message) {
    let dnssec_ok = query.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
    let last = u8::from(dnssec_ok) * 2 + u8::from(query.metadata.checking_disabled);
    for record in &mut reply.answers {
        record.data = hickory_proto::rr::RData::A(hickory_proto::rr::rdata::A::new(192, 0, 2, last));
    }
}

#[tokio::test]
async fn do_and_cd_have_answers_of_their_own_and_ad_has_not() {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).answer_a("192.0.2.9", 300).edit(by_flags));
    let plain = || Raw::new(FAR, A).rd();
    for _ in ["from the upstream", "from memory"] {
        for (query, last) in [
            (plain(), 0),
            (plain().ad(), 0),
            (plain().edns(1_232), 0),
            (plain().cd(), 1),
            (plain().edns(1_232).dnssec_ok(), 2),
            (plain().edns(1_232).dnssec_ok().cd(), 3),
        ] {
            for (way, reply) in lab.everywhere(&query).await {
                assert_eq!(addresses(&reply.message), [ip(&format!("192.0.2.{last}"))], "{way:?} {query:?}");
            }
        }
    }
    assert_eq!(lab.upstream.count(FAR, RecordType::A), 4);
}

#[tokio::test]
async fn types_are_apart_and_case_is_not() {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).answer_a("192.0.2.1", 300));
    drop(lab.upstream.on(FAR, RecordType::AAAA).answer_aaaa("2001:db8::1", 300));
    for _ in 0..2 {
        for asked in [FAR, "WWW.EXAMPLE.COM"] {
            assert_eq!(addresses(&lab.ask(&Raw::new(asked, A).rd()).await.message), [ip("192.0.2.1")]);
            assert_eq!(addresses(&lab.ask(&Raw::new(asked, AAAA).rd()).await.message), [ip("2001:db8::1")]);
        }
    }
    assert_eq!(lab.upstream.count(FAR, RecordType::A) + lab.upstream.count(FAR, RecordType::AAAA), 2);
}

/// CVE-2026-44687: an NXDOMAIN above a stub zone, or above the cluster's names, hides neither.
#[tokio::test]
async fn a_denial_never_hides_a_zone_below_it() {
    let stub = ScriptServer::start();
    drop(stub.on("web.corp.example.com", RecordType::A).answer_a("192.0.2.7", 300));
    let row = format!("{{zone: corp.example.com, to: [\"{}\"]}}", stub.address());
    let upstream = ScriptServer::start();
    let rows = format!("[{{zone: ., to: [\"{}\"]}}, {row}]", upstream.address());
    let lab = lab_with(|region| region.forward(&rows)).await;
    for above in ["example.com", "com", "local"] {
        assert_eq!(lab.ask(&Raw::new(above, A).rd()).await.rcode(), NXDOMAIN, "{above}");
    }
    for (way, reply) in lab.everywhere(&Raw::new("web.corp.example.com", A).rd()).await {
        assert_eq!(addresses(&reply.message), [ip("192.0.2.7")], "{way:?}");
    }
    for (way, reply) in lab.everywhere(&Raw::new(crate::support::lab::WEB, A)).await {
        assert_eq!(reply.answers(), 1, "{way:?}");
    }
}

/// Two servers of one instance have two caches and two upstreams.
#[tokio::test]
async fn servers_of_one_instance_do_not_share_answers() {
    let (one, two) = (ScriptServer::start(), ScriptServer::start());
    drop(one.on(FAR, RecordType::A).answer_a("192.0.2.1", 300));
    drop(two.on(FAR, RecordType::A).answer_a("192.0.2.2", 300));
    let server = |upstream: &ScriptServer| {
        format!("{{listen: [\"127.0.0.1:0\"], forward: [{{zone: ., to: [\"{}\"]}}]}}", upstream.address())
    };
    let servers = format!("[{}, {}]", server(&one), server(&two));
    let region = crate::support::region::Region::new("east").key("forward", "").key("servers", &servers);
    let any = "\"127.0.0.1:0\"";
    let listen = format!("{{peers: [], health: {any}, ready: {any}, metrics: {any}, admin: {any}}}");
    let region = region.key("listen", &listen).start().await;
    let doors = region.app().addresses().dns.clone();
    assert_eq!(doors.len(), 2);
    for _ in ["from the upstream", "from memory"] {
        for (door, address) in doors.iter().zip(["192.0.2.1", "192.0.2.2"]) {
            let reply = crate::support::lab::ask(crate::support::lab::Way::Udp(*door), &Raw::new(FAR, A).rd()).await;
            assert_eq!(addresses(&reply.message), [ip(address)]);
        }
    }
}
