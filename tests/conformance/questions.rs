//! Opcodes, classes and types that are answered in their own way, or by nobody.

use hickory_proto::op::OpCode;
use hickory_proto::rr::{DNSClass, RecordType};

use crate::support::lab::{NOERROR, NOTIMP, REFUSED, WEB, lab};
use crate::support::raw::{A, ANY, Raw, SOA, TXT};
use crate::support::read::addresses;
use crate::support::server::Received;

const FAR: &str = "www.example.com";

fn opcode(query: &Received) -> OpCode {
    query.message.as_ref().expect("well formed").metadata.op_code
}

/// CVE-2026-86003: only QUERY is ever forwarded. A valid RFC 2136 UPDATE adds a record to a zone that is not ours.
#[tokio::test]
async fn update_notify_and_status_go_nowhere() {
    let lab = lab().await;
    let record = [&[1, b'x', 0xc0, 12][..], &[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]].concat();
    let update = Raw::new("example.com", SOA).opcode(5).counts([1, 0, 1, 0]).more(&record);
    let notify = Raw::new("example.com", SOA).opcode(4);
    let status = Raw::new("example.com", SOA).opcode(2);
    for (query, opcode) in [(update, 5), (notify, 4), (status, 2)] {
        for (way, reply) in lab.everywhere(&query).await {
            assert_eq!((reply.rcode(), reply.opcode()), (NOTIMP, opcode), "{way:?}");
        }
    }
    assert!(lab.upstream.received().iter().all(|query| opcode(query) == OpCode::Query));
    assert_eq!(lab.upstream.count("example.com", RecordType::SOA), 0);
}

/// CH, HS, NONE and ANY: refused, never forwarded, and never mixed up with IN.
#[tokio::test]
async fn classes_other_than_in_are_refused_and_not_forwarded() {
    let lab = lab().await;
    drop(lab.upstream.on_name(FAR).answer_a("192.0.2.1", 300));
    lab.ask(&Raw::new(FAR, A).rd()).await;
    for class in [3, 4, 254, 255] {
        for (asked, qtype) in [("authors.bind", TXT), (FAR, A), (WEB, A)] {
            for (way, reply) in lab.everywhere(&Raw::new(asked, qtype).rd().class(class)).await {
                assert_eq!((reply.rcode(), reply.answers()), (REFUSED, 0), "{asked} class {class} {way:?}");
            }
        }
    }
    for query in lab.upstream.received() {
        assert_eq!(query.message.unwrap().queries[0].query_class(), DNSClass::IN);
    }
    assert_eq!(lab.ask(&Raw::new(FAR, A).rd()).await.answers(), 1, "IN is as it was");
}

/// AXFR, IXFR, OPT, TSIG, TKEY, MAILA: of nobody's business here, and nowhere else.
#[tokio::test]
async fn transfers_and_meta_types_are_refused_and_not_forwarded() {
    let lab = lab().await;
    for qtype in [252, 251, 41, 250, 249, 254] {
        for asked in ["cluster.local", WEB, FAR] {
            for (way, reply) in lab.everywhere(&Raw::new(asked, qtype).rd()).await {
                assert_eq!((reply.rcode(), reply.answers()), (REFUSED, 0), "{asked} type {qtype} {way:?}");
            }
        }
    }
    assert!(lab.upstream.received().iter().all(is_a_loop_probe), "{:?}", lab.upstream.received());
}

fn is_a_loop_probe(query: &Received) -> bool {
    query.message.as_ref().unwrap().queries[0].name().to_string().contains("_interlocal-loop")
}

/// RFC 8482: one RRset, and small.
#[tokio::test]
async fn any_gets_one_rrset() {
    let lab = lab().await;
    for (asked, answers) in [(WEB, 1), ("cluster.local", 1), ("dns-version.cluster.local", 1)] {
        for (way, reply) in lab.everywhere(&Raw::new(asked, ANY)).await {
            assert_eq!((reply.rcode(), reply.answers()), (NOERROR, answers), "{asked} {way:?}");
            assert!(reply.bytes.len() <= 512, "{asked} {way:?}");
        }
    }
    let (_, reply) = lab.everywhere(&Raw::new(WEB, ANY)).await.remove(0);
    assert_eq!(addresses(&reply.message).len(), 1, "one family");
}

/// 0x20, and specification 2.1: found in any case, and echoed in the asker's.
#[tokio::test]
async fn case_is_ignored_and_echoed() {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).answer_a("192.0.2.1", 300));
    for asked in ["wEb.DefAult.SVC.cluster.LOCAL", "WWW.example.COM", "www.EXAMPLE.com"] {
        let question = Raw::new(asked, A).rd();
        for (way, reply) in lab.everywhere(&question).await {
            assert_eq!(reply.answers(), 1, "{asked} {way:?}");
            assert_eq!(reply.question(), question.question(), "{asked} {way:?}");
        }
    }
    assert_eq!(lab.upstream.count(FAR, RecordType::A), 1, "one name in the cache");
}

/// RD=0 (DESIGN section 6): what is local or in memory, and no more.
#[tokio::test]
async fn without_rd_nobody_is_asked() {
    let lab = lab().await;
    drop(lab.upstream.on(FAR, RecordType::A).answer_a("192.0.2.1", 300));
    for (way, reply) in lab.everywhere(&Raw::new(FAR, A).edns(1232)).await {
        assert_eq!(reply.rcode(), REFUSED, "{way:?}");
        assert_eq!(crate::support::read::extended_errors(&reply.message)[0].0, 20, "{way:?}");
    }
    assert_eq!(lab.upstream.count(FAR, RecordType::A), 0);
    assert_eq!(lab.ask(&Raw::new(FAR, A).rd()).await.answers(), 1);
    for (way, reply) in lab.everywhere(&Raw::new(FAR, A)).await {
        assert!(reply.answers() == 1 && !reply.rd(), "{way:?}: from memory");
    }
}
