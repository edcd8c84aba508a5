//! A TCP relay before the API server, through which interlocal reaches it: connections can be cut, frozen and refused without a
//! word to the server, as networks and load balancers do. It passes octets, TLS included, and knows nothing of them.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What becomes of the connections that are open; those that come later are another matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    None,
    Cut,
    /// They stay open, and nothing passes any more.
    Freeze,
}

/// Dropping it closes its port and all connections.
pub struct Relay {
    address: SocketAddr,
    task: AbortHandle,
    orders: watch::Sender<Order>,
}

impl Relay {
    /// To this port of loopback.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (orders, seen) = watch::channel(Order::None);
        let task = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                tokio::spawn(pass(client, port, seen.clone()));
            }
        });
        Self { address, task: task.abort_handle(), orders }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Closes every connection; new ones are welcome.
    pub fn cut(&self) {
        self.orders.send_replace(Order::Cut);
    }

    /// Every connection is dead from now on, and nobody is told; new ones work.
    pub fn freeze(&self) {
        self.orders.send_replace(Order::Freeze);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, port: u16, mut orders: watch::Receiver<Order>) {
    orders.mark_unchanged();
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        // A relay that is gone is a cut too.
        _ = orders.changed() => {}
    }
    if *orders.borrow() == Order::Freeze {
        // Until the relay is gone. The sockets are open, and nobody reads them.
        while orders.changed().await.is_ok() {}
    }
}
