//! A balancer on loopback that follows readiness, as a ClusterIP and a load balancer do: it asks each target's `/ready`, gives new
//! connections and datagrams to those that say yes, in turns, and leaves connections that are open where they are. It knows
//! nothing of DNS: it changes, delays and repeats nothing.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};

use super::wait::eventually;
use super::{http, ms, secs};

/// How often each target is asked.
const FOLLOW: Duration = ms(20);
/// Who does not answer for so long is taken for what it was: the machine is slow, and not the target.
const PATIENCE: Duration = secs(2);
/// Longer than any client of ours waits for an answer.
const IDLE: Duration = secs(6);
/// Flows to remember before the ended ones are forgotten.
const FLOWS: usize = 256;

/// Who may be given questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub dns: SocketAddr,
    pub ready: SocketAddr,
}

/// Dropping it ends it and every connection through it.
pub struct Balancer {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    targets: Mutex<Vec<Target>>,
    ready: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
    unserved: AtomicUsize,
    led: Mutex<HashMap<SocketAddr, SocketAddr>>,
}

/// The datagrams of one client, as long as its target is ready.
struct Flow {
    target: SocketAddr,
    socket: Arc<UdpSocket>,
    replies: tokio::task::JoinHandle<()>,
}

impl Balancer {
    /// On this address, over UDP and TCP; nobody is behind it yet.
    pub fn start(address: SocketAddr) -> Self {
        let tcp = std::net::TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let address = tcp.local_addr().unwrap();
        let udp = std::net::UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let udp = Arc::new(UdpSocket::from_std(udp).unwrap());
                let tcp = TcpListener::from_std(tcp).unwrap();
                tokio::select! {
                    () = follow(&shared) => {}
                    () = serve_udp(udp, &shared) => {}
                    () = serve_tcp(tcp, &shared) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("balancer".into()).spawn(serve).unwrap();
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on these, and no others.
    pub fn set_targets(&self, targets: Vec<Target>) {
        self.state.ready.lock().retain(|ready| targets.iter().any(|target| target.dns == *ready));
        *self.state.targets.lock() = targets;
    }

    /// Who is given questions now.
    pub fn ready(&self) -> Vec<SocketAddr> {
        self.state.ready.lock().clone()
    }

    /// Waits until exactly these are given questions.
    pub async fn until_ready(&self, expected: &[SocketAddr]) {
        let wanted = |ready: Vec<SocketAddr>| {
            ready.len() == expected.len() && expected.iter().all(|address| ready.contains(address))
        };
        let there = eventually(secs(60), || async { wanted(self.ready()) });
        assert!(there.await, "ready are {:?} and not {expected:?}", self.ready());
    }

    /// Where the datagrams of this client went last.
    pub fn led_to(&self, client: SocketAddr) -> Option<SocketAddr> {
        self.state.led.lock().get(&client).copied()
    }

    /// Datagrams and connections that came while nobody was ready.
    pub fn unserved(&self) -> usize {
        self.state.unserved.load(Ordering::Relaxed)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl State {
    fn is_ready(&self, address: SocketAddr) -> bool {
        self.ready.lock().contains(&address)
    }

    /// The next one in turn.
    fn choose(&self) -> Option<SocketAddr> {
        let ready = self.ready.lock();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let chosen = ready.get(turn.checked_rem(ready.len())?).copied();
        drop(ready);
        chosen
    }

    fn look(&self, target: Target, is_ready: bool) {
        // It may have been taken away while it was asked.
        let targets = self.targets.lock();
        let mut ready = self.ready.lock();
        ready.retain(|address| *address != target.dns);
        if is_ready && targets.contains(&target) {
            ready.push(target.dns);
        }
    }
}

async fn follow(state: &State) {
    loop {
        let targets = state.targets.lock().clone();
        for target in targets {
            if let Ok(page) = timeout(PATIENCE, http::get(target.ready, "/ready")).await {
                let is_ready = matches!(page, Some((200, _)));
                if is_ready != state.is_ready(target.dns) {
                    state.look(target, is_ready);
                }
            }
        }
        sleep(FOLLOW).await;
    }
}

async fn serve_udp(clients: Arc<UdpSocket>, state: &State) {
    let mut flows: HashMap<SocketAddr, Flow> = HashMap::new();
    let mut buffer = vec![0; 65_535];
    loop {
        // An error is the ICMP answer to an earlier reply: its client is gone.
        let Ok((length, client)) = clients.recv_from(&mut buffer).await else { continue };
        let known = flows.get(&client).filter(|flow| state.is_ready(flow.target) && !flow.replies.is_finished());
        let socket = match known {
            Some(flow) => Arc::clone(&flow.socket),
            None => {
                let Some(target) = state.choose() else {
                    state.unserved.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                if flows.len() > FLOWS {
                    flows.retain(|_, flow| !flow.replies.is_finished());
                }
                let socket = Arc::new(connected(clients.local_addr().unwrap().ip(), target).await);
                let replies = tokio::spawn(carry_back(Arc::clone(&socket), Arc::clone(&clients), client));
                state.led.lock().insert(client, target);
                flows.insert(client, Flow { target, socket: Arc::clone(&socket), replies });
                socket
            }
        };
        // A target that is gone shows in `carry_back`.
        let _ = socket.send(&buffer[..length]).await;
    }
}

async fn connected(from: IpAddr, to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((from, 0)).await.unwrap();
    socket.connect(to).await.unwrap();
    socket
}

async fn carry_back(socket: Arc<UdpSocket>, clients: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; 65_535];
    while let Ok(Ok(length)) = timeout(IDLE, socket.recv(&mut buffer)).await {
        let _ = clients.send_to(&buffer[..length], client).await;
    }
}

async fn serve_tcp(listener: TcpListener, state: &State) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let Some(target) = state.choose() else {
            state.unserved.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        tokio::spawn(async move {
            // Who cannot be connected to shows to the client as a connection that ends.
            if let Ok(server) = TcpStream::connect(target).await {
                pass(client, server).await;
            }
        });
    }
}

/// Both ways until both sides have said all. The end of one side is told to the other as what it was, a goodbye or a reset; what is
/// sent to a side that has ended is swallowed, and what that makes of it comes back.
async fn pass(client: TcpStream, server: TcpStream) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let reset = Notify::new();
    let up = async {
        let mut buffer = vec![0; 16_384];
        let mut open = true;
        loop {
            let read = tokio::select! {
                read = from_client.read(&mut buffer) => read,
                () = reset.notified() => return,
            };
            let Ok(length @ 1..) = read else { break };
            open = open && to_server.write_all(&buffer[..length]).await.is_ok();
        }
        let _ = to_server.shutdown().await;
    };
    let down = async {
        if tokio::io::copy(&mut from_server, &mut to_client).await.is_ok() {
            let _ = to_client.shutdown().await;
        } else {
            // Closed without lingering it is a reset; the other half has to go too.
            let _ = to_client.as_ref().set_zero_linger();
            to_client.forget();
            reset.notify_one();
        }
    };
    tokio::join!(up, down);
}
