//! What a forger would have to guess, judged by what an upstream sees: the ids and the ports of very many questions, and how many
//! of them are outstanding for very many askers. A million and a hundred thousand with `INTERLOCAL_FULL=1`.

use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use socket2::SockRef;

use crate::support::client::{Conversation, Heard};
use crate::support::raw::{A, Raw, Reply};
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::wait::eventually;
use crate::support::{ms, secs};

/// What CVE-2025-40780 asks for: no small pool of ports.
const LEAST_PORTS: usize = 1 << 14;

fn full() -> bool {
    std::env::var_os("INTERLOCAL_FULL").is_some()
}

/// An upstream that answers as fast as it can, and writes down nothing but id and source port. What begins with `held` is not
/// answered before it is let go.
struct Upstream {
    address: SocketAddr,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    ids_and_ports: Mutex<Vec<(u16, u16)>>,
    held: Mutex<Vec<(Vec<u8>, SocketAddr)>>,
    release: AtomicBool,
    stop: AtomicBool,
}

impl Upstream {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        // What does not fit is asked again, and counts once more.
        let _ = SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        socket.set_read_timeout(Some(ms(50))).unwrap();
        let (address, seen) = (socket.local_addr().unwrap(), Arc::<Seen>::default());
        let served = Arc::clone(&seen);
        Self { address, seen, thread: Some(std::thread::spawn(move || served.serve(&socket))) }
    }
}

impl Seen {
    fn serve(&self, socket: &UdpSocket) {
        let mut buffer = [0; 1_500];
        while !self.stop.load(Ordering::Relaxed) {
            if self.release.load(Ordering::Relaxed) {
                for (reply, from) in self.held.lock().drain(..) {
                    let _ = socket.send_to(&reply, from);
                }
            }
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
            let query = &buffer[..length];
            let Some(reply) = answer(query) else { continue };
            if query[13..].starts_with(b"held") {
                self.held.lock().push((reply, from));
            } else if !query[13..].starts_with(b"_interlocal") {
                self.ids_and_ports.lock().push((u16::from_be_bytes([query[0], query[1]]), from.port()));
                let _ = socket.send_to(&reply, from);
            }
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.seen.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().expect("it is taken here only").join();
    }
}

/// One address that is not to be kept.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let end = 12 + query.get(12..)?.iter().position(|octet| *octet == 0)? + 5;
    let mut reply = query.get(..end)?.to_vec();
    reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    reply.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x01");
    Some(reply)
}

async fn region(upstream: &Upstream, limits: &str) -> Running {
    let forward = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address);
    Region::new("east").forward(&forward).key("limits", limits).start().await
}

/// Has so many questions forwarded, this many at the same time, and gives what the upstream saw.
fn forwarded(door: SocketAddr, upstream: &Upstream, count: usize, burst: usize) -> Vec<(u16, u16)> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(door).unwrap();
    socket.set_read_timeout(Some(secs(5))).unwrap();
    let mut buffer = [0; 1_500];
    let (mut sent, mut lost) = (0usize, 0usize);
    while upstream.seen.ids_and_ports.lock().len() < count {
        for _ in 0..burst {
            let mut query = Raw::new(&format!("n{sent}.example.com"), A).rd();
            // The client's own is always the same.
            query.id = 0x1234;
            socket.send(&query.bytes()).unwrap();
            sent += 1;
        }
        let answered = (0..burst).take_while(|_| socket.recv(&mut buffer).is_ok()).count();
        lost += burst - answered;
        assert!(lost <= 1_000 + sent / 100, "{lost} of {sent} are lost");
    }
    upstream.seen.ids_and_ports.lock().clone()
}

/// What is not exceeded by the sum of squares of what is distributed evenly over so many bins (Wilson and Hilferty): in 999 of 1,000
/// cases for very many questions, and else in 999,999 of a million, since this runs often and fails by chance.
fn most(bins: usize) -> f64 {
    let deviations = if full() { 3.090_232 } else { 4.753_424 };
    let freedom = (bins - 1) as f64;
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + deviations * part.sqrt()).powi(3)
}

/// Fails unless these values, each below `bins`, are spread evenly.
fn assert_even(what: &str, values: impl Iterator<Item = usize>, bins: usize) {
    let mut counts = vec![0u32; bins];
    values.for_each(|value| counts[value] += 1);
    let all: u32 = counts.iter().sum();
    let expected = f64::from(all) / bins as f64;
    assert!(expected >= 5.0, "{what}: {all} values are too few for {bins} bins");
    let sum: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    println!("{what}: chi-square {sum:.0} over {bins} bins, {all} values, at most {:.0}", most(bins));
    assert!(sum <= most(bins), "{what}: chi-square {sum:.0} over {bins} bins and {all} values");
}

/// As fine as so many values allow.
fn bits(count: usize, most: u32) -> u32 {
    (count / 10).max(2).ilog2().min(most)
}

