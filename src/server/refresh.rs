//! Answers in use are asked for again before they expire, so that nobody waits for an ocean. The asker whose hit shows that an
//! answer is in use plans it; at its time one fetch is made, like any other. It decides nothing about what is kept.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::core::{Core, Counters, Routing};
use super::fetch::Fetch;
use super::permits::{Permit, Permits};
use crate::cache::Joined;
use crate::clock;
use crate::route::Remote;
use crate::wire::exchange::{Asked, Question};
use crate::wire::stamp::write_stamp;

/// The refreshes of one region or upstream zone; kept when the table is made anew.
pub struct Refreshes {
    /// As in [`Routing::route_id`].
    route: u64,
    /// What metrics call it.
    pub label: String,
    /// Planned or under way, bounded by `limits.refreshes`.
    planned: Permits,
    pub started: AtomicU64,
    /// Not planned, because `limits.refreshes` was reached.
    pub refused: AtomicU64,
}

impl Refreshes {
    /// Those of this route, from the table before if it had the route.
    pub fn of(previous: &[Arc<Self>], route: u64, label: &str) -> Arc<Self> {
        previous.iter().find(|refreshes| refreshes.route == route).map(Arc::clone).unwrap_or_else(|| {
            let (planned, started, refused) = (Permits::default(), AtomicU64::new(0), AtomicU64::new(0));
            Arc::new(Self { route, label: label.to_owned(), planned, started, refused })
        })
    }
}

/// Plans to ask this question of `remote` again at `at`, if the server wants such things and there is room.
pub fn plan(core: &Arc<Core>, routing: &Routing, server: u16, remote: Remote, asked: &Asked<'_>, at: Instant) {
    if !routing.config.servers[usize::from(server)].cache.prefetch || routing.is_dark(remote) {
        return;
    }
    let refreshes = routing.refreshes(remote);
    let Ok(permit) = refreshes.planned.take(None, routing.config.limits.refreshes) else {
        return Counters::add(&refreshes.refused);
    };
    // What waits here holds no client and no table: both may be replaced meanwhile.
    let (weak, route, question) = (Arc::downgrade(core), refreshes.route, asked.to_question());
    core.runtime.spawn(async move {
        tokio::time::sleep(at.saturating_duration_since(clock::now())).await;
        refresh(&weak, server, route, question, permit);
    });
}

/// Asks, unless that is no longer wanted: the answer was replaced or pushed out, the route is gone or dark, or somebody asks already.
fn refresh(core: &Weak<Core>, server: u16, route: u64, question: Question, permit: Permit) {
    let Some(core) = core.upgrade() else { return };
    let routing = core.routing.load();
    let Some(remote) = routing.remote(route).filter(|remote| !routing.is_dark(*remote)) else { return };
    let stamp = write_stamp(None, routing.routes.own().hop(core.zone.load().cluster_id));
    let refreshes = Arc::clone(routing.refreshes(remote));
    let fetch = Fetch { core: Arc::clone(&core), routing, server, remote, question, stamp };
    let key = fetch.key();
    if !core.cache.is_due(&key, clock::now()) {
        return;
    }
    if let Joined::Leader(leader) = core.inflight.join(&key, clock::now()) {
        Counters::add(&refreshes.started);
        Arc::new(fetch).lead(leader, None, permit);
    }
}
