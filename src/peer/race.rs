//! A few futures at one time in one task: whichever is done first is given out, the others go on. For the sends of one
//! question, which are at most a handful; dropping the race gives all of them up.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Futures that run against each other.
pub struct Race<'f, T>(Vec<Pin<Box<dyn Future<Output = T> + Send + 'f>>>);

impl<T> Default for Race<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'f, T> Race<'f, T> {
    pub fn push(&mut self, runner: impl Future<Output = T> + Send + 'f) {
        self.0.push(Box::pin(runner));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one to be done; never, while there is none. Giving up this wait loses nothing.
    pub async fn next(&mut self) -> T {
        poll_fn(|context| {
            for at in 0..self.0.len() {
                if let Poll::Ready(done) = self.0[at].as_mut().poll(context) {
                    drop(self.0.swap_remove(at));
                    return Poll::Ready(done);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_to_be_done_comes_first() {
        let mut race = Race::default();
        for wait in [30, 10, 20] {
            race.push(async move {
                sleep(Duration::from_millis(wait)).await;
                wait
            });
        }
        let order = [race.next().await, race.next().await, race.next().await];
        assert_eq!(order, [10, 20, 30]);
        assert!(race.is_empty());
    }
}
