//! When the zone is whole for the first time: once every resource is known.

use parking_lot::Mutex;

use crate::zone::object::Kind;

/// The resources that are not known yet.
pub(super) struct Sync(Mutex<Vec<Kind>>);

impl Sync {
    pub(super) fn new(kinds: &[Kind]) -> Self {
        Self(Mutex::new(kinds.to_vec()))
    }

    /// This one is known now. True for whoever was the last.
    pub(super) fn done(&self, kind: Kind) -> bool {
        let mut missing = self.0.lock();
        let before = missing.len();
        missing.retain(|other| *other != kind);
        missing.is_empty() && before > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_told_once() {
        let sync = Sync::new(&[Kind::Service, Kind::Slice]);
        assert!(!sync.done(Kind::Slice) && !sync.done(Kind::Slice));
        assert!(sync.done(Kind::Service));
        assert!(!sync.done(Kind::Service));
    }
}
