use std::collections::HashSet;
use std::net::UdpSocket as Std;

use super::*;
use crate::clock;
use crate::peer::datagram::Spelling;
use crate::wire::exchange::Manner;
use crate::wire::{Name, class, rtype};

const LATE: Duration = Duration::from_millis(200);
/// A loop that waits for something that comes goes round so often at most.
const ROUNDS: usize = 2_000;

/// A server that says what it is told to.
struct Upstream(Std);

/// A question as it came, and from where.
struct Came {
    message: Vec<u8>,
    from: SocketAddr,
}

impl Upstream {
    fn new() -> Self {
        let socket = Std::bind("127.0.0.1:0").expect("loopback");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        Self(socket)
    }

    fn course(&self) -> Course {
        let now = clock::now();
        let server = self.0.local_addr().expect("bound");
        Course { server, stamp_option: 65_001, late_at: now + Duration::from_secs(20), until: now + 2 * LATE + LATE }
    }

    fn read(&self, count: usize) -> Vec<Came> {
        let mut buffer = [0; 512];
        let mut one = || {
            let (length, from) = self.0.recv_from(&mut buffer).expect("a question");
            Came { message: buffer[..length].to_vec(), from }
        };
        (0..count).map(|_| one()).collect()
    }

    /// An answer to it: no such name.
    fn deny(&self, came: &Came, change: impl FnOnce(&mut Vec<u8>)) {
        let mut reply = came.message.clone();
        reply[2] |= 0x80;
        reply[3] = 3;
        change(&mut reply);
        self.0.send_to(&reply, came.from).expect("sent");
    }
}

fn passengers(numbers: std::ops::Range<usize>) -> Vec<Passenger<usize>> {
    let passenger = |what: usize| {
        let name: Name = format!("n{what}.example").parse().expect("a name");
        let question =
            Question { name, qtype: rtype::A, qclass: class::IN, dnssec_ok: false, checking_disabled: false };
        let (posted, message) = Posted::write(&question, Manner::default(), Spelling::Lower);
        Passenger { question, posted, message, what }
    };
    numbers.map(passenger).collect()
}

/// Goes round until so many have an outcome.
fn outcomes(flights: &mut Flights<usize>, count: usize) -> Vec<(usize, Datagram)> {
    let (mut all, mut landed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        flights.wait(clock::now(), Duration::from_millis(10), &mut landed).expect("it waits");
        flights.age(clock::now(), &mut landed);
        all.extend(landed.drain(..).map(|one| match one {
            Landed::Ended(what, outcome) => (what, outcome),
            Landed::Late(what, _) => panic!("{what} is late"),
        }));
        if all.len() >= count {
            break;
        }
    }
    all.sort_by_key(|(what, _)| *what);
    all
}

fn numbers(outcomes: &[(usize, Datagram)], of: impl Fn(&Datagram) -> bool) -> Vec<usize> {
    outcomes.iter().filter(|(_, outcome)| of(outcome)).map(|(what, _)| *what).collect()
}

fn is_answer(outcome: &Datagram) -> bool {
    matches!(outcome, Datagram::Answer(_))
}

#[test]
fn those_that_leave_together_share_a_port_and_one_alone_has_its_own() {
    let (upstream, mut flights, mut landed) = (Upstream::new(), Flights::new().expect("epoll"), Vec::new());
    flights.send(upstream.course(), passengers(0..SHARE), &mut landed);
    let together = upstream.read(SHARE);
    assert!(together.iter().all(|one| one.from == together[0].from));
    let ids: HashSet<_> = together.iter().map(|one| one.message[..2].to_vec()).collect();
    assert_eq!(ids.len(), SHARE, "each has an id of its own");
    (0..8).for_each(|one| flights.send(upstream.course(), passengers(one..one + 1), &mut landed));
    let ports: HashSet<_> = upstream.read(8).iter().map(|one| one.from.port()).collect();
    assert_eq!((ports.len(), landed.len()), (8, 0));
    assert!(!ports.contains(&together[0].from.port()));
}

#[test]
fn each_gets_its_own_answer_in_whatever_order_and_copies_are_ignored() {
    let (upstream, mut flights, mut landed) = (Upstream::new(), Flights::new().expect("epoll"), Vec::new());
    flights.send(upstream.course(), passengers(0..SHARE), &mut landed);
    let came = upstream.read(SHARE);
    came.iter().rev().for_each(|one| (0..2).for_each(|_| upstream.deny(one, |_| {})));
    let outcomes = outcomes(&mut flights, SHARE);
    assert_eq!(numbers(&outcomes, is_answer), (0..SHARE).collect::<Vec<_>>());
    assert!(flights.is_empty(), "its socket is closed");
}

