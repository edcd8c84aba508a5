//! Whom a question that cannot leave yet listens to.

use tokio::sync::Notify;

/// The bells of one group. Ringing does not wait for anybody.
#[derive(Debug, Default)]
pub struct Bells {
    changed: Notify,
    room: Notify,
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

    /// Waits for either, from the call on, not from the first poll. Giving up this wait loses nobody's turn.
    pub fn listen(&self) -> impl Future<Output = ()> + '_ {
        let (changed, room) = (self.changed.notified(), self.room.notified());
        async move {
            tokio::select! {
                () = changed => {}
                () = room => {}
            }
        }
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
                tokio::spawn(async move { bells.listen().await })
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
        let listening = bells.listen();
        bells.changed();
        listening.await;
        bells.room();
        bells.listen().await;
    }
}
