//! The shape of the cluster's zone as clients see it: the Kubernetes DNS specification 1.1.0, and empty non-terminals that exist.

use hickory_proto::rr::{RData, RecordType};

use crate::support::lab::{Lab, NOERROR, NXDOMAIN, SERVFAIL, WEB, lab, lab_with};
use crate::support::raw::{A, AAAA, ANY, Raw, SOA, TXT};
use crate::support::read::{addresses, extended_errors, has_soa, texts};
use crate::support::server::ScriptServer;
use crate::support::{ip, yaml};

const PTR: u16 = 12;
const SRV: u16 = 33;
const NS: u16 = 2;

/// NOERROR without an answer, with an SOA and AA.
async fn is_nodata(lab: &Lab, asked: &str, qtype: u16) {
    for (way, reply) in lab.everywhere(&Raw::new(asked, qtype)).await {
        assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 0), "{asked} {qtype} {way:?}");
        assert!(has_soa(&reply.message) && reply.aa(), "{asked} {qtype} {way:?}");
    }
}

async fn is_nxdomain(lab: &Lab, asked: &str, qtype: u16) {
    for (way, reply) in lab.everywhere(&Raw::new(asked, qtype)).await {
        assert_eq!((reply.rcode(), reply.answers()), (NXDOMAIN, 0), "{asked} {qtype} {way:?}");
        assert!(has_soa(&reply.message) && reply.aa(), "{asked} {qtype} {way:?}");
    }
}

async fn has_addresses(lab: &Lab, asked: &str, qtype: u16, expected: &[&str]) {
    for (way, reply) in lab.everywhere(&Raw::new(asked, qtype)).await {
        let mut found = addresses(&reply.message);
        found.sort();
        assert_eq!(found, expected.iter().map(|text| ip(text)).collect::<Vec<_>>(), "{asked} {way:?}");
        assert!(reply.aa() && reply.rcode() == NOERROR, "{asked} {way:?}");
    }
}

async fn names(lab: &Lab, asked: &str, qtype: u16) -> Vec<String> {
    let mut seen: Option<Vec<String>> = None;
    for (way, reply) in lab.everywhere(&Raw::new(asked, qtype)).await {
        let mut names: Vec<String> = reply.message.answers.iter().map(|record| record.data.to_string()).collect();
        names.sort();
        assert_eq!(*seen.get_or_insert_with(|| names.clone()), names, "{asked} {way:?}");
    }
    seen.unwrap_or_default()
}

#[tokio::test]
async fn names_between_existing_ones_exist() {
    let lab = lab().await;
    for asked in [
        "cluster.local",
        "svc.cluster.local",
        "pod.cluster.local",
        "dns.cluster.local",
        "default.svc.cluster.local",
        "empty.svc.cluster.local",
        "default.pod.cluster.local",
        "_tcp.web.default.svc.cluster.local",
    ] {
        is_nodata(&lab, asked, A).await;
        is_nodata(&lab, asked, AAAA).await;
        is_nodata(&lab, asked, TXT).await;
    }
    is_nodata(&lab, WEB, TXT).await;
    is_nodata(&lab, "six.default.svc.cluster.local", A).await;
}

#[tokio::test]
async fn names_that_are_not_there_are_denied_from_memory() {
    let lab = lab().await;
    for asked in [
        "nothing.svc.cluster.local",
        "web.nothing.svc.cluster.local",
        "nothing.default.svc.cluster.local",
        "below.web.default.svc.cluster.local",
        "_ftp._tcp.web.default.svc.cluster.local",
        "_http._udp.web.default.svc.cluster.local",
        "nothing.cluster.local",
        "svc.svc.cluster.local",
        "web.default.svc.cluster.local.default.svc.cluster.local",
        "www.example.com.default.svc.cluster.local",
        "www.example.com.svc.cluster.local",
        "www.example.com.cluster.local",
    ] {
        is_nxdomain(&lab, asked, A).await;
        is_nxdomain(&lab, asked, SRV).await;
    }
    let asked = lab.upstream.received();
    let cluster = crate::support::name("cluster.local");
    let leaked = asked.iter().filter(|query| {
        let question = query.message.as_ref().unwrap().queries[0].name().clone();
        cluster.zone_of(&question)
    });
    assert_eq!(leaked.count(), 0, "nothing of it was forwarded");
}

