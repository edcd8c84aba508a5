//! What is forwarded comes back as it was: records octet by octet, flags, rcodes, extended errors; and what belongs to one hop
//! stays on it (RFC 5625, RFC 3597, RFC 6891).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{RData, RecordType};

use crate::support::lab::{NOERROR, NXDOMAIN, REFUSED, SERVFAIL, ask, lab};
use crate::support::raw::{A, Raw, TXT};
use crate::support::read::{EDE, addresses, extended_errors, options};
use crate::support::script::Transport;

const FAR: &str = "www.example.com";

/// Types that nobody knows, and types whose data may hold a name that must not be touched (RFC 3597 4).
#[tokio::test]
async fn records_of_any_type_come_back_octet_by_octet() {
    let lab = lab().await;
    let svcb = b"\0\x01\x03www\x07example\x03com\0\0\x01\0\x06\x02h2\x02h3\0\x04\0\x04\xc0\0\x02\x01";
    let caa = b"\0\x05issueletsencrypt.org";
    let dname = b"\x05other\x07example\x03net\0";
    let all: Vec<u8> = (0..=255).collect();
    for (qtype, data) in [
        (65_280, &all[..]),
        (65_280, b"\xc0\x0c"),
        (731, b"\0\xff\xc0\xc0"),
        (64, svcb),
        (65, svcb),
        (257, caa),
        (39, dname),
    ] {
        let asked = format!("t{qtype}-{}.example.com", data.len());
        let rdata = NULL::with(data.to_vec());
        let record = RData::Unknown { code: RecordType::Unknown(qtype), rdata };
        drop(lab.upstream.on_name(&asked).data(300, record));
        let question = Raw::new(&asked, qtype).rd();
        for (way, reply) in lab.everywhere(&question).await {
            assert_eq!((reply.rcode(), reply.counts()), (NOERROR, [1, 1, 0, 0]), "type {qtype} {way:?}");
            assert!(
                reply.bytes.ends_with(&[&(data.len() as u16).to_be_bytes()[..], data].concat()),
                "type {qtype} {way:?}"
            );
        }
        assert_eq!(lab.upstream.count(&asked, RecordType::from(qtype)), 1, "the others came from memory");
    }
}

#[tokio::test]
async fn rcodes_pass_and_failures_are_not_hidden() {
    let lab = lab().await;
    for (asked, rcode, expected) in [
        ("servfail.example.com", ResponseCode::ServFail, SERVFAIL),
        ("refused.example.com", ResponseCode::Refused, REFUSED),
        ("nxdomain.example.com", ResponseCode::NXDomain, NXDOMAIN),
        ("yxdomain.example.com", ResponseCode::YXDomain, 6),
        ("notauth.example.com", ResponseCode::NotAuth, 9),
    ] {
        drop(lab.upstream.on_name(asked).rcode(rcode));
        for (way, reply) in lab.everywhere(&Raw::new(asked, A).rd().edns(1_232)).await {
            assert_eq!((reply.rcode(), reply.answers()), (expected, 0), "{asked} {way:?}");
        }
    }
}

/// An rcode above 15 needs an OPT record: whoever has none learns that it failed, and never reads its low bits as success.
#[tokio::test]
async fn extended_rcodes_pass_to_who_can_read_them() {
    let lab = lab().await;
    drop(lab.upstream.on_name("badcookie.example.com").rcode(ResponseCode::BADCOOKIE));
    let question = Raw::new("badcookie.example.com", A).rd();
    for (way, reply) in lab.everywhere(&question.clone().edns(1_232)).await {
        assert_eq!(reply.rcode(), 23, "{way:?}");
    }
    for (way, reply) in lab.everywhere(&question).await {
        assert_eq!(reply.rcode(), SERVFAIL, "{way:?}");
    }
}

#[tokio::test]
async fn extended_errors_pass_and_come_back_from_memory() {
    let lab = lab().await;
    drop(lab.upstream.on_name("bogus.example.com").rcode(ResponseCode::ServFail).ede(6, "signature expired"));
    drop(lab.upstream.on_name("blocked.example.com").nxdomain("example.com", 60).ede(15, "blocked here"));
    for (asked, rcode, ede) in [
        ("bogus.example.com", SERVFAIL, (6, "signature expired".to_owned())),
        ("blocked.example.com", NXDOMAIN, (15, "blocked here".to_owned())),
    ] {
        for (way, reply) in lab.everywhere(&Raw::new(asked, A).rd().edns(1_232)).await {
            assert_eq!((reply.rcode(), extended_errors(&reply.message)), (rcode, vec![ede.clone()]), "{asked} {way:?}");
        }
    }
    assert_eq!(lab.upstream.count("blocked.example.com", RecordType::A), 1);
}

