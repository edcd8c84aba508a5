//! The text form of a listener's address: `:53`, `127.0.0.1:53`, `[::]:53`. It binds nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::Fault;
use super::field::Leaf;
use super::{AdminListen, Listen};

/// In front of the path of a socket.
pub const UNIX: &str = "unix:";
/// Octets of the path: `sun_path` has 108 on Linux, and the last is zero.
const MAX_UNIX_PATH: usize = 107;

/// A listener that may be switched off, with an empty text or no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Optional<L>(pub(super) Option<L>);

impl Listen {
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Port(port) => port,
            Self::Address(address) => address.port(),
        }
    }

    /// Would one take datagrams or connections of the other? Port 0 is a new port for each.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        if self.port() != other.port() || self.port() == 0 {
            return false;
        }
        match (self, other) {
            (Self::Port(_), _) | (_, Self::Port(_)) => true,
            (Self::Address(a), Self::Address(b)) => {
                a.ip() == b.ip() || (a.is_ipv4() == b.is_ipv4() && (a.ip().is_unspecified() || b.ip().is_unspecified()))
            }
        }
    }
}

impl FromStr for Listen {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let port = |text: &str| text.parse().map_err(|_| Fault::new(format!("`{text}` is not a port, 0 to 65535")));
        if let Some(number) = text.strip_prefix(':').filter(|rest| !rest.contains(':')) {
            return port(number).map(Self::Port);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let wrong = Fault::new(format!("`{text}` is not an address to listen on"));
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Err(wrong.help(format!("add a port: `{}`", SocketAddr::new(ip, 53))));
        }
        if text.parse::<u16>().is_ok() {
            return Err(wrong.help(format!("write `:{text}` for every address of both families")));
        }
        if let Some(("*", number)) = text.rsplit_once(':') {
            return Err(wrong.help(format!("write `:{number}` for every address of both families")));
        }
        match text.rsplit_once(':') {
            Some(("localhost", number)) => {
                let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port(number)?);
                Err(wrong.help(format!("write an address, not a name: `{local}`")))
            }
            _ => Err(wrong.help("write `:53`, `127.0.0.1:53` or `[::1]:53`")),
        }
    }
}

impl FromStr for AdminListen {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text.strip_prefix(UNIX) {
            Some(path) => unix_path(path).map(Self::Unix),
            None => text.parse().map(Self::Tcp),
        }
    }
}

/// The path of a socket, without what stands in front of it.
///
/// # Errors
/// If there can be no socket there.
pub fn unix_path(path: &str) -> Result<PathBuf, Fault> {
    let wrong = |why: &str| Fault::new(format!("`{UNIX}{path}` {why}"));
    if !Path::new(path).is_absolute() || path.ends_with('/') {
        return Err(wrong("has no absolute path of a file").help("write `unix:/run/interlocal/admin.sock`"));
    }
    if path.len() > MAX_UNIX_PATH {
        return Err(wrong("is too long").help(format!("the path of a socket has at most {MAX_UNIX_PATH} octets")));
    }
    Ok(PathBuf::from(path))
}

impl fmt::Display for AdminListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listen) => listen.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, ":{port}"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Leaf for Listen {
    const EXPECTED: &'static str = "an address such as `:53` or `127.0.0.1:53`";

    fn read(text: &str) -> Result<Self, Fault> {
        text.parse()
    }
}

impl<L: FromStr<Err = Fault>> Leaf for Optional<L> {
    const EXPECTED: &'static str = "an address such as `:8080`, or `\"\"` for none";

    fn read(text: &str) -> Result<Self, Fault> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(|listen| Self(Some(listen))) }
    }

    fn null() -> Option<Self> {
        Some(Self(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Listen {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read_and_shown_back() {
        assert_eq!(listen(":53"), Listen::Port(53));
        for text in [":0", ":53", "127.0.0.1:53", "[::]:53", "[2001:db8::1]:8053", "0.0.0.0:53"] {
            assert_eq!(listen(text).to_string(), text);
        }
    }

    #[test]
    fn near_misses_are_told_how_to_write_it() {
        let help = |text: &str| text.parse::<Listen>().unwrap_err().help.unwrap_or_default();
        assert_eq!(help("127.0.0.1"), "add a port: `127.0.0.1:53`");
        assert_eq!(help("::1"), "add a port: `[::1]:53`");
        assert_eq!(help("53"), "write `:53` for every address of both families");
        assert_eq!(help("*:53"), "write `:53` for every address of both families");
        assert_eq!(help("localhost:5300"), "write an address, not a name: `127.0.0.1:5300`");
        assert_eq!(help("dns"), "write `:53`, `127.0.0.1:53` or `[::1]:53`");
        assert_eq!(":70000".parse::<Listen>().unwrap_err().message, "`70000` is not a port, 0 to 65535");
    }

    #[test]
    fn the_pages_of_the_tools_may_have_a_socket_of_a_file() {
        for text in ["unix:/run/interlocal/admin.sock", ":9154", "127.0.0.1:9154"] {
            assert_eq!(text.parse::<AdminListen>().unwrap().to_string(), text);
        }
        let fault = |text: &str| text.parse::<AdminListen>().unwrap_err();
        for text in ["unix:admin.sock", "unix:", "unix:/run/"] {
            assert_eq!(fault(text).message, format!("`{text}` has no absolute path of a file"));
        }
        let long = format!("unix:/{}", "x".repeat(MAX_UNIX_PATH));
        assert_eq!(fault(&long).message, format!("`{long}` is too long"));
        assert!(long[..long.len() - 1].parse::<AdminListen>().is_ok());
        assert!("unix:/x".parse::<Listen>().is_err(), "nobody else has one");
    }

    #[test]
    fn overlap_knows_wildcards_families_and_port_zero() {
        assert!(listen(":53").overlaps(listen("127.0.0.1:53")));
        assert!(listen("0.0.0.0:53").overlaps(listen("127.0.0.1:53")));
        assert!(!listen("0.0.0.0:53").overlaps(listen("[::]:53")));
        assert!(!listen("127.0.0.1:53").overlaps(listen("127.0.0.2:53")));
        assert!(!listen(":53").overlaps(listen(":54")));
        assert!(!listen(":0").overlaps(listen(":0")));
    }
}
