//! Sockets for the doors: which addresses a `listen` entry means, whether somebody else is there already, and the options of
//! each socket. Everything is bound before anything is served.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::config::Listen;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;
/// Asked of the kernel for each UDP socket, both ways: bursts wait there while a worker is busy. It gives what it allows.
const UDP_BUFFER: usize = 4 << 20;
/// Tries to find one port that is free for UDP and for TCP, when any port will do.
const PORT_TRIES: usize = 32;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen on {address} ({protocol}): {why}")]
    Address { address: SocketAddr, protocol: &'static str, why: String },
    #[error("cannot listen on port {port}: the machine has neither IPv4 nor IPv6")]
    NoFamily { port: u16 },
    #[error("cannot listen on unix:{path}: {why}")]
    Unix { path: PathBuf, why: String },
}

/// The sockets of one address: the same port for both protocols.
#[derive(Debug)]
pub struct Bound {
    pub address: SocketAddr,
    /// One for each worker, in one reuse group.
    pub udp: Vec<UdpSocket>,
    pub tcp: TcpListener,
}

/// Binds every address of a `listen` entry, with this many UDP sockets each. A port without an address is both families, and a
/// family that the machine does not have is skipped, and said.
///
/// # Errors
/// If an address is taken, or is not ours, or no family is left.
pub fn bind(listen: Listen, udp_sockets: usize) -> Result<Vec<Bound>, BindError> {
    match listen {
        Listen::Address(address) => Ok(vec![bind_address(address, udp_sockets)?]),
        Listen::Port(port) => {
            let mut bound: Vec<Bound> = Vec::new();
            for address in [SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), (Ipv6Addr::UNSPECIFIED, port).into()] {
                if has_family(address) {
                    bound.push(bind_address(address, udp_sockets)?);
                } else {
                    tracing::warn!(%address, "address family not available on this machine, not listening on it");
                }
            }
            if bound.is_empty() { Err(BindError::NoFamily { port }) } else { Ok(bound) }
        }
    }
}

/// Binds a TCP listener alone, for HTTP.
///
/// # Errors
/// As [`bind`].
pub fn bind_tcp(listen: Listen) -> Result<Vec<TcpListener>, BindError> {
    let addresses = match listen {
        Listen::Address(address) => vec![address],
        Listen::Port(port) => [SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), (Ipv6Addr::UNSPECIFIED, port).into()]
            .into_iter()
            .filter(|address| has_family(*address))
            .collect(),
    };
    addresses.into_iter().map(|address| tcp_listener(address).map_err(|error| failed(address, "TCP", &error))).collect()
}

fn has_family(address: SocketAddr) -> bool {
    Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)).is_ok()
}

fn bind_address(address: SocketAddr, udp_sockets: usize) -> Result<Bound, BindError> {
    let tries = if address.port() == 0 { PORT_TRIES } else { 1 };
    let mut result = Err(BindError::NoFamily { port: address.port() });
    for _ in 0..tries {
        result = try_address(address, udp_sockets);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn try_address(address: SocketAddr, udp_sockets: usize) -> Result<Bound, BindError> {
    let tcp = tcp_listener(address).map_err(|error| failed(address, "TCP", &error))?;
    let address = tcp.local_addr().map_err(|error| failed(address, "TCP", &error))?;
    let udp_failed = |error: io::Error| failed(address, "UDP", &error);
    // Sockets with SO_REUSEPORT would silently share the port with another process of our user: the trial bind has neither
    // SO_REUSEADDR nor SO_REUSEPORT, so it finds whoever is there.
    drop(udp_socket(address, false).map_err(udp_failed)?);
    let sockets: io::Result<Vec<UdpSocket>> = (0..udp_sockets).map(|_| udp_socket(address, true)).collect();
    Ok(Bound { address, udp: sockets.map_err(udp_failed)?, tcp })
}

fn tcp_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn udp_socket(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
        // The kernel caps these at net.core.rmem_max and wmem_max; less room is no reason not to serve.
        let _ = socket.set_recv_buffer_size(UDP_BUFFER);
        let _ = socket.set_send_buffer_size(UDP_BUFFER);
    }
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

fn failed(address: SocketAddr, protocol: &'static str, error: &io::Error) -> BindError {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need CAP_NET_BIND_SERVICE, or net.ipv4.ip_unprivileged_port_start at most this port"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "the machine does not have this address".to_owned(),
        _ => error.to_string(),
    };
    BindError::Address { address, protocol, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> Listen {
        Listen::Address((Ipv4Addr::LOCALHOST, port).into())
    }

    #[test]
    fn any_port_is_the_same_for_both_protocols() {
        let bound = bind(loopback(0), 2).expect("loopback is there");
        assert_eq!(bound[0].udp.len(), 2);
        for socket in &bound[0].udp {
            assert_eq!(socket.local_addr().ok(), Some(bound[0].address));
        }
    }

    #[test]
    fn another_process_on_the_port_is_found_for_each_protocol() {
        let first = bind(loopback(0), 1).expect("loopback is there");
        let port = first[0].address.port();
        let error = bind(loopback(port), 1).expect_err("taken").to_string();
        assert_eq!(error, format!("cannot listen on 127.0.0.1:{port} (TCP): another process listens there"));
        let [Bound { udp, tcp, .. }] = first.try_into().expect("one address");
        drop(tcp);
        let error = bind(loopback(port), 1).expect_err("taken").to_string();
        assert_eq!(error, format!("cannot listen on 127.0.0.1:{port} (UDP): another process listens there"));
        drop(udp);
        bind(loopback(port), 1).expect("free again");
    }

    #[test]
    fn a_port_alone_is_both_families() {
        for bound in bind(Listen::Port(0), 1).expect("some family is there") {
            assert!(bound.address.ip().is_unspecified());
        }
    }
}
