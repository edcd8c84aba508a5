//! Upstreams: how they are written, and who is asked behind whom for which answer. It resolves nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::endpoint::{self, DNS_PORT, DOT_PORT};
use super::error::Fault;
use super::field::Leaf;
use super::{ForwardConfig, Host, Transport, Upstream, defaults};
use crate::tls::PeerName;
use crate::wire::{Name, Rcode, mnemonic};

/// Servers that are asked when those before them gave such an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct NextConfig {
    pub on: BTreeSet<Outcome>,
    /// Of the same zone; it has no `next` of its own.
    pub row: ForwardConfig,
}

/// What a server may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Rcode(Rcode),
    /// The name is there, and has nothing of that type.
    NoData,
}

impl ForwardConfig {
    /// These servers, without anything special.
    #[must_use]
    pub fn new(zone: Name, to: Vec<Upstream>, transport: Transport) -> Self {
        Self {
            stamp: !zone.as_ref().is_root(),
            zone,
            to,
            transport,
            tls: None,
            failover: BTreeSet::new(),
            next: Vec::new(),
            resolver: defaults::resolvers(),
            random_case: false,
            cache: None,
        }
    }

    /// This row, and those that are asked behind it.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.next.iter().map(|next| &next.row))
    }

    /// Every file like resolv.conf that it reads.
    pub fn resolv_confs(&self) -> impl Iterator<Item = &PathBuf> {
        let named = |row: &Self| row.to.iter().any(|one| matches!(one, Upstream::Host(_)));
        let of = move |row| {
            let resolver: &[Upstream] = if named(row) { &row.resolver } else { &[] };
            row.to.iter().chain(resolver)
        };
        self.all().flat_map(of).filter_map(|upstream| match upstream {
            Upstream::ResolvConf(path) => Some(path),
            Upstream::Address(_) | Upstream::Named(..) | Upstream::Host(_) => None,
        })
    }

    /// The port of those that say none.
    pub(super) fn port(tls: bool) -> u16 {
        if tls { DOT_PORT } else { DNS_PORT }
    }
}

/// An upstream as it is written: the port that is meant without one depends on its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    what: What,
    /// `10.0.0.1%dns.example`: the name in its certificate.
    name: Option<PeerName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Endpoint(endpoint::Written),
    File(PathBuf),
}

impl Written {
    pub(super) fn is_file(&self) -> bool {
        matches!(self.what, What::File(_))
    }

    pub(super) fn is_host(&self) -> bool {
        matches!(&self.what, What::Endpoint(endpoint::Written { host: Host::Name(_), .. }))
    }

    /// The name that its certificate has to be for, if it says one.
    pub(super) fn has_name(&self) -> bool {
        self.name.is_some()
    }

    pub(super) fn or_port(self, port: u16) -> Upstream {
        let endpoint = match self.what {
            What::File(path) => return Upstream::ResolvConf(path),
            What::Endpoint(written) => written.or_port(port),
        };
        match (&endpoint.host, self.name) {
            (Host::Address(ip), None) => Upstream::Address(SocketAddr::new(*ip, endpoint.port)),
            (Host::Address(ip), Some(name)) => Upstream::Named(SocketAddr::new(*ip, endpoint.port), name),
            (Host::Name(_), _) => Upstream::Host(endpoint),
        }
    }
}

impl FromStr for Written {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.starts_with('/') {
            return Ok(Self { what: What::File(PathBuf::from(text)), name: None });
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let fault = Fault::new(format!("`{text}` is not an upstream: it has no scheme"));
            let help = match scheme {
                "tls" => format!("write `{rest}`, and `tls: {{}}` in the row"),
                _ => "write an address or a host".to_owned(),
            };
            return Err(fault.help(help));
        }
        if text.contains('/') {
            let fault = Fault::new(format!("`{text}` is not an upstream"));
            return Err(fault.help("a resolv.conf has an absolute path"));
        }
        let (endpoint, name) = split(text);
        let name = name.map(|name| {
            let wrong = || Fault::new(format!("`{name}` is no name that a certificate can be for"));
            PeerName::parse(name).ok_or_else(|| wrong().help("write a host name or an address behind the `%`"))
        });
        let endpoint = endpoint.parse().map_err(|fault: Fault| match fault.help {
            Some(_) => fault,
            None => fault.help("write an address, one with a port, a host, or the absolute path of a resolv.conf"),
        })?;
        let written = Self { what: What::Endpoint(endpoint), name: name.transpose()? };
        if written.is_host() && written.name.is_some() {
            let fault = Fault::new(format!("`{text}` is a host name, and has another one behind it"));
            return Err(fault.help("its certificate is for the host; another name for all is `server_name`, in a Corefile `tls_servername`"));
        }
        Ok(written)
    }
}

