//! Answers from somebody else: ids and ports that can be guessed, many outstanding questions to hit, waits that end early.

use std::collections::HashSet;

use hickory_proto::rr::RecordType;

use crate::support::lab::{Lab, NOERROR, NXDOMAIN, ask, lab, udp};
use crate::support::raw::{A, Raw};
use crate::support::read::addresses;
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
