//! One value that many threads read and one writer replaces as a whole. Readers hold what they loaded for as long as one batch
//! takes; the writer keeps each old value until nobody reads it, so that no reader ever pays for freeing it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

/// The newest value, and the old ones that somebody may still read.
pub struct Published<T> {
    current: ArcSwap<T>,
    retired: Mutex<Vec<Arc<T>>>,
}

impl<T> Published<T> {
    pub fn new(value: T) -> Self {
        Self { current: ArcSwap::from_pointee(value), retired: Mutex::new(Vec::new()) }
    }

    /// The newest value; it stays whole for as long as the caller holds it.
    #[inline]
    pub fn load(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Puts the newest value in place of what the caller holds, and says whether it is another one. It touches no memory that
    /// other readers write to, so it may be called for every batch.
    #[inline]
    pub fn refresh(&self, held: &mut Arc<T>) -> bool {
        let newest = self.current.load();
        let changed = !Arc::ptr_eq(&newest, held);
        if changed {
            *held = Arc::clone(&newest);
        }
        changed
    }

    /// Replaces the value; old ones that nobody holds any more are freed here, on the writer's thread.
    pub fn publish(&self, value: Arc<T>) {
        let old = self.current.swap(value);
        self.retired.lock().push(old);
        self.sweep();
    }

    /// Frees old values that nobody holds any more; called now and then when nothing is published.
    pub fn sweep(&self) {
        let unused: Vec<Arc<T>> = {
            let mut retired = self.retired.lock();
            retired.extract_if(.., |value| Arc::strong_count(value) == 1).collect()
        };
        drop(unused);
    }

    /// Old values that somebody still holds.
    #[must_use]
    pub fn retired(&self) -> usize {
        self.retired.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_values_are_freed_by_the_writer_once_unused() {
        let published = Published::new(1);
        let held = published.load();
        published.publish(Arc::new(2));
        assert_eq!((*held, *published.load(), published.retired()), (1, 2, 1));
        let last = Arc::downgrade(&held);
        drop(held);
        assert!(last.upgrade().is_some(), "a reader that lets go frees nothing");
        published.sweep();
        assert!(last.upgrade().is_none());
        assert_eq!(published.retired(), 0);
    }

    /// Knows on which thread it has to end.
    struct Owned(std::thread::ThreadId, u64);

    impl Drop for Owned {
        fn drop(&mut self) {
            assert_eq!(std::thread::current().id(), self.0, "a reader has freed it");
        }
    }

    /// With real threads, in every way in which they happen to meet.
    #[test]
    fn readers_see_whole_values_in_order_and_free_none() {
        const VALUES: u64 = 20_000;
        let writer = std::thread::current().id();
        let published = Arc::new(Published::new(Owned(writer, 0)));
        let readers: Vec<_> = (0..3)
            .map(|number| {
                let published = Arc::clone(&published);
                std::thread::spawn(move || {
                    let mut held = published.load();
                    let mut seen = 0;
                    while held.1 < VALUES {
                        let before = held.1;
                        // Some look now and then only.
                        if number == 0 || !published.refresh(&mut held) {
                            std::thread::yield_now();
                            held = published.load();
                        }
                        assert!(held.1 >= before, "time goes back");
                        seen += u64::from(held.1 > before);
                    }
                    // The last one is the writer's too.
                    seen
                })
            })
            .collect();
        for value in 1..=VALUES {
            published.publish(Arc::new(Owned(writer, value)));
        }
        for reader in readers {
            assert!(reader.join().expect("no reader has freed anything") > 0);
        }
        published.sweep();
        assert_eq!(published.retired(), 0);
    }
}
