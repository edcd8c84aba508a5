//! What changed from one list of objects to the next, so that a reload touches only that.

use std::collections::{HashMap, HashSet};

use crate::zone::object::{Event, Kind, Object, ObjectKey};

/// The events that lead from `previous` to `next`; both hold each object once.
#[must_use]
pub fn diff(previous: &[Object], next: &[Object]) -> Vec<Event> {
    let old: HashMap<ObjectKey, &Object> = previous.iter().map(|object| (object.key(), object)).collect();
    let new: HashSet<ObjectKey> = next.iter().map(Object::key).collect();
    let applied = next.iter().filter(|object| old.get(&object.key()) != Some(object));
    let mut events: Vec<Event> = applied.cloned().map(Event::Apply).collect();
    let gone = previous.iter().map(Object::key).filter(|key| !new.contains(key));
    events.extend(gone.map(Event::Delete));
    events
}

/// The events after which there is this and nothing else, whatever there was: how a source begins.
#[must_use]
pub fn whole(objects: &[Object]) -> Vec<Event> {
    let of = |kind: Kind| objects.iter().filter(|object| object.kind() == kind).cloned().collect();
    let kinds = [Kind::Namespace, Kind::Service, Kind::Slice, Kind::Pod];
    kinds.into_iter().map(|kind| Event::Replace(kind, of(kind))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::object::Namespace;

    fn namespace(name: &str, uid: &str) -> Object {
        Object::Namespace(Namespace { name: name.into(), uid: uid.into(), served: true })
    }

    #[test]
    fn only_differences_become_events() {
        let old = [namespace("same", "1"), namespace("changed", "1"), namespace("gone", "1")];
        let new = [namespace("new", "1"), namespace("changed", "2"), namespace("same", "1")];
        let expected = [Event::Apply(new[0].clone()), Event::Apply(new[1].clone()), Event::Delete(old[2].key())];
        assert_eq!(diff(&old, &new), expected);
        assert_eq!(diff(&old, &old), []);
    }
}
