//! Messages and names that others read wrongly, or at great length.

use tokio::time::Instant;

use hickory_proto::rr::RecordType;

use crate::support::client::{Conversation, Heard, PATIENCE};
use crate::support::lab::{FORMERR, Lab, NOERROR, WEB, ask, lab, lab_with, udp};
use crate::support::ms;
use crate::support::raw::{A, Raw, TXT};
use crate::support::read::extended_errors;
use crate::support::server::ScriptServer;

/// The server is as well as before.
async fn is_well(lab: &Lab) {
    for way in lab.ways() {
        assert_eq!(ask(way, &Raw::new(WEB, A)).await.answers(), 1, "{way:?}");
    }
    assert_eq!(lab.region.counter("interlocal_panics_total").await, 0.0);
}

/// Room was made for as many records as a header promised, before anything was looked at (CoreDNS; hickory-server did the same).
#[tokio::test]
async fn cve_2026_82399_promised_counts_are_not_believed() {
    let lab = lab().await;
    for counts in
        [[65_535; 4], [65_535, 0, 0, 0], [1, 65_535, 0, 0], [1, 0, 65_535, 0], [1, 0, 0, 65_535], [2, 0, 0, 0]]
    {
        let message = Raw::new(WEB, A).counts(counts);
        for (way, reply) in lab.everywhere(&message).await {
            assert_eq!((reply.rcode(), reply.answers()), (FORMERR, 0), "{counts:?} {way:?}");
        }
    }
    is_well(&lab).await;
}

/// Thousands of empty EDNS options in one message, and one that runs past its end (Unbound).
#[tokio::test]
async fn cve_2026_41292_and_2026_42944_options_are_few_and_whole() {
    let lab = lab().await;
    let many = Raw::new(WEB, A).edns(1_232).options(&[0xff, 0x00, 0, 0].repeat(4_000));
    let over = Raw::new(WEB, A).edns(1_232).options(&[0, 10, 0xff, 0xff, 1]);
    let half = Raw::new(WEB, A).edns(1_232).options(&[0, 10, 0]);
    for query in [many, over, half] {
        assert_eq!(ask(lab.tcp(), &query).await.rcode(), FORMERR);
    }
    is_well(&lab).await;
}

/// Names that ran past buffers (dnsmasq): pointers to themselves and ahead, labels of kinds that there are not, no end.
#[tokio::test]
async fn cve_2026_2291_names_end_where_they_must() {
    let lab = lab().await;
    let long: Vec<u8> = [&[63][..], &[b'a'; 63]].concat().repeat(5);
    let names: [&[u8]; 9] = [
        &[0xc0, 12],
        &[0xc0, 0x0e, 0, 0],
        &[1, b'a', 0xc0, 12],
        &[0xff, 0xff],
        &[0x40, b'a', 0],
        &[0x80, b'a', 0],
        &[63, b'a'],
        &[64, b'a', 0],
        &long,
    ];
    for octets in names {
        let message = Raw::of(octets.to_vec(), A).bytes();
        for way in lab.ways() {
            let reply = crate::support::lab::first_reply(way, &[&message]).await;
            assert_eq!((reply.rcode(), reply.answers()), (FORMERR, 0), "{octets:02x?} {way:?}");
        }
    }
    is_well(&lab).await;
}

/// 4,096 octets over UDP by default, which is a fragment to forge (dnsmasq): 1,232 at most, whatever is asked for.
#[tokio::test]
async fn cve_2023_28450_no_answer_is_a_fragment() {
    let lab = lab().await;
    for size in [1_233, 4_096, 65_535] {
        let reply = ask(lab.udp(), &Raw::new("many.default.svc.cluster.local", A).edns(size)).await;
        assert!(reply.message.metadata.truncation, "{size}");
        assert!(reply.message.to_vec().unwrap().len() <= 1_232);
    }
}

