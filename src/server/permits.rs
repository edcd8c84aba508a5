//! How many of something there are, held below a limit that a reload may change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The count; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Permits(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the place to somebody else"]
pub struct Permit(Permits);

impl Permits {
    /// One more, unless there are `limit` already.
    pub fn take(&self, limit: usize) -> Option<Permit> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(self.clone());
        (before < limit).then_some(permit)
    }

    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_the_limit() {
        let permits = Permits::default();
        let held = [permits.take(2).expect("room"), permits.take(2).expect("room")];
        assert!(permits.take(2).is_none());
        assert_eq!(permits.taken(), 2, "a refusal leaves nothing behind");
        assert!(permits.take(3).is_some(), "a higher limit counts at once");
        drop(held);
        assert_eq!(permits.taken(), 0);
    }
}