/// `9.9.9.9%dns.quad9.net:853` and `[2620:fe::fe%dns.quad9.net]:853`: the endpoint without the name, and the name.
fn split(text: &str) -> (String, Option<&str>) {
    let Some((host, rest)) = text.rsplit_once('%') else { return (text.to_owned(), None) };
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) => (name, format!(":{port}")),
        None => (rest, String::new()),
    };
    let bracket = if host.starts_with('[') { "]" } else { "" };
    // An address of IPv6 with a port needs its brackets.
    let bare = !port.is_empty() && bracket.is_empty() && host.contains(':');
    let host = if bare { format!("[{host}]") } else { format!("{host}{bracket}") };
    (format!("{host}{port}"), Some(name.trim_end_matches(']')))
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Named(SocketAddr::V4(address), name) => write!(f, "{}%{name}:{}", address.ip(), address.port()),
            Self::Named(SocketAddr::V6(address), name) => write!(f, "[{}%{name}]:{}", address.ip(), address.port()),
            Self::Host(endpoint) => endpoint.fmt(f),
            Self::ResolvConf(path) => path.display().fmt(f),
        }
    }
}

impl Leaf for Written {
    const EXPECTED: &'static str = "an address, a host or the path of a resolv.conf";

    fn read(text: &str) -> Result<Self, Fault> {
        text.parse()
    }
}

impl Outcome {
    /// An answer that says an rcode, or has nothing in it.
    #[must_use]
    pub fn fits(self, rcode: Rcode, answers: u16) -> bool {
        match self {
            Self::Rcode(wanted) => wanted == rcode,
            Self::NoData => rcode == Rcode::NOERROR && answers == 0,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rcode(rcode) => f.write_str(&rcode.to_text()),
            Self::NoData => f.write_str("NODATA"),
        }
    }
}

impl Leaf for Outcome {
    const EXPECTED: &'static str = "an rcode, or `NODATA`";

    fn read(text: &str) -> Result<Self, Fault> {
        if text.eq_ignore_ascii_case("NODATA") {
            return Ok(Self::NoData);
        }
        rcode(text).map(Self::Rcode)
    }
}

impl Leaf for Rcode {
    const EXPECTED: &'static str = "an rcode";

    fn read(text: &str) -> Result<Self, Fault> {
        rcode(text)
    }
}

fn rcode(text: &str) -> Result<Rcode, Fault> {
    let wrong = || Fault::new(format!("`{text}` is not an rcode")).help("write it as in `NXDOMAIN` or `SERVFAIL`");
    mnemonic::rcode_of(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(text: &str) -> Result<Upstream, Fault> {
        text.parse::<Written>().map(|written| written.or_port(DNS_PORT))
    }

    #[test]
    fn upstreams_are_addresses_hosts_or_absolute_paths() {
        assert_eq!(upstream("/etc/resolv.conf"), Ok(Upstream::ResolvConf("/etc/resolv.conf".into())));
        assert_eq!(upstream("10.1.2.3").unwrap().to_string(), "10.1.2.3:53");
        assert_eq!(upstream("dns.example.com:5353").unwrap().to_string(), "dns.example.com:5353");
        for text in ["etc/resolv.conf", "10.1.2.3:0", "tls://9.9.9.9", "10.1.2", "a%b", "9.9.9.9%", "9.9.9.9%a b", ""] {
            assert!(upstream(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_may_say_the_name_in_its_certificate() {
        for (text, shown) in [
            ("9.9.9.9%dns.quad9.net", "9.9.9.9%dns.quad9.net:53"),
            ("9.9.9.9%dns.quad9.net:8853", "9.9.9.9%dns.quad9.net:8853"),
            ("2620:fe::fe%dns.quad9.net", "[2620:fe::fe%dns.quad9.net]:53"),
            ("[2620:fe::fe%dns.quad9.net]", "[2620:fe::fe%dns.quad9.net]:53"),
            ("[2620:fe::fe%dns.quad9.net]:8853", "[2620:fe::fe%dns.quad9.net]:8853"),
        ] {
            let read = upstream(text).unwrap();
            assert!(matches!(read, Upstream::Named(..)), "{text}");
            assert_eq!((read.to_string().as_str(), upstream(shown)), (shown, Ok(read)), "it reads back");
        }
    }

    #[test]
    fn outcomes_are_rcodes_or_nothing_in_an_answer() {
        let fits = |text: &str, rcode, answers| Outcome::read(text).unwrap().fits(rcode, answers);
        assert!(fits("nodata", Rcode::NOERROR, 0) && !fits("NODATA", Rcode::NOERROR, 1));
        assert!(!fits("NODATA", Rcode::NXDOMAIN, 0) && fits("nxdomain", Rcode::NXDOMAIN, 0));
        assert!(Outcome::read("NONE").is_err());
    }
}
