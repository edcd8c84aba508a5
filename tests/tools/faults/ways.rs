//! What is in the way between two regions: nobody there, a firewall, a load balancer without targets. F34 and the checks' half of
//! F1: each address of each row is asked, and each way to fail has its own words.

use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::server::ScriptServer;

use super::world::{Place, World, found, row};

/// A listener that takes no connection any more: the kernel drops what comes, as a firewall does.
struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        socket.listen(0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        let patience = std::time::Duration::from_millis(300);
        // One more than there is room for is not taken.
        while let Ok(stream) = TcpStream::connect_timeout(&address, patience) {
            waiting.push(stream);
            assert!(waiting.len() < 16, "the backlog has no end");
        }
        Self { address, _listener: listener, _waiting: waiting }
    }
}

/// Planted fault 2.
#[tokio::test]
async fn a_port_that_is_blocked() {
    let (world, east, west) = (World::new(), Place::new("east"), BlackHole::new());
    world.table(&[row("east", east.peers()), row("west", west.address)]);
    let _running = world.serve_ready(&east).await;
    found(&world.check(&east, &[]).await, "port-blocked", "connect timed out");
}

/// F34: a firewall list that forgets a port is told from a server that is down and from one that cuts.
#[tokio::test]
async fn f34_refused_timed_out_and_reset_are_told_apart() {
    let (world, east, dark) = (World::new(), Place::new("east"), BlackHole::new());
    let cutting = ScriptServer::start();
    cutting.refuse_connections(true);
    let mute = ScriptServer::start();
    mute.on_any().drop_query();
    let nobody = Place::new("nobody").peers();
    let rows = [
        row("east", east.peers()),
        row("cutting", cutting.address()),
        row("dark", dark.address),
        row("mute", mute.address()),
        row("refusing", nobody),
    ];
    world.table(&rows);
    let _running = world.serve_ready(&east).await;
    let ended = world.check(&east, &["-o", "short"]).await;
    for (region, words) in [
        // Before the question was written, or behind it.
        ("cutting", "connection reset"),
        ("cutting", "(in cutting: look at the health checks"),
        ("dark", "connect timed out (allow TCP port"),
        ("mute", "connected, and no answer (correct port"),
        ("refusing", "connection refused (in refusing: is the instance up"),
    ] {
        let line = ended.stdout.lines().find(|line| line.contains(&format!("peers: {region} "))).unwrap_or_default();
        assert!(line.contains(words), "{region}: {line}\n{}", ended.stdout);
    }
}

/// F1: an address that was pasted from `dig` once, and has moved since.
#[tokio::test]
async fn f1_an_address_that_has_moved() {
    let (world, east, west) = (World::new(), Place::new("east"), Place::new("west"));
    let before = Place::new("before").peers();
    world.table(&[row("east", east.peers()), row("west", before)]);
    let _running = (world.serve_ready(&east).await, world.serve_ready(&west).await);
    let ended = world.check(&east, &["-o", "short"]).await;
    let line = format!("✖ peers: west {before}: connection refused");
    assert!(ended.stdout.contains(&line), "{}", ended.stdout);
}
