//! Answers that were kept and should not have been, or were given to questions that they do not answer.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A as Address, CNAME, NS};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::asked_upstream;
use crate::support::lab::{NOERROR, NXDOMAIN, lab, lab_with};
use crate::support::raw::{A, AAAA, Raw};
use crate::support::read::addresses;
use crate::support::rule::soa;
use crate::support::server::ScriptServer;
use crate::support::{ip, name};

const FORGED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);

fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), 3_600, data)
}

/// Records for other names, in every section of an answer (MaginotDNS, and several others since): nothing is ever learnt from them.
#[tokio::test]
async fn cve_2021_25220_2025_40778_and_2025_11411_records_for_other_names_are_not_kept() {
    let lab = lab().await;
    let asked = "www.example.com";
    let forged = || record("bank.example", RData::A(Address(FORGED)));
    drop(
        lab.upstream
            .on(asked, RecordType::A)
            .edit(move |_, reply| {
                reply.add_answer(record(asked, RData::A(Address(Ipv4Addr::new(192, 0, 2, 1)))));
                reply.add_answer(forged());
                reply.add_authority(record("example", RData::NS(NS(name("bank.example")))));
                reply.add_additional(forged());
            })
            .rcode(ResponseCode::NoError),
    );
    drop(lab.upstream.on("bank.example", RecordType::A).answer_a("192.0.2.9", 60));
    for _ in ["from the upstream", "from memory"] {
        let reply = lab.ask(&Raw::new(asked, A).rd()).await;
        assert!(addresses(&reply.message).contains(&ip("192.0.2.1")), "{reply:?}");
        let bank = lab.ask(&Raw::new("bank.example", A).rd()).await;
        assert_eq!(addresses(&bank.message), [ip("192.0.2.9")], "the true one");
    }
    assert_eq!(lab.upstream.count("bank.example", RecordType::A), 1, "it had to be asked for");
}

/// A CNAME of an answer is for this answer, and says nothing of its target (CVE-2026-42960 kept what followed).
#[tokio::test]
async fn cve_2026_42960_a_chain_is_for_its_question_only() {
    let lab = lab().await;
    let asked = "alias.example.com";
    drop(lab.upstream.on(asked, RecordType::A).edit(|_, reply| {
        reply.add_answer(record("alias.example.com", RData::CNAME(CNAME(name("bank.example")))));
        reply.add_answer(record("bank.example", RData::A(Address(FORGED))));
    }));
    drop(lab.upstream.on("bank.example", RecordType::A).answer_a("192.0.2.9", 60));
    assert_eq!(lab.ask(&Raw::new(asked, A).rd()).await.answers(), 2);
    let bank = lab.ask(&Raw::new("bank.example", A).rd()).await;
    assert_eq!(addresses(&bank.message), [ip("192.0.2.9")]);
}

/// The CD bit was not part of the key: an answer that was not checked was given to those who want it checked.
#[tokio::test]
async fn cve_2024_0874_cd_has_answers_of_its_own() {
    let lab = lab().await;
    let asked = "signed.example.com";
    drop(lab.upstream.on(asked, RecordType::A).edit(|query, reply| {
        let last = if query.checking_disabled { 66 } else { 1 };
        reply.add_answer(record("signed.example.com", RData::A(Address(Ipv4Addr::new(192, 0, 2, last)))));
    }));
    let unchecked = || Raw::new(asked, A).rd().cd();
    for _ in ["from the upstream", "from memory"] {
        assert_eq!(addresses(&lab.ask(&unchecked()).await.message), [IpAddr::V4(FORGED)]);
        assert_eq!(addresses(&lab.ask(&Raw::new(asked, A).rd()).await.message), [ip("192.0.2.1")]);
    }
    assert_eq!(lab.upstream.count(asked, RecordType::A), 2);
}

