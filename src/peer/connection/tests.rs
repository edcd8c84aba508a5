//! A connection against a server in the test, over a pipe in memory and on paused time.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::wire::frames::{Frames, push_frame};
use crate::wire::{Rcode, class, rtype};

const SECOND: Duration = Duration::from_secs(1);

struct Pair {
    connection: Arc<Connection>,
    server: DuplexStream,
    frames: Frames,
    counters: Arc<Counters>,
}

fn pair(terms: Terms) -> Pair {
    let (client, server) = duplex(1 << 16);
    let counters = Arc::<Counters>::default();
    let connection = Connection::start(1, client, terms, Arc::clone(&counters), Arc::default());
    Pair { connection: Arc::new(connection), server, frames: Frames::default(), counters }
}

fn usual() -> Terms {
    Terms { max_age: 300 * SECOND, in_flight: 100, stamp_option: 65_313, deadline: SECOND }
}

fn question(name: &str) -> Question {
    let name = name.parse().expect("a name");
    Question {
        name,
        qtype: rtype::A,
        qclass: class::IN,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    }
}

impl Pair {
    fn ask(&self, name: &str, patience: Duration) -> JoinHandle<Result<Received, AskError>> {
        let (connection, question) = (Arc::clone(&self.connection), question(name));
        tokio::spawn(async move {
            let manner = Manner { edns: true, option: None };
            connection.ask(&question, manner, Instant::now() + patience).await
        })
    }

    /// The next query that the server sees.
    async fn query(&mut self) -> Vec<u8> {
        loop {
            if let Some(message) = self.frames.next() {
                return message.to_vec();
            }
            let read = self.server.read_buf(self.frames.space()).await.expect("the pipe is open");
            assert!(read > 0, "the client has closed");
        }
    }

    async fn send(&mut self, message: &[u8]) {
        let mut frame = Vec::new();
        push_frame(message, &mut frame);
        self.server.write_all(&frame).await.expect("the pipe is open");
    }
}

/// NXDOMAIN to a query; the name in it tells the answers apart.
fn reply(query: &[u8]) -> Vec<u8> {
    let mut message = query.to_vec();
    message[2] |= 0x80;
    message[3] = 3;
    message
}

fn rcode(outcome: Result<Received, AskError>) -> Result<Rcode, AskError> {
    outcome.map(|answer| answer.body.rcode)
}