/// AA says that the sender owns the name, which we do not; AD is passed to whoever can make something of it (RFC 6840 5.8).
#[tokio::test]
async fn aa_is_cleared_and_ad_is_for_those_who_ask() {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).aa().ad().answer_a("192.0.2.1", 300));
    for _ in ["from the upstream", "from memory"] {
        for (question, ad) in [
            (Raw::new(FAR, A).rd(), false),
            (Raw::new(FAR, A).rd().ad(), true),
            (Raw::new(FAR, A).rd().edns(1_232).dnssec_ok(), true),
        ] {
            for (way, reply) in lab.everywhere(&question).await {
                assert_eq!((reply.aa(), reply.ad(), reply.ra(), reply.answers()), (false, ad, true, 1), "{way:?}");
            }
        }
    }
}

#[tokio::test]
async fn do_and_cd_go_upstream() {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).answer_a("192.0.2.1", 300));
    lab.ask(&Raw::new(FAR, A).rd().edns(1_232).dnssec_ok()).await;
    lab.ask(&Raw::new(FAR, A).rd().cd()).await;
    let seen: Vec<(bool, bool)> = questions(&lab.upstream.received(), FAR)
        .map(|message| {
            let dnssec_ok = message.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
            (dnssec_ok, message.metadata.checking_disabled)
        })
        .collect();
    assert_eq!(seen, [(true, false), (false, true)]);
}

fn questions<'r>(
    received: &'r [crate::support::server::Received],
    asked: &str,
) -> impl Iterator<Item = &'r hickory_proto::op::Message> {
    let asked = crate::support::name(asked);
    let messages = received.iter().filter_map(|query| query.message.as_ref());
    messages.filter(move |message| message.queries.first().is_some_and(|question| *question.name() == asked))
}

/// COOKIE, TCP keepalive, padding and NSID are between two neighbours (RFC 6891 6.1.1, RFC 7830, RFC 7828); ECS would tell the
/// world the addresses of pods, and would have to be in the cache's key (RFC 7871 11.1).
#[tokio::test]
async fn options_of_one_hop_stay_on_it() {
    let lab = lab().await;
    drop(
        lab.upstream
            .on(FAR, RecordType::A)
            .echo_options()
            .option(65_001, b"upstream".to_vec())
            .answer_a("192.0.2.1", 300),
    );
    let query = Raw::new(FAR, A).rd().edns(1_232);
    let query = query.option(3, &[]).option(8, &[0, 1, 24, 0, 192, 0, 2]).option(10, &[7; 8]).option(11, &[]);
    let query = query.option(12, &[0; 20]).option(65_002, b"client");
    for (way, reply) in lab.everywhere(&query).await {
        assert_eq!(reply.answers(), 1, "{way:?}");
        // Keepalive and NSID are answered by us.
        let codes: Vec<u16> = reply.option_codes().into_iter().filter(|code| ![3, 11].contains(code)).collect();
        assert_eq!(codes, [0; 0], "{way:?}: what the upstream said to us is not for the client");
    }
    for message in questions(&lab.upstream.received(), FAR) {
        let edns = message.edns.as_ref().expect("we ask with EDNS");
        assert!(edns.options().options.is_empty(), "{edns:?}");
    }
}

/// The client's id is nobody else's business, and is not a random number that we made (CoreDNS before PR 4841).
#[tokio::test]
async fn upstreams_see_ids_and_ports_of_our_own() {
    let lab = lab().await;
    drop(lab.upstream.on_zone("example.com").nxdomain("example.com", 30));
    let mut same = 0;
    for number in 0..60 {
        let mut query = Raw::new(&format!("id-{number}.example.com"), A).rd();
        query.id = 0x1234;
        lab.ask(&query).await;
    }
    let received = lab.upstream.received();
    let seen: Vec<_> = received.iter().filter(|query| !is_probe(query)).collect();
    assert_eq!(seen.len(), 60);
    same += seen.iter().filter(|query| query.message.as_ref().unwrap().id == 0x1234).count();
    assert!(same <= 1, "{same} of 60 by accident");
    let distinct = |values: Vec<u16>| values.into_iter().collect::<std::collections::HashSet<_>>().len();
    let ids = distinct(seen.iter().map(|query| query.message.as_ref().unwrap().id).collect());
    let ports = distinct(seen.iter().map(|query| query.source.port()).collect());
    assert!(ids >= 55 && ports >= 40, "{ids} ids and {ports} ports of 60");
}

fn is_probe(query: &crate::support::server::Received) -> bool {
    query.message.as_ref().unwrap().queries[0].name().to_string().contains("_interlocal")
}

