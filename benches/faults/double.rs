//! A server that does what a row tells it, at speed: UDP and TCP on one address, on the row's runtime. It answers every A
//! question; bytes only, so that nothing of what is measured helps to make the measure. It stops on drop.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::world::World;

/// What it answers unless a row says otherwise.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const TTL: u32 = 60;

/// What it was asked.
pub struct Query {
    pub bytes: Vec<u8>,
    /// In lower case, without the last dot.
    pub name: String,
    pub tcp: bool,
}

/// What it does about it, in this order.
pub enum Act {
    Send(Vec<u8>),
    Wait(Duration),
    /// TCP: reset the connection if no other question came meanwhile.
    ResetIfIdle,
}

pub type Script = dyn Fn(&Query) -> Vec<Act> + Send + Sync;

#[derive(Default)]
pub struct Counts {
    pub asked: AtomicU64,
    pub accepted: AtomicU64,
    pub open: AtomicI64,
    waiting: AtomicI64,
    pub most_waiting: AtomicI64,
    /// How often each name was asked for.
    pub names: Mutex<HashMap<String, u32>>,
}

pub struct Double {
    pub counts: Arc<Counts>,
    tasks: Vec<AbortHandle>,
}

impl Double {
    /// Answers everything with [`ADDRESS`], at once.
    pub fn plain(world: &World, address: &str) -> Self {
        Self::start(world, address, |query| vec![Act::Send(query.answer(ADDRESS, TTL))])
    }

    /// One that answers a connection one question at a time.
    pub fn serial(world: &World, address: &str, script: impl Fn(&Query) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with(world, address, true, script)
    }

    pub fn start(world: &World, address: &str, script: impl Fn(&Query) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with(world, address, false, script)
    }

    fn with(
        world: &World,
        address: &str,
        serial: bool,
        script: impl Fn(&Query) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        let counts: Arc<Counts> = Arc::default();
        let script: Arc<Script> = Arc::new(script);
        let (udp, tcp) = world
            .runtime
            .block_on(async { (UdpSocket::bind(address).await.unwrap(), TcpListener::bind(address).await.unwrap()) });
        let datagrams = serve_udp(Arc::new(udp), Arc::clone(&script), Arc::clone(&counts));
        let connections = serve_tcp(tcp, script, Arc::clone(&counts), serial);
        let tasks =
            vec![world.runtime.spawn(datagrams).abort_handle(), world.runtime.spawn(connections).abort_handle()];
        Self { counts, tasks }
    }

    pub fn asked(&self) -> u64 {
        self.counts.asked.load(Ordering::Relaxed)
    }

    pub fn accepted(&self) -> u64 {
        self.counts.accepted.load(Ordering::Relaxed)
    }

    /// The most often that one name was asked for, but for probes.
    pub fn most_for_one_name(&self) -> u32 {
        let names = self.counts.names.lock();
        names.iter().filter(|(name, _)| name.starts_with('n')).map(|(_, count)| *count).max().unwrap_or(0)
    }
}

impl Double {
    /// Counts names from now on.
    pub fn forget_names(&self) {
        self.counts.names.lock().clear();
    }

    /// The same for names with a number below this.
    pub fn most_for_one_name_below(&self, number: u32) -> u32 {
        let names = self.counts.names.lock();
        let below = |name: &str| {
            name.strip_prefix('n')
                .and_then(|rest| rest.split('.').next()?.parse::<u32>().ok())
                .is_some_and(|n| n < number)
        };
        names.iter().filter(|(name, _)| below(name)).map(|(_, count)| *count).max().unwrap_or(0)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Query {
    fn read(bytes: &[u8], tcp: bool) -> Option<Self> {
        let mut labels = Vec::new();
        let mut at = 12;
        loop {
            let length = usize::from(*bytes.get(at)?);
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(bytes.get(at + 1..at + 1 + length)?).to_ascii_lowercase());
            at += 1 + length;
        }
        Some(Self { bytes: bytes.to_vec(), name: labels.join("."), tcp })
    }

    /// Whether it is one of interlocal's own questions about its peer.
    pub fn is_probe(&self) -> bool {
        self.name.starts_with("_interlocal-")
    }

    /// Whether the question is for an A record.
    pub fn asks_a(&self) -> bool {
        let end = self.question_end();
        self.bytes.get(end - 4..end - 2) == Some(&[0, 1])
    }

    /// 17 of `n17.many.east.svc.cluster.local`.
    pub fn number(&self) -> u32 {
        let first = self.name.split('.').next().unwrap_or_default();
        first.trim_start_matches('n').parse().unwrap_or(0)
    }

    fn question_end(&self) -> usize {
        12 + self.bytes[12..].iter().position(|octet| *octet == 0).unwrap_or(0) + 5
    }

    fn header(&self, rcode: u8, answers: u8, authoritative: bool) -> Vec<u8> {
        let mut reply = self.bytes[..self.question_end()].to_vec();
        reply[2] = 0x81 | if authoritative { 4 } else { 0 };
        reply[3] = 0x80 | rcode;
        reply[6..12].copy_from_slice(&[0, answers, 0, 0, 0, 0]);
        reply
    }

    /// One A record.
    pub fn answer(&self, address: Ipv4Addr, ttl: u32) -> Vec<u8> {
        let mut reply = self.header(0, 1, false);
        reply.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1]);
        reply.extend_from_slice(&ttl.to_be_bytes());
        reply.extend_from_slice(&[0, 4]);
        reply.extend_from_slice(&address.octets());
        reply
    }

    /// No record but, with NXDOMAIN, the SOA of the root.
    pub fn empty(&self, rcode: u8, authoritative: bool) -> Vec<u8> {
        let mut reply = self.header(rcode, 0, authoritative);
        if rcode == 3 || rcode == 0 {
            reply[9] = 1;
            reply.extend_from_slice(&[0, 0, 6, 0, 1, 0, 0, 0, 30, 0, 22, 0, 0]);
            for field in [1u32, 7_200, 1_800, 86_400, 30] {
                reply.extend_from_slice(&field.to_be_bytes());
            }
        }
        reply
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, script: Arc<Script>, counts: Arc<Counts>) {
    let mut buffer = [0; 4_096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(query) = Query::read(&buffer[..length], false) else { continue };
        counts.note(&query);
        let acts = script(&query);
        if let [Act::Send(reply)] = &acts[..] {
            let _ = socket.try_send_to(reply, from);
            continue;
        }
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            for act in acts {
                match act {
                    Act::Send(reply) => drop(socket.send_to(&reply, from).await),
                    Act::Wait(time) => tokio::time::sleep(time).await,
                    Act::ResetIfIdle => {}
                }
            }
        });
    }
}

