//! One question to one other server or region: from the cache, from a fetch that is under way, or from a new one; and past its TTL if
//! nobody answers in time (RFC 8767). It knows no chains and no askers.

use std::sync::Arc;
use std::time::Instant;

use super::contained::contained_async;
use super::core::{Core, Routing};
use super::permits::Permit;
use super::refresh;
use crate::answer::{Failure, Stale};
use crate::cache::{Entry, Follower, Joined, Keep, KeyBuf, Leader, Source as KeptFrom};
use crate::clock;
use crate::forward::attempt::Handed;
use crate::peer::sends::SendLog;
use crate::route::Remote;
use crate::wire::exchange::{Question, Received};
use crate::wire::{Flags, Name, Rcode, ReplyBody};

/// What all who wait for a fetch get.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub body: Arc<ReplyBody>,
    /// Past its TTL.
    pub stale: bool,
}

/// What another server said, or why it did not.
struct News {
    body: Arc<ReplyBody>,
    /// Its denial counts: a region that knows its zone, an upstream unless answers are to be preferred.
    sure: bool,
}

/// The question, and whom it is asked of.
pub struct Fetch {
    pub core: Arc<Core>,
    pub routing: Arc<Routing>,
    pub server: u16,
    pub remote: Remote,
    pub question: Question,
    pub stamp: Vec<u8>,
}

impl Fetch {
    pub fn key(&self) -> KeyBuf {
        KeyBuf::new(self.server, self.routing.route_id(self.remote), &self.question.asked())
    }

    /// What the cache has, its TTLs as they are now.
    pub fn cached(&self) -> Option<Fetched> {
        let now = clock::now();
        let hit = |entry: &Entry| Some((entry.aged(now), entry.now_in_use()));
        let (body, again) = self.core.cache.get(&self.key(), now, hit)?;
        if let Some(at) = again {
            refresh::plan(&self.core, &self.routing, self.server, self.remote, &self.question.asked(), at);
        }
        Some(Fetched::fresh(body))
    }

    /// Asks for this asker alone: nobody else gets the answer, and none is kept.
    pub async fn alone(&self, log: &SendLog) -> Fetched {
        Fetched { body: self.ask(None, log).await.body, stale: false }
    }

    /// The answer for all who ask. A fetch that this begins holds `permit` until it ends, be it after its asker has gone with a stale
    /// answer.
    pub async fn shared(self, permit: &Arc<Permit>) -> Fetched {
        if let Some(found) = self.cached().or_else(|| self.stale_at_once()) {
            return found;
        }
        let this = Arc::new(self);
        let follower = match this.core.inflight.join(&this.key(), clock::now()) {
            Joined::Follower(follower) => follower,
            Joined::Leader(leader) => {
                let follower = leader.follow();
                Arc::clone(&this).lead(leader, None, Arc::clone(permit));
                follower
            }
        };
        this.wait(follower).await
    }

    /// Fetches in a task of its own, so that the answer reaches all who wait and the cache, whoever goes away meanwhile. `hold` is kept
    /// until it ends. `handed`: the first try, if it was made already.
    pub fn lead(self: Arc<Self>, leader: Leader<Fetched>, handed: Option<Handed>, hold: impl Send + 'static) {
        self.core.runtime.clone().spawn(async move {
            let fetching = async { self.keep(&leader, self.ask(handed, &SendLog::OFF).await) };
            match contained_async(fetching).await {
                Some(fetched) => leader.complete(fetched),
                // Those who wait see that nothing will come.
                None => self.core.metrics.panicked(),
            }
            drop(hold);
        });
    }

    /// Waits for a fetch; from `peers.stale_after` or `cache.stale_after` on, counted from its first asker, a stale answer will do.
    async fn wait(&self, follower: Follower<Fetched>) -> Fetched {
        let patience = match self.remote {
            Remote::Peer(_) => Some(self.routing.config.peers.stale_after),
            Remote::Forward(_) => self.routing.keeping(self.server, self.remote).stale_after(),
        };
        let Some(patience) = patience else { return outcome(follower.wait().await) };
        let left = patience.saturating_sub(clock::now().saturating_duration_since(follower.since()));
        let mut fetched = std::pin::pin!(follower.wait());
        if let Ok(fetched) = tokio::time::timeout(left, &mut fetched).await {
            return outcome(fetched);
        }
        let late = match self.remote {
            Remote::Peer(_) => Stale::Late { region: self.region() },
            Remote::Forward(upstream) => Stale::UpstreamLate { zone: self.zone(upstream) },
        };
        match self.stale(|entry, now| Some(entry.stale(late, now))) {
            Some(stale) => stale,
            None => outcome(fetched.await),
        }
    }

