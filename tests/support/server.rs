//! A DNS server that does what a test tells it: UDP and TCP on one loopback port, on a thread and a runtime of its own,
//! so that a test may block, or run on paused time, while it answers. It stops, and its sockets close, on drop.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use super::name;
use super::rule::{Book, Rule};
use super::script::{Asked, Ending, Reaction, Script, Transport, react_to_garbage};

/// One query as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub bytes: Vec<u8>,
    /// None when hickory cannot read it.
    pub message: Option<Message>,
    pub transport: Transport,
    pub source: SocketAddr,
    /// Which TCP connection, counted from 1 in the order of accepting; none over UDP.
    pub connection: Option<usize>,
}

pub struct ScriptServer {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    /// The newest last.
    scripts: Mutex<Vec<Script>>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<Connections>,
    /// Every open connection is to end now.
    hang_up: Notify,
}

#[derive(Default)]
struct Connections {
    accepted: usize,
    open: HashSet<usize>,
    /// New ones are reset at once.
    refuse: bool,
    /// The next query of a connection is read when the one before is answered.
    one_at_a_time: bool,
}

impl ScriptServer {
    /// On a free port of 127.0.0.1. Until a rule says otherwise it answers NXDOMAIN with an SOA.
    pub fn start() -> Self {
        Self::start_on(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
    }

    /// On this address; port 0 is a port that is free for both transports.
    pub fn start_on(address: SocketAddr) -> Self {
        let (udp, tcp) = bind_both(address).unwrap_or_else(|error| panic!("cannot listen on {address}: {error}"));
        let address = tcp.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&state);
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let udp = Arc::new(UdpSocket::from_std(udp).unwrap());
                let tcp = TcpListener::from_std(tcp).unwrap();
                tokio::select! {
                    () = serve_udp(udp, Arc::clone(&served)) => {}
                    () = serve_tcp(tcp, served) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("script-server".into()).spawn(serve).unwrap();
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For questions of this name and type. The newest rule that takes a question has it.
    pub fn on(&self, asked: &str, rtype: RecordType) -> Rule<'_> {
        self.rule(Asked::Exactly(name(asked), rtype))
    }

    /// For this name, whatever the type.
    pub fn on_name(&self, asked: &str) -> Rule<'_> {
        self.rule(Asked::Name(name(asked)))
    }

    /// For a zone: its apex and all names below it.
    pub fn on_zone(&self, zone: &str) -> Rule<'_> {
        self.rule(Asked::Under(name(zone)))
    }

    /// For every question: before all older rules, behind all newer ones.
    pub fn on_any(&self) -> Rule<'_> {
        self.rule(Asked::Anything)
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.state.scripts.lock().clear();
    }

    /// New TCP connections are reset as soon as they are accepted; open ones stay.
    pub fn refuse_connections(&self, refuse: bool) {
        self.state.connections.lock().refuse = refuse;
    }

    /// Like a server that answers a connection one query at a time.
    pub fn one_at_a_time(&self, one: bool) {
        self.state.connections.lock().one_at_a_time = one;
    }

    /// Closes every open connection, idle or not.
    pub fn hang_up(&self) {
        self.state.hang_up.notify_waiters();
    }

    /// All queries in the order they were read, whatever became of them.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().clone()
    }

    /// How often this question came.
    pub fn count(&self, asked: &str, rtype: RecordType) -> usize {
        let asked = Asked::Exactly(name(asked), rtype);
        let is_it = |query: &&Received| query.message.as_ref().is_some_and(|message| asked.covers(message));
        self.state.received.lock().iter().filter(is_it).count()
    }

    /// Empties the list of queries; the counts of connections go on.
    pub fn forget(&self) {
        self.state.received.lock().clear();
    }

    /// TCP connections accepted since the start, refused ones too.
    pub fn connections(&self) -> usize {
        self.state.connections.lock().accepted
    }

    pub fn open_connections(&self) -> usize {
        self.state.connections.lock().open.len()
    }

    fn rule(&self, asked: Asked) -> Rule<'_> {
        Rule::new(Script::new(asked), &*self.state)
    }
}

impl Drop for ScriptServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the script server on {} failed: see its message above", self.address);
        }
    }
}

impl Book for State {
    fn enter(&self, script: Script) {
        self.scripts.lock().push(script);
    }
}

impl State {
    /// Writes the query down and decides.
    fn take(&self, bytes: &[u8], transport: Transport, source: SocketAddr, connection: Option<usize>) -> Reaction {
        let message = Message::from_vec(bytes).ok();
        let received = Received { bytes: bytes.to_vec(), message: message.clone(), transport, source, connection };
        self.received.lock().push(received);
        let Some(query) = message else { return react_to_garbage(bytes) };
        let mut scripts = self.scripts.lock();
        match scripts.iter_mut().rev().find(|script| script.takes(&query, transport)) {
            None => Script::nxdomain().react(&query, transport),
            Some(script) => {
                script.left = script.left.map(|left| left - 1);
                script.react(&query, transport)
            }
        }
    }
}

