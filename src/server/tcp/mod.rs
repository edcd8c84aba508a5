//! The TCP half of a door: one task accepts, one task serves each connection. Connections are bounded, and a full file table
//! is waited out, not spun on.

mod buffers;
mod connection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::connection::Connection;
use super::core::{Core, Counters};
use super::finish::sharing;
use super::permits::{Full, Permits};
use crate::route::Door;
use crate::tls::Acceptor;

/// After an accept error: until a descriptor may be free again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the kernel keeps of answers that it cannot send yet: it would be megabytes, and they count as the container's.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 16 << 10;

/// Accepts connections until told to stop, and serves each in a task of its own, behind a handshake if there is an acceptor.
pub async fn serve(
    core: Arc<Core>,
    door: Door,
    listener: TcpListener,
    tls: Option<Arc<Acceptor>>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let open = Permits::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let (stream, from): (_, SocketAddr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                Counters::add(&core.counters.accept_errors);
                tracing::debug!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let config = Arc::clone(&core.routing.load().config);
        let permit = match open.take(sharing(door, from.ip()), config.limits.tcp_connections) {
            Ok(permit) => permit,
            Err(full) => {
                Counters::add(match full {
                    Full::All => &core.counters.tcp_refused,
                    Full::Client => &core.counters.client_connections,
                });
                continue;
            }
        };
        // Without this, answers that leave one by one wait for the client's delayed acknowledgements.
        let _ = stream.set_nodelay(true);
        keep_unsent_small(&stream);
        let handshake = config.limits.tls_handshake;
        let connection = Connection::new(Arc::clone(&core), door, from, config);
        let (stop, tls) = (stop.clone(), tls.clone());
        // A future has room for all that it may come to: whoever speaks in clear text is not to pay for TLS.
        // The permit is held from the start: a handshake takes a place like any connection.
        match tls {
            None => {
                let served = connection.run(stream, stop);
                tasks.spawn(async move {
                    served.await;
                    drop(permit);
                })
            }
            Some(tls) => tasks.spawn(async move {
                tokio::select! {
                    shaken = tls.accept(stream, handshake) => match shaken {
                        Ok(stream) => connection.run(stream, stop).await,
                        Err(fault) => tracing::debug!(%from, ?fault, "TLS handshake failed"),
                    },
                    // Nobody has asked anything yet.
                    () = stop.cancelled() => {}
                }
                drop(permit);
            }),
        };
    }
}

fn keep_unsent_small(stream: &TcpStream) {
    // Without it answers go out all the same.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
}