/// TC from upstream: the whole is fetched over TCP, and that is what is kept (RFC 2181 9).
#[tokio::test]
async fn what_the_upstream_cuts_is_fetched_whole() {
    let lab = lab().await;
    let rule = lab.upstream.on("cut.example.com", RecordType::A).truncate_udp();
    drop((0..60).fold(rule, |rule, number| rule.answer_a(&format!("192.0.2.{number}"), 300)));
    let question = Raw::new("cut.example.com", A).rd().edns(1_232);
    for way in lab.ways() {
        let reply = ask(way, &question).await;
        assert_eq!((reply.tc(), reply.answers()), (false, 60), "{way:?}");
    }
    let small = ask(lab.udp(), &Raw::new("cut.example.com", A).rd()).await;
    assert!(small.tc() && small.bytes.len() <= 512);
    let over: Vec<_> =
        lab.upstream.received().iter().filter(|query| !is_probe(query)).map(|query| query.transport).collect();
    assert_eq!(over, [Transport::Udp, Transport::Tcp]);
}

/// A cut answer that cannot be had whole is a failure, and is not kept.
#[tokio::test]
async fn half_an_answer_is_never_kept() {
    let lab = crate::support::lab::lab_with(|region| region.key("limits", "{forward_deadline: 1s}")).await;
    drop(lab.upstream.on("half.example.com", RecordType::A).tc().answer_a("192.0.2.1", 300).over_udp());
    drop(lab.upstream.on("half.example.com", RecordType::A).close().over_tcp());
    let question = Raw::new("half.example.com", A).rd();
    let reply = lab.ask(&question).await;
    assert!(reply.rcode() == SERVFAIL || reply.tc(), "{reply:?}");
    drop(lab.upstream.on("half.example.com", RecordType::A).answer_a("192.0.2.1", 300).answer_a("192.0.2.2", 300));
    let whole = crate::support::wait::eventually(crate::support::secs(10), || async {
        lab.ask(&question).await.answers() == 2
    });
    assert!(whole.await);
}

/// A reply to another question, or with another id, is nobody's answer: the right one is fetched over TCP.
#[tokio::test]
async fn an_answer_to_another_question_is_not_delivered() {
    let lab = lab().await;
    for (asked, wrong_id) in [("forged-id.example.com", true), ("forged-name.example.com", false)] {
        let rule = lab.upstream.on(asked, RecordType::A).over_udp().answer_a("203.0.113.66", 300);
        drop(if wrong_id { rule.wrong_id() } else { rule.wrong_question("other.example.com") });
        drop(lab.upstream.on(asked, RecordType::A).over_tcp().answer_a("192.0.2.1", 300));
        for (way, reply) in lab.everywhere(&Raw::new(asked, A).rd()).await {
            assert_eq!(addresses(&reply.message), [crate::support::ip("192.0.2.1")], "{asked} {way:?}");
        }
    }
}

/// What a message holds beside its answer is not known under its own name: the next question for it goes upstream.
#[tokio::test]
async fn records_of_other_names_are_not_learned() {
    let lab = lab().await;
    let poison = |asked: &str| {
        hickory_proto::rr::Record::from_rdata(
            crate::support::name(asked),
            300,
            RData::A(hickory_proto::rr::rdata::A("203.0.113.66".parse().unwrap())),
        )
    };
    let extra = |_: &hickory_proto::op::Message, reply: &mut hickory_proto::op::Message| {
        let record = reply.answers[0].clone();
        let mut other = record.clone();
        other.name = crate::support::name("bank.example.com");
        reply.additionals.push(other);
    };
    drop(
        lab.upstream
            .on(FAR, RecordType::A)
            .answer_a("192.0.2.1", 300)
            .authority(poison("bank.example.com"))
            .edit(extra),
    );
    drop(lab.upstream.on("bank.example.com", RecordType::A).answer_a("192.0.2.9", 300));
    lab.ask(&Raw::new(FAR, A).rd()).await;
    let reply = lab.ask(&Raw::new("bank.example.com", A).rd()).await;
    assert_eq!(addresses(&reply.message), [crate::support::ip("192.0.2.9")]);
}

/// Messages that cannot be read end no wait (TuDoor), and are never passed on.
#[tokio::test]
async fn garbage_from_an_upstream_is_no_answer() {
    let lab = crate::support::lab::lab_with(|region| region.key("limits", "{forward_deadline: 1s}")).await;
    drop(lab.upstream.on("late.example.com", RecordType::TXT).wrong_id().then_right().answer_txt("right", 300));
    drop(lab.upstream.on("garbage.example.com", RecordType::TXT).garbage(&[0; 40]));
    let reply = lab.ask(&Raw::new("late.example.com", TXT).rd()).await;
    assert_eq!(crate::support::read::texts(&reply.message), ["right"]);
    for (way, reply) in lab.everywhere(&Raw::new("garbage.example.com", TXT).rd().edns(1_232)).await {
        assert_eq!((reply.rcode(), options(&reply.message, EDE).len()), (SERVFAIL, 1), "{way:?}");
    }
}
