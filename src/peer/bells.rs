//! Whom a question that cannot leave yet listens to.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

/// The bells of one group. Ringing does not wait for anybody.
#[derive(Debug, Default)]
pub struct Bells {
    changed: Notify,
    room: Notify,
    /// Those who listen and would take any connection.
    unchoosy: AtomicUsize,
}

impl Bells {
    /// A connection came or went, or the addresses are others: everybody looks anew.
    pub fn changed(&self) {
        self.changed.notify_waiters();
    }

    /// There is room for one more question: one of those who wait looks, and rings again if there is more. Thousands may wait
    /// when a peer comes back, and if all of them looked at each answer nothing else would be done.
    pub fn room(&self) {
        self.room.notify_one();
    }

    /// Somebody was woken for room that is not for him: perhaps for another one, if there is one who takes any.
    pub fn pass_on(&self) {
        if self.unchoosy.load(Relaxed) > 0 {
            self.room();
        }
    }

    /// Waits for either, from the call on, not from the first poll. Giving up this wait loses nobody's turn. `any`: whoever
    /// waits here would take any connection.
    pub fn listen(&self, any: bool) -> impl Future<Output = ()> + '_ {
        let (changed, room) = (self.changed.notified(), self.room.notified());
        let waiting = Waiting::new(self, any);
        async move {
            tokio::select! {
                () = changed => {}
                () = room => {}
            }
            drop(waiting);
        }
    }
}

/// Somebody listens.
struct Waiting<'b>(Option<&'b AtomicUsize>);

impl<'b> Waiting<'b> {
    fn new(bells: &'b Bells, any: bool) -> Self {
        let counted = any.then_some(&bells.unchoosy);
        counted.inspect(|count| _ = count.fetch_add(1, Relaxed));
        Self(counted)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.inspect(|count| _ = count.fetch_sub(1, Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn room_wakes_one_and_a_change_wakes_all() {
        let bells = Arc::new(Bells::default());
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let bells = Arc::clone(&bells);
                tokio::spawn(async move { bells.listen(true).await })
            })
            .collect();
        tokio::task::yield_now().await;
        bells.room();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(waiting.iter().filter(|one| one.is_finished()).count(), 1);
        bells.changed();
        for one in waiting {
            one.await.expect("no panic");
        }
    }

    #[tokio::test]
    async fn what_rings_before_the_wait_is_heard() {
        let bells = Bells::default();
        let listening = bells.listen(false);
        bells.changed();
        listening.await;
        bells.room();
        bells.listen(false).await;
    }

    #[tokio::test]
    async fn room_is_passed_on_to_one_who_takes_any() {
        let bells = Arc::new(Bells::default());
        let choosy = bells.listen(false);
        bells.pass_on();
        let any = bells.listen(true);
        bells.pass_on();
        any.await;
        assert_eq!(bells.unchoosy.load(Relaxed), 0);
        drop(choosy);
    }
}
