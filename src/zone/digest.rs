//! A hash of content that is the same on every replica and in every version: replicas are compared by it. It is no secret
//! and no defence; tables use a seeded hash.

/// Collects values; two different sequences of them have different sums but for bad luck.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest(u64);

/// An odd number without pattern: the golden ratio's fraction.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Digest {
    /// `kind` keeps equal contents of different kinds apart.
    pub(super) const fn new(kind: u64) -> Self {
        Self(kind.wrapping_mul(FACTOR))
    }

    pub(super) const fn number(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(FACTOR);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// Spread well enough that the sums of many are a hash again (splitmix64's last step).
    pub(super) const fn finish(self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&[u8]]) -> u64 {
        let mut digest = Digest::new(1);
        parts.iter().for_each(|part| digest.bytes(part));
        digest.finish()
    }

    #[test]
    fn borders_and_order_count() {
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"a", b"b"]), of(&[b"b", b"a"]));
        assert_ne!(of(&[b"a"]), of(&[b"a\0"]));
    }

    #[test]
    fn the_value_never_changes_between_versions() {
        assert_eq!(of(&[b"payments", b"web"]), 14_925_258_841_254_881_579);
    }
}