/// The text of an Extended DNS Error was shortened again and again to fit, without end (Unbound): it goes first when there is no
/// room, and is short to begin with.
#[tokio::test]
async fn cve_2024_1931_a_text_that_does_not_fit_is_left_out() {
    let lab = lab_with(|region| region.key("limits", "{forward_tries: 1, forward_deadline: 100ms}")).await;
    drop(lab.upstream.on_any().drop_query());
    // The longest question there is leaves little room in 512 octets.
    let label = "a".repeat(60);
    let asked = format!("{label}.{label}.{label}.{label}.com");
    let reply = ask(lab.udp(), &Raw::new(&asked, TXT).rd().edns(512)).await;
    assert_eq!(reply.rcode(), 2);
    for (_, text) in extended_errors(&reply.message) {
        assert!(text.len() <= 80, "{text}");
    }
    is_well(&lab).await;
}

/// Answers whose names were compressed at a cost that grows with their square (Unbound, hickory-proto): as many records as fit in a
/// message, all of them different. They pass through as they are, and cost no more than their octets.
#[tokio::test]
async fn cve_2024_8508_and_2026_44390_large_answers_are_cheap() {
    use hickory_proto::rr::rdata::PTR;
    use hickory_proto::rr::{RData, Record};
    let lab = lab().await;
    let asked = "square.example.com";
    drop(lab.upstream.on(asked, RecordType::PTR).truncate_udp().edit(|_, reply| {
        for number in 0..1_000 {
            let target = format!("a{number}.b{number}.c{number}.d{number}.example.com");
            let data = RData::PTR(PTR(crate::support::name(&target)));
            reply.add_answer(Record::from_rdata(crate::support::name("square.example.com"), 60, data));
        }
    }));
    let query = Raw::new(asked, 12).rd();
    let reply = ask(lab.tcp(), &query).await;
    assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 1_000));
    // From memory: bounded by far more than a copy needs, and by far less than a square costs.
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(ask(lab.tcp(), &query).await.answers(), 1_000);
        assert!(ask(lab.udp(), &query).await.message.metadata.truncation);
    }
    assert!(began.elapsed() < ms(20_000), "{:?}", began.elapsed());
}

/// Answers that others could not read without harm: an upstream that sends octets of any kind ends nothing.
#[tokio::test]
async fn answers_of_any_octets_harm_nobody() {
    let lab = lab_with(|region| region.key("limits", "{forward_tries: 1, forward_deadline: 200ms}")).await;
    let mut octets = 0x9e37_79b9_7f4a_7c15u64;
    for round in 0..60 {
        let asked = format!("r{round}.example.com");
        let mut answer = vec![0u8; 12 + round * 8];
        for octet in &mut answer {
            octets = octets.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *octet = (octets >> 56) as u8;
        }
        drop(lab.upstream.on(&asked, RecordType::A).garbage(&answer));
        let reply = lab.ask(&Raw::new(&asked, A).rd()).await;
        assert_eq!(reply.answers(), 0, "{reply:?}");
    }
    is_well(&lab).await;
}

/// A first stream of one octet, and none after it (several servers of DNS over QUIC and HTTP/3, which are not spoken here; TCP has the
/// same): the connection ends at its deadline, and holds nobody up.
#[tokio::test]
async fn cve_2025_47950_2026_32934_and_2025_68151_half_messages_have_a_deadline() {
    let lab = lab_with(|region| region.key("limits", "{tcp_idle: 300ms}")).await;
    let mut waiting = Vec::new();
    for octets in [&[][..], &[0], &[0, 1], &[0xff, 0xff], &[0, 30, 1, 2, 3]] {
        let mut conversation = Conversation::open(lab.region.dns()).await.unwrap();
        conversation.send_bytes(octets).await;
        waiting.push(conversation);
    }
    is_well(&lab).await;
    for mut conversation in waiting {
        assert_eq!(conversation.receive(PATIENCE).await, Heard::End);
    }
}

/// Replies sent to a server make two of them talk to each other for ever: they are dropped.
#[tokio::test]
async fn replies_are_not_answered() {
    let lab = lab().await;
    let socket = udp(lab.region.dns()).await;
    let mut buffer = [0; 512];
    for flags in [0x8000u16, 0x8180, 0x8183, 0xffff] {
        socket.send(&Raw::new(WEB, A).flag(flags).bytes()).await.unwrap();
    }
    let heard = tokio::time::timeout(ms(300), socket.recv(&mut buffer)).await;
    assert!(heard.is_err(), "{heard:?}");
    let silent = ScriptServer::start();
    assert!(silent.received().is_empty());
    is_well(&lab).await;
}
