//! What must happen before this instance may be asked: each part holds a guard until it has done its part. Dropping the guard is
//! being ready, so that nothing can be forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// What `/ready` says while the instance ends.
const SHUTTING_DOWN: &str = "shutting down";

/// The list of what is missing; clones share it.
#[derive(Clone, Default)]
pub struct Ready(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    next: u64,
    pending: BTreeMap<u64, String>,
    shutting_down: bool,
    notes: Vec<Notes>,
}

/// What there is to say besides: one line each, and no reason to be unready.
type Notes = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// One thing that is missing, until it is dropped.
#[must_use = "dropping it says that the task is done"]
pub struct Pending {
    ready: Ready,
    number: u64,
}

impl Ready {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `text` is for people: what is awaited, such as `zone: waiting for the Kubernetes API`.
    pub fn task(&self, text: impl Into<String>) -> Pending {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.pending.insert(number, text.into());
        Pending { ready: self.clone(), number }
    }

    /// Never ready again.
    pub fn set_shutting_down(&self) {
        self.0.lock().shutting_down = true;
    }

    /// What is missing, in the order in which it was asked for; empty: ready.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let state = self.0.lock();
        let end = state.shutting_down.then(|| SHUTTING_DOWN.to_owned());
        end.into_iter().chain(state.pending.values().cloned()).collect()
    }
}

impl Ready {
    /// Asked whenever somebody looks, for lines that tell more than yes or no.
    pub fn note(&self, notes: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.0.lock().notes.push(Arc::new(notes));
    }

    /// All those lines.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        // Whoever is asked may take a lock of its own.
        let notes = self.0.lock().notes.clone();
        notes.iter().flat_map(|notes| notes()).collect()
    }
}

impl Pending {
    /// Says more exactly what is awaited.
    pub fn say(&self, text: impl Into<String>) {
        self.ready.0.lock().pending.insert(self.number, text.into());
    }

    /// The same as dropping it.
    pub fn done(self) {}
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.ready.0.lock().pending.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_guard_is_gone() {
        let ready = Ready::new();
        let zone = ready.task("zone: waiting for the API");
        let doors = ready.clone().task("doors: binding");
        zone.say("zone: 3 of 9 lists read");
        assert_eq!(ready.missing(), ["zone: 3 of 9 lists read", "doors: binding"]);
        zone.done();
        drop(doors);
        assert!(ready.missing().is_empty());
    }

    #[test]
    fn an_instance_that_ends_is_not_ready() {
        let ready = Ready::new();
        ready.set_shutting_down();
        assert_eq!(ready.missing(), ["shutting down"]);
    }
}
