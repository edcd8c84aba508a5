//! What of one resource is served: the names, and of each object what it was like when it came. The objects themselves are
//! kept by the zone alone; a list that brings equal ones costs a look each.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::zone::Object;
use crate::zone::object::ObjectName;

/// Names with the digests of their objects. A secret seeds these, so that nobody can make two objects look alike, and by
/// chance it happens once in 2^64 changes.
#[derive(Default)]
pub(super) struct Served {
    digests: HashMap<ObjectName, u64>,
    seed: RandomState,
}

/// A list while it is read: everything in it, and the objects that are not as they are served.
#[derive(Default)]
pub(super) struct Listing {
    digests: HashMap<ObjectName, u64>,
    changed: HashMap<ObjectName, Object>,
}

impl Served {
    pub(super) fn len(&self) -> usize {
        self.digests.len()
    }

    /// Serves this object from now on. Says whether it is another one than before.
    pub(super) fn apply(&mut self, name: ObjectName, object: &Object) -> bool {
        let digest = self.seed.hash_one(object);
        self.digests.insert(name, digest) != Some(digest)
    }

    /// Says whether it was served.
    pub(super) fn delete(&mut self, name: &ObjectName) -> bool {
        self.digests.remove(name).is_some()
    }

    /// What is served and not in the list.
    pub(super) fn missing_in(&self, listing: &Listing) -> HashSet<ObjectName> {
        self.digests.keys().filter(|name| !listing.digests.contains_key(*name)).cloned().collect()
    }

    /// Serves what is in the list and nothing else; gives what is new or different.
    pub(super) fn take(&mut self, listing: Listing) -> HashMap<ObjectName, Object> {
        self.digests = listing.digests;
        listing.changed
    }

    /// Serves what is in the list too.
    pub(super) fn add(&mut self, listing: Listing) -> HashMap<ObjectName, Object> {
        self.digests.extend(listing.digests);
        listing.changed
    }
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        self.digests.len()
    }

    /// An object is in the list; the last one of a name counts.
    pub(super) fn keep(&mut self, object: Object, served: &Served) {
        let (name, digest) = (object.key().name, served.seed.hash_one(&object));
        match served.digests.get_key_value(&name) {
            Some((known, same)) if *same == digest => {
                self.changed.remove(known);
                // The name as the zone has it: this one is freed.
                self.digests.insert(known.clone(), digest);
            }
            _ => {
                self.digests.insert(name.clone(), digest);
                self.changed.insert(name, object);
            }
        }
    }

    pub(super) fn remove(&mut self, name: &ObjectName) {
        self.digests.remove(name);
        self.changed.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::object::Pod;

    fn pod(name: &str, address: &str) -> Object {
        Object::Pod(Pod { name: ObjectName::new("shop", name), addresses: Box::new([address.parse().unwrap()]) })
    }

    fn listed(served: &Served, objects: &[Object]) -> Listing {
        let mut listing = Listing::default();
        objects.iter().for_each(|object| listing.keep(object.clone(), served));
        listing
    }

    #[test]
    fn only_what_is_different_is_kept_of_a_list() {
        let mut served = Served::default();
        let (a, b) = (pod("a", "10.0.0.1"), pod("b", "10.0.0.2"));
        let first = listed(&served, &[a.clone(), b.clone()]);
        assert_eq!(served.take(first).len(), 2);
        assert!(!served.apply(a.key().name, &a), "the same");
        let other = pod("a", "10.0.0.9");
        assert!(served.apply(a.key().name, &other));
        let again = listed(&served, &[a.clone(), other, b.clone(), pod("c", "10.0.0.3")]);
        assert_eq!((again.len(), served.missing_in(&again).len()), (3, 0));
        assert_eq!(served.take(again).into_keys().map(|name| name.name).collect::<Vec<_>>(), ["c".into()]);
        let mut less = listed(&served, &[a.clone(), b.clone()]);
        less.remove(&a.key().name);
        assert_eq!(served.missing_in(&less).len(), 2, "a and c");
        assert_eq!((served.add(less).len(), served.len()), (0, 3));
        assert!(served.delete(&b.key().name) && !served.delete(&b.key().name));
    }
}
