//! One fetch per question, however many ask: the first to ask leads and fetches, the rest wait for what it brings. Whoever
//! leads owes the others a word: if it is dropped without one, they learn that at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::key::{ByHash, Key, KeyBuf};

/// The fetches under way. `T` is what they bring; each follower gets a clone.
pub struct Inflight<T> {
    fetches: Mutex<HashMap<Key, Fetch<T>, ByHash>>,
}

struct Fetch<T> {
    waiting: Vec<oneshot::Sender<T>>,
    since: Instant,
}

/// What an asker is to do.
pub enum Joined<T: Clone> {
    /// Fetch.
    Leader(Leader<T>),
    /// Wait.
    Follower(Follower<T>),
}

/// The duty to bring an outcome.
pub struct Leader<T: Clone> {
    inflight: Arc<Inflight<T>>,
    key: Key,
    since: Instant,
    /// From then on somebody else may lead it.
    has_left: bool,
}

/// The right to one.
pub struct Follower<T> {
    outcome: oneshot::Receiver<T>,
    since: Instant,
}

impl<T: Clone> Inflight<T> {
    /// It has no bound of its own: whoever joins holds a permit, and a fetch keeps its leader's until it ends.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { fetches: Mutex::new(HashMap::default()) })
    }

    pub fn join(self: &Arc<Self>, key: &KeyBuf, now: Instant) -> Joined<T> {
        let mut fetches = self.fetches.lock();
        if let Some(fetch) = fetches.get_mut(key.octets()) {
            return Joined::Follower(fetch.follow());
        }
        let key = key.to_key();
        fetches.insert(key.clone(), Fetch { waiting: Vec::new(), since: now });
        Joined::Leader(Leader { inflight: Arc::clone(self), key, since: now, has_left: false })
    }

    /// Fetches under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fetches.lock().len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Fetch<T> {
    fn follow(&mut self) -> Follower<T> {
        let (sender, outcome) = oneshot::channel();
        self.waiting.push(sender);
        Follower { outcome, since: self.since }
    }
}

impl<T: Clone> Leader<T> {
    /// When the question was asked first: deadlines and the age of the answer count from here.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }

    /// For keeping the answer; do that before `complete`, so that nobody who comes between the two asks again.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The leader's own wait, for one that has the work done by a task.
    #[must_use]
    pub fn follow(&self) -> Follower<T> {
        let mut fetches = self.inflight.fetches.lock();
        let ours = || Fetch { waiting: Vec::new(), since: self.since };
        fetches.entry(self.key.clone()).or_insert_with(ours).follow()
    }

    /// Gives the outcome to all who wait.
    pub fn complete(mut self, outcome: T) {
        // Whoever has gone does not want it.
        self.leave().into_iter().for_each(|one| drop(one.send(outcome.clone())));
    }

    /// Those who wait, once.
    fn leave(&mut self) -> Vec<oneshot::Sender<T>> {
        if std::mem::replace(&mut self.has_left, true) {
            return Vec::new();
        }
        // Nobody else leads this question while it is in the table, so what is removed is ours.
        self.inflight.fetches.lock().remove(&self.key).map_or_else(Vec::new, |fetch| fetch.waiting)
    }
}

impl<T: Clone> Drop for Leader<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T: Clone> Follower<T> {
    /// When the question was asked first.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }

    /// None: the leader was dropped, by a panic or a shutdown, and nothing will come.
    pub async fn wait(self) -> Option<T> {
        self.outcome.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::key::tests::key;

    fn lead(inflight: &Arc<Inflight<u32>>, name: &str) -> Leader<u32> {
        let Joined::Leader(leader) = inflight.join(&key(0, 0, name), crate::clock::now()) else {
            panic!("nobody leads {name} yet")
        };
        leader
    }

    fn follow(inflight: &Arc<Inflight<u32>>, name: &str) -> Follower<u32> {
        let Joined::Follower(follower) = inflight.join(&key(0, 0, name), crate::clock::now()) else {
            panic!("somebody leads {name}")
        };
        follower
    }

    #[tokio::test]
    async fn ten_thousand_askers_make_one_fetch() {
        let inflight = Inflight::new();
        let leader = lead(&inflight, "web.x");
        let waiting: Vec<_> = (0..9_999).map(|_| tokio::spawn(follow(&inflight, "web.x").wait())).collect();
        tokio::task::yield_now().await;
        assert_eq!(inflight.len(), 1);
        leader.complete(7);
        for follower in waiting {
            assert_eq!(follower.await.expect("no panic"), Some(7));
        }
        assert!(inflight.is_empty());
    }

    #[tokio::test]
    async fn followers_of_a_lost_leader_do_not_hang() {
        let inflight = Inflight::new();
        let leader = lead(&inflight, "web.x");
        let follower = tokio::spawn(follow(&inflight, "web.x").wait());
        let panicking = tokio::spawn(async move {
            let _leader = leader;
            panic!("of one fetch");
        });
        assert!(panicking.await.is_err());
        assert_eq!(follower.await.expect("no panic"), None);
        lead(&inflight, "web.x").complete(1);
    }

    /// Who leads next is not disturbed by the one before.
    #[tokio::test]
    async fn a_leader_that_is_done_leaves_the_next_one_alone() {
        let inflight = Inflight::new();
        let first = lead(&inflight, "web.x");
        let mut waiting = vec![follow(&inflight, "web.x")];
        first.complete(1);
        let second = lead(&inflight, "web.x");
        waiting.push(follow(&inflight, "web.x"));
        assert_eq!((inflight.len(), waiting.remove(0).wait().await), (1, Some(1)));
        second.complete(2);
        assert_eq!(waiting.remove(0).wait().await, Some(2));
    }

    #[tokio::test]
    async fn an_outcome_that_came_before_the_wait_is_not_lost() {
        let inflight = Inflight::new();
        let leader = lead(&inflight, "web.x");
        let follower = follow(&inflight, "web.x");
        leader.complete(7);
        assert_eq!(follower.wait().await, Some(7));
    }

    #[tokio::test]
    async fn a_follower_that_gives_up_disturbs_nobody() {
        let inflight = Inflight::new();
        let leader = lead(&inflight, "web.x");
        drop(follow(&inflight, "web.x"));
        let cancelled = tokio::spawn(follow(&inflight, "web.x").wait());
        let staying = tokio::spawn(follow(&inflight, "web.x").wait());
        tokio::task::yield_now().await;
        cancelled.abort();
        leader.complete(7);
        assert_eq!(staying.await.expect("no panic"), Some(7));
    }

    #[tokio::test]
    async fn age_counts_from_the_first_asker() {
        let inflight = Inflight::<u32>::new();
        let now = crate::clock::now();
        let one = key(0, 0, "one.x");
        let Joined::Leader(first) = inflight.join(&one, now) else { panic!("the first leads") };
        let Joined::Follower(late) = inflight.join(&one, now + Duration::from_secs(1)) else { panic!("a follower") };
        assert_eq!((first.since(), late.since()), (now, now));
        let own = first.follow();
        first.complete(7);
        assert_eq!((own.wait().await, late.wait().await), (Some(7), Some(7)));
    }
}
