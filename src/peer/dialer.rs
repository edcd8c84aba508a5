//! How a group's servers are connected to: in clear text, or over TLS with the certificates and names of the group's row. It
//! keeps no connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::RwLock;

use super::counters::count;
use super::dial::{Dial, DialError, Dialling, Stream, dial};
use super::stream::Listened;
use crate::config::{Host, RowTls};
use crate::tls::{Client, ClientFault, ClientFiles, End, LastWord, Outcome, PeerName};

/// Clear text unless made otherwise.
#[derive(Default)]
pub struct Dialer {
    tls: Option<Tls>,
}

struct Tls {
    row: RowTls,
    client: Client,
    /// What the certificate of each address has to be for, if the row does not say one name for all.
    names: RwLock<BTreeMap<SocketAddr, PeerName>>,
    last_word: Arc<LastWord>,
    failures: [AtomicU64; ClientFault::ALL.len()],
}

/// How a row's TLS stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSnapshot {
    /// Why its files are not in use as they stand, if they are not.
    pub error: Option<String>,
    /// When the certificates in use end.
    pub ends: Vec<End>,
    /// Connections that were not made because of it, by cause.
    pub failures: Vec<(&'static str, u64)>,
}

impl Dialer {
    /// As a row says.
    #[must_use]
    pub fn new(row: Option<&RowTls>) -> Self {
        let tls = row.map(|row| {
            let path = |file: &crate::config::TableFile| file.path.clone();
            let files = ClientFiles {
                ca: row.ca.as_ref().map(path),
                identity: row.identity.as_ref().map(|(certificate, key)| (path(certificate), path(key))),
            };
            Tls {
                row: row.clone(),
                client: Client::new(files),
                names: RwLock::default(),
                last_word: Arc::default(),
                failures: std::array::from_fn(|_| AtomicU64::default()),
            }
        });
        Self { tls }
    }

    /// Does it do what this row says?
    #[must_use]
    pub fn is_for(&self, row: Option<&RowTls>) -> bool {
        self.tls.as_ref().map(|tls| &tls.row) == row
    }

    /// Reads the certificate files. Open connections stay; new ones are made with what the files are now.
    pub fn reload(&self, whose: &str) {
        let Some(tls) = &self.tls else { return };
        match tls.client.reload() {
            Outcome::Same => {}
            Outcome::Taken => tracing::info!(whose, "certificates read"),
            Outcome::Refused(error) if tls.client.flaw().is_none() => {
                tracing::error!(whose, %error, "certificates not taken, the old ones stay");
            }
            Outcome::Refused(error) => tracing::error!(whose, %error, "cannot be asked over TLS"),
        }
    }

    /// Clear text otherwise.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The addresses, each with the name that its certificate has to be for.
    pub fn set_names(&self, named: impl Iterator<Item = (SocketAddr, PeerName)>) {
        let Some(tls) = self.tls.as_ref().filter(|tls| tls.row.server_name.is_none()) else { return };
        let mut names = BTreeMap::new();
        for (address, name) in named {
            names.entry(address).or_insert(name);
        }
        *tls.names.write() = names;
    }

    /// The addresses, each with the host that it belongs to.
    pub(super) fn set_hosts<'h>(&self, hosts: impl Iterator<Item = (SocketAddr, &'h Host)>) {
        self.set_names(hosts.filter_map(|(address, host)| Some((address, Self::name_of(host)?))));
    }

    /// The name in the certificate of a host; none: no certificate can be for it.
    #[must_use]
    pub fn name_of(host: &Host) -> Option<PeerName> {
        match host {
            Host::Address(ip) => Some(PeerName::from(*ip)),
            Host::Name(name) => PeerName::parse(&name.to_string()),
        }
    }

    async fn connect(&self, server: SocketAddr, limit: Duration) -> Result<Stream, DialError> {
        // Without certificates there is no point in knocking.
        if let Some(flaw) = self.tls.as_ref().and_then(|tls| tls.client.flaw()) {
            return Err(self.failed(ClientFault::Files(flaw)));
        }
        let stream = dial(server, limit).await?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        // Nobody's certificate is for a name that cannot stand in one.
        let name = tls.name(server).ok_or_else(|| self.failed(ClientFault::WrongName))?;
        match tls.client.connect(&name, stream, limit).await {
            Ok(stream) => Ok(Box::new(Listened::new(stream, Arc::clone(&tls.last_word)))),
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// Why connections that were made end again at once, if TLS is why.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        self.tls.as_ref()?.last_word.get().map(ClientFault::words)
    }

    /// None: clear text.
    #[must_use]
    pub fn snapshot(&self) -> Option<TlsSnapshot> {
        let tls = self.tls.as_ref()?;
        let counts = ClientFault::ALL.iter().zip(&tls.failures);
        let failures = counts.map(|(fault, count)| (fault.label(), count.load(Relaxed))).collect();
        let error = tls.client.error().map(|error| error.to_string());
        Some(TlsSnapshot { error, ends: tls.client.ends(), failures })
    }

    fn failed(&self, fault: ClientFault) -> DialError {
        let at = ClientFault::ALL.iter().position(|one| one.label() == fault.label());
        if let Some((tls, at)) = self.tls.as_ref().zip(at) {
            count(&tls.failures[at]);
        }
        DialError::Tls(fault)
    }
}

impl Dial for Dialer {
    fn dial(&self, server: SocketAddr, limit: Duration) -> Dialling<'_> {
        Box::pin(self.connect(server, limit))
    }

    /// TLS 1.3 takes one more than TCP (RFC 8446 2).
    fn round_trips(&self) -> u32 {
        if self.tls.is_some() { 2 } else { 1 }
    }
}

impl Tls {
    fn name(&self, server: SocketAddr) -> Option<PeerName> {
        self.row.server_name.clone().or_else(|| self.names.read().get(&server).cloned())
    }
}
