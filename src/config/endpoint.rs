//! The text form of an endpoint of a region: `host`, `host:port`, `10.0.0.1`, `[::1]:53`. It resolves nothing.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::error::Fault;
use super::field::Leaf;
use super::{Endpoint, Host};
use crate::wire::Name;

/// The port of DNS (RFC 1035 4.2).
pub(super) const DNS_PORT: u16 = 53;
/// That of DNS over TLS (RFC 7858 3.1).
pub(super) const DOT_PORT: u16 = 853;

/// An endpoint as it is written: the port that is meant without one depends on its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl Written {
    pub(super) fn or_port(self, port: u16) -> Endpoint {
        Endpoint { host: self.host, port: self.port.unwrap_or(port) }
    }
}

impl FromStr for Endpoint {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        text.parse().map(|written: Written| written.or_port(DNS_PORT))
    }
}

impl FromStr for Written {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if let Some((ip, port)) = address(text)? {
            return Ok(Self { host: Host::Address(ip), port });
        }
        let wrong = |why: &str| Fault::new(format!("`{text}` is not an endpoint: {why}"));
        if text.contains("://") || text.contains('/') {
            return Err(
                wrong("it has neither a scheme nor a path").help("write a host or an address, and a port if not 53")
            );
        }
        let (host, port) = match text.split_once(':') {
            Some((host, number)) => (host, Some(port(number).map_err(|fault| wrong(&fault.message))?)),
            None => (text, None),
        };
        if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(wrong("it is neither an address nor a host name"));
        }
        let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        // RFC 1123 2.1, and the underscore that some load balancers have.
        if !host.bytes().all(character) || !host.trim_end_matches('.').split('.').all(label) {
            return Err(wrong("a host name has letters, digits, `-` and dots"));
        }
        let name: Name = host.parse().map_err(|error: crate::wire::name::NameError| wrong(&error.to_string()))?;
        Ok(Self { host: Host::Name(name), port })
    }
}

/// An address with or without a port; none if it is no address at all.
pub(super) fn address(text: &str) -> Result<Option<(IpAddr, Option<u16>)>, Fault> {
    if let Ok(ip) = text.parse() {
        return Ok(Some((ip, None)));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return match address.port() {
            0 => Err(Fault::new(format!("`{text}` has port 0")).help("a port is 1 to 65535")),
            port => Ok(Some((address.ip(), Some(port)))),
        };
    }
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(Ok(ip)) = inside.map(str::parse::<Ipv6Addr>) {
        return Ok(Some((ip.into(), None)));
    }
    if text.starts_with('[') {
        return Err(Fault::new(format!("`{text}` is not an IPv6 address in brackets")).help("write `[2001:db8::7]:53`"));
    }
    if let Some((Ok(ip), number)) = text.split_once(':').map(|(ip, number)| (ip.parse::<IpAddr>(), number)) {
        return port(number).map(|port| Some((ip, Some(port))));
    }
    Ok(None)
}

fn port(text: &str) -> Result<u16, Fault> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| Fault::new(format!("`{text}` is not a port, 1 to 65535")))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl Leaf for Written {
    const EXPECTED: &'static str = "a host or an address";

    fn read(text: &str) -> Result<Self, Fault> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_port_53_unless_given() {
        for (text, shown) in [
            ("10.0.118.91", "10.0.118.91:53"),
            ("10.0.118.91:5353", "10.0.118.91:5353"),
            ("2001:db8::7", "[2001:db8::7]:53"),
            ("[2001:db8::7]", "[2001:db8::7]:53"),
            ("[2001:db8::7]:8053", "[2001:db8::7]:8053"),
            ("k8s-x.elb.us-east-2.amazonaws.com", "k8s-x.elb.us-east-2.amazonaws.com:53"),
            ("DNS.example.com.:8053", "dns.example.com:8053"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn other_texts_are_no_endpoints() {
        for text in [
            "",
            ".",
            "a..b",
            "-a",
            "a b",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.1:0",
            "10.0.0.1:x",
            "a:0",
            "a:65536",
            "[::1",
            "[a]:53",
            "https://a",
            "a/b",
            "[::1]:0",
            "2001:db8::7:99999",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