async fn serve_tcp(listener: TcpListener, script: Arc<Script>, counts: Arc<Counts>, serial: bool) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        counts.accepted.fetch_add(1, Ordering::Relaxed);
        let (script, counts) = (Arc::clone(&script), Arc::clone(&counts));
        connections.spawn(async move {
            counts.open.fetch_add(1, Ordering::Relaxed);
            let _ = converse(stream, script, &counts, serial).await;
            counts.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Answers go out in the order in which they are due, not in the order of the questions.
async fn converse(stream: TcpStream, script: Arc<Script>, counts: &Arc<Counts>, serial: bool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, writer) = stream.into_split();
    let (out, replies) = mpsc::unbounded_channel();
    let (hang_up, mut hung_up) = mpsc::channel::<()>(1);
    let writing = tokio::spawn(write(writer, replies));
    let nth = Arc::new(AtomicU64::new(0));
    let mut buffer = Vec::new();
    loop {
        while let Some(message) = next_message(&mut buffer) {
            let Some(query) = Query::read(&message, true) else { continue };
            counts.note(&query);
            let mine = nth.fetch_add(1, Ordering::Relaxed) + 1;
            let acts = script(&query);
            if let [Act::Send(reply)] = &acts[..] {
                let _ = out.send(framed(reply));
                continue;
            }
            let (out, hang_up, nth, counts) = (out.clone(), hang_up.clone(), Arc::clone(&nth), Arc::clone(counts));
            let acting = tokio::spawn(async move {
                counts.begin();
                for act in acts {
                    match act {
                        Act::Send(reply) => drop(out.send(framed(&reply))),
                        Act::Wait(time) => tokio::time::sleep(time).await,
                        Act::ResetIfIdle if nth.load(Ordering::Relaxed) == mine => drop(hang_up.try_send(())),
                        Act::ResetIfIdle => {}
                    }
                }
                counts.waiting.fetch_sub(1, Ordering::Relaxed);
            });
            if serial {
                let _ = acting.await;
            }
        }
        tokio::select! {
            read = reader.read_buf(&mut buffer) => if read? == 0 { return Ok(()) },
            _ = hung_up.recv() => {
                // What is under way is written first: only an idle connection is reset.
                let _ = out.send(Vec::new());
                let _ = writing.await;
                socket2::SockRef::from(reader.as_ref()).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
        }
    }
}

/// Until there is nothing more to come, or an empty message.
async fn write(mut writer: OwnedWriteHalf, mut replies: mpsc::UnboundedReceiver<Vec<u8>>) -> std::io::Result<()> {
    while let Some(mut bytes) = replies.recv().await {
        if bytes.is_empty() {
            break;
        }
        let mut last = false;
        while let Ok(more) = replies.try_recv() {
            last |= more.is_empty();
            bytes.extend_from_slice(&more);
        }
        writer.write_all(&bytes).await?;
        if last {
            break;
        }
    }
    Ok(())
}

fn next_message(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let [high, low, ..] = buffer[..] else { return None };
    let end = 2 + usize::from(u16::from_be_bytes([high, low]));
    if buffer.len() < end {
        return None;
    }
    let message = buffer[2..end].to_vec();
    buffer.drain(..end);
    Some(message)
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    bytes
}

impl Counts {
    fn note(&self, query: &Query) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        *self.names.lock().entry(query.name.clone()).or_default() += 1;
    }

    fn begin(&self) {
        let now = 1 + self.waiting.fetch_add(1, Ordering::Relaxed);
        self.most_waiting.fetch_max(now, Ordering::Relaxed);
    }
}
