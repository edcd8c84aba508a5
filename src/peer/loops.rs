//! Keeps every address of a route probed for loops, and leaves those out that lead back to ourselves. What an answer means, and
//! how often it is asked for, is decided in `probe`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::probe::{self, Change, LoopState, Own, Verdict};
use super::race::Race;
use crate::config::Transport;
use crate::wire::Name;

/// A way to other servers: a region, a stub zone, or `.`.
pub trait Route: Send + Sync + 'static {
    fn zone(&self) -> Name;
    fn transport(&self) -> Transport;
    /// All addresses, those that are left out too, and each change of them.
    fn listed(&self) -> watch::Receiver<Vec<SocketAddr>>;
    /// These are not asked until the next call. A route whose addresses are all left out answers that it loops.
    fn leave_out(&self, servers: &[SocketAddr]);
}

/// The probing of one route; it stops on drop, and when the route is gone.
pub struct LoopWatch {
    task: AbortHandle,
    out: watch::Receiver<Vec<SocketAddr>>,
}

impl LoopWatch {
    /// Starts inside a tokio runtime. `own` is who we are, which may become known later.
    #[must_use]
    pub fn start(route: &Arc<impl Route>, own: watch::Receiver<Own>) -> Self {
        let ask = |server, transport, zone: Name, own| -> Asking {
            Box::pin(async move { probe::ask(server, transport, &zone, own).await })
        };
        Self::start_with(route, own, ask)
    }

    fn start_with<A>(route: &Arc<impl Route>, own: watch::Receiver<Own>, ask: A) -> Self
    where
        A: Fn(SocketAddr, Transport, Name, Own) -> Asking + Send + 'static,
    {
        let (sender, out) = watch::channel(Vec::new());
        let watching = Watching { route: Arc::downgrade(route), own, ask, states: HashMap::new(), out: sender };
        let task = tokio::spawn(watching.run(route.listed())).abort_handle();
        Self { task, out }
    }

    /// The addresses that are left out now, for metrics.
    #[must_use]
    pub fn out(&self) -> Vec<SocketAddr> {
        self.out.borrow().clone()
    }
}

impl Drop for LoopWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Asking = Pin<Box<dyn Future<Output = Verdict> + Send>>;

struct Watching<R, A> {
    route: Weak<R>,
    own: watch::Receiver<Own>,
    ask: A,
    /// What is known of each address, and when it is probed next.
    states: HashMap<SocketAddr, (LoopState, Option<Instant>)>,
    out: watch::Sender<Vec<SocketAddr>>,
}

impl<R: Route, A: Fn(SocketAddr, Transport, Name, Own) -> Asking> Watching<R, A> {
    async fn run(mut self, mut listed: watch::Receiver<Vec<SocketAddr>>) {
        loop {
            let addresses = listed.borrow_and_update().clone();
            self.states.retain(|server, _| addresses.contains(server));
            for server in addresses {
                self.states.entry(server).or_insert((LoopState::default(), Some(Instant::now())));
            }
            if !self.probe_due().await {
                return;
            }
            let next = self.states.values().filter_map(|(_, next)| *next).min();
            tokio::select! {
                changed = listed.changed() => if changed.is_err() { return },
                changed = self.own.changed() => match changed {
                    Ok(()) => self.states.values_mut().for_each(|(_, next)| *next = Some(Instant::now())),
                    // Whoever knew who we are is gone, and so is the program soon.
                    Err(_) => return,
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    /// Probes what is due, side by side. False if the route is gone.
    async fn probe_due(&mut self) -> bool {
        let own = *self.own.borrow_and_update();
        let now = Instant::now();
        let Some((zone, transport)) = self.route.upgrade().map(|route| (route.zone(), route.transport())) else {
            return false;
        };
        let mut race = Race::default();
        for (server, _) in self.states.iter().filter(|(_, (_, next))| next.is_some_and(|at| at <= now)) {
            let (server, asked) = (*server, (self.ask)(*server, transport, zone.clone(), own));
            race.push(async move { (server, asked.await) });
        }
        while !race.is_empty() {
            let (server, verdict) = race.next().await;
            let Some((state, next)) = self.states.get_mut(&server) else { continue };
            match state.observe(verdict) {
                Some(Change::TakenOut) => {
                    tracing::error!(%server, %zone, "loop: address leads back to ourselves, left out")
                }
                Some(Change::Returned) => tracing::info!(%server, %zone, "address leads back to ourselves no more"),
                None => {}
            }
            *next = state.next().map(|pause| Instant::now() + pause);
        }
        let mut out: Vec<SocketAddr> =
            self.states.iter().filter(|(_, (state, _))| state.is_out()).map(|(server, _)| *server).collect();
        out.sort_unstable();
        if *self.out.borrow() != out {
            let Some(route) = self.route.upgrade() else { return false };
            route.leave_out(&out);
            self.out.send_replace(out);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parking_lot::Mutex;
    use tokio::time::sleep;

    use super::*;
    use crate::wire::stamp::ClusterId;

    struct Fake {
        listed: watch::Sender<Vec<SocketAddr>>,
        left_out: Mutex<Vec<SocketAddr>>,
    }

    impl Route for Fake {
        fn zone(&self) -> Name {
            Name::root()
        }
        fn transport(&self) -> Transport {
            Transport::Udp
        }
        fn listed(&self) -> watch::Receiver<Vec<SocketAddr>> {
            self.listed.subscribe()
        }
        fn leave_out(&self, servers: &[SocketAddr]) {
            *self.left_out.lock() = servers.to_vec();
        }
    }

    fn address(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 53).into()
    }

    #[tokio::test(start_paused = true)]
    async fn the_address_that_loops_is_left_out_and_comes_back_by_itself() {
        let listed = watch::Sender::new(vec![address(1), address(2)]);
        let route = Arc::new(Fake { listed, left_out: Mutex::default() });
        let (loops, asked) = (Arc::new(Mutex::new(vec![address(1)])), Arc::new(Mutex::new(Vec::new())));
        let own = watch::Sender::new(Own { cluster: ClusterId::default(), instance: 1 });
        let watching = LoopWatch::start_with(&route, own.subscribe(), {
            let (loops, asked) = (Arc::clone(&loops), Arc::clone(&asked));
            move |server, _, _, _| {
                asked.lock().push(server);
                let verdict = if loops.lock().contains(&server) { Verdict::Itself } else { Verdict::NoSuchName };
                Box::pin(async move { verdict })
            }
        });
        sleep(Duration::from_secs(2)).await;
        assert_eq!((watching.out(), route.left_out.lock().clone()), (vec![address(1)], vec![address(1)]));
        assert_eq!(asked.lock().len(), 3, "the looping one twice");
        loops.lock().clear();
        sleep(Duration::from_secs(31)).await;
        assert!(watching.out().is_empty() && route.left_out.lock().is_empty());
        sleep(Duration::from_secs(300)).await;
        assert_eq!(asked.lock().len(), 4, "nothing more to find out");
        route.listed.send_replace(vec![address(2), address(3)]);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(asked.lock()[4..], [address(3)], "what is new is probed");
        own.send_replace(Own { cluster: ClusterId([1; 8]), instance: 1 });
        sleep(Duration::from_secs(2)).await;
        assert_eq!(asked.lock().len(), 7, "who we are has changed");
        drop(watching);
        route.listed.send_replace(vec![address(4)]);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(asked.lock().len(), 7);
    }
}
