//! How answers lie in the message: size, order, and the owner of what a CNAME led to.

use hickory_proto::op::Message;
use interlocal::wire::reply::{Owner, ReplyWriter, Verdict};
use interlocal::wire::{Flags, Incoming, Name, NameBuf, Query, Rcode, rtype};
use interlocal::zone::{Found, Object, Snapshot};

use crate::asking::{ask_at, question};
use crate::making::*;

/// A headless Service of this many endpoints, half of them with hostnames.
fn large(endpoints: usize) -> std::sync::Arc<Snapshot> {
    let slices = (0..endpoints).step_by(100).map(|from| {
        let endpoints: Vec<String> = (from..from + 100)
            .map(|n| {
                let hostname = if n % 2 == 0 { format!("=db-{n}") } else { String::new() };
                format!("10.{}.{}.{}{hostname}", n >> 16, n >> 8 & 255, n & 255)
            })
            .collect();
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        slice(&format!("shop/db-{from}"), "db", &["sql:tcp:5432"], &endpoints)
    });
    builder(std::iter::once(headless("shop/db")).chain(slices)).publish(1).unwrap()
}

#[test]
fn five_thousand_endpoints_are_cut_to_the_asker_and_turn_with_the_rotation() {
    let zone = large(5_000);
    let name = "db.shop.svc.cluster.local";
    let whole = ask_at(&zone, 0, name, rtype::A, 65_535, 0);
    assert!(whole.truncated && whole.answers.len() == (65_535 - 43) / 16, "TCP holds no more");
    let mut seen = std::collections::HashSet::new();
    for rotation in (0..5_000).step_by(50) {
        let cut = ask_at(&zone, 0, name, rtype::A, 1_232, rotation);
        assert!(cut.truncated && cut.len <= 1_232 && cut.answers.len() == (1_232 - 43) / 16);
        seen.extend(cut.answers);
    }
    assert_eq!(seen.len(), 5_000, "every endpoint has its turn");
    let srv = ask_at(&zone, 0, name, rtype::SRV, 512, 4_999);
    assert!(srv.truncated && srv.len <= 512 && srv.additional.is_empty());
}

#[test]
fn glue_ends_where_pointers_do_and_never_cuts_the_answer() {
    let zone = large(1_000);
    let reply = ask_at(&zone, 0, "_sql._tcp.db.shop.svc.cluster.local", rtype::SRV, 65_535, 3);
    assert_eq!((reply.answers.len(), reply.truncated), (1_000, false));
    let target = |line: &String| line.split(' ').next().unwrap().to_owned();
    assert!((200..1_000).contains(&reply.additional.len()), "{}", reply.additional.len());
    for glue in &reply.additional {
        assert!(reply.answers.iter().any(|answer| answer.ends_with(&target(glue))), "{glue}");
    }
    let small = builder([headless("a/x"), slice("a/s", "x", &["p:tcp:1", "q:tcp:2"], &["10.0.0.1=h", "fd00::1=h"])]);
    let small = { small }.publish(1).unwrap();
    for max in 512..700 {
        let reply = ask_at(&small, 0, "x.a.svc.cluster.local", rtype::SRV, max, 0);
        assert_eq!((reply.answers.len(), reply.truncated), (2, false));
        assert!([0, 2].contains(&reply.additional.len()), "a host's addresses come together");
    }
}

#[test]
fn orders_differ_from_reply_to_reply() {
    let zone = large(100);
    let first = |qtype, rotation| {
        let message = bytes(&zone, "db.shop.svc.cluster.local", qtype, rotation);
        message.answers[0].data.to_string()
    };
    for qtype in [rtype::A, rtype::SRV] {
        let firsts: std::collections::HashSet<_> = (0..100).map(|rotation| first(qtype, rotation)).collect();
        assert_eq!(firsts.len(), 100);
        assert_eq!(first(qtype, 0), first(qtype, 100));
    }
}

fn bytes(zone: &Snapshot, name: &str, qtype: u16, rotation: usize) -> Message {
    let question = question(name, qtype);
    let mut name = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&question, &mut name) else { panic!("a question") };
    let mut out = vec![0; 65_535];
    let mut writer = ReplyWriter::start(&mut out, &query, 65_535);
    zone.lookup(0, query.name, Owner::Question, qtype, &mut writer, rotation);
    let len = writer.finish(&query, Verdict { rcode: Rcode::NOERROR, flags: Flags::AA, ede: None, option: None });
    Message::from_vec(&out[..len]).unwrap()
}

