//! What a scripted answer bears: records, rcodes, flags, EDNS, its size and its time.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::time::Instant;

use crate::support::client::{Ask, ask_tcp, ask_udp};
use crate::support::script::Transport;
use crate::support::server::ScriptServer;
use crate::support::{ip, ms, name, read};

use RecordType::{A, AAAA, CNAME, TXT};

#[tokio::test]
async fn without_a_rule_it_is_nxdomain_with_soa() {
    let server = ScriptServer::start();
    for reply in [ask_udp(server.address(), "no.example", A).await, ask_tcp(server.address(), "no.example", A).await] {
        assert_eq!(reply.response_code, ResponseCode::NXDomain);
        assert!(read::has_soa(&reply));
    }
}

#[tokio::test]
async fn records_come_as_written() {
    let server = ScriptServer::start();
    server.on("two.example", A).answer_a("192.0.2.1", 60).answer_a("192.0.2.2", 60);
    server.on("two.example", AAAA).answer_aaaa("2001:db8::1", 61);
    server.on("text.example", TXT).answer_txt("hello", 5);
    let last = Record::from_rdata(name("last.example"), 9, RData::SRV(SRV::new(1, 2, 3, name("h.example"))));
    server.on("alias.example", A).answer_cname("last.example", 7).record(last.clone());

    let reply = ask_udp(server.address(), "two.example", A).await;
    assert_eq!(read::addresses(&reply), [ip("192.0.2.1"), ip("192.0.2.2")]);
    assert_eq!(reply.answers[0].ttl, 60);
    assert!(reply.recursion_available && !reply.authoritative);
    let reply = ask_tcp(server.address(), "TWO.example", AAAA).await;
    assert_eq!(read::addresses(&reply), [ip("2001:db8::1")]);
    assert_eq!(read::texts(&ask_udp(server.address(), "text.example", TXT).await), ["hello"]);
    let reply = ask_udp(server.address(), "alias.example", A).await;
    assert_eq!(read::aliases(&reply), ["last.example."]);
    assert_eq!(reply.answers[1], last);
    // Another type of a name that has a rule is not that rule's.
    assert_eq!(ask_udp(server.address(), "alias.example", CNAME).await.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn rcodes_and_flags_come_as_written() {
    let server = ScriptServer::start();
    server.on_name("fail.example").rcode(ResponseCode::ServFail).no_ra();
    server.on_name("vers.example").rcode(ResponseCode::BADVERS);
    server.on_name("flags.example").aa().ad().tc();
    server.on_name("empty.example").nodata("example", 17);
    server.on_name("gone.example").nxdomain("example", 18);

    let reply = ask_udp(server.address(), "fail.example", A).await;
    assert_eq!((reply.response_code, reply.recursion_available), (ResponseCode::ServFail, false));
    // BADVERS shares its number with BADSIG, which is what hickory reads (RFC 6891 9).
    assert_eq!(u16::from(ask_udp(server.address(), "vers.example", A).await.response_code), 16);
    let reply = ask_tcp(server.address(), "flags.example", A).await;
    assert!(reply.authoritative && reply.authentic_data && reply.truncation);
    let reply = ask_udp(server.address(), "empty.example", A).await;
    assert_eq!((reply.response_code, reply.authorities[0].ttl), (ResponseCode::NoError, 17));
    let reply = ask_udp(server.address(), "gone.example", A).await;
    assert_eq!(
        (reply.response_code, reply.authorities[0].name.to_ascii()),
        (ResponseCode::NXDomain, "example.".into())
    );
}

#[tokio::test]
async fn the_newest_rule_that_takes_a_question_has_it() {
    let server = ScriptServer::start();
    let ask = || async { read::texts(&ask_udp(server.address(), "a.zone.example", TXT).await) };
    server.on_any().answer_txt("any", 1);
    assert_eq!(ask().await, ["any"]);
    server.on_zone("zone.example").answer_txt("zone", 1);
    assert_eq!(ask().await, ["zone"]);
    assert_eq!(read::texts(&ask_udp(server.address(), "b.example", TXT).await), ["any"]);
    server.on_name("a.zone.example").answer_txt("twice", 1).times(2);
    server.on("a.zone.example", TXT).answer_txt("tcp", 1).over_tcp();
    assert_eq!(ask().await, ["twice"]);
    assert_eq!(read::texts(&ask_tcp(server.address(), "a.zone.example", TXT).await), ["tcp"]);
    assert_eq!(ask().await, ["twice"]);
    assert_eq!(ask().await, ["zone"]);
    server.clear();
    assert!(ask().await.is_empty());
}

#[tokio::test]
async fn a_delay_delays_its_own_question_only() {
    let server = ScriptServer::start();
    server.on("slow.example", A).delay(ms(200)).answer_a("192.0.2.1", 60);
    let begin = Instant::now();
    let (slow, ()) = tokio::join!(ask_udp(server.address(), "slow.example", A), async {
        ask_udp(server.address(), "fast.example", A).await;
        assert_eq!(server.received().len(), 2, "both questions were read");
    });
    assert_eq!(slow.answers.len(), 1);
    assert!(begin.elapsed() >= ms(200));
}

#[tokio::test]
async fn edns_comes_as_written() {
    let server = ScriptServer::start();
    server.on_name("ede.example").ede(22, "east is dark").option(65_001, vec![1, 2]);
    server.on_name("echo.example").echo_options();
    server.on_name("deaf.example").no_opt();
    server.on_name("old.example").refuse_opt(ResponseCode::FormErr).answer_a("192.0.2.1", 60);

    let reply = ask_udp(server.address(), "ede.example", A).await;
    assert_eq!(read::extended_errors(&reply), [(22, "east is dark".to_owned())]);
    assert_eq!(read::options(&reply, 65_001), [vec![1, 2]]);
    let plain = Ask::new("ede.example", A).no_edns();
    assert!(plain.udp(server.address()).await.edns.is_none(), "no OPT for one who sent none (RFC 6891 6.1.1)");
    let ask = Ask::new("echo.example", A).option(65_313, b"ilc1").dnssec_ok();
    let reply = ask.udp(server.address()).await;
    assert_eq!(read::options(&reply, 65_313), [b"ilc1".to_vec()]);
    assert!(reply.edns.unwrap().flags().dnssec_ok);
    assert!(ask_udp(server.address(), "deaf.example", A).await.edns.is_none());
    let reply = ask_udp(server.address(), "old.example", A).await;
    assert_eq!((reply.response_code, reply.answers.len()), (ResponseCode::FormErr, 0));
    assert!(reply.edns.is_none());
    let reply = Ask::new("old.example", A).no_edns().udp(server.address()).await;
    assert_eq!((reply.response_code, reply.answers.len()), (ResponseCode::NoError, 1));
}

#[tokio::test]
async fn truncation_is_over_udp_only() {
    let server = ScriptServer::start();
    server.on("cut.example", A).truncate_udp().answer_a("192.0.2.1", 60);
    let reply = ask_udp(server.address(), "cut.example", A).await;
    assert!(reply.truncation && reply.answers.is_empty() && reply.edns.is_some());
    let reply = ask_tcp(server.address(), "cut.example", A).await;
    assert!(!reply.truncation && reply.answers.len() == 1);
}

#[tokio::test]
async fn an_answer_is_cut_to_what_the_asker_takes() {
    let server = ScriptServer::start();
    let big = "x".repeat(250);
    server.on("big.example", TXT).answer_txt(&big, 1).answer_txt(&big, 1).answer_txt(&big, 1);
    server.on("rude.example", TXT).answer_txt(&big, 1).answer_txt(&big, 1).answer_txt(&big, 1).ignore_size();
    let small = Ask::new("big.example", TXT).no_edns();
    assert!(small.udp(server.address()).await.truncation);
    assert_eq!(read::texts(&small.tcp(server.address()).await).len(), 3);
    assert_eq!(read::texts(&ask_udp(server.address(), "big.example", TXT).await).len(), 3);
    let rude = Ask::new("rude.example", TXT).no_edns().udp(server.address()).await;
    assert_eq!(read::texts(&rude).len(), 3);
}

#[tokio::test]
async fn an_edit_sees_the_query() {
    let server = ScriptServer::start();
    server.on_any().edit(|query, reply| {
        let asked = query.queries[0].name().clone();
        reply.add_answer(Record::from_rdata(asked, 3, RData::A(hickory_proto::rr::rdata::A::new(192, 0, 2, 9))));
    });
    let reply = ask_udp(server.address(), "some.name.example", A).await;
    assert_eq!(reply.answers[0].name, name("some.name.example"));
}

#[tokio::test]
async fn queries_are_written_down_in_order() {
    let server = ScriptServer::start();
    server.on_any().drop_query().over_udp();
    let lost = Ask::new("lost.example", A).id(7).patience(ms(100));
    assert!(lost.try_udp(server.address()).await.is_none());
    ask_tcp(server.address(), "kept.example", AAAA).await;

    let received = server.received();
    assert_eq!(received[0].bytes, lost.bytes());
    assert_eq!((received[0].transport, received[0].connection), (Transport::Udp, None));
    assert_eq!(received[0].message.as_ref().unwrap().id, 7);
    assert_eq!((received[1].transport, received[1].connection), (Transport::Tcp, Some(1)));
    assert_eq!((server.count("lost.example", A), server.count("KEPT.example", AAAA)), (1, 1));
    assert_eq!((server.count("kept.example", A), server.connections()), (0, 1));
    server.forget();
    assert!(server.received().is_empty());
}
