//! Messages that no client should send: each gets its rcode, or silence, and the next question is answered as ever.

use crate::support::lab::{FORMERR, Lab, NOERROR, NXDOMAIN, SERVFAIL, WEB, Way, ask, first_reply, lab, udp};
use crate::support::raw::{A, Raw, Reply, opt_record};
use crate::support::wait::eventually;
use crate::support::{ms, secs};

/// Nothing comes back for these: the first reply is the one to the question behind them.
async fn is_silent(lab: &Lab, message: &[u8]) {
    for way in lab.ways() {
        if message.is_empty() && matches!(way, Way::Tcp(_)) {
            // Over TCP that is a message of no length, which ends the connection.
            continue;
        }
        let question = Raw::new(WEB, A);
        let reply = first_reply(way, &[message, &question.bytes()]).await;
        assert_eq!((reply.id(), reply.answers()), (question.id, 1), "{way:?}: {message:02x?}");
    }
}

async fn is_formerr(lab: &Lab, what: &str, message: &[u8]) {
    for way in lab.ways() {
        let reply = first_reply(way, &[message]).await;
        assert_eq!(reply.bytes[..2], message[..2], "{what} {way:?}");
        assert_eq!((reply.rcode(), reply.counts()), (FORMERR, [0; 4]), "{what} {way:?}: header only");
    }
}

/// RFC 9619 4, and RFC 7873 5.4 for a server without cookies.
#[tokio::test]
async fn there_is_one_question_in_a_query() {
    let lab = lab().await;
    let question = Raw::new(WEB, A);
    let second = question.question();
    is_formerr(&lab, "two questions", &question.clone().counts([2, 0, 0, 0]).more(&second).bytes()).await;
    is_formerr(&lab, "65,535 and one body", &question.clone().counts([65_535, 0, 0, 0]).bytes()).await;
    let mut empty = question.clone().counts([65_535, 0, 0, 0]).bytes();
    empty.truncate(12);
    is_formerr(&lab, "65,535 and no body", &empty).await;
    let mut none = question.clone().counts([0; 4]).bytes();
    none.truncate(12);
    is_formerr(&lab, "none", &none).await;
    let mut cookie = Raw::of(vec![], A).counts([0, 0, 0, 1]).bytes();
    cookie.truncate(12);
    cookie.extend_from_slice(&opt_record(1232, 0, 0, b"\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08"));
    is_formerr(&lab, "none but a cookie", &cookie).await;
}

#[tokio::test]
async fn counts_that_promise_more_than_there_is_are_malformed() {
    let lab = lab().await;
    for counts in [[1, 65_535, 0, 0], [1, 0, 65_535, 0], [1, 0, 0, 65_535], [1, 1, 0, 0], [1, 0, 1, 0]] {
        is_formerr(&lab, &format!("{counts:?}"), &Raw::new(WEB, A).counts(counts).bytes()).await;
    }
}

/// Replies are not answered: two servers would never end. Nor is what is too short to have an id and flags.
#[tokio::test]
async fn replies_and_scraps_are_dropped() {
    let lab = lab().await;
    is_silent(&lab, &Raw::new(WEB, A).flag(0x8000).bytes()).await;
    is_silent(&lab, &Raw::new(WEB, A).flag(0x8000).opcode(5).bytes()).await;
    let whole = Raw::new(WEB, A).bytes();
    for length in 0..12 {
        is_silent(&lab, &whole[..length]).await;
    }
}

#[tokio::test]
async fn what_follows_a_question_is_ignored_each_time() {
    let lab = lab().await;
    for extra in [1, 2, 11, 100, 500] {
        let question = Raw::new(WEB, A).more(&vec![0xff; extra]);
        for (way, reply) in lab.everywhere(&question).await {
            assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 1), "{extra} {way:?}");
        }
    }
}

