//! What is in a shard, counted by server and kind as it comes and goes, so that a scrape need not look at entries. It keeps
//! nothing else and decides nothing.

use super::entry::Entry;
use super::key::Key;

/// One server's answers: what is there, and what was pushed out for want of room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Denials and failures are 1, everything else is 0.
    pub entries: [u64; 2],
    pub evictions: [u64; 2],
}

/// By the number of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Census(Vec<Kinds>);

impl Census {
    pub(super) fn came(&mut self, key: &Key, entry: &Entry) {
        self.of(key).entries[kind(entry)] += 1;
    }

    pub(super) fn went(&mut self, key: &Key, entry: &Entry) {
        self.of(key).entries[kind(entry)] -= 1;
    }

    pub(super) fn evicted(&mut self, key: &Key, entry: &Entry) {
        self.went(key, entry);
        self.of(key).evictions[kind(entry)] += 1;
    }

    pub(super) fn cleared(&mut self) {
        self.0.iter_mut().for_each(|kinds| kinds.entries = [0; 2]);
    }

    /// Adds this shard's to the sums.
    pub(super) fn add_to(&self, sums: &mut Vec<Kinds>) {
        if sums.len() < self.0.len() {
            sums.resize(self.0.len(), Kinds::default());
        }
        for (sum, kinds) in sums.iter_mut().zip(&self.0) {
            for at in 0..2 {
                sum.entries[at] += kinds.entries[at];
                sum.evictions[at] += kinds.evictions[at];
            }
        }
    }

    fn of(&mut self, key: &Key) -> &mut Kinds {
        let server = usize::from(key.server());
        if self.0.len() <= server {
            self.0.resize(server + 1, Kinds::default());
        }
        &mut self.0[server]
    }
}

/// As CoreDNS parts them: an answer, or else a denial, a failure too.
fn kind(entry: &Entry) -> usize {
    usize::from(!entry.body().is_positive())
}