#[test]
fn a_guessed_id_ends_all_of_its_socket_and_a_wrong_question_its_own() {
    let (upstream, mut flights, mut landed) = (Upstream::new(), Flights::new().expect("epoll"), Vec::new());
    flights.send(upstream.course(), passengers(0..3), &mut landed);
    let came = upstream.read(3);
    upstream.deny(&came[1], |reply| reply[13] ^= 1);
    upstream.deny(&came[0], |reply| reply.truncate(11));
    upstream.deny(&came[0], |_| {});
    let forged = |outcome: &Datagram| *outcome == Datagram::Forged;
    let first = outcomes(&mut flights, 2);
    assert_eq!((numbers(&first, forged), numbers(&first, is_answer)), (vec![1], vec![0]), "too short to be a guess");
    let ids: Vec<_> = came.iter().map(|one| one.message[..2].to_vec()).collect();
    let other = (0..=u16::MAX).map(u16::to_be_bytes).find(|id| !ids.contains(&id.to_vec())).expect("65,536 of them");
    upstream.deny(&came[2], |reply| reply[..2].copy_from_slice(&other));
    assert_eq!(numbers(&outcomes(&mut flights, 1), forged), [2]);
    assert!(flights.is_empty());
}

#[test]
fn where_nobody_listens_all_learn_it_at_once() {
    let (upstream, mut flights, mut landed) = (Upstream::new(), Flights::new().expect("epoll"), Vec::new());
    let course = Course { until: clock::now() + Duration::from_secs(60), ..upstream.course() };
    drop(upstream);
    flights.send(course, passengers(0..3), &mut landed);
    let sent_to_nobody = landed.len();
    let outcomes = outcomes(&mut flights, 3 - sent_to_nobody);
    assert!(outcomes.iter().all(|(_, outcome)| *outcome == Datagram::Unreachable));
    assert_eq!(outcomes.len() + sent_to_nobody, 3);
    assert!(flights.is_empty());
}

#[test]
fn who_is_late_is_told_once_and_an_answer_still_finds_who_waits_instead() {
    let (upstream, mut flights, mut landed) = (Upstream::new(), Flights::new().expect("epoll"), Vec::new());
    let now = clock::now();
    let course = Course { late_at: now + LATE, until: now + 5 * LATE, ..upstream.course() };
    flights.send(course, passengers(0..2), &mut landed);
    let came = upstream.read(2);
    flights.age(now + LATE - Duration::from_millis(1), &mut landed);
    assert!(landed.is_empty());
    flights.age(now + LATE, &mut landed);
    for late in std::mem::take(&mut landed) {
        let Landed::Late(what, seat) = late else { panic!("late") };
        flights.seat(seat, 10 + what);
    }
    flights.age(now + 4 * LATE, &mut landed);
    assert!(landed.is_empty(), "told once");
    upstream.deny(&came[1], |_| {});
    for _ in 0..ROUNDS {
        flights.wait(now, Duration::from_millis(10), &mut landed).expect("it waits");
        if !landed.is_empty() {
            break;
        }
    }
    assert!(matches!(landed.pop(), Some(Landed::Ended(11, Datagram::Answer(_)))));
    flights.age(now + 5 * LATE, &mut landed);
    assert!(matches!(landed.pop(), Some(Landed::Ended(10, Datagram::Silent))));
    assert!(landed.is_empty() && flights.is_empty());
}

/// A place is taken again, and the end of who had it before means nothing to who has it now.
#[test]
fn an_old_end_does_not_end_a_new_flight() {
    let (upstream, mut flights, mut landed) = (Upstream::new(), Flights::new().expect("epoll"), Vec::new());
    let now = clock::now();
    flights.send(Course { late_at: now + LATE, ..upstream.course() }, passengers(0..1), &mut landed);
    upstream.deny(&upstream.read(1)[0], |_| {});
    assert_eq!(outcomes(&mut flights, 1).len(), 1);
    let course = Course { late_at: now + 10 * LATE, until: now + 20 * LATE, ..upstream.course() };
    flights.send(course, passengers(1..2), &mut landed);
    flights.age(now + 2 * LATE, &mut landed);
    assert!(landed.is_empty() && !flights.is_empty());
}
