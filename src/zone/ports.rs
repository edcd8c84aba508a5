//! The ports of a Service or of an endpoint, as SRV questions select them.

use super::object::{Port, Protocol};

/// Distinct ports, in order of their numbers.
#[derive(Debug, Default, PartialEq, Eq, Clone, Hash)]
pub(super) struct PortSet(Box<[Entry]>);

#[derive(Debug, PartialEq, Eq, Clone, Hash)]
struct Entry {
    name: Box<str>,
    number: u16,
    protocol: Protocol,
    /// The number stands in the set already, for another protocol or name: to name it twice would make two equal records.
    again: bool,
}

/// What of a name stands in front of the Service's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want<'n> {
    /// Nothing: every port.
    Every,
    /// `_port._protocol`.
    Named(&'n [u8], Protocol),
}

impl<'n> Want<'n> {
    /// Reads `_port` and `_protocol`; as with CoreDNS, the underscores may be left out.
    pub(super) fn named(port: &'n [u8], protocol: &'n [u8]) -> Option<Self> {
        let port = bare(port);
        (!port.is_empty()).then_some(Self::Named(port, protocol_of(protocol)?))
    }
}

/// The protocol that a label names, with or without its underscore.
pub(super) fn protocol_of(label: &[u8]) -> Option<Protocol> {
    Protocol::from_label(bare(label))
}

impl PortSet {
    pub(super) fn new<'p>(ports: impl IntoIterator<Item = &'p Port>) -> Self {
        let mut entries: Vec<Entry> = ports
            .into_iter()
            .map(|port| Entry { name: port.name.clone(), number: port.number, protocol: port.protocol, again: false })
            .collect();
        entries.sort_by(|a, b| (a.number, &a.name, a.protocol).cmp(&(b.number, &b.name, b.protocol)));
        entries.dedup();
        let mut last = None;
        for entry in &mut entries {
            entry.again = last.replace(entry.number) == Some(entry.number);
        }
        Self(entries.into())
    }

    /// The union of several sets.
    pub(super) fn union<'p>(sets: impl IntoIterator<Item = &'p Self>) -> Self {
        let ports: Vec<Port> = sets.into_iter().flat_map(Self::ports).collect();
        Self::new(&ports)
    }

    /// The numbers of the wanted ports, each once.
    pub(super) fn wanted<'p>(&'p self, want: Want<'p>) -> impl Iterator<Item = u16> + 'p {
        self.0
            .iter()
            .filter(move |entry| match want {
                Want::Every => !entry.again,
                Want::Named(name, protocol) => entry.protocol == protocol && entry.name.as_bytes() == name,
            })
            .map(|entry| entry.number)
    }

    /// Does a named port of this protocol make `_protocol` an empty non-terminal?
    pub(super) fn names_protocol(&self, protocol: Protocol) -> bool {
        self.0.iter().any(|entry| entry.protocol == protocol && !entry.name.is_empty())
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = Port> {
        self.0.iter().map(|entry| Port { name: entry.name.clone(), protocol: entry.protocol, number: entry.number })
    }
}

fn bare(label: &[u8]) -> &[u8] {
    label.strip_prefix(b"_").unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, protocol: Protocol, number: u16) -> Port {
        Port { name: name.into(), protocol, number }
    }

    #[test]
    fn a_number_is_given_once_for_the_bare_name() {
        let dns = [port("dns", Protocol::Udp, 53), port("dns-tcp", Protocol::Tcp, 53), port("", Protocol::Tcp, 9)];
        let set = PortSet::new(&dns);
        assert_eq!(set.wanted(Want::Every).collect::<Vec<_>>(), [9, 53]);
        let wanted = |port: &str, protocol: &str| -> Vec<u16> {
            Want::named(port.as_bytes(), protocol.as_bytes()).map(|want| set.wanted(want).collect()).unwrap_or_default()
        };
        assert_eq!(wanted("_dns-tcp", "_tcp"), [53]);
        assert_eq!(wanted("dns", "udp"), [53]);
        assert_eq!(wanted("_dns", "_tcp"), [0; 0]);
        assert_eq!(wanted("_dns", "_quic"), [0; 0]);
        assert_eq!(wanted("_", "_tcp"), [0; 0], "a port without a name has none");
    }

    #[test]
    fn only_named_ports_have_names_below_their_protocol() {
        let set = PortSet::new(&[port("", Protocol::Tcp, 9), port("a", Protocol::Udp, 9)]);
        assert!(set.names_protocol(Protocol::Udp));
        assert!(!set.names_protocol(Protocol::Tcp));
    }

    #[test]
    fn unions_hold_each_port_once() {
        let one = PortSet::new(&[port("a", Protocol::Tcp, 1), port("b", Protocol::Tcp, 2)]);
        let two = PortSet::new(&[port("b", Protocol::Tcp, 2), port("b", Protocol::Tcp, 3)]);
        let union = PortSet::union([&one, &two]);
        assert_eq!(union.wanted(Want::Every).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(union.wanted(Want::Named(b"b", Protocol::Tcp)).collect::<Vec<_>>(), [2, 3]);
    }
}
