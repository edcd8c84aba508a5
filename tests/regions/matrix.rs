//! Every region asked for every other region's names, judged by hickory's own client: nothing here is decided by the
//! code that serves, and every expected value stands here as text.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};

use crate::support::hickory::{hickory_tcp, hickory_udp};
use crate::support::read::{addresses, aliases, has_soa};
use crate::support::regions;
use crate::support::running::Running;
use crate::support::{ip, name};

const PODS: [(&str, &str); 3] = [("central", "10.0.1.144"), ("east", "10.0.102.90"), ("west", "10.0.115.11")];

/// The answers, over UDP and then over TCP, to the same question.
async fn both(region: &Running, asked: &str, rtype: RecordType) -> [Message; 2] {
    let udp = hickory_udp(region.dns(), asked, rtype).await;
    let tcp = hickory_tcp(region.dns(), asked, rtype).await;
    [udp, tcp].map(|reply| reply.unwrap_or_else(|error| panic!("{} asked for {asked}: {error}", region.label())))
}

fn pointers(reply: &Message) -> Vec<String> {
    let target = |data: &RData| match data {
        RData::PTR(target) => Some(target.0.to_ascii()),
        _ => None,
    };
    reply.answers.iter().filter_map(|record| target(&record.data)).collect()
}

#[tokio::test]
async fn all_six_pairs_over_udp_and_tcp() {
    let regions = regions::three().await;
    for from in &regions.running {
        for (to, address) in PODS {
            let name = format!("busybox-0.busybox.{to}.svc.cluster.local");
            for reply in both(from, &name, RecordType::A).await {
                assert_eq!(reply.response_code, ResponseCode::NoError, "{} asks for {to}", from.label());
                assert_eq!(addresses(&reply), [ip(address)], "{} asks for {to}", from.label());
                // What a peer said is passed on, and is not ours to vouch for.
                assert_eq!(reply.authoritative, from.label() == to, "{} asks for {to}", from.label());
                assert!(reply.recursion_available);
            }
        }
    }
    for region in regions.running {
        region.shutdown().await;
    }
}

#[tokio::test]
async fn an_external_name_is_followed_into_the_other_region() {
    let regions = regions::three().await;
    // central's `far` leads to east, east's to west, west's to central.
    for (from, to, address) in
        [("central", "east", "10.0.102.90"), ("east", "west", "10.0.115.11"), ("west", "central", "10.0.1.144")]
    {
        for reply in both(regions.of(from), "far.default.svc.cluster.local", RecordType::A).await {
            assert_eq!(aliases(&reply), [format!("busybox-0.busybox.{to}.svc.cluster.local.")]);
            assert_eq!(addresses(&reply), [ip(address)]);
            assert_eq!(reply.response_code, ResponseCode::NoError);
        }
        // No AAAA there: the chain, and nothing at its end, is NODATA with an SOA.
        for reply in both(regions.of(from), "far.default.svc.cluster.local", RecordType::AAAA).await {
            assert_eq!((aliases(&reply).len(), addresses(&reply)), (1, vec![]));
            assert!(has_soa(&reply), "{reply}");
        }
    }
}

/// The chain starts in east, by its mesh name, and east's own door may not leave for west: who asked goes on from there.
#[tokio::test]
async fn a_chain_that_begins_at_a_peer_is_finished_by_who_asked() {
    let regions = regions::three().await;
    for reply in both(regions.of("central"), "far.default.svc.east.mesh", RecordType::A).await {
        assert_eq!(aliases(&reply), ["busybox-0.busybox.west.svc.cluster.local."]);
        assert_eq!(addresses(&reply), [ip("10.0.115.11")]);
    }
    // And a chain that leads back to who asked.
    for reply in both(regions.of("central"), "far.default.svc.west.mesh", RecordType::A).await {
        assert_eq!(addresses(&reply), [ip("10.0.1.144")]);
    }
}

