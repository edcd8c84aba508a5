//! The part of a page's address behind `?`: read, and for our own tools written. It knows no parameter.

use std::fmt::Write;

/// `a=b&c=d`, decoded; what has no `=` has an empty value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        };
        Self(text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
    }

    /// The value, unless it is empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A path with parameters; those without a value are left out.
    #[must_use]
    pub fn path(path: &str, pairs: &[(&str, &str)]) -> String {
        let pairs: Vec<String> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}={}", encode(value)))
            .collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// "Percent-encoding" (RFC 3986 2.1) of all but what is unreserved (2.3).
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => drop(write!(out, "%{other:02X}")),
        }
        out
    })
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
                _ => out.push(b'%'),
            },
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let path = Params::path(
            "/query",
            &[("name", "_http._tcp.web.x"), ("from", "fd00::1"), ("door", ""), ("odd", "a&b=c%d é")],
        );
        assert!(path.starts_with("/query?name=_http._tcp.web.x&from=fd00%3A%3A1&odd=a%26"), "{path}");
        let params = Params::parse(path.split_once('?').expect("parameters").1);
        assert_eq!((params.get("name"), params.get("from")), (Some("_http._tcp.web.x"), Some("fd00::1")));
        assert_eq!((params.get("odd"), params.get("door")), (Some("a&b=c%d é"), None));
        assert_eq!(Params::path("/x", &[("a", "")]), "/x");
    }

    #[test]
    fn what_nobody_wrote_so_is_read_without_a_panic() {
        for odd in ["%", "%4", "%zz", "=", "&&", "a", "a=%ff"] {
            let _ = Params::parse(odd);
        }
        assert_eq!(Params::parse("a&b=1").get("b"), Some("1"));
    }
}
