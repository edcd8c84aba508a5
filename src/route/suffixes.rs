//! A map from zones to values, asked for the longest zone that a name is in. One hash look-up for each depth at which a zone
//! exists, which in a cluster are three or four, however many zones there are.

use hashbrown::HashMap;

use crate::wire::{Name, NameBuf};

/// Zones and what belongs to them.
#[derive(Debug, Clone)]
pub(super) struct Suffixes<T> {
    zones: HashMap<Name, T, foldhash::fast::RandomState>,
    /// Bit n: there is a zone of n labels.
    depths: u128,
}

impl<T> Default for Suffixes<T> {
    fn default() -> Self {
        Self { zones: HashMap::default(), depths: 0 }
    }
}

impl<T> Suffixes<T> {
    /// Adds a zone unless it is there already.
    pub(super) fn add(&mut self, zone: Name, value: T) {
        self.depths |= 1 << zone.as_ref().label_count();
        self.zones.entry(zone).or_insert(value);
    }

    #[inline]
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.depths == 0
    }

    /// The longest zone that the name is in, by its number of labels.
    #[inline]
    #[must_use]
    pub(super) fn longest(&self, name: &NameBuf) -> Option<(usize, &T)> {
        let mut depths = self.depths & (u128::MAX >> (127 - name.label_count().min(127)));
        while depths != 0 {
            let depth = 127 - depths.leading_zeros() as usize;
            if let Some(value) = self.zones.get(name.suffix(depth).wire()) {
                return Some((depth, value));
            }
            depths &= !(1 << depth);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_zone_wins() {
        let mut zones = Suffixes::default();
        for zone in [".", "cluster.local", "east.svc.cluster.local", "a.b.east.svc.cluster.local"] {
            zones.add(zone.parse().expect("a name"), zone);
        }
        for (name, zone) in [
            ("x.east.svc.cluster.local", "east.svc.cluster.local"),
            ("east.svc.cluster.local", "east.svc.cluster.local"),
            ("xeast.svc.cluster.local", "cluster.local"),
            ("b.east.svc.cluster.local", "east.svc.cluster.local"),
            ("x.a.b.east.svc.cluster.local", "a.b.east.svc.cluster.local"),
            ("local", "."),
            (".", "."),
        ] {
            let name: Name = name.parse().expect("a name");
            assert_eq!(zones.longest(&NameBuf::from(name.as_ref())).map(|found| *found.1), Some(zone), "{name}");
        }
        assert!(Suffixes::<()>::default().longest(&NameBuf::new()).is_none());
    }
}
