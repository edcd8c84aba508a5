//! How long an answer of an upstream is kept, and what of it is not kept at all (RFC 1035, RFC 2181, RFC 2308, RFC 9520).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::support::lab::{Lab, NOERROR, NXDOMAIN, SERVFAIL, lab};
use crate::support::raw::{A, AAAA, Raw};
use crate::support::read::has_soa;
use crate::support::rule::soa;
use crate::support::wait::eventually_some;
use crate::support::{ms, secs};

async fn ttl(lab: &Lab, asked: &str) -> u32 {
    let reply = lab.ask(&Raw::new(asked, A).rd()).await;
    let mut records = reply.message.answers.iter().chain(&reply.message.authorities);
    records.next().expect("a record").ttl
}

fn count(lab: &Lab, asked: &str) -> usize {
    lab.upstream.count(asked, RecordType::A)
}

/// Waits until the upstream is asked again for this name, asking on and on.
async fn until_asked_again(lab: &Lab, asked: &str) {
    let before = count(lab, asked);
    let again = eventually_some(secs(20), || async {
        lab.ask(&Raw::new(asked, A).rd()).await;
        (count(lab, asked) > before).then_some(())
    });
    again.await.expect("it expires");
}

#[tokio::test]
async fn ttls_count_down_and_never_up() {
    let lab = lab().await;
    drop(lab.upstream.on("short.example.com", RecordType::A).answer_a("192.0.2.1", 3));
    assert_eq!(ttl(&lab, "short.example.com").await, 3);
    let (mut last, mut seen) = (3, Vec::new());
    while count(&lab, "short.example.com") == 1 {
        let now = ttl(&lab, "short.example.com").await;
        if count(&lab, "short.example.com") == 1 {
            assert!(now <= last && now > 0, "{now} after {last}");
            last = now;
            seen.push(now);
        }
        tokio::time::sleep(ms(50)).await;
    }
    assert!(seen.contains(&2), "{seen:?}");
}

/// `cache.max_ttl` and `cache.max_negative_ttl`
#[tokio::test]
async fn ttls_are_capped() {
    let lab = lab().await;
    drop(lab.upstream.on("long.example.com", RecordType::A).answer_a("192.0.2.1", 86_400));
    drop(lab.upstream.on("none.example.com", RecordType::A).nxdomain("example.com", 86_400));
    drop(lab.upstream.on("little.example.com", RecordType::A).answer_a("192.0.2.1", 7));
    for _ in ["from the upstream", "from memory"] {
        assert!((28..=30).contains(&ttl(&lab, "long.example.com").await));
        assert!((8..=10).contains(&ttl(&lab, "none.example.com").await));
        assert!((5..=7).contains(&ttl(&lab, "little.example.com").await), "and never longer than they were");
    }
    assert_eq!(count(&lab, "long.example.com"), 1);
}

/// Zero is for this once (RFC 1035 3.2.1), and a TTL with its top bit set is zero (RFC 2181 8).
#[tokio::test]
async fn a_ttl_of_zero_is_not_kept() {
    let lab = lab().await;
    drop(lab.upstream.on("once.example.com", RecordType::A).answer_a("192.0.2.1", 0));
    drop(lab.upstream.on("odd.example.com", RecordType::A).answer_a("192.0.2.1", 0x8000_0001));
    for asked in ["once.example.com", "odd.example.com"] {
        for times in 1..=3 {
            assert_eq!(lab.ask(&Raw::new(asked, A).rd()).await.answers(), 1);
            assert_eq!(count(&lab, asked), times, "{asked}");
        }
    }
}

/// An RRset is as old as its oldest record: the least TTL decides (RFC 2181 5.2).
#[tokio::test]
async fn the_least_ttl_decides() {
    let lab = lab().await;
    let asked = "mixed.example.com";
    drop(lab.upstream.on(asked, RecordType::A).answer_a("192.0.2.1", 30).answer_a("192.0.2.2", 1));
    lab.ask(&Raw::new(asked, A).rd()).await;
    until_asked_again(&lab, asked).await;
}

