//! The server's side: files to a configuration, and the handshake with a client, counted if it fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::expiry::{End, of_chain};
use super::fault::ServerFault;
use super::files::{FileError, Flaw, Role, Text, digest, identity, refused};
use super::kept::{Kept, Outcome};
use super::{ALPN, provider};

/// A connection to a client that was let in.
pub type ServerStream<S> = tokio_rustls::server::TlsStream<S>;

/// Which files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who vouches for clients; none: clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// The certificate's file, its key's, and that of the clients' CA.
type Read<'p> = (Text<'p>, Text<'p>, Option<Text<'p>>);

/// A configuration, and when its certificates end.
type Made = (Arc<ServerConfig>, Vec<End>);

/// What the files make, kept while newer ones are wrong.
pub struct Acceptor {
    /// All of it is swapped, not the certificate alone: sessions of clients that an older CA let in are not taken up again.
    kept: Kept<Made>,
    accepted: AtomicU64,
    failures: [AtomicU64; ServerFault::ALL.len()],
}

impl Default for Acceptor {
    fn default() -> Self {
        Self::new()
    }
}

impl Acceptor {
    /// Without files, until [`Acceptor::reload`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            kept: Kept::new(),
            accepted: AtomicU64::default(),
            failures: std::array::from_fn(|_| AtomicU64::default()),
        }
    }

    /// Reads these files. What they are counts for handshakes from now on.
    pub fn reload(&self, files: &ServerFiles) -> Outcome {
        let texts = |(certificate, key, client_ca): &Read<'_>| {
            digest(&[certificate, key].into_iter().chain(client_ca).collect::<Vec<_>>())
        };
        self.kept.take(read(files), texts, |(certificate, key, client_ca)| config(certificate, key, client_ca.as_ref()))
    }

    /// Are the newest files in use?
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.kept.is_ok()
    }

    /// Is there something to shake hands with?
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.kept.get().is_ok()
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// Why not.
    pub async fn accept<S>(&self, stream: S, limit: Duration) -> Result<ServerStream<S>, ServerFault>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shaken = match self.kept.get() {
            Err(_) => Err(ServerFault::Files),
            Ok(config) => match timeout(limit, TlsAcceptor::from(Arc::clone(&config.0)).accept(stream)).await {
                Err(_) => Err(ServerFault::TimedOut),
                Ok(shaken) => shaken.map_err(|error| ServerFault::of(&error)),
            },
        };
        match &shaken {
            Ok(_) => self.accepted.fetch_add(1, Relaxed),
            Err(fault) => {
                let at = ServerFault::ALL.iter().position(|one| one == fault).unwrap_or_default();
                self.failures[at].fetch_add(1, Relaxed)
            }
        };
        shaken
    }

    /// When the certificates in use end.
    #[must_use]
    pub fn ends(&self) -> Vec<End> {
        self.kept.get().map(|made| made.1.clone()).unwrap_or_default()
    }

    /// Handshakes that ended well.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Those that did not, by cause.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ServerFault::ALL.iter().zip(&self.failures).map(|(fault, count)| (fault.label(), count.load(Relaxed)))
    }
}

fn read(files: &ServerFiles) -> Result<Read<'_>, FileError> {
    let client_ca = files.client_ca.as_deref().map(|path| Text::read(Role::Ca, path)).transpose()?;
    Ok((Text::read(Role::Certificate, &files.certificate)?, Text::read(Role::Key, &files.key)?, client_ca))
}

fn config(certificate: &Text<'_>, key: &Text<'_>, client_ca: Option<&Text<'_>>) -> Result<Made, FileError> {
    let identity = identity(certificate, key)?;
    let mut ends: Vec<End> = of_chain(&identity.chain).into_iter().collect();
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for the default versions");
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let (roots, end) = ca.roots("client_ca")?;
            ends.extend(end);
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            let verifier = verifier.map_err(|error| ca.fail(Flaw::Unusable(Role::Ca), error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let built = builder.with_single_cert(identity.chain, identity.key);
    let mut config = built.map_err(|error| refused(certificate, key, &error))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok((Arc::new(config), ends))
}