#[tokio::test(start_paused = true)]
async fn answers_in_any_order_find_their_questions() {
    let mut pair = pair(usual());
    let asked: Vec<_> = (0..10).map(|n| pair.ask(&format!("n{n}.x"), SECOND)).collect();
    let mut queries = Vec::new();
    for _ in 0..10 {
        queries.push(pair.query().await);
    }
    for query in queries.iter().rev() {
        let mut answer = reply(query);
        // The rcode tells which answer it is: 0 to 9 are all short of an answer section, and are not read as one.
        answer[3] = query[14] - b'0';
        pair.send(&answer).await;
    }
    for (n, asked) in asked.into_iter().enumerate() {
        assert_eq!(rcode(asked.await.expect("no panic")), Ok(Rcode(n as u16)));
    }
    let mut ids: Vec<_> = queries.iter().map(|query| [query[0], query[1]]).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_together_is_written_together() {
    let mut pair = pair(usual());
    let asked: Vec<_> = (0..20).map(|n| pair.ask(&format!("n{n}.x"), SECOND)).collect();
    let mut octets = vec![0; 4_096];
    let read = pair.server.read(&mut octets).await.expect("the pipe is open");
    let (mut queries, mut at) = (0, 0);
    while at < read {
        at += 2 + usize::from(u16::from_be_bytes([octets[at], octets[at + 1]]));
        queries += 1;
    }
    assert_eq!((queries, at), (20, read), "in one read");
    drop(asked);
}

#[tokio::test(start_paused = true)]
async fn wrong_answers_end_no_wait_and_reach_nobody() {
    let mut pair = pair(usual());
    let asked = pair.ask("right.x", SECOND);
    let query = pair.query().await;
    let mut wrong_id = reply(&query);
    wrong_id[0] ^= 1;
    let mut wrong_name = reply(&query);
    wrong_name[13] = b'w';
    let mut wrong_type = reply(&query);
    wrong_type[20] = 28;
    let mut broken = reply(&query);
    broken[7] = 1;
    for message in [&wrong_id[..], &wrong_name, &wrong_type, &broken, &query, b"", b"garbage", &[0xff; 300]] {
        pair.send(message).await;
    }
    tokio::time::sleep(SECOND / 2).await;
    assert!(!asked.is_finished());
    pair.send(&reply(&query)).await;
    assert_eq!(rcode(asked.await.expect("no panic")), Ok(Rcode::NXDOMAIN));
    assert_eq!(pair.counters.mismatched.load(Relaxed), 8);
}

#[tokio::test(start_paused = true)]
async fn late_answers_are_dropped() {
    let mut pair = pair(usual());
    let asked = pair.ask("late.x", SECOND);
    let query = pair.query().await;
    assert_eq!(rcode(asked.await.expect("no panic")), Err(AskError::TimedOut { silent: true }));
    pair.send(&reply(&query)).await;
    pair.send(&reply(&query)).await;
    let next = pair.ask("next.x", SECOND);
    let query = pair.query().await;
    pair.send(&reply(&query)).await;
    assert_eq!(rcode(next.await.expect("no panic")), Ok(Rcode::NXDOMAIN));
    let (late, mismatched) = (pair.counters.late.load(Relaxed), pair.counters.mismatched.load(Relaxed));
    assert_eq!((late, mismatched), (1, 1), "the second copy is nobody's");
}

#[tokio::test(start_paused = true)]
async fn its_end_fails_all_who_wait_at_once() {
    let mut pair = pair(usual());
    let (first, second) = (pair.ask("one.x", 60 * SECOND), pair.ask("two.x", 60 * SECOND));
    pair.query().await;
    pair.query().await;
    let before = Instant::now();
    drop(std::mem::replace(&mut pair.server, duplex(1).0));
    assert_eq!(rcode(first.await.expect("no panic")), Err(AskError::Closed));
    assert_eq!(rcode(second.await.expect("no panic")), Err(AskError::Closed));
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(pair.connection.is_closed());
    assert_eq!(rcode(pair.ask("three.x", SECOND).await.expect("no panic")), Err(AskError::Unavailable));
    assert_eq!((pair.counters.resets.load(Relaxed), pair.connection.was_cut()), (1, true));
}

#[tokio::test(start_paused = true)]
async fn questions_in_flight_are_capped() {
    let mut pair = pair(Terms { in_flight: 2, ..usual() });
    let (first, second) = (pair.ask("one.x", SECOND), pair.ask("two.x", SECOND));
    let query = pair.query().await;
    pair.query().await;
    assert_eq!(rcode(pair.ask("three.x", SECOND).await.expect("no panic")), Err(AskError::Unavailable));
    second.abort();
    assert!(second.await.is_err());
    assert_eq!(pair.connection.load(), (2, 2), "the server still has the one that was given up");
    pair.send(&reply(&query)).await;
    assert!(first.await.expect("no panic").is_ok());
    assert_eq!(pair.connection.load(), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn two_silent_timeouts_condemn_it_and_a_reply_between_does_not() {
    let mut pair = pair(usual());
    let _first = pair.ask("one.x", SECOND).await;
    pair.query().await;
    let between = pair.ask("two.x", SECOND);
    let query = pair.query().await;
    pair.send(&reply(&query)).await;
    assert!(between.await.expect("no panic").is_ok());
    let _second = pair.ask("three.x", SECOND).await;
    assert!(pair.connection.is_open(Instant::now()));
    let _third = pair.ask("four.x", SECOND).await;
    assert!(!pair.connection.is_open(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn at_its_greatest_age_it_answers_what_it_has_and_ends() {
    let mut pair = pair(Terms { max_age: 10 * SECOND, ..usual() });
    tokio::time::sleep(7 * SECOND).await;
    assert!(pair.connection.is_open(Instant::now()), "not younger than 80 %");
    let asked = pair.ask("slow.x", 20 * SECOND);
    let query = pair.query().await;
    tokio::time::sleep(4 * SECOND).await;
    assert!(!pair.connection.is_open(Instant::now()) && !pair.connection.is_closed());
    pair.send(&reply(&query)).await;
    assert!(asked.await.expect("no panic").is_ok());
    let mut rest = Vec::new();
    pair.server.read_to_end(&mut rest).await.expect("a clean end");
    assert!(pair.connection.is_closed() && rest.is_empty());
    assert_eq!(pair.counters.resets.load(Relaxed), 0);
}
