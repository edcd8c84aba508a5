//! Questions that reached what they should not have reached: other operations, other doors, names that hide names.

use hickory_proto::rr::RecordType;

use crate::asked_upstream;
use crate::support::client::{Ask, ask_udp};
use crate::support::lab::{NOERROR, NOTIMP, NXDOMAIN, REFUSED, WEB, ask, lab};
use crate::support::raw::{A, ANY, Raw, SOA, TXT};
use crate::support::read::{addresses, extended_errors};
use crate::support::region::Region;
use crate::support::server::ScriptServer;
use crate::support::{ip, yaml};

/// An UPDATE went on to the upstream, from an address that it trusts (CoreDNS): only questions are ever forwarded.
#[tokio::test]
async fn cve_2026_86003_no_other_operation_is_forwarded() {
    let lab = lab().await;
    for opcode in (1..16).filter(|&opcode| opcode != 0) {
        for (way, reply) in lab.everywhere(&Raw::new("example.com", SOA).rd().opcode(opcode)).await {
            assert_eq!((reply.rcode(), reply.opcode()), (NOTIMP, opcode), "{way:?}");
        }
    }
    assert_eq!(asked_upstream(&lab), [""; 0]);
}

/// A loop that was found ended the process, and its probe's name could be guessed (CoreDNS): here nothing that comes from the
/// network ends it, and the probe's answer tells only who asks it that we are ourselves.
#[tokio::test]
async fn cve_2026_26018_the_probes_of_others_end_nothing() {
    let lab = lab().await;
    for name in [
        "1234567890.9876543210.",
        "0123456789abcdef._interlocal-loop.cluster.local",
        "_interlocal-loop.",
        "a._interlocal-loop.",
    ] {
        for _ in 0..20 {
            for qtype in [A, TXT, 13] {
                let _ = lab.ask(&Raw::new(name, qtype).rd()).await;
            }
        }
    }
    for way in lab.ways() {
        assert_eq!(ask(way, &Raw::new(WEB, A)).await.answers(), 1, "{way:?}");
    }
    assert_eq!(lab.region.get("/health").await.0, 200);
    let loops = format!("interlocal_upstream_loops{{zone=\".\",address=\"{}\"}}", lab.upstream.address());
    assert_eq!(lab.region.counter(&loops).await, 0.0, "nor is a route taken out for it");
}

/// Who may not ask was given what was in memory (CoreDNS): the door decides before memory is looked at.
#[tokio::test]
async fn cve_2026_26017_memory_is_behind_the_doors_rules() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    let east = Region::new("east")
        .table("regions: {east: {}, west: {endpoints: [\"127.0.0.1:1\"]}}\n")
        .manifests(&yaml::join(&[
            yaml::namespace("default"),
            yaml::service("default/web", &["10.96.0.1"], &["http:80"]),
        ]))
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .start()
        .await;
    assert_eq!(addresses(&ask_udp(east.dns(), "www.example.com", RecordType::A).await), [ip("192.0.2.1")]);
    for asked in ["www.example.com", "web.default.svc.cluster.local", "a.west.svc.cluster.local", "."] {
        let reply = ask_udp(east.peers_door(), asked, RecordType::A).await;
        assert_eq!(reply.metadata.response_code.low(), 5, "{asked}: {reply}");
        assert!(reply.answers.is_empty() && !reply.metadata.recursion_available);
    }
    let own = ask_udp(east.peers_door(), "web.default.east.svc.cluster.local", RecordType::A).await;
    assert_ne!(own.metadata.response_code.low(), 5, "{own}");
}

/// A namespace named `svc`, or like a top-level domain, took names of others (CoreDNS): names of the cluster stay below it, and a
/// region that would take a namespace's, or a search path's, is refused unless it says so.
#[tokio::test]
async fn cve_2022_2835_namespaces_take_no_names_of_others() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    let objects = yaml::join(&[
        yaml::namespace("svc"),
        yaml::namespace("com"),
        yaml::service("svc/www", &["10.96.0.1"], &["http:80"]),
        yaml::service("com/example", &["10.96.0.2"], &["http:80"]),
        yaml::service("com/www", &["10.96.0.3"], &["http:80"]),
    ]);
    let east = Region::new("east")
        .table("regions: {east: {}}\n")
        .manifests(&objects)
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .start()
        .await;
    for (asked, expected) in [
        ("www.example.com", Some("192.0.2.1")),
        ("www.svc.svc.cluster.local", Some("10.96.0.1")),
        ("example.com.svc.cluster.local", Some("10.96.0.2")),
        ("www.svc.cluster.local", None),
        ("www.example.com.svc.cluster.local", None),
        ("www.example.com.svc.svc.cluster.local", None),
    ] {
        let reply = ask_udp(east.dns(), asked, RecordType::A).await;
        assert_eq!(addresses(&reply), expected.map(ip).into_iter().collect::<Vec<_>>(), "{asked}");
    }
    east.rewrite_peers(
        "regions: {east: {}, de: {endpoints: [\"127.0.0.1:1\"]}, svc: {endpoints: [\"127.0.0.1:1\"]}}\n",
    );
    east.until_metric("interlocal_peers_table_ok", 0.0).await;
}

