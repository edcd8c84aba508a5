//! Who answers, for whoever asks: the pod, its node and the version. NSID (RFC 5001) says it in any reply, `hostname.bind` and its kin
//! in one of their own.

use std::net::IpAddr;

use super::asking::Asking;
use crate::config::Config;
use crate::route::Door;

/// Of one process; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The pod, or the machine outside of one.
    pub host: String,
    /// `interlocal 0.1.0`.
    pub version: String,
    /// The data of an NSID option: pod, node, version.
    nsid: String,
}

/// Characters of a name that are shown: a TXT string and an option must hold them.
const MAX: usize = 63;

impl Identity {
    /// From the environment that the pod's manifest sets: `POD_NAME` and `NODE_NAME`.
    #[must_use]
    pub fn new(get: impl Fn(&str) -> Option<String>) -> Self {
        let shown = |text: String| text.chars().filter(char::is_ascii_graphic).take(MAX).collect::<String>();
        let get = |name: &str| get(name).map(shown).filter(|value| !value.is_empty());
        let host = get("POD_NAME").or_else(|| get("HOSTNAME")).unwrap_or_else(|| "unknown".to_owned());
        let version = concat!("interlocal ", env!("CARGO_PKG_VERSION")).to_owned();
        let nsid = format!("{host} {} {version}", get("NODE_NAME").as_deref().unwrap_or("-"));
        Self { host, version, nsid }
    }

    /// The data of an NSID option.
    #[must_use]
    pub fn nsid(&self) -> &[u8] {
        self.nsid.as_bytes()
    }
}

/// May this asker know who answers? At the peers' door only who is listed: there might be anybody.
pub fn may_know(config: &Config, door: Door, source: IpAddr) -> bool {
    let listed = || config.listen.peers_allow.iter().any(|net| net.contains(&source));
    config.listen.identify && (door != Door::Peers || listed())
}

impl Asking<'_> {
    /// See [`may_know`].
    pub(super) fn tells_who(&self) -> bool {
        may_know(&self.view.routing.config, self.door, self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(pairs: &[(&str, &str)]) -> Identity {
        Identity::new(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_pod_says_its_name_and_its_node() {
        let here = identity(&[("POD_NAME", "dns-1"), ("NODE_NAME", "node-7"), ("HOSTNAME", "other")]);
        assert_eq!(here.nsid(), format!("dns-1 node-7 interlocal {}", env!("CARGO_PKG_VERSION")).as_bytes());
        assert_eq!(identity(&[("HOSTNAME", "laptop")]).host, "laptop");
        assert!(identity(&[]).nsid().starts_with(b"unknown - interlocal "));
    }

    #[test]
    fn whatever_the_environment_says_is_short_and_printable() {
        let long = "x".repeat(900) + "\n\u{e9}";
        let odd = identity(&[("POD_NAME", &long), ("NODE_NAME", "a\tb c")]);
        assert_eq!(odd.host.len(), MAX);
        assert!(odd.nsid().ends_with(format!(" abc interlocal {}", env!("CARGO_PKG_VERSION")).as_bytes()));
    }
}
