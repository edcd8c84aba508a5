//! Ten thousand TCP connections of clients that are slow: they say nothing, an octet a second, or ask and never read.

use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use interlocal::clock;
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::load;
use crate::process;
use crate::report::Findings;
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, WEST, World, ask, sleep, sleep_ms};

/// So many addresses: a client has a share of the connections.
const CLIENTS: u16 = 100;
const PATIENCE: Duration = Duration::from_secs(20);
const LIMITS: &str = "{tcp_connections: 24000, tcp_idle: 20s, tcp_write: 20s}";
/// Questions of a client that never reads: more than fits into the buffers of both kernels.
const UNREAD: usize = 1_000;
/// Of a message that never becomes whole, what comes.
const HALF: usize = 60_000;

const KINDS: [&str; 3] = ["silent", "an octet a second", "asks and does not read"];

pub fn slow(world: &World, findings: &mut Findings) {
    let wanted = world.pick(9_999, 3_000);
    raise_descriptors();
    let central = world.start(Spec::new(CENTRAL).key("limits", LIMITS));
    let others = load::start(central.dns(), 1_000.0, |number| Some(ask(CENTRAL, number as u32, 0)));
    sleep(world.secs(5.0, 3.0));
    let (memory, open) = (central.memory(), process::descriptors(central.id()));

    let began = clock::now();
    // The address of one pod; a Service has some.
    let small = questions("n1.many.central.svc.cluster.local");
    let mut clients: Vec<Slow> = Vec::new();
    for kind in 0..3 {
        let before = central.memory();
        let numbers = (0..wanted).filter(|number| number % 3 == kind);
        clients.extend(numbers.filter_map(|number| Slow::open(&central, number, &small)));
        sleep_ms(1_000);
        let each = 1_024.0 * (central.memory() - before) / f64::from(wanted / 3);
        findings.told(KINDS[usize::from(kind)], format!("{each:.1} KB each"));
    }
    findings.told("connected in", format!("{:.1} s", clock::now().duration_since(began).as_secs_f64()));
    let connected = clock::now();
    let (mut most, mut held) = (memory, 0);
    while clock::now() < connected + world.secs(10.0, 5.0) {
        clients.iter_mut().for_each(Slow::drip);
        most = most.max(central.memory());
        held = held.max(process::descriptors(central.id()).saturating_sub(open));
        sleep_ms(1_000);
    }
    let until = clock::now();
    findings.at_least("connections held", held as f64, wanted as f64, "");
    findings.at_most("memory added", most - memory, 50.0, "MB");
    let samples = others.stop();
    let (before, during) = (samples.between(began - Duration::from_secs(3), began), samples.between(connected, until));
    findings.none("others: failed", during.bad(), during.len());
    findings.at_most("others: p99 added", during.usual_p99() - before.usual_p99(), 1.0, "ms");

    // Those who drip go on with it: that keeps nothing open.
    let end = connected + PATIENCE + Duration::from_secs(15);
    while process::descriptors(central.id()) > open + 8 && clock::now() < end {
        clients.iter_mut().for_each(Slow::drip);
        sleep_ms(1_000);
    }
    let left = process::descriptors(central.id()).saturating_sub(open);
    findings.at_most("still open 15 s after their time", left as f64, 8.0, "");
    drop((clients, central));
    greedy(world, findings);
}

/// The dearest clients that there can be: every second one asks for the largest answer, of 65,535 octets, again and again and takes none
/// of it, and the others send messages of that size that never become whole. Whoever would have to be given too much is closed.
fn greedy(world: &World, findings: &mut Findings) {
    let wanted = world.pick(10_000, 3_000);
    // A new one, which has nothing to use again.
    let west = world.start(Spec::new(WEST).key("limits", LIMITS));
    let others = load::start(west.dns(), 1_000.0, |number| Some(ask(WEST, number as u32, 0)));
    sleep(world.secs(5.0, 3.0));
    let (before, began) = (west.memory(), clock::now());
    let large = questions("many.west.svc.cluster.local");
    let mut clients = Vec::new();
    let mut most = before;
    for number in 0..wanted {
        clients.extend(Slow::open(&west, 3 * number + 2, if number % 2 == 0 { &large } else { &[255; HALF] }));
        if number % 100 == 0 {
            most = most.max(west.memory());
        }
    }
    let connected = clock::now();
    while clock::now() < connected + world.secs(5.0, 3.0) {
        most = most.max(west.memory());
        sleep_ms(200);
    }
    let until = clock::now();
    let held = west.sum("interlocal_tcp_buffers_bytes", "") / 1e6;
    let ended = west.sum("interlocal_tcp_buffers_refused_total", "")
        + west.sum("interlocal_client_refused_total", "what=\"buffers\"");
    findings.at_most("the dearest: memory added", most - before, 50.0, "MB");
    findings.told("the dearest", format!("{} clients, {held:.1} MB held for them, {ended:.0} closed", clients.len()));
    let samples = others.stop();
    let (before, during) = (samples.between(began - Duration::from_secs(3), began), samples.between(connected, until));
    findings.none("the dearest: others failed", during.bad(), during.len());
    findings.at_most("the dearest: others' p99 added", during.usual_p99() - before.usual_p99(), 1.0, "ms");
}

enum Slow {
    Silent(#[expect(dead_code, reason = "it is held open")] TcpStream),
    Dripping(TcpStream),
    Unread(#[expect(dead_code, reason = "it is held open")] TcpStream),
}

impl Slow {
    fn open(central: &Server, number: u16, unread: &[u8]) -> Option<Self> {
        let client = Ipv4Addr::new(127, 20, 0, (number % CLIENTS) as u8 + 1);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        // As small as it can be, so that the window is soon zero.
        let _ = socket.set_recv_buffer_size(1);
        socket.bind(&SocketAddr::from((client, 0)).into()).unwrap();
        socket.connect_timeout(&central.dns().into(), Duration::from_secs(5)).ok()?;
        socket.set_nonblocking(true).unwrap();
        let mut stream = TcpStream::from(socket);
        Some(match number % 3 {
            0 => Self::Silent(stream),
            1 => Self::Dripping(stream),
            _ => {
                let _ = stream.write(unread);
                Self::Unread(stream)
            }
        })
    }

    /// The next octet of a message of 65,535, which is never whole.
    fn drip(&mut self) {
        if let Self::Dripping(stream) = self
            && let Err(error) = stream.write(&[255])
        {
            let ended =
                matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::WouldBlock);
            assert!(ended, "{error}");
        }
    }
}

fn questions(name: &str) -> Vec<u8> {
    let one = crate::support::questions::question(name, 1, None).message;
    let framed = [&(one.len() as u16).to_be_bytes()[..], &one].concat();
    framed.repeat(UNREAD)
}

/// Our side of the connections needs as many as the server's.
fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
