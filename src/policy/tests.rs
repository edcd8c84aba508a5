//! The steps of one question, driven by hand: what is asked for, in which order, and what the client gets.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Begin, Client, Identity, Message, Policy, Step, Tally};
use crate::config::policy::Scope;
use crate::config::{Overrides, ServerConfig, UnknownKeys, file};
use crate::wire::text::OwnRecord;
use crate::wire::{Flags, Incoming, Name, NameBuf, Query, Rcode, mnemonic, rtype};

fn server(policy: &str) -> ServerConfig {
    let text = format!("kubernetes: {{pods: verified}}\nforward: []\npolicy: {policy}\n");
    let parsed = file::parse(&text, Path::new("/x/interlocal.yaml"), UnknownKeys::Refuse, &Overrides::default());
    parsed.unwrap().value.servers.remove(0)
}

fn compiled(server: &ServerConfig) -> Policy {
    let identity = Identity { version: "v".into(), hostname: "h".into() };
    Policy::compile(server, &HashMap::new(), &identity, Arc::<Tally>::default()).unwrap()
}

fn message(name: &str, qtype: u16) -> Vec<u8> {
    let name: Name = name.parse().unwrap();
    let mut message = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\x01".to_vec();
    message.extend_from_slice(name.as_ref().wire());
    message.extend(qtype.to_be_bytes());
    message.extend(1u16.to_be_bytes());
    // An OPT record, which is passed on with whatever is in it.
    message.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    message
}

/// What the look-ups were for, and what came of it in the end; each look-up is answered by `answer`.
fn run(
    policy: &Policy,
    name: &str,
    qtype: u16,
    answer: impl Fn(&str, u16) -> Vec<&'static str>,
) -> (Vec<String>, Step) {
    let client = Client { address: "10.0.0.1".parse().unwrap(), port: 9, tcp: false, namespace: Some("shop") };
    let asked = message(name, qtype);
    let mut buf = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&asked, &mut buf) else { panic!("a question") };
    let mut lookups = Vec::new();
    let mut work = match policy.begin(&asked, &query, client, false) {
        Begin::Work(work) => work,
        Begin::Drop => return (lookups, Step::Drop),
        Begin::Pass => return (vec!["pass".into()], Step::Drop),
    };
    loop {
        match work.step() {
            Step::Ask(further) => {
                let mut buf = NameBuf::new();
                let Incoming::Query(query) = Query::parse(&further, &mut buf) else { panic!("{further:?}") };
                assert!(query.id == 0x1234 && query.edns.is_some_and(|edns| edns.udp_size == 1232));
                lookups.push(format!("{} {}", query.name.to_name(), mnemonic::type_text(query.qtype)));
                let records = answer(&query.name.to_name().to_string(), query.qtype);
                let denied = records == ["NXDOMAIN"];
                let records = records.into_iter().filter(|_| !denied).map(|text| OwnRecord::parse(text).unwrap());
                let reply = Message::new(Rcode::NOERROR, Flags::RD).with(0, records);
                let mut out = further.clone();
                out.truncate(12 + query.raw_name.len() + 4);
                out[2] |= 0x80;
                out[3] |= if denied { 3 } else { 0 };
                out[11] = 0;
                out[7] = reply.answers().len() as u8;
                for record in reply.answers() {
                    out.extend_from_slice(record.owner.as_ref().wire());
                    out.extend(record.rtype.to_be_bytes());
                    out.extend(record.class.to_be_bytes());
                    out.extend(record.ttl.to_be_bytes());
                    out.extend((record.data.len() as u16).to_be_bytes());
                    out.extend_from_slice(&record.data);
                }
                work.reply(&out);
            }
            end => return (lookups, end),
        }
    }
}

fn records(step: &Step) -> Vec<String> {
    let Step::Done(reply) = step else { panic!("{step:?}") };
    reply.answers().iter().map(|record| format!("{} {} {:?}", record.owner, record.ttl, record.data)).collect()
}

#[test]
fn a_server_without_rules_has_no_stage() {
    let server = server("[]");
    assert!(Policy::compile(&server, &HashMap::new(), &Identity::default(), Arc::default()).is_none());
}

#[test]
fn questions_that_no_rule_is_for_pass() {
    let policy = compiled(&server("[{zones: [a.x], template: {}}, {zones: [b.x], acl: [{action: block}]}]"));
    let nothing = |_: &str, _: u16| Vec::new();
    assert_eq!(run(&policy, "c.x", 1, nothing).0, ["pass"]);
    assert!(matches!(run(&policy, "b.x", 1, nothing).1, Step::Done(reply) if reply.rcode == Rcode::REFUSED));
    assert_eq!((policy.tally().allowed(), policy.tally().rows().len()), (1, 1));
}

