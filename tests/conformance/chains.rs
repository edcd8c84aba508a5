//! Chains of CNAMEs that an upstream gives: whole ones, ones without end, loops, and the ones that begin in the cluster.

use hickory_proto::rr::rdata::{A as Address, CNAME};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::support::lab::{NOERROR, NXDOMAIN, SERVFAIL, lab, lab_with};
use crate::support::raw::{A, Raw};
use crate::support::read::{addresses, aliases, extended_errors, has_soa};
use crate::support::{ip, name, yaml};

fn link(number: usize) -> String {
    format!("link-{number}.example.com")
}

fn alias(from: &str, to: &str) -> Record {
    Record::from_rdata(name(from), 300, RData::CNAME(CNAME(name(to))))
}

/// Twenty links in one message: passed on whole, or a failure that says so; never half of it.
#[tokio::test]
async fn a_chain_of_twenty_in_one_message_is_bounded() {
    let lab = lab().await;
    for start in 0..20 {
        let rule = lab.upstream.on(&link(start), RecordType::A);
        let rule = (start..20).fold(rule, |rule, number| rule.record(alias(&link(number), &link(number + 1))));
        drop(rule.record(Record::from_rdata(name(&link(20)), 300, RData::A(Address::new(192, 0, 2, 20)))));
    }
    drop(lab.upstream.on(&link(20), RecordType::A).answer_a("192.0.2.20", 300));
    for (way, reply) in lab.everywhere(&Raw::new(&link(0), A).rd().edns(1_232)).await {
        match reply.rcode() {
            NOERROR => {
                assert_eq!((addresses(&reply.message), aliases(&reply.message).len()), (vec![ip("192.0.2.20")], 20))
            }
            rcode => assert_eq!((rcode, extended_errors(&reply.message).len()), (SERVFAIL, 1), "{way:?}"),
        }
    }
}

/// One link at a time: each is asked for, up to `limits.cname_links`.
#[tokio::test]
async fn links_that_come_one_by_one_are_followed_up_to_the_limit() {
    let lab = lab_with(|region| region.key("limits", "{cname_links: 5}")).await;
    for number in 0..20 {
        drop(lab.upstream.on(&link(number), RecordType::A).answer_cname(&link(number + 1), 300));
    }
    drop(lab.upstream.on(&link(20), RecordType::A).answer_a("192.0.2.20", 300));
    for (way, reply) in lab.everywhere(&Raw::new(&link(15), A).rd()).await {
        assert_eq!(addresses(&reply.message), [ip("192.0.2.20")], "{way:?}");
        assert_eq!(aliases(&reply.message).len(), 5, "{way:?}");
    }
    for (way, reply) in lab.everywhere(&Raw::new(&link(0), A).rd().edns(1_232)).await {
        assert_eq!(reply.rcode(), SERVFAIL, "{way:?}");
        assert_eq!(extended_errors(&reply.message)[0].1, "CNAME chain too long or a loop", "{way:?}");
    }
    assert_eq!(lab.upstream.count(&link(8), RecordType::A), 0, "nobody went on behind the limit");
}

#[tokio::test]
async fn a_loop_of_two_ends() {
    let lab = lab().await;
    drop(lab.upstream.on("a.example.com", RecordType::A).answer_cname("b.example.com", 300));
    drop(lab.upstream.on("b.example.com", RecordType::A).answer_cname("a.example.com", 300));
    let whole = |asked: &str| {
        let rule = lab.upstream.on(asked, RecordType::A).record(alias("c.example.com", "d.example.com"));
        drop(rule.record(alias("d.example.com", "c.example.com")));
    };
    whole("c.example.com");
    whole("d.example.com");
    drop(lab.upstream.on("self.example.com", RecordType::A).answer_cname("self.example.com", 300));
    for asked in ["a.example.com", "c.example.com", "self.example.com"] {
        for (way, reply) in lab.everywhere(&Raw::new(asked, A).rd().edns(1_232)).await {
            assert_eq!(reply.rcode(), SERVFAIL, "{asked} {way:?}");
            assert_eq!(extended_errors(&reply.message).len(), 1, "{asked} {way:?}");
        }
    }
    let asked = lab.upstream.received().len();
    assert!(asked < 100, "{asked} questions");
}

/// An ExternalName inside the cluster is a chain that begins here: RFC 1034 3.6.2. AA is about its first name (RFC 1035 4.1.1).
#[tokio::test]
async fn a_chain_from_the_cluster_is_followed_for_the_client() {
    let lab = lab().await;
    drop(lab.upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 300));
    let outside = "outside.default.svc.cluster.local";
    for (way, reply) in lab.everywhere(&Raw::new(outside, A).rd()).await {
        assert_eq!(aliases(&reply.message), ["www.example.com."], "{way:?}");
        assert_eq!(addresses(&reply.message), [ip("192.0.2.1")], "{way:?}");
        assert!(reply.aa(), "{way:?}");
    }
    drop(lab.upstream.on("www.example.com", RecordType::AAAA).nodata("example.com", 60));
    for (way, reply) in lab.everywhere(&Raw::new(outside, 28).rd()).await {
        assert_eq!((reply.rcode(), aliases(&reply.message).len()), (NOERROR, 1), "{way:?}");
        assert!(has_soa(&reply.message), "{way:?}: no data at its end, and for how long");
    }
    for (way, reply) in lab.everywhere(&Raw::new(outside, 5).rd()).await {
        assert_eq!((aliases(&reply.message).len(), reply.aa()), (1, true), "{way:?}: the alias itself");
    }
}

/// A chain whose end is not to be had says so; it is never an empty NOERROR.
#[tokio::test]
async fn a_chain_that_ends_nowhere_says_so() {
    let lab = lab_with(|region| {
        let more = yaml::join(&[
            yaml::external("default/dark", "dark.example.com"),
            yaml::external("default/gone", "gone.example.com"),
            yaml::external("default/one", "two.default.svc.cluster.local"),
            yaml::external("default/two", "one.default.svc.cluster.local"),
            yaml::external("default/missing", "nothing.default.svc.cluster.local"),
        ]);
        region.file("manifests/more.yaml", &more).key("limits", "{forward_deadline: 500ms}")
    })
    .await;
    drop(lab.upstream.on_name("dark.example.com").drop_query());
    for (asked, rcode) in [("dark", SERVFAIL), ("gone", NXDOMAIN), ("one", SERVFAIL), ("missing", NXDOMAIN)] {
        let question = Raw::new(&format!("{asked}.default.svc.cluster.local"), A).rd().edns(1_232);
        for (way, reply) in lab.everywhere(&question).await {
            assert_eq!(reply.rcode(), rcode, "{asked} {way:?}");
            assert_eq!(addresses(&reply.message), [] as [std::net::IpAddr; 0], "{asked} {way:?}");
            assert!(rcode == NXDOMAIN || extended_errors(&reply.message).len() == 1, "{asked} {way:?}");
            // A circle has no end to keep: its links would be the same two records again and again.
            assert_eq!(aliases(&reply.message).len(), usize::from(asked != "one"), "{asked} {way:?}");
            assert_eq!(reply.aa(), rcode == NXDOMAIN, "{asked} {way:?}");
        }
    }
}
