//! The name that a certificate has to be for: a host name or an address (RFC 8310 8.1). It resolves nothing.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::ServerName;

/// A name that can stand in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerName(ServerName<'static>);

impl PeerName {
    /// None if no certificate can be for it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ServerName::try_from(text.trim_end_matches('.').to_owned()).ok().map(Self)
    }

    pub(super) fn get(&self) -> ServerName<'static> {
        self.0.clone()
    }
}

impl From<IpAddr> for PeerName {
    fn from(address: IpAddr) -> Self {
        Self(address.into())
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}