/// RFC 2308 5: the lesser of the SOA's TTL and its MINIMUM.
#[tokio::test]
async fn denials_are_kept_as_their_soa_says() {
    let lab = lab().await;
    let mut record = soa("example.com", 1);
    record.ttl = 600;
    drop(lab.upstream.on("minimum.example.com", RecordType::A).rcode(ResponseCode::NXDomain).authority(record));
    let mut record = soa("example.com", 600);
    record.ttl = 1;
    drop(lab.upstream.on("ttl.example.com", RecordType::A).authority(record));
    for (asked, rcode) in [("minimum.example.com", NXDOMAIN), ("ttl.example.com", NOERROR)] {
        let reply = lab.ask(&Raw::new(asked, A).rd()).await;
        assert!(reply.rcode() == rcode && has_soa(&reply.message), "{reply:?}");
        assert_eq!(reply.message.authorities[0].ttl, 1, "{asked}");
        until_asked_again(&lab, asked).await;
    }
}

/// "A negative answer without SOA should not be cached" (RFC 2308 5; CoreDNS before 1.14.7).
#[tokio::test]
async fn a_denial_without_soa_is_not_kept() {
    let lab = lab().await;
    drop(lab.upstream.on("no-name.example.com", RecordType::A).rcode(ResponseCode::NXDomain));
    drop(lab.upstream.on("no-data.example.com", RecordType::A).rcode(ResponseCode::NoError));
    for (asked, rcode) in [("no-name.example.com", NXDOMAIN), ("no-data.example.com", NOERROR)] {
        for times in 1..=3 {
            assert_eq!(lab.ask(&Raw::new(asked, A).rd()).await.rcode(), rcode);
            assert_eq!(count(&lab, asked), times, "{asked}");
        }
    }
}

/// NODATA is about one type, NXDOMAIN about a name; and neither is about what lies below (RFC 8020 is not used).
#[tokio::test]
async fn nodata_and_nxdomain_are_not_confused() {
    let lab = lab().await;
    drop(lab.upstream.on("v4.example.com", RecordType::AAAA).nodata("example.com", 60));
    drop(lab.upstream.on("v4.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    drop(lab.upstream.on("gone.example.com", RecordType::A).nxdomain("example.com", 60));
    drop(lab.upstream.on("below.gone.example.com", RecordType::A).answer_a("192.0.2.2", 60));
    for _ in ["from the upstream", "from memory"] {
        for (asked, qtype, rcode, answers) in [
            ("v4.example.com", AAAA, NOERROR, 0),
            ("v4.example.com", A, NOERROR, 1),
            ("gone.example.com", A, NXDOMAIN, 0),
            ("below.gone.example.com", A, NOERROR, 1),
        ] {
            for (way, reply) in lab.everywhere(&Raw::new(asked, qtype).rd()).await {
                assert_eq!((reply.rcode(), reply.answers()), (rcode, answers), "{asked} {qtype} {way:?}");
            }
        }
    }
    assert_eq!((count(&lab, "v4.example.com"), count(&lab, "gone.example.com")), (1, 1));
}

/// RFC 9520 3.2: failures are kept, for a second.
#[tokio::test]
async fn a_failure_is_kept_for_a_second() {
    let lab = lab().await;
    let asked = "broken.example.com";
    drop(lab.upstream.on(asked, RecordType::A).rcode(ResponseCode::ServFail));
    for _ in 0..20 {
        assert_eq!(lab.ask(&Raw::new(asked, A).rd()).await.rcode(), SERVFAIL);
    }
    // On a machine that is very slow a second may have passed meanwhile.
    assert!(count(&lab, asked) <= 4, "{} times", count(&lab, asked));
    until_asked_again(&lab, asked).await;
    drop(lab.upstream.on(asked, RecordType::A).answer_a("192.0.2.1", 60));
    let mended = eventually_some(secs(10), || async {
        let reply = lab.ask(&Raw::new(asked, A).rd()).await;
        (reply.answers() == 1).then_some(())
    });
    mended.await.expect("a failure is forgotten");
}

/// What the cluster says is never in the cache: a change shows in the next answer.
#[tokio::test]
async fn local_names_are_never_cached() {
    use crate::support::yaml;
    let lab = lab().await;
    for address in ["10.96.1.1", "10.96.1.2"] {
        lab.region.write("manifests/more.yaml", &yaml::service("default/moving", &[address], &["http:80"]));
        let seen = eventually_some(secs(20), || async {
            let reply = lab.ask(&Raw::new("moving.default.svc.cluster.local", A)).await;
            (crate::support::read::addresses(&reply.message) == [crate::support::ip(address)]).then_some(())
        });
        seen.await.expect("the change shows");
    }
}