#[tokio::test]
async fn services_have_the_addresses_that_they_should() {
    let lab = lab().await;
    has_addresses(&lab, WEB, A, &["10.96.0.1"]).await;
    has_addresses(&lab, WEB, AAAA, &["fd00::1"]).await;
    has_addresses(&lab, "six.default.svc.cluster.local", AAAA, &["fd00::6"]).await;
    has_addresses(&lab, "pods.default.svc.cluster.local", A, &["10.8.2.1", "10.8.2.2"]).await;
    has_addresses(&lab, "pod-1.pods.default.svc.cluster.local", A, &["10.8.2.2"]).await;
    has_addresses(&lab, "10-1-2-3.default.pod.cluster.local", A, &["10.1.2.3"]).await;
    has_addresses(&lab, "ns.dns.cluster.local", A, &["10.96.0.10"]).await;
    has_addresses(&lab, "ns.dns.cluster.local", AAAA, &["fd00::10"]).await;
}

/// "There must be no record" for a headless Service without a ready endpoint; `publishNotReadyAddresses` makes them ready.
#[tokio::test]
async fn endpoints_that_are_not_ready_are_not_there_unless_published() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: eager, namespace: default}\n\
        spec: {clusterIP: None, publishNotReadyAddresses: true, ports: [{name: http, port: 80}]}\n";
    let eager = yaml::join(&[service.to_owned(), yaml::slice("default/eager", &["10.8.5.1=pod-0!"], &["http:80"])]);
    let lab = lab_with(|region| region.file("manifests/eager.yaml", &eager)).await;
    is_nxdomain(&lab, "waiting.default.svc.cluster.local", A).await;
    is_nxdomain(&lab, "pod-0.waiting.default.svc.cluster.local", A).await;
    has_addresses(&lab, "eager.default.svc.cluster.local", A, &["10.8.5.1"]).await;
    has_addresses(&lab, "pod-0.eager.default.svc.cluster.local", A, &["10.8.5.1"]).await;
}

#[tokio::test]
async fn pods_are_answered_as_configured() {
    for (mode, answered) in [("disabled", false), ("insecure", true)] {
        let kubernetes = format!("{{source: manifests, pods: {mode}}}");
        let lab = lab_with(|region| region.key("kubernetes", &kubernetes)).await;
        let asked = "10-1-2-3.default.pod.cluster.local";
        if answered {
            has_addresses(&lab, asked, A, &["10.1.2.3"]).await;
            has_addresses(&lab, "2001-db8--1.default.pod.cluster.local", AAAA, &["2001:db8::1"]).await;
        } else {
            is_nxdomain(&lab, asked, A).await;
        }
        is_nxdomain(&lab, "10-1-2-3.nothing.pod.cluster.local", A).await;
        is_nxdomain(&lab, "10-1-2-300.default.pod.cluster.local", A).await;
    }
}

#[tokio::test]
async fn named_ports_have_srv_records_with_glue() {
    let lab = lab().await;
    let target = |port: u16| format!("0 100 {port} web.default.svc.cluster.local.");
    assert_eq!(names(&lab, "_http._tcp.web.default.svc.cluster.local", SRV).await, [target(80)]);
    assert_eq!(names(&lab, "_https._tcp.web.default.svc.cluster.local", SRV).await, [target(443)]);
    assert_eq!(names(&lab, WEB, SRV).await.len(), 2, "the bare name has all of them");
    let pods = names(&lab, "_http._tcp.pods.default.svc.cluster.local", SRV).await;
    let pod = |n: usize| format!("0 50 80 pod-{n}.pods.default.svc.cluster.local.");
    assert_eq!(pods, [pod(0), pod(1)]);
    for (way, reply) in lab.everywhere(&Raw::new("_http._tcp.pods.default.svc.cluster.local", SRV)).await {
        let glue: Vec<_> =
            reply.message.additionals.iter().filter(|record| record.record_type() == RecordType::A).collect();
        assert_eq!(glue.len(), 2, "{way:?}");
    }
    // A port without a name has no `_port._protocol`.
    is_nxdomain(&lab, "_http._tcp.nameless.default.svc.cluster.local", SRV).await;
    has_addresses(&lab, "nameless.default.svc.cluster.local", A, &["10.96.0.7"]).await;
}

