//! How the plain types are read from the text of a scalar: numbers, switches, choices, names, networks.

use ipnet::IpNet;

use super::error::Fault;
use super::field::Leaf;
use super::querylog::LogTemplate;
use super::{LogFormat, PodMode, QueryClass, QueryLogFormat, Transport};
use crate::wire::Name;

impl Leaf for String {
    const EXPECTED: &'static str = "a text";

    fn read(text: &str) -> Result<Self, Fault> {
        Ok(text.to_owned())
    }
}

impl Leaf for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn read(text: &str) -> Result<Self, Fault> {
        choice(text, &[("true", true), ("false", false)])
    }
}

impl Leaf for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn read(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|_| Fault::new(format!("expected {}, found `{text}`", Self::EXPECTED)))
    }
}

impl Leaf for Transport {
    const EXPECTED: &'static str = "`udp` or `tcp`";

    fn read(text: &str) -> Result<Self, Fault> {
        choice(text, &[("udp", Self::Udp), ("tcp", Self::Tcp)])
    }
}

impl Leaf for PodMode {
    const EXPECTED: &'static str = "`disabled`, `insecure` or `verified`";

    fn read(text: &str) -> Result<Self, Fault> {
        choice(text, &[("disabled", Self::Disabled), ("insecure", Self::Insecure), ("verified", Self::Verified)])
    }
}

impl Leaf for LogFormat {
    const EXPECTED: &'static str = "`json` or `text`";

    fn read(text: &str) -> Result<Self, Fault> {
        choice(text, &[("json", Self::Json), ("text", Self::Text)])
    }
}

impl Leaf for QueryLogFormat {
    const EXPECTED: &'static str = "`coredns`, `json` or a line such as `{name} {type} {rcode}`";

    fn read(text: &str) -> Result<Self, Fault> {
        if text.contains('{') {
            return LogTemplate::parse(text).map(Self::Template);
        }
        choice(text, &[("coredns", false), ("json", true)]).map(|json| if json { Self::Json } else { Self::CoreDns })
    }
}

/// One word for some kinds of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Classes(pub(super) &'static [QueryClass]);

impl Leaf for Classes {
    const EXPECTED: &'static str = "`all`, `success`, `denial` or `error`";

    fn read(text: &str) -> Result<Self, Fault> {
        use QueryClass::{Denial, Error, Success};
        choice(
            text,
            &[
                ("all", Self(&[Success, Denial, Error])),
                ("success", Self(&[Success])),
                ("denial", Self(&[Denial])),
                ("error", Self(&[Error])),
            ],
        )
    }
}

impl Leaf for Name {
    const EXPECTED: &'static str = "a domain name";

    fn read(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::new(format!("`{text}` is not a domain name: {error}")))
    }
}

impl Leaf for IpNet {
    const EXPECTED: &'static str = "a network such as `10.0.96.0/20`";

    /// An address alone is a network of one.
    fn read(text: &str) -> Result<Self, Fault> {
        let wrong =
            || Fault::new(format!("`{text}` is not a network")).help("write an address and a prefix: `10.0.96.0/20`");
        let net: Self = match text.parse::<std::net::IpAddr>() {
            Ok(ip) => ip.into(),
            Err(_) => text.parse().map_err(|_| wrong())?,
        };
        if net.trunc() == net {
            return Ok(net);
        }
        let fault = Fault::new(format!("`{text}` has bits set behind its prefix"));
        Err(fault.help(format!("did you mean `{}`?", net.trunc())))
    }
}

/// `NAMESPACE/NAME`; none is an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectPath(pub(super) Option<(String, String)>);

impl Leaf for ObjectPath {
    const EXPECTED: &'static str = "an object such as `kube-system/interlocal-peers`";

    fn read(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        // RFC 1123 2.1, as the API server has it for names that may have dots.
        let character = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(character) && !label.starts_with('-') && !label.ends_with('-')
        };
        match text.split_once('/') {
            Some((namespace, name)) if label(namespace) && name.len() <= 253 && name.split('.').all(label) => {
                Ok(Self(Some((namespace.to_owned(), name.to_owned()))))
            }
            _ => Err(Fault::new(format!("`{text}` is no object")).help("write `NAMESPACE/NAME`")),
        }
    }
}

/// One of the words that are known.
pub(super) fn choice<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, Fault> {
    if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let listed: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let fault = Fault::new(format!("expected {}, found `{text}`", listed.join(" or ")));
    Err(match super::distance::suggest(text, words) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_suggested() {
        let fault = Transport::read("tpc").unwrap_err();
        assert_eq!(fault.message, "expected `udp` or `tcp`, found `tpc`");
        assert_eq!(fault.help.as_deref(), Some("did you mean `tcp`?"));
        assert_eq!(bool::read("yes").unwrap_err().help, None);
    }

    #[test]
    fn objects_have_a_namespace_and_a_name() {
        let path = |text| ObjectPath::read(text).map(|path| path.0);
        assert_eq!(path("kube-system/peers.v1").unwrap(), Some(("kube-system".into(), "peers.v1".into())));
        assert_eq!(path("").unwrap(), None);
        for text in ["peers", "a/b/c", "/b", "a/", "a.b/c", "A/b", "a/..", "a/-b", "a/b?x"] {
            assert!(path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_must_not_have_host_bits() {
        assert_eq!(IpNet::read("10.0.96.0/20").unwrap().to_string(), "10.0.96.0/20");
        assert_eq!(IpNet::read("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        let fault = IpNet::read("10.0.97.5/20").unwrap_err();
        assert_eq!(fault.message, "`10.0.97.5/20` has bits set behind its prefix");
        assert_eq!(fault.help.as_deref(), Some("did you mean `10.0.96.0/20`?"));
        assert!(IpNet::read("10.0.0.0/33").is_err());
    }
}