fn bind_both(address: SocketAddr) -> io::Result<(std::net::UdpSocket, std::net::TcpListener)> {
    // A port that is free for TCP may be taken for UDP; another one is free soon.
    let mut tries = if address.port() == 0 { 64 } else { 1 };
    loop {
        let tcp = std::net::TcpListener::bind(address)?;
        tries -= 1;
        match std::net::UdpSocket::bind(tcp.local_addr()?) {
            Err(_) if tries > 0 => {}
            Err(error) => return Err(error),
            Ok(udp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                return Ok((udp, tcp));
            }
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, state: Arc<State>) {
    let mut buffer = vec![0; 65_535];
    loop {
        // An error here is the ICMP answer to an earlier datagram: its asker is gone.
        let Ok((length, source)) = socket.recv_from(&mut buffer).await else { continue };
        let reaction = state.take(&buffer[..length], Transport::Udp, source, None);
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            sleep(reaction.delay).await;
            let socket = if reaction.other_port {
                Arc::new(UdpSocket::bind((socket.local_addr().unwrap().ip(), 0)).await.unwrap())
            } else {
                socket
            };
            // Endings are about connections; a datagram that was not to be answered is silence.
            let answered = matches!(reaction.ending, None | Some(Ending::CloseAfterAnswer));
            for bytes in reaction.sends.iter().filter(|_| answered) {
                // The asker may be gone.
                let _ = socket.send_to(bytes, source).await;
            }
        });
    }
}

async fn serve_tcp(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, source)) = listener.accept().await else { continue };
        let (number, refused) = {
            let mut connections = state.connections.lock();
            connections.accepted += 1;
            let (number, refused) = (connections.accepted, connections.refuse);
            if !refused {
                connections.open.insert(number);
            }
            (number, refused)
        };
        if refused {
            stream.set_zero_linger().unwrap();
            continue;
        }
        stream.set_nodelay(true).unwrap();
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            converse(stream, source, number, &state).await;
            state.connections.lock().open.remove(&number);
        });
    }
}

/// The half of a connection that answers are written to, by whoever has one ready; none once the conversation is over.
type Writer = Arc<tokio::sync::Mutex<Option<OwnedWriteHalf>>>;

/// Reads queries until the client goes, a rule ends the conversation, or the server hangs up.
async fn converse(stream: TcpStream, source: SocketAddr, number: usize, state: &Arc<State>) {
    let (mut reader, writer) = stream.into_split();
    let writer: Writer = Arc::new(tokio::sync::Mutex::new(Some(writer)));
    let over = Arc::new(Notify::new());
    let reading = async {
        while let Some(query) = read_message(&mut reader).await {
            let reaction = state.take(&query, Transport::Tcp, source, Some(number));
            let answering = answer(reaction, Arc::clone(&writer), Arc::clone(&over));
            if state.connections.lock().one_at_a_time {
                answering.await;
            } else {
                tokio::spawn(answering);
            }
        }
        // The client has said all it will; what is on its way still goes out.
        while Arc::strong_count(&writer) > 1 {
            sleep(super::ms(5)).await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = over.notified() => {}
        () = state.hang_up.notified() => {}
    }
    // Answers that are still delayed find no writer: the client sees the end now. After a reset there is none either.
    drop(writer.lock().await.take());
}

async fn answer(reaction: Reaction, writer: Writer, over: Arc<Notify>) {
    sleep(reaction.delay).await;
    let mut writer = writer.lock().await;
    let Some(half) = writer.as_mut() else { return };
    let frames = reaction.sends.iter().map(|bytes| framed(bytes));
    // The client may be gone: a write that fails is its loss.
    match reaction.ending {
        None | Some(Ending::CloseAfterAnswer) => {
            for frame in frames {
                let _ = half.write_all(&frame).await;
            }
        }
        Some(Ending::CloseHalfWay) => {
            for frame in frames {
                let _ = half.write_all(&frame[..2 + (frame.len() - 2) / 2]).await;
            }
        }
        Some(Ending::Close) => {}
        Some(Ending::Reset) => {
            half.as_ref().set_zero_linger().unwrap();
            // Dropping it would say goodbye (FIN) before the reset.
            writer.take().expect("it was there above").forget();
        }
    }
    if reaction.ending.is_some() {
        over.notify_one();
    }
}

/// The length goes before the message (RFC 1035 4.2.2).
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a script's message fits in 64 KiB");
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    frame
}

async fn read_message(reader: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = reader.read_u16().await.ok()?;
    let mut message = vec![0; usize::from(length)];
    reader.read_exact(&mut message).await.ok()?;
    Some(message)
}
