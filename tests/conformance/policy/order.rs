//! What only ours promises: access by both names and before the cache, the peers' door left alone, rules swapped while questions are
//! answered, whole replies whatever the way, and numbers for all of it.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::pair::{question, region, reply, upstream};
use crate::support::client::Ask;
use crate::support::region::Region;
use crate::support::wait::eventually;
use crate::support::{secs, yaml};

const BLOCKED: &str = "[{zones: [web.example], acl: [{action: block}]}, {rewrite: {from: open.test, to: web.example}}]";

/// CVE-2026-26017 and its mirror image: neither name is a way around the rules for the other, and the cache is none around both.
#[tokio::test]
async fn access_is_decided_by_both_names_and_before_the_cache() {
    let upstream = upstream();
    let ours = region("[]", &upstream).key("cache", "{size: 1MiB}").start().await;
    for name in ["web.example A", "both.example A"] {
        assert_eq!(reply(&ours, name).await.response_code, ResponseCode::NoError, "{name} is in the cache now");
    }
    ours.rewrite_key("policy", BLOCKED);
    let blocked = |name: &'static str| async {
        let reply = reply(&ours, name).await;
        reply.response_code == ResponseCode::Refused && reply.answers.is_empty()
    };
    assert!(eventually(secs(20), || blocked("web.example A")).await, "the cached answer is given all the same");
    assert!(blocked("open.test A").await, "rewritten to a blocked name");
    assert!(blocked("WEB.example AAAA").await);
    assert_eq!(reply(&ours, "both.example A").await.answers.len(), 1, "others are answered from the cache");
    let away = "[{zones: [web.example], acl: [{action: block}]}, {rewrite: {from: web.example, to: both.example}}]";
    ours.rewrite_key("policy", away);
    let opened = eventually(secs(20), || async { !blocked("open.test A").await });
    assert!(opened.await, "the rules are swapped as one piece");
    assert!(blocked("web.example A").await, "rewritten away from a blocked name");
}

#[tokio::test]
async fn the_peers_door_has_no_rules() {
    let objects = yaml::join(&[yaml::namespace("east"), yaml::service("east/web", &["10.96.0.1"], &["http:80"])]);
    let rules = "[{acl: [{action: drop}]}, {any: true}, {hosts: {inline: 10.0.0.1 web.east.svc.cluster.local}}]";
    let east = Region::new("east").manifests(&objects).key("policy", rules);
    let regions = crate::support::regions::together([east]).await;
    let east = regions.of("east");
    for rtype in [RecordType::A, RecordType::ANY] {
        let asked = Ask::new("web.east.svc.cluster.local", rtype);
        let theirs = asked.udp(east.peers_door()).await;
        assert_eq!(theirs.answers[0].data.to_string(), "10.96.0.1", "{theirs:?}");
        assert!(asked.patience(secs(1)).try_udp(east.dns()).await.is_none(), "the pods' door has them");
    }
}

/// A rewritten answer is whole over TCP, and cut like any other over UDP; it comes from memory or not.
#[tokio::test]
async fn replies_are_whole_whatever_the_way() {
    let many: Vec<String> = (0..100).map(|number| format!("10.8.0.{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let objects = yaml::join(&[
        yaml::namespace("shop"),
        yaml::headless("shop/many", &["http:80"]),
        yaml::slice("shop/many", &many, &["http:80"]),
        yaml::service("shop/web", &["10.96.0.1"], &["http:80"]),
    ]);
    let rules = "[{rewrite: {match: suffix, from: .old.example, to: .shop.svc.cluster.local, answer_auto: true}}, {minimal: true}]";
    let upstream = upstream();
    let ours = region(rules, &upstream).manifests(&objects).key("cache", "{size: 1MiB}").start().await;
    let asked = Ask::new("maNY.old.example", RecordType::A);
    let cut = asked.udp(ours.dns()).await;
    assert!(cut.truncation && cut.edns.is_some() && cut.answers.len() > 10, "{cut:?}");
    let whole = asked.tcp(ours.dns()).await;
    assert_eq!((whole.answers.len(), whole.truncation, whole.authoritative), (100, false, true));
    assert!(whole.answers.iter().all(|record| record.name.to_string() == "maNY.old.example."), "{whole:?}");
    let srv = Ask::new("_http._tcp.web.old.example", RecordType::SRV).tcp(ours.dns()).await;
    assert_eq!(srv.answers[0].data.to_string(), "0 100 80 web.old.example.");
    for _from_memory_the_second_time in 0..2 {
        for way in [true, false] {
            let asked = question("alias.example A");
            let reply = if way { asked.tcp(ours.dns()).await } else { asked.udp(ours.dns()).await };
            assert_eq!((reply.answers.len(), reply.response_code), (3, ResponseCode::NoError));
        }
    }
    assert_eq!(upstream.count("alias.example", RecordType::A), 1);
}

