//! Many questions over UDP at a time, on one thread: those that leave together leave through one socket, which is made for them
//! and closed behind the last of them. So a question alone has a port to itself, and under load a port is shared by a few, each
//! with an id of its own: a forger who sends to any port has to guess as much for one of them as if each had a socket (RFC 5452 9).
//! It blocks, retries nothing, and knows no more of a server than its address.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use mio::Waker;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::peer::datagram::{Datagram, Posted, ROOM, any};
use crate::wire::exchange::Question;
use crate::wire::{HEADER_LEN, read_u16};

/// Questions that share a socket at most.
pub const SHARE: usize = 32;
/// Sockets that are looked at with one system call.
const EVENTS: usize = 256;
/// Questions that leave together are late together, give or take this.
const ABOUT: Duration = Duration::from_millis(5);
const WAKER: Token = Token(usize::MAX);

/// A question that is to leave; `T` is whatever its owner wants back with the outcome.
pub struct Passenger<T> {
    pub question: Question,
    pub posted: Posted,
    pub message: Vec<u8>,
    pub what: T,
}

/// How those that leave together are asked.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    pub server: SocketAddr,
    pub stamp_option: u16,
    /// Whoever has no answer by then is told once.
    pub late_at: Instant,
    /// And here the wait ends.
    pub until: Instant,
}

/// What became of a question.
pub enum Landed<T> {
    Ended(T, Datagram),
    /// It has waited for long and goes on waiting: under this number somebody is to be put in who gets the outcome.
    Late(T, Seat),
}

/// A place on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    flight: usize,
    number: usize,
}

/// The sockets with the questions that are out on them.
pub struct Flights<T> {
    poll: Poll,
    events: Events,
    flights: Vec<Option<Flight<T>>>,
    free: Vec<usize>,
    /// When a flight is to be looked at for its age, and which one it was that took this place.
    ends: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    begun: u64,
    buffer: Box<[u8]>,
}

struct Flight<T> {
    socket: UdpSocket,
    course: Course,
    number: u64,
    seats: Vec<Out<T>>,
    /// Of them without an outcome.
    out: usize,
}

struct Out<T> {
    posted: Posted,
    question: Question,
    what: Option<T>,
}

