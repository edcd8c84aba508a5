//! Answers from somebody else: ids and ports that can be guessed, many outstanding questions to hit, waits that end early.

use std::collections::HashSet;

use hickory_proto::rr::RecordType;

use crate::support::lab::{Lab, NOERROR, NXDOMAIN, ask, both_families, lab, udp};
use crate::support::raw::{A, Raw};
use crate::support::read::addresses;
use crate::support::region::Region;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, ms, secs};

/// Asks for new names, one after the other, and gives what the upstream saw: ids and source ports.
async fn seen(lab: &Lab, count: usize) -> (Vec<u16>, Vec<u16>) {
    for number in 0..count {
        // The client's own id is always the same.
        let mut query = Raw::new(&format!("n{number}.example.com"), A).rd();
        query.id = 0x1234;
        assert_eq!(lab.ask(&query).await.rcode(), NXDOMAIN);
    }
    let received = lab.upstream.received();
    assert!(received.len() >= count, "{} of {count}", received.len());
    let ids = received.iter().map(|one| u16::from_be_bytes([one.bytes[0], one.bytes[1]])).collect();
    (ids, received.iter().map(|one| one.source.port()).collect())
}

/// Ids from a weak generator (CoreDNS before 1.6.6): they are spread over all values, and no rule leads from one to the next.
#[tokio::test]
async fn cve_2019_19794_ids_are_random() {
    let (ids, _) = seen(&lab().await, 600).await;
    let mut halves = [0usize; 16];
    for id in &ids {
        for (bit, count) in halves.iter_mut().enumerate() {
            *count += usize::from(id >> bit & 1 == 1);
        }
    }
    // Each bit is set in half of them: five standard deviations are allowed.
    assert!(halves.iter().all(|&set| set.abs_diff(ids.len() / 2) < 65), "{halves:?} of {}", ids.len());
    let steps: HashSet<u16> = ids.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    assert!(steps.len() > ids.len() * 9 / 10, "{} different steps", steps.len());
}

/// The client's id went on to the upstream (CoreDNS, pull request 4841).
#[tokio::test]
async fn coredns_4841_the_clients_id_stays_here() {
    let (ids, _) = seen(&lab().await, 100).await;
    assert!(ids.iter().filter(|&&id| id == 0x1234).count() <= 1, "{ids:?}");
}

/// Ports that could be predicted, or came from a small pool: each try has one that the system draws.
#[tokio::test]
async fn cve_2025_40780_and_2026_50252_ports_are_random() {
    let (_, ports) = seen(&lab().await, 600).await;
    let different: HashSet<u16> = ports.iter().copied().collect();
    assert!(different.len() > 560, "{} ports of {}", different.len(), ports.len());
    let (low, high) = (ports.iter().min().unwrap(), ports.iter().max().unwrap());
    assert!(high - low > 10_000, "{low} to {high}");
    let up = ports.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!(
        (up * 10).abs_diff(ports.len() * 5) < ports.len(),
        "{up} of {} are higher than the one before",
        ports.len()
    );
}

/// Birthdays: whoever makes many questions for one name outstanding needs few guesses. There is one, whatever is asked along
/// with it.
#[tokio::test]
async fn cve_2023_30464_and_2025_5994_equal_questions_leave_one_outstanding() {
    let lab = lab().await;
    let asked = "birthday.example.com";
    drop(lab.upstream.on(asked, RecordType::A).delay(ms(1_500)).answer_a("192.0.2.1", 60));
    let sockets = [udp(lab.region.dns()).await, udp(lab.region.dns()).await, udp(lab.region.dns()).await];
    for number in 0..1_500u16 {
        let mut query = Raw::new(asked, A).rd().edns(512 + number);
        // Client subnets made questions different for others (RebirthDay).
        query = query.option(8, &[0, 1, 24, 0, 10, (number >> 8) as u8, number as u8]);
        query.id = number;
        sockets[usize::from(number % 3)].send(&query.bytes()).await.unwrap();
    }
    assert!(eventually(secs(10), || async { lab.upstream.count(asked, RecordType::A) > 0 }).await);
    let outstanding = lab.region.counter("interlocal_fetches_in_flight").await;
    assert!(outstanding <= 1.0, "{outstanding}");
    // A try is repeated while its upstream is silent, four times at most.
    let all = eventually(secs(10), || async { lab.region.counter("interlocal_fetches_in_flight").await == 0.0 });
    assert!(all.await);
    assert!(lab.upstream.count(asked, RecordType::A) <= 4, "{}", lab.upstream.count(asked, RecordType::A));
    assert_eq!(lab.ask(&Raw::new(asked, A).rd()).await.answers(), 1);
}