#[tokio::test]
async fn mesh_names_are_the_same_for_everybody() {
    let regions = regions::three().await;
    for from in &regions.running {
        for (to, address) in [("central", "172.20.1.10"), ("east", "172.20.2.10"), ("west", "172.20.3.10")] {
            let asked = format!("web.default.svc.{to}.mesh");
            for reply in both(from, &asked, RecordType::A).await {
                assert_eq!(addresses(&reply), [ip(address)], "{} asks for {asked}", from.label());
                assert_eq!(reply.answers[0].name, name(&asked), "in the words of the question");
            }
        }
        for reply in both(from, "nothing.default.svc.east.mesh", RecordType::A).await {
            assert_eq!(reply.response_code, ResponseCode::NXDomain, "{} asks", from.label());
            assert!(has_soa(&reply));
        }
    }
}

#[tokio::test]
async fn reverse_names_are_asked_where_the_address_lives() {
    let regions = regions::three().await;
    for from in &regions.running {
        for (asked, expected) in [
            ("144.1.0.10.in-addr.arpa", "busybox-0.busybox.central.svc.cluster.local."),
            ("90.102.0.10.in-addr.arpa", "busybox-0.busybox.east.svc.cluster.local."),
            ("11.115.0.10.in-addr.arpa", "busybox-0.busybox.west.svc.cluster.local."),
        ] {
            for reply in both(from, asked, RecordType::PTR).await {
                assert_eq!(pointers(&reply), [expected], "{} asks for {asked}", from.label());
            }
        }
        // A pod that is in no region zone has its mesh name, but for its own cluster.
        let east = if from.label() == "east" { "svc.cluster.local." } else { "svc.east.mesh." };
        for reply in both(from, "21.99.0.10.in-addr.arpa", RecordType::PTR).await {
            assert_eq!(pointers(&reply), [format!("10-0-99-21.web.default.{east}")], "{} asks", from.label());
        }
        // IPv6, of the dual-stack Service in the region zone.
        let six = "1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        for reply in both(from, six, RecordType::PTR).await {
            assert_eq!(pointers(&reply), ["2001-db8-2--31.dual.east.svc.cluster.local."], "{} asks", from.label());
        }
        // Nobody's address in east's range.
        for reply in both(from, "200.111.0.10.in-addr.arpa", RecordType::PTR).await {
            let expected = if from.label() == "east" { ResponseCode::Refused } else { ResponseCode::NXDomain };
            assert_eq!(reply.response_code, expected, "{} asks", from.label());
        }
    }
}

#[tokio::test]
async fn both_families_of_a_dual_stack_service() {
    let regions = regions::three().await;
    for from in &regions.running {
        for (to, four, six) in [
            ("central", "172.20.1.20", "fd00:20::1:20"),
            ("east", "172.20.2.20", "fd00:20::2:20"),
            ("west", "172.20.3.20", "fd00:20::3:20"),
        ] {
            let asked = format!("dual.{to}.svc.cluster.local");
            for (rtype, address) in [(RecordType::A, four), (RecordType::AAAA, six)] {
                for reply in both(from, &asked, rtype).await {
                    assert_eq!(addresses(&reply), [ip(address)], "{} asks for {asked} {rtype}", from.label());
                }
            }
        }
    }
}

#[tokio::test]
async fn srv_brings_the_addresses_of_its_targets() {
    let regions = regions::three().await;
    for from in &regions.running {
        for (to, address) in PODS {
            let asked = format!("_http._tcp.busybox.{to}.svc.cluster.local");
            for reply in both(from, &asked, RecordType::SRV).await {
                let [answer] = &reply.answers[..] else { panic!("{reply}") };
                let RData::SRV(srv) = &answer.data else { panic!("{reply}") };
                let target = format!("busybox-0.busybox.{to}.svc.cluster.local.");
                assert_eq!((srv.port, srv.target.to_ascii()), (80, target.clone()), "{} asks {to}", from.label());
                let [glue] = &reply.additionals[..] else { panic!("{reply}") };
                assert_eq!(glue.name.to_ascii(), target);
                assert!(matches!(glue.data, RData::A(a) if a.0 == ip(address)), "{reply}");
            }
        }
    }
}
