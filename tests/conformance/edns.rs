//! The questions of RFC 8906 section 8, for names of the cluster and for names that are forwarded. They are what `ednscomp` and
//! `genreport` send to the world's name servers.

use crate::support::lab::{BADVERS, FORMERR, Lab, NOERROR, NOTIMP, lab};
use crate::support::raw::{A, Raw, SOA, TYPE1000};
use crate::support::read::has_soa;
use crate::support::server::ScriptServer;
use hickory_proto::rr::RecordType;

const FAR: &str = "www.example.com";

fn local() -> Raw {
    Raw::new("cluster.local", SOA)
}

fn far() -> Raw {
    Raw::new(FAR, A).rd()
}

async fn with_far() -> Lab {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).answer_a("192.0.2.1", 300));
    lab
}

/// 8.1.1 and 8.1.5, which is the same over TCP.
#[tokio::test]
async fn a_plain_question_gets_a_plain_reply() {
    let lab = with_far().await;
    for (way, reply) in lab.everywhere(&local()).await {
        assert_eq!((reply.rcode(), reply.counts()), (NOERROR, [1, 1, 0, 0]), "{way:?}");
        assert_eq!(reply.message.answers[0].record_type(), RecordType::SOA);
        assert!(reply.aa() && !reply.rd() && !reply.ad() && !reply.has_opt(), "{way:?}: {reply:?}");
    }
    for (way, reply) in lab.everywhere(&far()).await {
        assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 1), "{way:?}");
        assert!(!reply.aa() && reply.rd() && reply.ra() && !reply.has_opt(), "{way:?}: {reply:?}");
    }
}

/// 8.1.2
#[tokio::test]
async fn a_type_that_nobody_knows_is_no_data_or_passed_on() {
    let lab = with_far().await;
    for (way, reply) in lab.everywhere(&Raw::new("cluster.local", TYPE1000)).await {
        assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 0), "{way:?}");
        assert!(reply.aa() && has_soa(&reply.message), "{way:?}: {reply:?}");
    }
    let unknown = RecordType::Unknown(TYPE1000);
    drop(lab.upstream.on(FAR, unknown).nodata("example.com", 300));
    for (way, reply) in lab.everywhere(&Raw::new(FAR, TYPE1000).rd()).await {
        assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 0), "{way:?}");
    }
    assert_eq!(lab.upstream.count(FAR, unknown), 1);
}

/// 8.1.3.1 to 8.1.3.4
#[tokio::test]
async fn flags_of_the_question_are_copied_where_they_should_be() {
    let lab = with_far().await;
    for question in [local(), far()] {
        for (way, reply) in lab.everywhere(&question.clone().cd()).await {
            assert!(reply.rcode() == NOERROR && reply.cd() && reply.answers() == 1, "{way:?}: {reply:?}");
        }
        for (way, reply) in lab.everywhere(&question.clone().ad()).await {
            assert!(reply.rcode() == NOERROR && !reply.ad() && reply.answers() == 1, "{way:?}: {reply:?}");
        }
        for (way, reply) in lab.everywhere(&question.clone().z()).await {
            assert!(reply.rcode() == NOERROR && !reply.z() && reply.answers() == 1, "{way:?}: {reply:?}");
        }
    }
    for (way, reply) in lab.everywhere(&local().rd()).await {
        assert!(reply.aa() && reply.rd() && reply.ra(), "{way:?}: {reply:?}");
    }
    let checking_disabled = |query: &crate::support::server::Received| {
        query.message.as_ref().is_some_and(|message| message.metadata.checking_disabled)
    };
    assert!(lab.upstream.received().iter().any(checking_disabled), "CD goes upstream");
}

/// 8.1.4
#[tokio::test]
async fn an_opcode_that_nobody_knows_is_not_implemented() {
    let lab = with_far().await;
    for question in
        [local().opcode(15).counts([0; 4]), local().opcode(15), far().opcode(15), far().opcode(15).edns(1232)]
    {
        for (way, reply) in lab.everywhere(&question).await {
            assert_eq!((reply.rcode(), reply.opcode(), reply.counts()), (NOTIMP, 15, [0; 4]), "{way:?}");
            assert!(!reply.rd() && !reply.aa(), "{way:?}: {reply:?}");
        }
    }
    assert!(lab.upstream.received().iter().all(is_query));
}

fn is_query(query: &crate::support::server::Received) -> bool {
    query.message.as_ref().is_some_and(|message| message.metadata.op_code == hickory_proto::op::OpCode::Query)
}