/// Asks, and follows an alias inside the zone, as a door does.
fn chased(zone: &Snapshot, name: &str, qtype: u16) -> (String, Message) {
    let question = question(name, qtype);
    let mut name = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&question, &mut name) else { panic!("a question") };
    let mut out = vec![0; 65_535];
    let mut writer = ReplyWriter::start(&mut out, &query, 65_535);
    let Found::Alias { target, at } = zone.lookup(0, query.name, Owner::Question, qtype, &mut writer, 0) else {
        panic!("an alias")
    };
    let target = NameBuf::from(target.as_ref());
    let found = format!("{:?}", zone.lookup(0, &target, Owner::At(at), qtype, &mut writer, 0));
    let len = writer.finish(&query, Verdict { rcode: Rcode::NOERROR, flags: Flags::AA, ede: None, option: None });
    (found, Message::from_vec(&out[..len]).unwrap())
}

#[test]
fn what_an_alias_leads_to_has_the_target_as_its_owner() {
    let zone = |target: &str| {
        let objects: Vec<Object> = vec![
            external("a/out", target),
            cluster_ip("b/web", &["10.96.0.1", "fd00::1"], &["http:tcp:80"]),
            headless("b/db"),
            slice("b/s", "db", &["sql:tcp:1"], &["10.0.0.1=db-0"]),
        ];
        { builder(objects) }.publish(1).unwrap()
    };
    for (target, qtype, expected) in [
        ("web.b.svc.cluster.local", rtype::A, "web.b.svc.cluster.local. A 10.96.0.1"),
        ("web.b.svc.cluster.local", rtype::AAAA, "web.b.svc.cluster.local. AAAA fd00::1"),
        ("db.b.svc.cluster.local", rtype::A, "db.b.svc.cluster.local. A 10.0.0.1"),
        ("db-0.db.b.svc.cluster.local", rtype::A, "db-0.db.b.svc.cluster.local. A 10.0.0.1"),
        ("db.b.svc.cluster.local", rtype::SRV, "db.b.svc.cluster.local. SRV 0 100 1 db-0.db.b.svc.cluster.local."),
        ("10-0-0-9.b.pod.cluster.local", rtype::A, "10-0-0-9.b.pod.cluster.local. A 10.0.0.9"),
    ] {
        let (found, message) = chased(&zone(target), "out.a.svc.cluster.local", qtype);
        let lines: Vec<String> =
            message.answers.iter().map(|it| format!("{} {} {}", it.name, it.record_type(), it.data)).collect();
        assert_eq!(found, "Answer");
        assert_eq!(lines[0], format!("out.a.svc.cluster.local. CNAME {target}."));
        assert_eq!(lines[1..], [expected]);
    }
    let (found, message) = chased(&zone("none.b.svc.cluster.local"), "out.a.svc.cluster.local", rtype::A);
    assert_eq!((found.as_str(), message.authorities.len()), ("NxDomain(Service)", 1));
    assert_eq!(message.authorities[0].name.to_string(), "cluster.local.");
}

#[test]
fn names_of_every_length_are_answered_or_left_out() {
    let label = "x".repeat(63);
    let path = format!("{label}/{label}");
    let long: Name = format!("{0}.{0}.{1}", "y".repeat(20), "z".repeat(19)).parse().unwrap();
    let endpoint = format!("10.0.0.1={label}");
    let mut builder =
        builder([headless(&path), slice(&format!("{label}/s"), &label, &["p:tcp:1"], &[&endpoint, "10.0.0.2=a"])]);
    builder.reconfigure(interlocal::zone::ZoneSettings { origins: vec![long.clone()], ..settings() });
    let zone = builder.publish(1).unwrap();
    let reply = ask_at(&zone, 0, &format!("{label}.{label}.svc.{long}"), rtype::SRV, 65_535, 0);
    assert_eq!(reply.answers, [format!("SRV 5 0 50 1 a.{label}.{label}.svc.{long}.")], "the other target is too long");
    assert_eq!(reply.additional.len(), 1);
}