/// Who asks a server of nothing else sees himself; what it serves is answered as ever.
#[tokio::test]
async fn whoami_tells_who_asked() {
    let objects = yaml::join(&[yaml::namespace("shop"), yaml::service("shop/web", &["10.96.0.1"], &["http:80"])]);
    let ours = Region::new("").manifests(&objects).key("policy", "[{whoami: true}]").start().await;
    let me = reply(&ours, "any.example A").await;
    let shown: Vec<String> = me.additionals.iter().map(|record| format!("{} {}", record.name, record.data)).collect();
    assert_eq!(shown[0], "any.example. 127.0.0.1");
    assert!(shown[1].starts_with("_udp.any.example. 0 0 ") && !shown[1].contains(" 0 0 0 "), "{shown:?}");
    assert!(me.answers.is_empty() && me.authoritative);
    assert_eq!(reply(&ours, "web.shop.svc.cluster.local A").await.answers.len(), 1);
}

/// A rule that leads to itself ends.
#[tokio::test]
async fn loops_of_rules_end() {
    let rules = "[{zones: [loop.test], template: {answer: ['{{ .Name }} 60 IN CNAME a.{{ .Name }}']}}]";
    let upstream = upstream();
    let ours = region(rules, &upstream).start().await;
    let reply = reply(&ours, "loop.test A").await;
    assert_eq!((reply.response_code, reply.answers.len()), (ResponseCode::NoError, 9));
}

#[tokio::test]
async fn what_rules_do_is_counted() {
    let rules = "[{zones: [a.test], acl: [{action: block}]}, {zones: [d.test], acl: [{action: drop}]}, \
                 {zones: [t.test], template: {type: A, answer: ['{{ .Name }} 60 IN A 10.0.0.1']}}, {rewrite: {from: r.test, to: web.example}}]";
    let upstream = upstream();
    let ours = region(rules, &upstream).start().await;
    for asked in ["a.test A", "t.test A", "t.test A", "r.test A", "web.example A"] {
        reply(&ours, asked).await;
    }
    assert!(question("d.test A").patience(secs(1)).try_udp(ours.dns()).await.is_none());
    let server = "dns://127.0.0.1:0";
    for (series, value) in [
        (format!("interlocal_policy_actions_total{{server=\"{server}\",zone=\"a.test.\",action=\"blocked\"}}"), 1.0),
        (format!("interlocal_policy_actions_total{{server=\"{server}\",zone=\".\",action=\"rewritten\"}}"), 1.0),
        (format!("interlocal_policy_actions_total{{server=\"{server}\",zone=\"\",action=\"allowed\"}}"), 4.0),
        (format!("coredns_acl_blocked_requests_total{{server=\"{server}\",zone=\"a.test.\",view=\"\"}}"), 1.0),
        (format!("coredns_acl_dropped_requests_total{{server=\"{server}\",zone=\"d.test.\",view=\"\"}}"), 1.0),
        (
            format!(
                "coredns_template_matches_total{{server=\"{server}\",zone=\"t.test.\",view=\"\",class=\"IN\",type=\"A\"}}"
            ),
            2.0,
        ),
        (format!("interlocal_dns_drops_total{{server=\"{server}\",reason=\"policy\"}}"), 1.0),
    ] {
        ours.until_metric(&series, value).await;
    }
}