/// 8.2.1, 8.2.3, 8.2.4, 8.2.8 and 8.2.10
#[tokio::test]
async fn edns_is_answered_with_edns_and_nothing_is_echoed() {
    let lab = with_far().await;
    let keyed = |question: Raw| {
        let cookie = [7; 8];
        // NSID, EXPIRE, COOKIE and an ECS option that asks for none to be made (RFC 7871 7.1.2).
        question.option(3, &[]).option(9, &[]).option(10, &cookie).option(8, &[0, 1, 0, 0])
    };
    for question in [local(), far()] {
        let edns = || question.clone().edns(4_096);
        for (what, query, dnssec_ok) in [
            ("edns=0", edns(), false),
            ("an option of no meaning", edns().option(100, b"what"), false),
            ("a flag of no meaning", edns().edns_flags(0x0040), false),
            ("DO", edns().dnssec_ok(), true),
            ("DO and a flag", edns().dnssec_ok().edns_flags(0x0040), true),
            ("NSID, EXPIRE, COOKIE, ECS", keyed(edns()), false),
        ] {
            for (way, reply) in lab.everywhere(&query).await {
                assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 1), "{what} {way:?}");
                let (version, size, done, flags) = reply.opt();
                assert_eq!((version, done, flags), (0, dnssec_ok, 0), "{what} {way:?}");
                assert!((512..=1_400).contains(&size), "{what} {way:?}: {size}");
                // Only NSID has an answer here.
                let told: &[u16] = if what.starts_with("NSID") { &[3] } else { &[] };
                assert_eq!(reply.option_codes(), told, "{what} {way:?}");
            }
        }
    }
}

/// RFC 7871 6: "SHOULD return FORMERR to reject the packet, as a signal to the software developer".
#[tokio::test]
async fn a_malformed_client_subnet_is_formerr_and_goes_nowhere() {
    let lab = with_far().await;
    for question in [local(), far()] {
        for data in [&[0, 1, 24, 0, 10, 0][..], &[0, 1, 20, 0, 10, 0, 0x1f], &[0, 1, 24, 24, 10, 0, 7], &[0]] {
            for (way, reply) in lab.everywhere(&question.clone().edns(1_232).option(8, data)).await {
                assert_eq!(reply.rcode(), FORMERR, "{data:?} {way:?}");
            }
        }
    }
    assert_eq!(count(&lab.upstream), 0);
}

/// 8.2.2, 8.2.5, 8.2.6 and 8.2.9. It is answered here, whoever's name it is: the version is between the two of us.
#[tokio::test]
async fn a_later_version_of_edns_is_badvers_and_goes_nowhere() {
    let lab = with_far().await;
    for question in [local(), far()] {
        let later = || question.clone().edns(4_096).version(1);
        for (what, query, dnssec_ok) in [
            ("edns=1", later(), false),
            ("with a flag", later().edns_flags(0x0040), false),
            ("with an option", later().option(100, b"what"), false),
            ("with DO", later().dnssec_ok(), true),
        ] {
            for (way, reply) in lab.everywhere(&query).await {
                assert_eq!((reply.rcode(), reply.answers()), (BADVERS, 0), "{what} {way:?}");
                assert!(!reply.aa(), "{what} {way:?}");
                let (version, _, done, flags) = reply.opt();
                assert_eq!((version, done, flags), (0, dnssec_ok, 0), "{what} {way:?}");
                assert_eq!(
                    reply.option_codes(),
                    [15],
                    "{what} {way:?}: the error in words, and nothing of the asker's"
                );
            }
        }
    }
    assert_eq!(count(&lab.upstream), 0);
}

fn count(upstream: &ScriptServer) -> usize {
    upstream.count(FAR, RecordType::A)
}

/// 8.2.7: what is cut keeps its OPT record.
#[tokio::test]
async fn a_cut_reply_keeps_its_opt() {
    let lab = with_far().await;
    let large = "large.example.com";
    let texts = (0..40).map(|number| format!("{number:0>40}"));
    let rule = lab.upstream.on(large, RecordType::TXT);
    drop(texts.fold(rule, |rule, text| rule.answer_txt(&text, 300)));
    for (what, question) in [
        ("local", Raw::new("many.default.svc.cluster.local", A).edns(512)),
        ("forwarded", Raw::new(large, 16).rd().edns(512)),
    ] {
        for way in lab.ways() {
            let reply = crate::support::lab::ask(way, &question).await;
            assert!(reply.has_opt(), "{what} {way:?}");
            let udp = matches!(way, crate::support::lab::Way::Udp(_));
            assert_eq!(reply.tc(), udp, "{what} {way:?}");
            assert!(!udp || reply.bytes.len() <= 512, "{what} {way:?}");
        }
    }
}