impl<T> Flights<T> {
    /// None yet.
    ///
    /// # Errors
    /// If the system has nothing to wait with.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            flights: Vec::new(),
            free: Vec::new(),
            ends: BinaryHeap::new(),
            begun: 0,
            buffer: vec![0; ROOM].into(),
        })
    }

    /// What ends a wait from another thread.
    ///
    /// # Errors
    /// If the system has none; or there is one already.
    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flights.len() == self.free.len()
    }

    /// Sends these through one new socket. Those that cannot be sent end at once.
    pub fn send(
        &mut self,
        course: Course,
        passengers: impl IntoIterator<Item = Passenger<T>>,
        landed: &mut Vec<Landed<T>>,
    ) {
        let unreachable = |what| Landed::Ended(what, Datagram::Unreachable);
        let place = self.free.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() - 1
        });
        let Ok(socket) = self.open(course.server, place) else {
            self.free.push(place);
            landed.extend(passengers.into_iter().map(|one| unreachable(one.what)));
            return;
        };
        let mut seats: Vec<Out<T>> = Vec::new();
        for Passenger { question, mut posted, mut message, what } in passengers {
            while seats.iter().any(|seat| seat.posted.id() == posted.id()) {
                posted.renumber(&mut message);
            }
            match socket.send(&message) {
                Ok(_) => seats.push(Out { posted, question, what: Some(what) }),
                Err(_) => landed.push(unreachable(what)),
            }
        }
        if seats.is_empty() {
            self.free.push(place);
            return;
        }
        self.begun += 1;
        self.ends.push(Reverse((course.late_at, place, self.begun)));
        self.flights[place] = Some(Flight { socket, course, number: self.begun, out: seats.len(), seats });
    }

    fn open(&self, server: SocketAddr, place: usize) -> io::Result<UdpSocket> {
        let mut socket = UdpSocket::bind(any(server))?;
        // Packets and ICMP errors from elsewhere do not reach a connected socket (RFC 5452 4, SAD DNS).
        socket.connect(server)?;
        self.poll.registry().register(&mut socket, Token(place), Interest::READABLE)?;
        Ok(socket)
    }

    /// Waits for outcomes, for a waker, or for `most`; `now` is when it is called.
    ///
    /// # Errors
    /// If the system cannot wait.
    pub fn wait(&mut self, now: Instant, most: Duration, landed: &mut Vec<Landed<T>>) -> io::Result<()> {
        let next = self.ends.peek().map_or(most, |Reverse((at, ..))| at.saturating_duration_since(now));
        match self.poll.poll(&mut self.events, Some(next.min(most))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            let Token(place) = event.token();
            if let Some(Some(flight)) = self.flights.get_mut(place)
                && flight.read(&mut self.buffer, landed)
            {
                self.flights[place] = None;
                self.free.push(place);
            }
        }
        Ok(())
    }

    /// Tells who has waited for too long at `now`.
    pub fn age(&mut self, now: Instant, landed: &mut Vec<Landed<T>>) {
        while let Some(Reverse((at, place, number))) = self.ends.peek().copied()
            && at <= now
        {
            self.ends.pop();
            let Some(flight) = self.flights[place].as_mut().filter(|flight| flight.number == number) else { continue };
            if now >= flight.course.until {
                flight.end(|| Datagram::Silent, landed);
                self.flights[place] = None;
                self.free.push(place);
                continue;
            }
            for (seat, out) in flight.seats.iter_mut().enumerate() {
                landed.extend(out.what.take().map(|what| Landed::Late(what, Seat { flight: place, number: seat })));
            }
            self.ends.push(Reverse((flight.course.until, place, number)));
        }
    }

    /// Who gets the outcome of a question that was late. Only right behind the call that gave the seat.
    pub fn seat(&mut self, seat: Seat, what: T) {
        if let Some(flight) = &mut self.flights[seat.flight] {
            flight.seats[seat.number].what = Some(what);
        }
    }
}

impl Course {
    /// Whether questions of both may leave together: to the same server, and told that they are late about then.
    #[must_use]
    pub fn goes_with(&self, other: &Self) -> bool {
        (self.server, self.stamp_option) == (other.server, other.stamp_option)
            && self.late_at.max(other.late_at) - self.late_at.min(other.late_at) < ABOUT
            && self.until.max(other.until) - self.until.min(other.until) < ABOUT
    }
}

impl<T> Flight<T> {
    /// Reads what came. True when nobody waits any more.
    fn read(&mut self, buffer: &mut [u8], landed: &mut Vec<Landed<T>>) -> bool {
        while self.out > 0 {
            let length = match self.socket.recv(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.end(|| Datagram::Unreachable, landed);
                    return true;
                }
            };
            self.message(&mut buffer[..length], landed);
        }
        true
    }

    fn message(&mut self, message: &mut [u8], landed: &mut Vec<Landed<T>>) {
        let Some(id) = read_u16(message, 0).filter(|_| message.len() >= HEADER_LEN) else { return };
        let Some(out) = self.seats.iter_mut().find(|out| out.posted.id() == id) else {
            // Nobody here has this id, so it is a guess at any of them.
            self.end(|| Datagram::Forged, landed);
            return;
        };
        // Of one that is answered already it is a copy.
        if out.what.is_some()
            && let Some(outcome) = out.posted.reads(&out.question, message, self.course.stamp_option)
        {
            self.out -= 1;
            landed.extend(out.what.take().map(|what| Landed::Ended(what, outcome)));
        }
    }

    fn end(&mut self, outcome: impl Fn() -> Datagram, landed: &mut Vec<Landed<T>>) {
        self.out = 0;
        landed
            .extend(self.seats.iter_mut().filter_map(|out| out.what.take()).map(|what| Landed::Ended(what, outcome())));
    }
}

#[cfg(test)]
mod tests;