/// RFC 9267: pointers, reserved label types, labels and names that are too long.
#[tokio::test]
async fn names_that_are_none_are_malformed() {
    let lab = lab().await;
    let long: Vec<u8> = (0..5).flat_map(|_| [vec![62], vec![b'a'; 62]].concat()).chain([0]).collect();
    let label = [vec![64], vec![b'a'; 64], vec![0]].concat();
    for (what, name) in [
        ("a pointer to itself", vec![0xc0, 12]),
        ("a pointer behind a label, to itself", vec![1, b'a', 0xc0, 12]),
        ("a pointer into the header", vec![0xc0, 0]),
        ("a forward pointer", vec![0xc0, 18]),
        ("a pointer out of the message", vec![0xff, 0xff]),
        ("a label type of 0x40", vec![0x41, b'a', 0]),
        ("a label type of 0x80", vec![0x81, b'a', 0]),
        ("a label of 64 octets", label),
        ("a name of 316 octets", long),
        ("a name without end", vec![3, b'a', b'b', b'c']),
    ] {
        is_formerr(&lab, what, &Raw::of(name, A).bytes()).await;
    }
}

/// RFC 6891 6.1.1
#[tokio::test]
async fn an_opt_record_is_one_additional_record_of_the_root() {
    let lab = lab().await;
    let opt = opt_record(1232, 0, 0, &[]);
    let named = [&[1, b'a'][..], &opt].concat();
    is_formerr(&lab, "two", &Raw::new(WEB, A).counts([1, 0, 0, 2]).more(&opt).more(&opt).bytes()).await;
    is_formerr(&lab, "in the answer", &Raw::new(WEB, A).counts([1, 1, 0, 0]).more(&opt).bytes()).await;
    is_formerr(&lab, "of a name", &Raw::new(WEB, A).counts([1, 0, 0, 1]).more(&named).bytes()).await;
    is_formerr(&lab, "an option that overruns", &Raw::new(WEB, A).edns(1232).options(&[0, 3, 0, 9, 1]).bytes()).await;
    is_formerr(&lab, "half an option", &Raw::new(WEB, A).edns(1232).options(&[0, 3, 0]).bytes()).await;
}

/// The number of options is bounded, not the patience of who walks them.
#[tokio::test]
async fn four_thousand_options_are_malformed() {
    let lab = lab().await;
    let options: Vec<u8> = (0..4_000u16).flat_map(|code| [&code.to_be_bytes()[..], &[0, 0]].concat()).collect();
    let message = Raw::new(WEB, A).edns(1232).options(&options).bytes();
    let reply = first_reply(lab.tcp(), &[&message]).await;
    assert_eq!((reply.rcode(), reply.counts()), (FORMERR, [0; 4]));
}

/// Labels of any octets: answered or forwarded, and nothing raw in the metrics.
#[tokio::test]
async fn labels_of_any_octets_harm_nobody() {
    let lab = lab().await;
    let dns = |labels: &[&[u8]]| -> Vec<u8> {
        labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).chain([0]).collect()
    };
    for first in [&b"\0"[..], b"a.b", b"\xff\xfe", b"\x1b[31m", b"\n", b"\"", b"\\"] {
        let local = Raw::of(dns(&[first, b"default", b"svc", b"cluster", b"local"]), A);
        let far = Raw::of(dns(&[first, b"example", b"com"]), A).rd();
        for question in [local, far] {
            for (way, reply) in lab.everywhere(&question).await {
                assert_eq!(
                    (reply.rcode(), reply.question()),
                    (NXDOMAIN, &question.question()[..]),
                    "{first:02x?} {way:?}"
                );
            }
        }
    }
    let (status, page) = lab.region.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(page.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte)), "raw octets in the metrics");
}

/// Whatever comes: no panic, and the doors stay open.
#[tokio::test]
async fn random_octets_end_nothing() {
    let lab = lab().await;
    let socket = udp(lab.region.dns()).await;
    let valid = Raw::new(WEB, A).edns(1232).option(10, &[1; 8]).bytes();
    for round in 0..3_000 {
        let mut message = valid.clone();
        if round % 3 == 0 {
            message.fill_with(rand::random);
        } else {
            for _ in 0..1 + round % 5 {
                let at = rand::random_range(0..message.len());
                message[at] = rand::random();
            }
            message.truncate(rand::random_range(0..=message.len()));
        }
        socket.send(&message).await.unwrap();
    }
    let answered = eventually(secs(10), || async {
        let asked = tokio::time::timeout(ms(500), ask(lab.udp(), &Raw::new(WEB, A))).await;
        asked.is_ok_and(|reply: Reply| reply.answers() == 1 && reply.rcode() != SERVFAIL)
    });
    assert!(answered.await);
    assert_eq!(lab.region.counter("interlocal_panics_total").await, 0.0);
}