/// SAD DNS: once the port is known, ids can be tried one after the other. The first wrong one ends the guessing: the answer comes
/// over TCP, and is counted.
#[tokio::test]
async fn cve_2020_25705_the_first_wrong_id_moves_the_question_to_tcp() {
    let lab = lab().await;
    let asked = "sad.example.com";
    drop(lab.upstream.on(asked, RecordType::A).over_udp().wrong_id().then_right().answer_a("192.0.2.66", 60));
    drop(lab.upstream.on(asked, RecordType::A).over_tcp().answer_a("192.0.2.1", 60));
    for way in lab.ways() {
        let reply = ask(way, &Raw::new(asked, A).rd()).await;
        assert_eq!(addresses(&reply.message), [ip("192.0.2.1")], "{way:?}");
    }
    let upstream = lab.upstream.address();
    let mismatched = format!("interlocal_upstream_mismatched_answers_total{{zone=\".\",address=\"{upstream}\"}}");
    assert!(lab.region.counter(&mismatched).await >= 1.0, "{}", lab.region.get("/metrics").await.1);
}

/// The answer to another question, with the right id (DNSpooq found that dnsmasq compared a weak hash of it).
#[tokio::test]
async fn cve_2020_25685_the_answer_to_another_question_is_none() {
    let lab = lab().await;
    let asked = "victim.example.com";
    drop(
        lab.upstream.on(asked, RecordType::A).over_udp().wrong_question("other.example.com").answer_a("192.0.2.66", 60),
    );
    drop(lab.upstream.on(asked, RecordType::A).over_tcp().answer_a("192.0.2.1", 60));
    assert_eq!(addresses(&lab.ask(&Raw::new(asked, A).rd()).await.message), [ip("192.0.2.1")]);
    let other = lab.ask(&Raw::new("other.example.com", A).rd()).await;
    assert_eq!(other.rcode(), NXDOMAIN, "and nothing was kept under the other name");
}

/// TuDoor: a packet that makes no sense ended the wait of others, which is denial of service, or lets the next one in.
#[tokio::test]
async fn cve_2023_28452_scraps_end_no_wait() {
    let lab = lab().await;
    for (number, scrap) in [&b""[..], b"x", &[0; 11], &[0xff; 12], &[0xff; 600]].into_iter().enumerate() {
        let asked = format!("scrap{number}.example.com");
        drop(lab.upstream.on(&asked, RecordType::A).times(1).over_udp().garbage(scrap));
        drop(lab.upstream.on(&asked, RecordType::A).answer_a("192.0.2.1", 60));
        let reply = lab.ask(&Raw::new(&asked, A).rd()).await;
        assert_eq!((reply.rcode(), reply.answers()), (NOERROR, 1), "after {scrap:02x?}");
    }
}

/// An answer from another port of the same host is nobody's: sockets are connected.
#[tokio::test]
async fn off_path_answers_from_another_port_are_not_seen() {
    let lab = lab().await;
    drop(lab.upstream.on("port.example.com", RecordType::A).times(1).other_port().answer_a("192.0.2.66", 60));
    drop(lab.upstream.on("port.example.com", RecordType::A).answer_a("192.0.2.1", 60));
    let reply = lab.ask(&Raw::new("port.example.com", A).rd()).await;
    assert_eq!(addresses(&reply.message), [ip("192.0.2.1")]);
}

/// With 0x20 towards its upstream.
async fn random_case() -> Lab {
    let upstream = ScriptServer::start();
    let forward = format!("[{{zone: ., to: [\"{}\"], random_case: true}}]", upstream.address());
    let region = Region::new("east").key("listen", &both_families()).forward(&forward).start().await;
    Lab { region, upstream }
}

