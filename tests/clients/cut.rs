//! Connections that the network forgets without a word, as a load balancer does with idle ones: the first packet on one is
//! answered by a reset. No question may be lost to it, and none be sent more than twice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{PATIENCE, own_stamp, question, region, settings};
use crate::support::ms;
use crate::support::wait::eventually;

/// A server that answers NXDOMAIN after a short while, over a network that forgets.
#[derive(Default)]
struct Forgetful {
    /// One for each connection: true, and it is forgotten.
    connections: Mutex<Vec<Arc<AtomicBool>>>,
    /// How often each question came, by its bytes behind the header.
    seen: Mutex<HashMap<Vec<u8>, usize>>,
}

impl Forgetful {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), Arc::new(Self::default()));
        let serving = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let forgotten = Arc::<AtomicBool>::default();
                serving.connections.lock().push(Arc::clone(&forgotten));
                tokio::spawn(Arc::clone(&serving).converse(stream, forgotten));
            }
        });
        (server, address)
    }

    fn forget_all(&self) {
        self.connections.lock().iter().for_each(|one| one.store(true, Relaxed));
    }

    fn connections(&self) -> usize {
        self.connections.lock().len()
    }

    async fn converse(self: Arc<Self>, mut stream: TcpStream, forgotten: Arc<AtomicBool>) {
        while let Ok(length) = stream.read_u16().await {
            let mut message = vec![0; usize::from(length)];
            if stream.read_exact(&mut message).await.is_err() {
                return;
            }
            *self.seen.lock().entry(message[12..].to_vec()).or_default() += 1;
            if forgotten.load(Relaxed) {
                stream.set_zero_linger().unwrap();
                return;
            }
            tokio::time::sleep(ms(5)).await;
            (message[2], message[3]) = (0x81, 0x83);
            let mut frame = length.to_be_bytes().to_vec();
            frame.extend_from_slice(&message);
            if stream.write_all(&frame).await.is_err() {
                return;
            }
        }
    }
}

async fn burst(client: &Arc<interlocal::peer::RegionClient>, tag: &str, size: usize) {
    let ask = |n: usize| {
        let (client, name) = (Arc::clone(client), format!("n{n}.{tag}.east.svc.cluster.local"));
        tokio::spawn(async move { client.ask(&question(&name), &own_stamp()).await })
    };
    let asked: Vec<_> = (0..size).map(ask).collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn forgotten_connections_cost_no_question() {
    let (server, address) = Forgetful::start().await;
    let client = region(&[address], settings());
    burst(&client, "warm", 10).await;
    assert!(eventually(PATIENCE, || async { server.connections() == 2 }).await, "a second one for many questions");
    for round in 0..20 {
        server.forget_all();
        burst(&client, &format!("r{round}"), if round % 2 == 0 { 40 } else { 1 }).await;
    }
    let most = server.seen.lock().values().copied().max();
    assert!(most <= Some(2), "sent {most:?} times");
    assert_eq!(client.snapshot().addresses[0].timeouts, 0);
}
