//! The servers of a file like `/etc/resolv.conf`. Its search list and options are for stub resolvers and not for us.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use hickory_resolver::system_conf::parse_resolv_conf;

/// resolv.conf(5) knows no other port.
const PORT: u16 = 53;

/// Why a file gives no servers.
#[derive(Debug, thiserror::Error)]
pub enum ResolvConfError {
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("{path}: no `nameserver` line with an address")]
    NoServer { path: String },
}

/// Reads the file.
///
/// # Errors
/// If it cannot be read, or names no server.
pub fn read(path: &Path) -> Result<Vec<SocketAddr>, ResolvConfError> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| ResolvConfError::Read { path: name(), error })?;
    servers(&bytes).ok_or_else(|| ResolvConfError::NoServer { path: name() })
}

/// The servers in the order of the file; none if it names none.
fn servers(text: &[u8]) -> Option<Vec<SocketAddr>> {
    // Where there is none the parser says so itself, in words without the file's name.
    let (config, _) = parse_resolv_conf(text).ok()?;
    let addresses: Vec<IpAddr> = config.name_servers().iter().map(|server| server.ip).collect();
    Some(addresses.into_iter().map(|ip| SocketAddr::new(ip, PORT)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_servers_and_skips_the_rest() {
        let text = b"# comment\nsearch a.b c\nnameserver 10.0.0.2\nnameserver fd00::2\noptions ndots:5\nnonsense\n";
        let expected: Vec<SocketAddr> =
            ["10.0.0.2:53", "[fd00::2]:53"].iter().map(|text| text.parse().expect("an address")).collect();
        assert_eq!(servers(text), Some(expected));
        assert_eq!(servers(b"search x\n"), None);
        assert_eq!(servers(b""), None);
    }

    #[test]
    fn says_which_file_is_wrong() {
        let error = read(Path::new("/nonexistent/resolv.conf")).expect_err("no such file");
        assert!(error.to_string().contains("/nonexistent/resolv.conf"));
    }
}