/// The case of each letter is one more bit to guess, and nobody but the upstream sees it.
#[tokio::test]
async fn off_path_the_case_of_a_question_is_random_and_stays_between_us_and_the_upstream() {
    let lab = random_case().await;
    // As servers do that copy the question's name in place of a pointer to it.
    let copied = |query: &hickory_proto::op::Message, reply: &mut hickory_proto::op::Message| {
        reply.answers.iter_mut().for_each(|record| record.name = query.queries[0].name().clone());
    };
    let mut spellings = HashSet::new();
    for number in 0..60 {
        let asked = format!("n{number}.Casual-Letters.ExAmple.com");
        drop(lab.upstream.on(&asked, RecordType::A).edit(copied).answer_a("192.0.2.1", 60));
        let reply = lab.ask(&Raw::new(&asked, A).rd()).await;
        let owner = reply.message.answers[0].name.to_ascii();
        let own = [format!("{asked}."), format!("{}.", asked.to_ascii_lowercase())];
        assert!(own.contains(&owner), "{owner}: the client's case, or none");
        let received = lab.upstream.received();
        let sent = received.last().and_then(|one| one.message.as_ref()?.queries.first()).expect("a question");
        spellings.insert(sent.name().to_ascii().split_once('.').map(|(_, rest)| rest.to_owned()));
    }
    assert!(spellings.len() > 55, "{} of 60 spellings are different", spellings.len());
    let mismatched =
        format!("interlocal_upstream_mismatched_answers_total{{zone=\".\",address=\"{}\"}}", lab.upstream.address());
    assert_eq!(lab.region.counter(&mismatched).await, 0.0, "an upstream that keeps the case is believed");
}

/// Whoever guesses id and port still has to guess the letters. The first reply with others moves the question to TCP, as a wrong id
/// does, and so does a failure that has no question to show.
#[tokio::test]
async fn off_path_a_reply_in_another_case_moves_the_question_to_tcp() {
    let lab = random_case().await;
    let lower = |_: &hickory_proto::op::Message, reply: &mut hickory_proto::op::Message| {
        reply.queries.iter_mut().for_each(|query| query.name = query.name().to_lowercase());
    };
    let names = ["lower-case.example.com", "no-question.example.com"];
    drop(lab.upstream.on(names[0], RecordType::A).over_udp().edit(lower).answer_a("192.0.2.66", 60));
    let refused = hickory_proto::op::ResponseCode::Refused;
    drop(lab.upstream.on(names[1], RecordType::A).over_udp().rcode(refused).no_question());
    for asked in names {
        drop(lab.upstream.on(asked, RecordType::A).over_tcp().answer_a("192.0.2.1", 60));
        for way in lab.ways() {
            let reply = ask(way, &Raw::new(asked, A).rd()).await;
            assert_eq!(addresses(&reply.message), [ip("192.0.2.1")], "{asked} {way:?}");
        }
    }
    let address = lab.upstream.address();
    let mismatched = format!("interlocal_upstream_mismatched_answers_total{{zone=\".\",address=\"{address}\"}}");
    assert_eq!(lab.region.counter(&mismatched).await, 2.0, "{}", lab.region.get("/metrics").await.1);
}

/// Without it the case of a reply means nothing (RFC 4343 3).
#[tokio::test]
async fn a_reply_in_another_case_is_an_answer_unless_the_case_is_random() {
    let lab = lab().await;
    let upper = |_: &hickory_proto::op::Message, reply: &mut hickory_proto::op::Message| {
        reply.queries.iter_mut().for_each(|query| query.name = crate::support::name("UPPER.EXAMPLE.COM"));
    };
    drop(lab.upstream.on("upper.example.com", RecordType::A).edit(upper).answer_a("192.0.2.1", 60));
    assert_eq!(lab.ask(&Raw::new("upper.example.com", A).rd()).await.answers(), 1);
    assert!(lab.upstream.received().iter().all(|one| one.connection.is_none()), "nothing went over TCP");
}
