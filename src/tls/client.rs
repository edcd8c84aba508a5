//! The client's side: files to a configuration, and the handshake with a peer. The stream is whatever the caller has connected.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::expiry::{End, of_chain};
use super::fault::ClientFault;
use super::files::{FileError, Flaw, Role, Text, digest, identity, refused, system_roots};
use super::kept::{Kept, Outcome};
use super::name::PeerName;
use super::{ALPN, provider};

/// A connection whose other side is who it should be.
pub type ClientStream<S> = tokio_rustls::client::TlsStream<S>;

/// Which files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientFiles {
    /// Who vouches for the server; none: the system's certificates.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key, for servers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// The CA's file; our certificate's and its key's.
type Read<'p> = (Option<Text<'p>>, Option<(Text<'p>, Text<'p>)>);

/// A configuration, and when its certificates end; those of the system are its own affair.
type Made = (Arc<ClientConfig>, Vec<End>);

/// What the files make, kept while newer ones are wrong.
pub struct Client {
    files: ClientFiles,
    kept: Kept<Made>,
}

impl Client {
    /// Without its files, until [`Client::reload`].
    #[must_use]
    pub fn new(files: ClientFiles) -> Self {
        Self { files, kept: Kept::new() }
    }

    #[must_use]
    pub fn files(&self) -> &ClientFiles {
        &self.files
    }

    /// Reads the files. What they are counts for handshakes from now on.
    pub fn reload(&self) -> Outcome {
        let texts = |read: &Read<'_>| {
            let (ca, own) = read;
            let own = own.iter().flat_map(|(certificate, key)| [certificate, key]);
            digest(&ca.iter().chain(own).collect::<Vec<_>>())
        };
        self.kept.take(self.read(), texts, |(ca, own)| config(ca.as_ref(), own.as_ref()))
    }

    /// Why the newest files are not in use, if they are not.
    #[must_use]
    pub fn error(&self) -> Option<FileError> {
        self.kept.error()
    }

    /// What keeps every handshake from being tried.
    #[must_use]
    pub fn flaw(&self) -> Option<Flaw> {
        self.kept.get().err()
    }

    /// When the certificates in use end.
    #[must_use]
    pub fn ends(&self) -> Vec<End> {
        self.kept.get().map(|made| made.1.clone()).unwrap_or_default()
    }

    /// Shakes hands with a server of this name.
    ///
    /// # Errors
    /// Why not.
    pub async fn connect<S>(&self, name: &PeerName, stream: S, limit: Duration) -> Result<ClientStream<S>, ClientFault>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.kept.get().map_err(ClientFault::Files)?;
        let shaken = timeout(limit, TlsConnector::from(Arc::clone(&config.0)).connect(name.get(), stream)).await;
        shaken.map_err(|_| ClientFault::TimedOut)?.map_err(|error| ClientFault::of(&error))
    }

    fn read(&self) -> Result<Read<'_>, FileError> {
        let ca = self.files.ca.as_deref().map(|path| Text::read(Role::Ca, path)).transpose()?;
        let own = match &self.files.identity {
            Some((certificate, key)) => {
                Some((Text::read(Role::Certificate, certificate)?, Text::read(Role::Key, key)?))
            }
            None => None,
        };
        Ok((ca, own))
    }
}

fn config(ca: Option<&Text<'_>>, own: Option<&(Text<'_>, Text<'_>)>) -> Result<Made, FileError> {
    let (roots, end) = match ca {
        None => (system_roots()?, None),
        Some(ca) => ca.roots("ca")?,
    };
    let mut ends: Vec<End> = end.into_iter().collect();
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for the default versions")
        .with_root_certificates(Arc::new(roots));
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let identity = identity(certificate, key)?;
            ends.extend(of_chain(&identity.chain));
            let built = builder.with_client_auth_cert(identity.chain, identity.key);
            built.map_err(|error| refused(certificate, key, &error))?
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok((Arc::new(config), ends))
}
