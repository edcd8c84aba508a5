//! What a cached answer and a fetch are known by. A look-up builds its key on the stack; only what is kept has one on the heap.
//!
//! A key is one row of octets: its own hash first, then server, route, type, class, DO and CD, and the name; behind it a hash of the
//! EDNS options that are asked with it, if there are any: an answer to those is for nobody who asks without them. So a key on the
//! stack finds one on the heap by comparing slices, and a table that holds keys reads the hash instead of computing it again.

use std::borrow::Borrow;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use crate::wire::exchange::Asked;
use crate::wire::name::MAX_NAME;

/// Octets of the hash in front.
const HASH: usize = 8;
/// Octets in front of the name: hash, server, route, type, class, flags.
const FIXED: usize = HASH + 2 + 8 + 2 + 2 + 1;
/// The flag that says that there is a hash of options at the end.
const WITH_OPTIONS: u8 = 4;

/// SipHash with a random seed: names come from the network, and nobody outside may choose ones that fall together.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A key on the stack.
#[derive(Clone)]
pub struct KeyBuf {
    octets: [u8; FIXED + MAX_NAME + HASH],
    len: usize,
}

/// What a key tells apart besides names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub server: u16,
    pub route: u64,
    pub qtype: u16,
    pub dnssec_ok: bool,
    pub checking_disabled: bool,
}

/// A key that is kept; cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key(Arc<[u8]>);

impl KeyBuf {
    /// `route` is a number of the route's target that stays the same when the table of routes is made anew, so that
    /// answers outlive a reload.
    #[inline]
    #[must_use]
    pub fn new(server: u16, route: u64, asked: &Asked<'_>) -> Self {
        let name = asked.name.wire();
        let mut key = Self { octets: [0; FIXED + MAX_NAME + HASH], len: FIXED + name.len() };
        let octets = &mut key.octets;
        octets[8..10].copy_from_slice(&server.to_be_bytes());
        octets[10..18].copy_from_slice(&route.to_be_bytes());
        octets[18..20].copy_from_slice(&asked.qtype.to_be_bytes());
        octets[20..22].copy_from_slice(&asked.qclass.to_be_bytes());
        octets[22] = u8::from(asked.dnssec_ok) | u8::from(asked.checking_disabled) << 1;
        octets[FIXED..FIXED + name.len()].copy_from_slice(name);
        if !asked.options.is_empty() {
            octets[22] |= WITH_OPTIONS;
            octets[key.len..key.len + HASH].copy_from_slice(&SEED.hash_one(asked.options).to_ne_bytes());
            key.len += HASH;
        }
        let mut hasher = SEED.build_hasher();
        hasher.write(&octets[HASH..key.len]);
        octets[..HASH].copy_from_slice(&hasher.finish().to_ne_bytes());
        key
    }

    #[inline]
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    #[inline]
    pub(super) fn hash(&self) -> u64 {
        hash_of(self.octets())
    }

    #[must_use]
    pub fn to_key(&self) -> Key {
        Key(self.octets().into())
    }
}

impl Key {
    #[inline]
    pub(super) fn hash(&self) -> u64 {
        hash_of(&self.0)
    }

    /// The name, as it stands in a message.
    pub(super) fn name(&self) -> &[u8] {
        let end = self.0.len() - if self.0[22] & WITH_OPTIONS == 0 { 0 } else { HASH };
        self.0.get(FIXED..end).unwrap_or_default()
    }

    /// What it was made of, but for the name.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let number = |at: usize| u16::from_be_bytes([self.0[at], self.0[at + 1]]);
        let route = self.0[10..].first_chunk().map_or(0, |route| u64::from_be_bytes(*route));
        let flags = self.0[22];
        Parts {
            server: self.server(),
            route,
            qtype: number(18),
            dnssec_ok: flags & 1 != 0,
            checking_disabled: flags & 2 != 0,
        }
    }

    /// The server that it is kept for.
    pub(super) fn server(&self) -> u16 {
        u16::from_be_bytes([self.0[HASH], self.0[HASH + 1]])
    }

    /// Octets on the heap, with the two counts of the `Arc`.
    pub(super) fn heap_bytes(&self) -> usize {
        self.0.len() + 2 * size_of::<usize>()
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[inline]
fn hash_of(octets: &[u8]) -> u64 {
    octets.first_chunk().map_or(0, |hash| u64::from_ne_bytes(*hash))
}

/// For tables of keys: the hash is in front.
pub(super) type ByHash = BuildHasherDefault<TakeHash>;

/// Takes the first octets of a key as its hash; the length, which slices write before, is not needed.
#[derive(Default)]
pub(super) struct TakeHash(u64);

impl Hasher for TakeHash {
    #[inline]
    fn write(&mut self, octets: &[u8]) {
        self.0 = hash_of(octets);
    }
    #[inline]
    fn write_usize(&mut self, _: usize) {}
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::wire::Name;

    pub(in crate::cache) fn key(server: u16, route: u64, name: &str) -> KeyBuf {
        let name: Name = name.parse().expect("a name");
        let asked = Asked {
            name: name.as_ref(),
            qtype: 1,
            qclass: 1,
            dnssec_ok: false,
            checking_disabled: false,
            options: &[],
        };
        KeyBuf::new(server, route, &asked)
    }

    #[test]
    fn a_key_on_the_stack_finds_the_one_on_the_heap() {
        let mut table = std::collections::HashMap::<Key, u8, ByHash>::default();
        table.insert(key(1, 2, "web.x").to_key(), 7);
        assert_eq!(table.get(key(1, 2, "web.x").octets()), Some(&7));
        assert_eq!(table.get(key(1, 2, "wec.x").octets()), None);
    }

    #[test]
    fn every_part_tells_keys_apart() {
        let name: Name = "web.x".parse().expect("a name");
        let asked = Asked {
            name: name.as_ref(),
            qtype: 1,
            qclass: 1,
            dnssec_ok: false,
            checking_disabled: false,
            options: &[],
        };
        let keys = [
            KeyBuf::new(1, 1, &asked),
            KeyBuf::new(2, 1, &asked),
            KeyBuf::new(1, 2, &asked),
            KeyBuf::new(1, 1, &Asked { qtype: 28, ..asked }),
            KeyBuf::new(1, 1, &Asked { qclass: 3, ..asked }),
            KeyBuf::new(1, 1, &Asked { dnssec_ok: true, ..asked }),
            KeyBuf::new(1, 1, &Asked { checking_disabled: true, ..asked }),
            KeyBuf::new(1, 1, &Asked { options: &[0, 8, 0, 0], ..asked }),
            KeyBuf::new(1, 1, &Asked { options: &[0, 8, 0, 1, 0], ..asked }),
            key(1, 1, "x"),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().map(|key| key.octets()[HASH..].to_vec()).collect();
        assert_eq!(distinct.len(), keys.len());
        assert!(keys[..9].iter().all(|key| key.to_key().name() == name.as_ref().wire()));
        let hashes: std::collections::HashSet<_> = keys.iter().map(KeyBuf::hash).collect();
        assert_eq!(hashes.len(), keys.len());
    }

    #[test]
    fn the_longest_name_fits() {
        let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        let key = key(u16::MAX, u64::MAX, &long);
        assert_eq!(key.to_key().heap_bytes(), FIXED + MAX_NAME + 16);
    }
}
