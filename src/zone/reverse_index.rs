//! Which Services have an address, as one or more of (address, hash of the Service), in shards by the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One shard, sorted. The families are apart because an `IpAddr` would take half as much again.
#[derive(Debug, Clone, Default)]
pub(super) struct ReverseShard {
    v4: Vec<(Ipv4Addr, u64)>,
    v6: Vec<(Ipv6Addr, u64)>,
}

impl ReverseShard {
    pub(super) fn insert(&mut self, address: IpAddr, service: u64) {
        match address {
            IpAddr::V4(address) => insert(&mut self.v4, (address, service)),
            IpAddr::V6(address) => insert(&mut self.v6, (address, service)),
        }
    }

    pub(super) fn remove(&mut self, address: IpAddr, service: u64) {
        match address {
            IpAddr::V4(address) => remove(&mut self.v4, &(address, service)),
            IpAddr::V6(address) => remove(&mut self.v6, &(address, service)),
        }
    }

    /// The hashes of the Services that have an address, each once.
    pub(super) fn services(&self, address: IpAddr) -> impl Iterator<Item = u64> + Clone {
        let (four, six) = match address {
            IpAddr::V4(address) => (run(&self.v4, address), &[][..]),
            IpAddr::V6(address) => (&[][..], run(&self.v6, address)),
        };
        let mut last = None;
        let hashes = four.iter().map(|entry| entry.1).chain(six.iter().map(|entry| entry.1));
        // Two Services of one hash are found together in their shard, so the hash must come once.
        hashes.filter(move |hash| last.replace(*hash) != Some(*hash))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }
}

fn insert<T: Ord>(entries: &mut Vec<T>, entry: T) {
    let at = entries.partition_point(|other| *other < entry);
    // Room for this one only: there are 4,096 shards, and they grow seldom.
    entries.reserve_exact(1);
    entries.insert(at, entry);
}

fn remove<T: Ord>(entries: &mut Vec<T>, entry: &T) {
    if let Ok(at) = entries.binary_search(entry) {
        entries.remove(at);
    }
}

fn run<A: Ord>(entries: &[(A, u64)], address: A) -> &[(A, u64)] {
    let start = entries.partition_point(|entry| entry.0 < address);
    let end = entries.partition_point(|entry| entry.0 <= address);
    &entries[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(shard: &ReverseShard, address: &str) -> Vec<u64> {
        shard.services(address.parse().expect("an address")).collect()
    }

    #[test]
    fn shared_addresses_have_every_service_once() {
        let mut shard = ReverseShard::default();
        for (address, service) in [("10.0.0.1", 7), ("10.0.0.1", 3), ("10.0.0.1", 7), ("::1", 9), ("10.0.0.2", 3)] {
            shard.insert(address.parse().expect("an address"), service);
        }
        assert_eq!(services(&shard, "10.0.0.1"), [3, 7]);
        assert_eq!(services(&shard, "::1"), [9]);
        assert_eq!(services(&shard, "10.0.0.3"), [0; 0]);
        shard.remove("10.0.0.1".parse().expect("an address"), 7);
        assert_eq!(services(&shard, "10.0.0.1"), [3, 7], "two of one hash: one of them is left");
        shard.remove("10.0.0.1".parse().expect("an address"), 7);
        shard.remove("10.0.0.1".parse().expect("an address"), 8);
        assert_eq!(services(&shard, "10.0.0.1"), [3]);
    }
}