#[tokio::test]
async fn the_zone_has_a_version_an_soa_and_a_name_server() {
    let lab = lab().await;
    for (way, reply) in lab.everywhere(&Raw::new("dns-version.cluster.local", TXT)).await {
        assert_eq!(texts(&reply.message), ["1.1.0"], "{way:?}");
    }
    assert_eq!(names(&lab, "cluster.local", NS).await, ["ns.dns.cluster.local."]);
    for (way, reply) in lab.everywhere(&Raw::new("cluster.local", SOA)).await {
        let RData::SOA(soa) = &reply.message.answers[0].data else { panic!("an SOA record") };
        assert_eq!(soa.minimum, 5, "{way:?}: denials are not kept longer than answers");
        assert!(soa.serial > 1_600_000_000, "{way:?}: unix time");
    }
    is_nodata(&lab, "cluster.local", 43).await;
    let any = lab.ask(&Raw::new("cluster.local", ANY)).await;
    assert_eq!(any.answers(), 1);
}

#[tokio::test]
async fn reverse_names_are_ours_or_somebody_elses() {
    let lab = lab().await;
    for (asked, name) in [
        ("1.0.96.10.in-addr.arpa", "web.default.svc.cluster.local."),
        ("2.2.8.10.in-addr.arpa", "pod-1.pods.default.svc.cluster.local."),
        ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "web.default.svc.cluster.local."),
    ] {
        assert_eq!(names(&lab, asked, PTR).await, [name], "{asked}");
        is_nodata(&lab, asked, A).await;
    }
    // Nobody's here: the upstream knows.
    let elsewhere = "9.9.9.9.in-addr.arpa";
    let target = RData::PTR(hickory_proto::rr::rdata::PTR(crate::support::name("dns9.quad9.net")));
    drop(lab.upstream.on(elsewhere, RecordType::PTR).data(300, target));
    for (way, reply) in lab.everywhere(&Raw::new(elsewhere, PTR).rd()).await {
        assert_eq!((reply.answers(), reply.aa()), (1, false), "{way:?}");
    }
}

/// CVE-2022-2835: the region has its name, whatever namespaces there are.
#[tokio::test]
async fn a_regions_names_are_the_regions_even_if_a_namespace_is_called_so() {
    let peer = ScriptServer::start();
    drop(peer.on("web.eu-west-1.svc.cluster.local", RecordType::A).answer_a("192.0.2.77", 5));
    let table = format!("regions: {{eu-west-1: {{endpoints: [\"{}\"]}}}}\n", peer.address());
    let lab = lab_with(|region| region.table(&table)).await;
    for (way, reply) in lab.everywhere(&Raw::new("web.eu-west-1.svc.cluster.local", A).rd()).await {
        assert_eq!(addresses(&reply.message), [ip("192.0.2.77")], "{way:?}");
        assert!(!reply.aa(), "{way:?}");
    }
}

/// Before everything has been read: not an empty zone, but a server that is not ready; and what is not the cluster's is answered.
#[tokio::test]
async fn a_zone_that_was_not_read_is_a_failure_and_no_denial() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 300));
    let rows = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let region =
        crate::support::region::Region::new("east").forward(&rows).key("kubernetes", "{source: no-such-folder}");
    let region = region.key("listen", &crate::support::lab::both_families()).bind().start();
    let lab = Lab { region, upstream };
    for asked in [WEB, "cluster.local", "nothing.svc.cluster.local", "1.0.96.10.in-addr.arpa"] {
        for (way, reply) in lab.everywhere(&Raw::new(asked, A).rd().edns(1_232)).await {
            assert_eq!(reply.rcode(), SERVFAIL, "{asked} {way:?}");
            assert_eq!(extended_errors(&reply.message)[0].0, 14, "{asked} {way:?}: Not Ready");
        }
    }
    for (way, reply) in lab.everywhere(&Raw::new("www.example.com", A).rd()).await {
        assert_eq!(reply.answers(), 1, "{way:?}");
    }
    let (status, page) = lab.region.get("/ready").await;
    assert_eq!(status, 503, "{page}");
}