/// Whoever sees the source of a question, or counts those of others, learns nothing of the next one (CVE-2019-19794, CVE-2025-40780,
/// CVE-2026-50252): ids are even over all 65,536, ports over more than 16,384, and neither follows from the one before.
#[tokio::test]
async fn off_path_ids_and_ports_of_very_many_questions_are_even() {
    let count = if full() { 1_000_000 } else { 20_000 };
    let upstream = Upstream::start();
    let region = region(&upstream, "{forward_tries: 1}").await;
    // One after the other: those that leave together may share a port.
    let seen = forwarded(region.dns(), &upstream, count, 1);
    let (ids, ports): (Vec<usize>, Vec<usize>) =
        seen.iter().map(|(id, port)| (usize::from(*id), usize::from(*port))).unzip();

    let fine = bits(count, 16);
    assert_even("ids, upper bits", ids.iter().map(|id| id >> (16 - fine)), 1 << fine);
    assert_even("ids, lower bits", ids.iter().map(|id| id & ((1 << fine) - 1)), 1 << fine);
    let half = bits(count, 16) / 2;
    let pairs = |values: &[usize], place: fn(usize, u32) -> usize, bits: u32| -> Vec<usize> {
        values.windows(2).map(|pair| place(pair[0], bits) << bits | place(pair[1], bits)).collect()
    };
    assert_even("ids, two in a row", pairs(&ids, |id, bits| id >> (16 - bits), half).into_iter(), 1 << (2 * half));

    let mut times: HashMap<usize, usize> = HashMap::new();
    ports.iter().for_each(|port| *times.entry(*port).or_default() += 1);
    // As many different ones as an even choice out of that many gives.
    let (pool, drawn) = (LEAST_PORTS as f64, ports.len() as f64);
    let different = pool * (1.0 - (-drawn / pool).exp());
    println!("{} different ports, at least {different:.0}", times.len());
    assert!(times.len() as f64 >= 0.99 * different, "{} ports, {different:.0} wanted", times.len());
    // Which ones the system gives is its own: those that were ever seen, in order.
    let mut pool: Vec<usize> = times.into_keys().collect();
    pool.sort_unstable();
    let place: HashMap<usize, usize> = pool.iter().enumerate().map(|(place, port)| (*port, place)).collect();
    let places: Vec<usize> = if ports.len() >= 20 * pool.len() {
        ports.iter().map(|port| place[port]).collect()
    } else {
        // Too few to have seen all of them: by where they lie between the lowest and the highest.
        let (low, width) = (pool[0], pool[pool.len() - 1] - pool[0] + 1);
        let bins = 1 << bits(count, 10);
        pool = (0..bins).collect();
        ports.iter().map(|port| (port - low) * bins / width).collect()
    };
    let bins = pool.len();
    assert_even("ports", places.iter().copied(), bins);
    let coarse: Vec<usize> = places.iter().map(|place| (place << 16) / bins).collect();
    assert_even(
        "ports, two in a row",
        pairs(&coarse, |port, bits| port >> (16 - bits), half).into_iter(),
        1 << (2 * half),
    );
}

/// Questions that come together leave together, at most 32 through one port, and each with an id of its own: whoever hits the port has as much
/// to guess for one of them as if it were alone.
#[tokio::test]
async fn off_path_questions_that_share_a_port_share_no_id() {
    let upstream = Upstream::start();
    let region = region(&upstream, "{forward_tries: 1}").await;
    let seen = forwarded(region.dns(), &upstream, 10_000, 64);
    // By chance two sockets in a row have the same port, once in thousands: such a row is two, and is left out.
    let runs: Vec<_> = seen.chunk_by(|one, other| one.1 == other.1).collect();
    let rows: Vec<_> = runs.iter().filter(|run| run.len() <= 32).collect();
    assert!(rows.len() + 3 > runs.len(), "{} of {} rows have more than 32", runs.len() - rows.len(), runs.len());
    for row in rows {
        let ids: HashSet<u16> = row.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), row.len(), "{row:?}");
    }
}

/// Birthdays (CVE-2023-30464, CVE-2025-5994) with as many askers as there can be: whatever they send along, one question is
/// outstanding, and its answer is everybody's.
#[tokio::test]
async fn off_path_very_many_equal_questions_leave_one_outstanding() {
    let (connections, each) = if full() { (100, 1_000) } else { (20, 500) };
    let all = connections * usize::from(each);
    let upstream = Upstream::start();
    let limits = "{in_flight: 400000, tcp_in_flight: 2000, forward_tries: 1, forward_deadline: 10s}";
    let region = region(&upstream, limits).await;
    let mut asking = tokio::task::JoinSet::new();
    for connection in 0..connections {
        let mut conversation = Conversation::open(region.dns()).await.expect("somebody listens");
        asking.spawn(async move {
            let query = |id: u16| {
                // Client subnets made questions different for others.
                let mut query = Raw::new("held.example.com", A).rd().edns(512 + id);
                query = query.option(8, &[0, 1, 24, 0, 10, connection as u8, id as u8]);
                query.id = id;
                query.bytes()
            };
            let queries: Vec<Vec<u8>> = (0..each).map(query).collect();
            conversation.send_together(&queries.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
            let mut answered = 0;
            while answered < each {
                let Heard::Message(bytes) = conversation.receive(secs(120)).await else { panic!("an answer each") };
                let reply = Reply::read(&bytes);
                assert_eq!((reply.rcode(), reply.answers()), (0, 1), "{}", reply.message);
                answered += 1;
            }
            answered
        });
    }
    let waiting = || region.app().core().in_flight.taken();
    let come = eventually(secs(120), || async { waiting() >= all }).await;
    assert!(come, "{} of {all} wait", waiting());
    assert_eq!(region.counter("interlocal_fetches_in_flight").await, 1.0);
    assert_eq!(upstream.seen.held.lock().len(), 1, "the upstream was asked once");
    upstream.seen.release.store(true, Ordering::Relaxed);
    let mut answered = 0;
    while let Some(replies) = asking.join_next().await {
        answered += usize::from(replies.unwrap());
    }
    assert_eq!(answered, all);
    println!("{all} askers, one question");
}