    /// A stale answer without asking: the region is dark, or what it said a moment ago was of no use.
    fn stale_at_once(&self) -> Option<Fetched> {
        let dark = self.routing.is_dark(self.remote).then(|| Stale::Dark { region: self.region() });
        self.stale(|entry, now| match entry.setback(now) {
            Some(cause) => Some(entry.stale(cause, now)),
            None => dark.map(|dark| entry.stale(dark, now)),
        })
    }

    /// An answer past its TTL, if there is one and `f` finds that nothing better is to be had.
    fn stale(&self, f: impl FnOnce(&Entry, Instant) -> Option<ReplyBody>) -> Option<Fetched> {
        let now = clock::now();
        let body = self.core.cache.get_stale(&self.key(), now, |entry| f(entry, now))?;
        Some(Fetched { body: Arc::new(body), stale: true })
    }

    /// Asks, and turns whatever comes into a body.
    async fn ask(&self, handed: Option<Handed>, log: &SendLog) -> News {
        let received = match self.remote {
            Remote::Peer(region) => {
                let answered = self.routing.regions[region].ask_logged(&self.question, &self.stamp, log).await;
                answered.map(|answered| (answered.received, answered.synced))
            }
            Remote::Forward(upstream) => {
                let client = &self.routing.upstreams[upstream];
                let received = client.ask_logged(&self.question, Some(&self.stamp), handed, log).await;
                received.map(|received| (received, self.is_sure()))
            }
        };
        match received {
            Ok((received, sure)) => self.news(received, sure),
            Err(failure) => News { body: Arc::new(failure.body()), sure: false },
        }
    }

    /// What an upstream answered, kept and for all who wait.
    pub fn landed(&self, leader: &Leader<Fetched>, received: Received) -> Fetched {
        self.keep(leader, self.news(received, self.is_sure()))
    }

    /// An upstream's denial counts, unless the cache is to prefer what was there before.
    fn is_sure(&self) -> bool {
        !self.routing.keeping(self.server, self.remote).prefers_positive()
    }

    fn news(&self, received: Received, sure: bool) -> News {
        let mut body = received.body;
        if matches!(self.remote, Remote::Peer(_)) && !matches!(body.rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
            let failure = Failure::RegionRefused { region: self.region().to_owned(), rcode: body.rcode };
            return News { body: Arc::new(failure.body()), sure: false };
        }
        if let (Remote::Forward(upstream), None) = (self.remote, &body.ede)
            && !matches!(body.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
        {
            let zone = self.zone(upstream).clone();
            body.ede = Some(Failure::UpstreamFailed { zone, rcode: body.rcode }.ede());
        }
        body.flags &= !Flags::AA;
        News { body: Arc::new(body), sure }
    }

    /// Keeps what may be kept, and gives it with its TTLs capped, as all who ask later will get it. If what is there already is better,
    /// that is given.
    fn keep(&self, leader: &Leader<Fetched>, news: News) -> Fetched {
        let from = match self.remote {
            Remote::Peer(_) => KeptFrom::Peer,
            Remote::Forward(_) => KeptFrom::Forward,
        };
        let News { mut body, sure } = news;
        let keep = self.routing.keeping(self.server, self.remote).keep(from, &body);
        match keep {
            Some(keep) => body = Arc::new(body.with_ttls(|ttl| ttl.min(keep.cap))),
            None if !body.is_negative() => return Fetched { body, stale: false },
            None => {}
        }
        let now = clock::now();
        let entry = Entry::new(Arc::clone(&body), keep.unwrap_or(Keep::NOT), leader.since(), now);
        let entry = if sure { entry } else { entry.unsure() };
        if self.core.cache.insert(leader.key().clone(), entry, now) {
            return Fetched { body, stale: false };
        }
        let cause = match &body.ede {
            Some(ede) if !body.is_negative() => ede.text().to_owned(),
            _ => match self.remote {
                Remote::Peer(_) => Stale::Doubted { region: self.region() }.to_string(),
                Remote::Forward(upstream) => Stale::Preferred { zone: self.zone(upstream) }.to_string(),
            },
        };
        let better = self.core.cache.set_back(leader.key(), &cause, now, |entry| match entry.is_fresh(now) {
            true => Fetched::fresh(entry.aged(now)),
            false => Fetched { body: Arc::new(entry.stale(&cause, now)), stale: true },
        });
        better.unwrap_or(Fetched { body, stale: false })
    }

    fn zone(&self, upstream: usize) -> &Name {
        &self.routing.routes.upstreams()[upstream]
    }

    /// The region's label; nothing for an upstream.
    fn region(&self) -> &str {
        match self.remote {
            Remote::Peer(region) => &self.routing.routes.regions()[region],
            Remote::Forward(_) => "",
        }
    }
}

impl Fetched {
    pub fn fresh(body: ReplyBody) -> Self {
        Self { body: Arc::new(body), stale: false }
    }
}

/// What a fetch brought; nothing at all if it panicked.
fn outcome(fetched: Option<Fetched>) -> Fetched {
    fetched.unwrap_or_else(|| Fetched::fresh(Failure::Panic.body()))
}
