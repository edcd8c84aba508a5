//! DNS over TLS in front of a server that speaks TCP: it takes TLS off and passes octets on, both ways, and knows nothing of DNS.

use std::net::SocketAddr;
use std::sync::Arc;

use interlocal::tls::{Acceptor, Outcome, ServerFiles};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::secs;

/// Dropping it lets nobody in any more.
pub struct TlsFront {
    address: SocketAddr,
    acceptor: Arc<Acceptor>,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// On a free port of 127.0.0.1, with these certificates.
    pub async fn start(files: &ServerFiles, target: SocketAddr) -> Self {
        let acceptor = Arc::new(Acceptor::new());
        assert_eq!(acceptor.reload(files), Outcome::Taken);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(serve(listener, Arc::clone(&acceptor), target));
        Self { address, acceptor, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Clients that were let in.
    pub fn accepted(&self) -> u64 {
        self.acceptor.accepted()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: Arc<Acceptor>, target: SocketAddr) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = Arc::clone(&acceptor);
        tokio::spawn(async move {
            let Ok(mut client) = acceptor.accept(stream, secs(20)).await else { return };
            let Ok(mut server) = TcpStream::connect(target).await else { return };
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}