/// Answers of one class given in another (CoreDNS before 1.14.7).
#[tokio::test]
async fn coredns_1_14_7_classes_do_not_mix() {
    let lab = lab().await;
    drop(lab.upstream.on_name("www.example.com").answer_a("192.0.2.1", 60));
    assert_eq!(lab.ask(&Raw::new("www.example.com", A).rd()).await.answers(), 1);
    for class in [3, 4, 254, 255] {
        let reply = lab.ask(&Raw::new("www.example.com", A).rd().class(class)).await;
        assert_eq!(reply.answers(), 0, "class {class}: {reply:?}");
        assert_ne!(reply.rcode(), NOERROR, "class {class}");
    }
    assert_eq!(asked_upstream(&lab), ["www.example.com."], "and none of them went on");
}

/// A denial without an SOA says not how long it holds (CoreDNS before 1.14.7 kept it).
#[tokio::test]
async fn coredns_1_14_7_a_denial_without_soa_is_not_kept() {
    let lab = lab().await;
    drop(lab.upstream.on("gone.example.com", RecordType::A).rcode(ResponseCode::NXDomain));
    for times in 1..=3 {
        assert_eq!(lab.ask(&Raw::new("gone.example.com", A).rd()).await.rcode(), NXDOMAIN);
        assert_eq!(lab.upstream.count("gone.example.com", RecordType::A), times);
    }
}

/// A kept NXDOMAIN hid a forward zone below its name: where a question goes is decided first.
#[tokio::test]
async fn cve_2026_44687_a_denial_hides_no_zone_below_it() {
    let stub = ScriptServer::start();
    drop(stub.on("www.corp.example.com", RecordType::A).answer_a("192.0.2.7", 60));
    let lab = lab_with(|region| region).await;
    let rows = format!(
        "[{{zone: ., to: [\"{}\"]}}, {{zone: corp.example.com, to: [\"{}\"]}}]",
        lab.upstream.address(),
        stub.address()
    );
    lab.region.rewrite_key("forward", &rows);
    drop(lab.upstream.on_zone("example.com").nxdomain("example.com", 60));
    for denied in ["example.com", "com"] {
        assert_eq!(lab.ask(&Raw::new(denied, A).rd()).await.rcode(), NXDOMAIN);
    }
    lab.region.until_metric("interlocal_config_reload_total{file=\"config\",result=\"ok\"}", 1.0).await;
    let reply = lab.ask(&Raw::new("www.corp.example.com", A).rd()).await;
    assert_eq!(addresses(&reply.message), [ip("192.0.2.7")]);
}

/// What was kept for one type was given, stale, for another (CVE-2026-46582): stale answers are the same entries with the same
/// keys, and upstreams have none.
#[tokio::test]
async fn cve_2026_46582_an_expired_answer_is_given_to_no_other_question() {
    let lab = lab().await;
    drop(lab.upstream.on("short.example.com", RecordType::A).answer_a("192.0.2.1", 1));
    assert_eq!(lab.ask(&Raw::new("short.example.com", A).rd()).await.answers(), 1);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    drop(lab.upstream.on_any().rcode(ResponseCode::ServFail));
    for query in
        [Raw::new("short.example.com", AAAA), Raw::new("short.example.com", A), Raw::new("other.example.com", A)]
    {
        let reply = lab.ask(&query.rd()).await;
        assert_eq!((reply.rcode(), reply.answers()), (2, 0), "{reply:?}");
    }
}

/// The SOA of a denial belongs to a zone that the question is in; that of another is no reason to keep it.
#[tokio::test]
async fn a_denial_with_the_soa_of_another_zone_is_not_kept_for_long() {
    let lab = lab().await;
    let asked = "www.example.com";
    drop(lab.upstream.on(asked, RecordType::A).rcode(ResponseCode::NXDomain).authority(soa("bank.example", 86_400)));
    for _ in ["from the upstream", "again"] {
        let reply = lab.ask(&Raw::new(asked, A).rd()).await;
        assert_eq!(reply.rcode(), NXDOMAIN);
        assert!(reply.message.authorities.iter().all(|record| record.ttl <= 10), "{reply:?}");
    }
    let bank = lab.ask(&Raw::new("bank.example", A).rd()).await;
    assert_eq!(lab.upstream.count("bank.example", RecordType::A), 1, "nothing is known of it: {bank:?}");
}