#[test]
fn translation_asks_twice_and_rewriting_is_undone_in_both() {
    let rules = "[{dns64: {allow_ipv4: true}}, {rewrite: {from: a.x, to: b.x}}]";
    let policy = compiled(&server(rules));
    let answer = |_: &str, qtype: u16| if qtype == rtype::A { vec!["b.x. 60 A 192.0.2.1"] } else { Vec::new() };
    let (lookups, step) = run(&policy, "a.x", rtype::AAAA, answer);
    assert_eq!(lookups, ["b.x AAAA", "b.x A"]);
    assert_eq!(
        records(&step),
        [format!("a.x 60 {:?}", "64:ff9b::c000:201".parse::<std::net::Ipv6Addr>().unwrap().octets())]
    );
}

/// The rules of one block of a Corefile see what was asked in it, whatever that becomes; those of another do not.
#[test]
fn a_scope_is_by_what_was_asked() {
    let mut server = server(
        "[{rewrite: {match: suffix, from: .x, to: .y}}, {zones: [y], hosts: {inline: 10.0.0.9 a.y}}, {zones: [y], hosts: {inline: 10.0.0.8 a.y}}]",
    );
    let name = |text: &str| text.parse::<Name>().unwrap();
    server.policy[0].scope = Scope { zones: vec![name("x")], except: vec![name("in.x")] };
    server.policy[1].scope = Scope { zones: vec![name("y")], except: Vec::new() };
    server.policy[2].scope = server.policy[0].scope.clone();
    let policy = compiled(&server);
    let nothing = |_: &str, _: u16| Vec::new();
    let data = |asked: &str| run(&policy, asked, rtype::A, nothing);
    assert!(records(&data("a.x").1)[0].contains("10, 0, 0, 8"), "the table of the block that was asked");
    assert!(records(&data("a.y").1)[0].contains("10, 0, 0, 9"));
    assert_eq!(data("a.in.x").0, ["pass"], "somebody else's zone");
}

#[test]
fn chains_that_rules_make_are_followed_and_end() {
    let rules = "[{zones: [t.x], template: {answer: ['{{ .Name }} 60 IN CNAME b.x.']}}, {zones: [l.x], template: {answer: ['{{ .Name }} 60 IN CNAME l.x.']}}, {zones: [b.x], acl: [{action: drop, types: [AAAA]}]}]";
    let policy = compiled(&server(rules));
    let answer = |_: &str, _: u16| vec!["b.x. 5 A 192.0.2.1"];
    let (lookups, step) = run(&policy, "t.x", rtype::A, answer);
    assert_eq!((lookups, records(&step).len()), (vec!["b.x A".to_owned()], 2));
    let (lookups, step) = run(&policy, "t.x", rtype::AAAA, answer);
    assert_eq!((lookups.len(), records(&step).len()), (0, 1), "a target that may not be asked for is not there");
    assert_eq!(records(&run(&policy, "l.x", rtype::A, answer).1).len(), 9, "a loop ends");
}

#[test]
fn a_search_path_is_walked_to_the_first_name_that_is_there() {
    let rules = "[{autopath: {}}, {rewrite: {match: suffix, from: .old, to: .shop.svc.cluster.local, answer_auto: true}}, {zones: [b.svc.cluster.local], acl: [{action: block}]}]";
    let policy = compiled(&server(rules));
    let answer = |name: &str, _: u16| match name {
        "a.svc.cluster.local" => vec!["a.svc.cluster.local. 5 A 192.0.2.1"],
        "c.cluster.local" => Vec::new(),
        _ => vec!["NXDOMAIN"],
    };
    let ask = |name: &str, qtype: u16| run(&policy, name, qtype, answer);
    let (lookups, step) = ask("a.shop.svc.cluster.local", rtype::A);
    assert_eq!(lookups, ["a.shop.svc.cluster.local A", "a.svc.cluster.local A"]);
    let Step::Done(reply) = &step else { panic!("{step:?}") };
    let shown: Vec<String> = reply.answers().iter().map(|it| format!("{} {} {}", it.owner, it.ttl, it.rtype)).collect();
    assert_eq!(shown, ["a.shop.svc.cluster.local 5 5", "a.svc.cluster.local 5 1"], "a CNAME leads there");
    // The first denial is the answer, and what may not be asked is not there.
    let (lookups, step) = ask("b.shop.svc.cluster.local", rtype::AAAA);
    assert_eq!(lookups, ["b.shop.svc.cluster.local AAAA", "b.cluster.local AAAA", "b AAAA"]);
    assert!(matches!(step, Step::Done(reply) if reply.rcode == Rcode::NXDOMAIN));
    // A name without such records is there.
    assert_eq!(ask("c.shop.svc.cluster.local", rtype::A).0.len(), 3);
    let (lookups, step) = ask("a.old", rtype::A);
    assert_eq!((lookups.len(), records(&step).len()), (2, 2), "what was rewritten is walked for");
    assert!(records(&step)[0].starts_with("a.old 5 "), "{:?}", records(&step));
    for name in ["shop.svc.cluster.local", "a.back.svc.cluster.local"] {
        assert_eq!(ask(name, rtype::A).0.len(), 1, "{name}");
    }
    let walked: u64 = policy.tally().rows().iter().filter(|row| row.0.word() == "autopath").map(|row| row.2).sum();
    assert_eq!(walked, 3);
}
