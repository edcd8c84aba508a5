//! Questions over UDP, one at a time, and HTTP pages: enough of both to see that something is answered.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use interlocal::clock;

/// Nothing takes longer on loopback, and a lost datagram is asked again.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(1);

pub struct Asker {
    socket: UdpSocket,
    id: u16,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub rcode: u8,
    pub addresses: Vec<Ipv4Addr>,
}

impl Asker {
    pub fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        socket.connect(server).expect("loopback is there");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { socket, id: 0 }
    }

    /// Asks for the addresses of a name; none if nothing came.
    pub fn ask(&mut self, name: &str) -> Option<Answer> {
        self.id = self.id.wrapping_add(1);
        let mut message = self.id.to_be_bytes().to_vec();
        message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).expect("a label"));
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0, 0, 1, 0, 1]);
        self.socket.send(&message).ok()?;
        let mut reply = [0; 1_232];
        let end = clock::now() + PATIENCE;
        while clock::now() < end {
            let length = self.socket.recv(&mut reply).ok()?;
            // A late reply to an earlier question is none to this.
            if reply[..2] == self.id.to_be_bytes() {
                return read(&reply[..length], message.len());
            }
        }
        None
    }

    /// Asks until this address is among the answers; says how long after `since` it was.
    pub fn until(&mut self, name: &str, address: Ipv4Addr, since: Instant, limit: Duration) -> Option<Duration> {
        while since.elapsed() < limit {
            if self.ask(name).is_some_and(|answer| answer.addresses.contains(&address)) {
                return Some(since.elapsed());
            }
            std::thread::sleep(LOOK / 5);
        }
        None
    }
}

/// Records behind the question, which ends at `at`; every owner is a pointer or a name.
fn read(reply: &[u8], mut at: usize) -> Option<Answer> {
    let mut addresses = Vec::new();
    for _ in 0..u16::from_be_bytes([*reply.get(6)?, *reply.get(7)?]) {
        while *reply.get(at)? != 0 && reply[at] < 0xc0 {
            at += 1 + usize::from(reply[at]);
        }
        at += if reply[at] == 0 { 1 } else { 2 };
        let fixed = reply.get(at..at + 10)?;
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let data = reply.get(at + 10..at + 10 + length)?;
        if let (true, Ok(octets)) = (fixed[..2] == [0, 1], <[u8; 4]>::try_from(data)) {
            addresses.push(Ipv4Addr::from(octets));
        }
        at += 10 + length;
    }
    Some(Answer { rcode: reply[3] & 15, addresses })
}

/// A page over HTTP: status and body.
pub fn page(server: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(server).ok()?;
    stream.set_read_timeout(Some(4 * PATIENCE)).ok()?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, text))
}

/// Looks every millisecond; says how long after `since` it was so.
pub fn until(limit: Duration, since: Instant, mut so: impl FnMut() -> bool) -> Option<Duration> {
    while since.elapsed() < limit {
        if so() {
            return Some(since.elapsed());
        }
        std::thread::sleep(LOOK);
    }
    None
}
