//! TLS under a TCP connection (DNS over TLS, RFC 7858): certificate files become rustls' configurations, and a handshake that fails
//! becomes one cause in words. It opens no socket, watches no file, and knows nothing of DNS but its ALPN name.

mod acceptor;
mod client;
mod expiry;
mod fault;
mod files;
mod kept;
mod last_word;
mod name;

pub use acceptor::{Acceptor, ServerFiles, ServerStream};
pub use client::{Client, ClientFiles, ClientStream};
pub use expiry::End;
pub use fault::{ClientFault, ServerFault};
pub use files::{FileError, Flaw, Role};
pub use kept::Outcome;
pub use last_word::LastWord;
pub use name::PeerName;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The name of DNS over TLS among the protocols of one port (RFC 7858 asks for none; IANA's registry has "dot").
const ALPN: &[u8] = b"dot";

/// ring, named wherever a configuration is made, so that no other part of the program can put another one in its place.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
