//! All answers of a name, whoever gave them, found by looking at every entry: for people, and never for answering.

use std::time::Instant;

use super::entry::Entry;
use super::key::{Key, Parts};
use super::look::Look;
use super::store::Cache;
use crate::wire::NameRef;

impl Cache {
    /// Each answer for a name, at most `most`. A shard at a time is locked while it is walked.
    #[must_use]
    pub fn all_of(&self, name: NameRef<'_>, now: Instant, most: usize) -> Vec<(Parts, Look)> {
        let mut found = Vec::new();
        self.each(|key: &Key, entry: &Entry| {
            if found.len() < most && key.name() == name.wire() {
                found.push((key.parts(), Look::of(entry, now)));
            }
        });
        found
    }

    /// Forgets each answer for a name, and says how many there were.
    pub fn forget(&self, name: NameRef<'_>) -> usize {
        self.remove_where(|key| key.name() == name.wire())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cache::entry::Entry;
    use crate::cache::key::tests::key;
    use crate::cache::policy::tests::{POLICY, address};
    use crate::cache::{Cache, Source};
    use crate::wire::Name;

    #[test]
    fn answers_of_a_name_are_found_and_forgotten_whoever_gave_them() {
        let (cache, now) = (Cache::new(1 << 20), crate::clock::now());
        let body = Arc::new(address(20));
        let keep = POLICY.keep(Source::Peer, &body).expect("kept");
        for (server, route, name) in [(0, 1, "web.x"), (1, 2, "web.x"), (0, 1, "a.web.x"), (0, 1, "x")] {
            cache.insert(key(server, route, name).to_key(), Entry::new(Arc::clone(&body), keep, now, now), now);
        }
        let name: Name = "web.x".parse().expect("a name");
        let mut found: Vec<_> = cache
            .all_of(name.as_ref(), now, 10)
            .into_iter()
            .map(|(key, _)| (key.server, key.route, key.qtype))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [(0, 1, 1), (1, 2, 1)]);
        assert_eq!(cache.all_of(name.as_ref(), now, 1).len(), 1, "bounded");
        let bytes = cache.bytes();
        assert_eq!((cache.forget(name.as_ref()), cache.len()), (2, 2));
        assert!(cache.bytes() < bytes && cache.all_of(name.as_ref(), now, 10).is_empty());
        assert_eq!(cache.stats().hits + cache.stats().misses, 0, "a look is no use");
    }
}
