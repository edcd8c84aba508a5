//! A hosts file as a table: names to addresses and back. Lines that cannot be read are passed over, as resolvers do. It reads no file,
//! and knows no question.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::{Name, NameRef};

/// TTL of what comes from a table that says none.
pub const HOSTS_TTL: u32 = 3_600;
/// Characters of a name or an address; longer ones are left out.
const MAX_FIELD: usize = 1_024;

/// One table. Names that begin with `*` stand for every name with another first label.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostTable {
    v4: HashMap<Name, Found<Ipv4Addr>>,
    v6: HashMap<Name, Found<Ipv6Addr>>,
    names: HashMap<IpAddr, Found<Name>>,
    entries: usize,
}

/// What a name or an address has.
#[derive(Debug, Clone, PartialEq)]
struct Found<T> {
    /// The first line that says so, from 1.
    line: u32,
    all: Vec<T>,
}

impl HostTable {
    /// Reads lines of `ADDRESS NAME...`; `keep` says which names are wanted, `reverse` whether addresses get them too.
    #[must_use]
    pub fn parse(text: &str, reverse: bool, keep: impl Fn(NameRef<'_>) -> bool) -> Self {
        let mut table = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let mut fields = line.split_ascii_whitespace();
            let Some(address) = fields.next().and_then(address) else { continue };
            let named = fields.filter(|field| field.len() <= MAX_FIELD).filter_map(|field| field.parse::<Name>().ok());
            for name in named.filter(|name| keep(name.as_ref())) {
                table.add(address, name, reverse, number);
            }
        }
        table
    }

    #[must_use]
    pub fn v4(&self, name: NameRef<'_>) -> &[Ipv4Addr] {
        find(&self.v4, name).map_or(&[], |found| &found.all)
    }

    #[must_use]
    pub fn v6(&self, name: NameRef<'_>) -> &[Ipv6Addr] {
        find(&self.v6, name).map_or(&[], |found| &found.all)
    }

    /// The names of an address.
    #[must_use]
    pub fn names(&self, address: IpAddr) -> &[Name] {
        self.names.get(&address).map_or(&[], |found| &found.all)
    }

    /// The line that has an address of this name.
    #[must_use]
    pub fn line_of(&self, name: NameRef<'_>) -> Option<u32> {
        let lines = [find(&self.v4, name).map(|found| found.line), find(&self.v6, name).map(|found| found.line)];
        lines.into_iter().flatten().min()
    }

    /// The line that has a name of this address.
    #[must_use]
    pub fn line_of_address(&self, address: IpAddr) -> Option<u32> {
        self.names.get(&address).map(|found| found.line)
    }

    /// Addresses of all names, and names of all addresses.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    fn add(&mut self, address: IpAddr, name: Name, reverse: bool, line: u32) {
        if reverse && !is_wildcard(&name) {
            push(&mut self.names, address, name.clone(), line);
            self.entries += 1;
        }
        match address {
            IpAddr::V4(v4) => push(&mut self.v4, name, v4, line),
            IpAddr::V6(v6) => push(&mut self.v6, name, v6, line),
        }
        self.entries += 1;
    }
}

fn push<K: Eq + Hash, T>(table: &mut HashMap<K, Found<T>>, key: K, what: T, line: u32) {
    table.entry(key).or_insert_with(|| Found { line, all: Vec::new() }).all.push(what);
}

/// The address in the first field; a zone behind `%` means nothing to others.
fn address(field: &str) -> Option<IpAddr> {
    let address: IpAddr = field.split('%').next()?.parse().ok()?;
    Some(address.to_canonical())
}

fn is_wildcard(name: &Name) -> bool {
    name.as_ref().labels().next() == Some(b"*")
}

fn find<'t, A>(table: &'t HashMap<Name, Found<A>>, name: NameRef<'_>) -> Option<&'t Found<A>> {
    if let Some(found) = table.get(name.wire()) {
        return Some(found);
    }
    let parent = name.parent()?;
    // One octet of length and the star in place of the first label.
    let mut wildcard = [0; crate::wire::name::MAX_NAME];
    let len = parent.wire().len() + 2;
    let place = wildcard.get_mut(..len)?;
    place[..2].copy_from_slice(b"\x01*");
    place[2..].copy_from_slice(parent.wire());
    table.get(&wildcard[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn lines_become_names_and_addresses() {
        let text = "# comment\n10.0.0.1 Web.x web2.x # more\n\nfe80::1%eth0 web.x\n::ffff:10.0.0.2\tweb.x\r\nnonsense y.x\n10.0.0.9\n10.0.0.3 other.y\n";
        let table = HostTable::parse(text, true, |found| found.is_in(name("x").as_ref()));
        let web = name("web.x");
        assert_eq!(table.v4(web.as_ref()), [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]);
        assert_eq!(table.v6(web.as_ref()), ["fe80::1".parse::<Ipv6Addr>().unwrap()]);
        assert_eq!(table.names("10.0.0.1".parse().unwrap()), [web.clone(), name("web2.x")]);
        assert_eq!((table.line_of(web.as_ref()), table.line_of(name("other.y").as_ref())), (Some(2), None));
        assert_eq!(table.line_of_address("fe80::1".parse().unwrap()), Some(4));
        assert!(table.v4(name("other.y").as_ref()).is_empty(), "nobody wants it");
        assert_eq!(table.entries(), 8);
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let table = HostTable::parse("10.0.0.1 *.apps.x\n10.0.0.2 own.apps.x\nfd00::1 *.apps.x", true, |_| true);
        for (asked, v4, v6) in [("a.apps.x", 1, 1), ("own.apps.x", 1, 1), ("a.b.apps.x", 0, 0), ("apps.x", 0, 0)] {
            let asked = name(asked);
            assert_eq!((table.v4(asked.as_ref()).len(), table.v6(asked.as_ref()).len()), (v4, v6), "{asked}");
        }
        assert_eq!(table.v4(name("own.apps.x").as_ref()), [Ipv4Addr::new(10, 0, 0, 2)]);
        assert!(table.names("10.0.0.1".parse().unwrap()).is_empty(), "a star is no name of an address");
    }

    #[test]
    fn nothing_stops_it() {
        let long = format!("10.0.0.1 {} ok.x", "a".repeat(2_000));
        for text in ["", "\0\0", "1.2.3.4 ..", "1.2.3.4 a..b", &long] {
            let table = HostTable::parse(text, true, |_| true);
            assert!(table.entries() <= 2, "{text}");
        }
        assert!(HostTable::default().v4(Name::root().as_ref()).is_empty());
    }
}
