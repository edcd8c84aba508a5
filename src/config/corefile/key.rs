//! The addresses in front of a block: `[scheme://]zone[:port]`, a network in place of a zone standing for its reverse zones.

use std::net::IpAddr;

use ipnet::IpNet;

use super::lexer::Token;
use super::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::wire::Name;

/// The port of DNS (RFC 1035 4.2).
const DNS_PORT: u16 = 53;
/// Zones that one network may stand for: half a byte of IPv4, no more.
const MOST_ZONES: usize = 256;

/// The schemes that CoreDNS knows and that are not plain DNS.
const OTHERS: [&str; 6] = ["tls", "quic", "https", "https3", "grpc", "unix"];

/// One zone of a block, on one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) zone: Name,
    pub(super) port: u16,
    pub(super) spot: Spot,
}

/// The keys that one word stands for.
pub(super) fn keys(token: &Token, sources: &Sources) -> Vec<Key> {
    let read = |text: &str| {
        let (zone, port) = split(without_scheme(text)?)?;
        Ok((zones(zone)?, port.unwrap_or(DNS_PORT)))
    };
    match read(&token.text) {
        Ok((zones, port)) => zones.into_iter().map(|zone| Key { zone, port, spot: token.spot }).collect(),
        Err(fault) => {
            sources.error(token.spot, fault);
            Vec::new()
        }
    }
}

/// The zone of a name, or the reverse zones of a network.
///
/// # Errors
/// If it is neither.
pub(super) fn zones(text: &str) -> Result<Vec<Name>, Fault> {
    if let Ok(net) = text.parse::<IpNet>() {
        return reverse_zones(&net.trunc());
    }
    let wrong = |why: String| Fault::new(format!("`{text}` is not a zone: {why}"));
    if text.contains('/') {
        return Err(wrong("it is no network".into()).help("write a name, or a network such as `10.0.0.0/16`"));
    }
    let name: Name = text.parse().map_err(|error: crate::wire::name::NameError| wrong(error.to_string()))?;
    Ok(vec![name])
}

fn without_scheme(text: &str) -> Result<&str, Fault> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(text) };
    match scheme.to_ascii_lowercase().as_str() {
        "dns" => Ok(rest),
        other if OTHERS.contains(&other) => {
            let fault = Fault::new(format!("blocks over `{other}://` are not served"));
            Err(fault.help("pods ask over UDP and TCP: write the zone and its port; for other regions there is `listen.peers_tls` in interlocal.yaml"))
        }
        other => Err(Fault::new(format!("`{other}` is no scheme")).help("write the zone and its port: `.:53`")),
    }
}

/// The zone in front of a last `:` with nothing but digits behind it, and that number.
fn split(text: &str) -> Result<(&str, Option<u16>), Fault> {
    let Some((zone, number)) = text.rsplit_once(':') else { return Ok((text, None)) };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((text, None));
    }
    let port = number.parse().map_err(|_| {
        Fault::new(format!("`{number}` is not a port, 0 to 65535")).help("write the zone and its port: `.:53`")
    })?;
    Ok((if zone.is_empty() { "." } else { zone }, Some(port)))
}

/// The zones below `in-addr.arpa` or `ip6.arpa` that a network is: several, if its prefix ends inside a label.
fn reverse_zones(net: &IpNet) -> Result<Vec<Name>, Fault> {
    let (step, labels) = match net {
        IpNet::V4(_) => (8, usize::from(net.prefix_len()).div_ceil(8)),
        IpNet::V6(_) => (4, usize::from(net.prefix_len()).div_ceil(4)),
    };
    let whole = u8::try_from(labels * step).unwrap_or(u8::MAX).max(net.prefix_len());
    let subnets = net.subnets(whole).map_err(|_| Fault::new(format!("`{net}` cannot be a zone")))?;
    let mut zones = Vec::new();
    for subnet in subnets.take(MOST_ZONES) {
        let text = reverse_name(subnet.network(), labels);
        zones.push(text.parse().map_err(|_| Fault::new(format!("`{net}` cannot be a zone")))?);
    }
    Ok(zones)
}

fn reverse_name(address: IpAddr, labels: usize) -> String {
    let mut text = String::new();
    match address {
        IpAddr::V4(ip) => {
            ip.octets()[..labels].iter().rev().for_each(|octet| text.push_str(&format!("{octet}.")));
            text.push_str("in-addr.arpa");
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let nibbles: Vec<u8> = nibbles.take(labels).collect();
            nibbles.iter().rev().for_each(|nibble| text.push_str(&format!("{nibble:x}.")));
            text.push_str("ip6.arpa");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let read = |text| {
            let (zone, port) = split(without_scheme(text)?)?;
            let zones: Vec<String> = zones(zone)?.iter().map(ToString::to_string).collect();
            Ok::<_, Fault>(format!("{} {}", zones.join(" "), port.unwrap_or(DNS_PORT)))
        };
        read(text).unwrap_or_else(|fault| fault.message)
    }

    #[test]
    fn keys_are_zones_with_ports() {
        for (text, expected) in [
            (".", ". 53"),
            (".:1053", ". 1053"),
            (":5353", ". 5353"),
            ("Example.ORG", "example.org 53"),
            ("example.org.:54", "example.org 54"),
            ("dns://example.org:55", "example.org 55"),
            ("DNS://.", ". 53"),
            ("10.0.0.0/8", "10.in-addr.arpa 53"),
            ("10.1.2.0/24:5353", "2.1.10.in-addr.arpa 5353"),
            ("10.0.0.0/15", "0.10.in-addr.arpa 1.10.in-addr.arpa 53"),
            ("2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa 53"),
            ("2001:db8::/31:54", "8.b.d.0.1.0.0.2.ip6.arpa 9.b.d.0.1.0.0.2.ip6.arpa 54"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(shown("10.0.0.0/27").matches("in-addr").count(), 32);
    }

    #[test]
    fn what_is_no_key_is_said() {
        assert_eq!(shown("tls://."), "blocks over `tls://` are not served");
        assert_eq!(shown("ftp://a"), "`ftp` is no scheme");
        assert_eq!(shown(".:99999"), "`99999` is not a port, 0 to 65535");
        assert!(shown("a..b").starts_with("`a..b` is not a zone"));
        assert!(shown(&"a".repeat(300)).contains("is not a zone"));
        assert_eq!(shown("10.0.0.0/33"), "`10.0.0.0/33` is not a zone: it is no network");
    }
}