/// Wildcards, and NS or SRV of the apex, listed every Service (Trail of Bits, K8S-032); so do transfers.
#[tokio::test]
async fn tob_k8s_032_nobody_can_list_the_zone() {
    let lab = lab().await;
    for asked in [
        "*.default.svc.cluster.local",
        "any.default.svc.cluster.local",
        "*.*.svc.cluster.local",
        "*.any.svc.cluster.local",
    ] {
        for qtype in [A, 33, ANY] {
            let reply = lab.ask(&Raw::new(asked, qtype)).await;
            assert_eq!((reply.rcode(), reply.answers()), (NXDOMAIN, 0), "{asked} {qtype}");
        }
    }
    for asked in ["cluster.local", "svc.cluster.local", "default.svc.cluster.local"] {
        for (qtype, rcode) in [(33, NOERROR), (A, NOERROR), (252, REFUSED), (251, REFUSED)] {
            for (way, reply) in lab.everywhere(&Raw::new(asked, qtype)).await {
                assert_eq!((reply.rcode(), reply.answers()), (rcode, 0), "{asked} {qtype} {way:?}");
            }
        }
        let everything = lab.ask(&Raw::new(asked, ANY)).await;
        assert!(everything.answers() <= 1, "{everything:?}");
    }
    let apex = lab.ask(&Raw::new("cluster.local", 2)).await;
    assert!(apex.answers() <= 1, "{apex:?}");
}

/// A header in front of a connection says who asks (PROXY protocol), and was believed from anybody: it is not understood here, so
/// nobody can claim another's address.
#[tokio::test]
async fn cve_2026_54478_nobody_says_that_he_is_another() {
    use crate::support::client::{Conversation, Heard, PATIENCE};
    let lab = lab().await;
    let question = Raw::new(WEB, A).bytes();
    let headers = [
        &b"PROXY TCP4 10.0.0.1 10.0.0.2 1 53\r\n"[..],
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\0\x01\0\x35",
    ];
    for header in headers {
        let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
        conversation.send_bytes(header).await;
        conversation.send(&question).await;
        conversation.finish().await;
        match conversation.receive(PATIENCE).await {
            Heard::End => {}
            Heard::Message(reply) => assert_ne!(reply[..2], question[..2], "the question behind it was answered"),
            Heard::Silence => panic!("the connection stays open"),
        }
    }
    assert_eq!(lab.ask(&Raw::new(WEB, A)).await.answers(), 1);
}

/// Recursion and validation cost others dearly (NXNSAttack, NRDelegation, KeyTrap): a referral is no answer, and is followed nowhere;
/// signatures are passed on as they are.
#[tokio::test]
async fn cve_2020_12662_2022_3204_and_2023_50387_referrals_are_not_followed_and_nothing_is_validated() {
    use hickory_proto::rr::rdata::NS;
    use hickory_proto::rr::{RData, Record};
    let lab = lab().await;
    let asked = "deep.example.com";
    drop(lab.upstream.on_name(asked).edit(|_, reply| {
        for number in 0..20 {
            let target = crate::support::name(&format!("ns{number}.bank.example"));
            reply.add_authority(Record::from_rdata(crate::support::name("example.com"), 60, RData::NS(NS(target))));
        }
    }));
    for dnssec in [false, true] {
        let query = Ask::new(asked, RecordType::A);
        let reply =
            if dnssec { query.dnssec_ok().udp(lab.region.dns()).await } else { query.udp(lab.region.dns()).await };
        assert!(reply.answers.is_empty() && extended_errors(&reply).is_empty(), "{reply}");
    }
    let names = asked_upstream(&lab);
    assert!(names.iter().all(|name| name == "deep.example.com."), "{names:?}");
    assert!(names.len() <= 4, "{names:?}");
}
