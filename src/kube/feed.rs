//! The task that owns the zone's builder: changes go in, snapshots come out. It publishes at once after quiet and at most
//! every 2 ms otherwise, and frees old snapshots, so that no worker ever does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::clock;
use crate::publish::Published;
use crate::zone::{Builder, Event, Snapshot, ZoneSettings};

/// Between two publications.
const INTERVAL: Duration = Duration::from_millis(2);
/// Between two looks for old snapshots that nobody reads any more.
const SWEEP: Duration = Duration::from_millis(100);
/// More objects or Services than this are taken and built on a thread of their own: about a millisecond's worth.
const MANY: usize = 512;
/// Changes that may wait; then their source waits.
pub const QUEUE: usize = 1_024;

/// What the task is told.
#[derive(Debug)]
pub enum Change {
    Event(Event),
    /// Changes that belong together: they are seen all at once or not at all.
    Events(Vec<Event>),
    /// Everything there is has been told.
    Synced,
    Reconfigure(ZoneSettings),
}

/// A queue to the task.
#[must_use]
pub fn channel() -> (mpsc::Sender<Change>, mpsc::Receiver<Change>) {
    mpsc::channel(QUEUE)
}

/// Runs until all senders are gone. `on_synced` is called once, when the first snapshot that may be answered from is out.
pub async fn run(
    mut builder: Builder,
    mut changes: mpsc::Receiver<Change>,
    published: Arc<Published<Snapshot>>,
    on_synced: impl FnOnce() + Send,
) {
    let mut on_synced = Some(on_synced);
    let mut pending = false;
    let mut next = Instant::now();
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next), if pending => {
                pending = false;
                let heavy = builder.touched() > MANY;
                let built;
                (builder, built) = work(builder, heavy, |builder| builder.publish(clock::unix_seconds())).await;
                if let Some(snapshot) = built {
                    published.publish(snapshot);
                    if let Some(tell) = on_synced.take() {
                        tell();
                    }
                    next = Instant::now() + INTERVAL;
                }
            }
            _ = sweep.tick(), if published.retired() > 0 => published.sweep(),
            change = changes.recv() => {
                let Some(change) = change else { break };
                let mut together = vec![change];
                // What came with it is published with it.
                while together.len() < QUEUE && let Ok(change) = changes.try_recv() {
                    together.push(change);
                }
                let heavy = together.iter().map(Change::objects).sum::<usize>() > MANY;
                let take = |builder: &mut Builder| together.into_iter().for_each(|change| take(builder, change));
                (builder, ()) = work(builder, heavy, take).await;
                pending = true;
            }
        }
    }
    if let Some(snapshot) = builder.publish(clock::unix_seconds()) {
        published.publish(snapshot);
        if let Some(tell) = on_synced.take() {
            tell();
        }
    }
}

/// Does something here, or if it is much on a thread that may take its time: a whole cluster takes tenths of a second, and
/// these threads have TCP clients and upstreams to serve.
async fn work<T: Send + 'static>(
    mut builder: Builder,
    heavy: bool,
    work: impl FnOnce(&mut Builder) -> T + Send + 'static,
) -> (Builder, T) {
    if !heavy {
        let done = work(&mut builder);
        return (builder, done);
    }
    let working = tokio::task::spawn_blocking(move || {
        let done = work(&mut builder);
        (builder, done)
    });
    match working.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and we with it.
            Err(_) => std::future::pending().await,
        },
    }
}

impl Change {
    /// How many objects it touches, about.
    fn objects(&self) -> usize {
        let of = |event: &Event| if let Event::Replace(_, objects) = event { objects.len() } else { 1 };
        match self {
            Self::Event(event) => of(event),
            Self::Events(events) => events.iter().map(of).sum(),
            // It may touch all there is.
            Self::Reconfigure(_) => MANY + 1,
            Self::Synced => 0,
        }
    }
}

fn take(builder: &mut Builder, change: Change) {
    match change {
        Change::Event(event) => builder.apply(event),
        Change::Events(events) => events.into_iter().for_each(|event| builder.apply(event)),
        Change::Synced => builder.mark_synced(),
        Change::Reconfigure(settings) => builder.reconfigure(settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PodMode;
    use crate::zone::object::{Kind, Namespace, Object, ObjectName, Service, ServiceKind};
    use tokio::sync::oneshot;

    fn settings() -> ZoneSettings {
        ZoneSettings {
            origins: vec![],
            ttl: 5,
            pods: PodMode::Disabled,
            only_known_namespaces: false,
            endpoint_pod_names: false,
            ignore_empty_services: false,
            externals: Vec::new(),
        }
    }

    fn namespace(name: &str) -> Change {
        Change::Event(Event::Apply(Object::Namespace(Namespace { name: name.into(), uid: "".into(), served: true })))
    }

    fn start() -> (mpsc::Sender<Change>, Arc<Published<Snapshot>>, oneshot::Receiver<()>) {
        let published = Arc::new(Published::new(Snapshot::empty(&settings())));
        let (sender, receiver) = channel();
        let (tell, told) = oneshot::channel();
        let feed = run(Builder::new(settings()), receiver, Arc::clone(&published), move || {
            let _ = tell.send(());
        });
        tokio::spawn(feed);
        (sender, published, told)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_published_before_the_sync_and_everything_with_it() {
        let (sender, published, mut told) = start();
        sender.send(namespace("shop")).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!published.load().synced);
        assert!(told.try_recv().is_err());
        sender.send(Change::Synced).await.unwrap();
        told.await.unwrap();
        assert!(published.load().synced && published.load().namespace_exists("shop"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_after_quiet_is_out_at_once_and_the_next_one_two_milliseconds_later() {
        let (sender, published, told) = start();
        sender.send(Change::Synced).await.unwrap();
        told.await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let quiet = Instant::now();
        for (name, after) in [("a", 0), ("b", 2), ("c", 4)] {
            sender.send(namespace(name)).await.unwrap();
            while !published.load().namespace_exists(name) {
                // A task that has nothing to do lets paused time go on by a millisecond.
                tokio::time::sleep(Duration::from_millis(if after == 0 { 0 } else { 1 })).await;
            }
            let took = quiet.elapsed();
            assert!((after..=after + 2).contains(&(took.as_millis() as u64)), "{name} after {took:?}");
        }
    }

    /// On one thread: whatever else runs here goes on while a large cluster is taken in and built.
    #[tokio::test]
    async fn a_large_change_keeps_nobody_waiting() {
        let (sender, published, told) = start();
        let service = |number: usize| {
            Object::Service(Service {
                name: ObjectName::new(format!("team-{}", number % 100), format!("web-{number}")),
                kind: ServiceKind::Headless,
                ports: Box::default(),
                publish_not_ready: false,
                external: None,
            })
        };
        let all = (0..20_000).map(service).collect();
        sender.send(Change::Events(vec![Event::Replace(Kind::Service, all)])).await.unwrap();
        sender.send(Change::Synced).await.unwrap();
        let (mut told, mut turns) = (told, 0);
        while told.try_recv().is_err() {
            turns += 1;
            tokio::task::yield_now().await;
        }
        assert_eq!(published.load().counts.services, 20_000);
        assert!(turns > 20, "{turns} turns while it was built");
    }

    #[tokio::test(start_paused = true)]
    async fn old_snapshots_are_freed_though_nothing_more_happens() {
        let (sender, published, told) = start();
        let old = published.load();
        sender.send(Change::Synced).await.unwrap();
        told.await.unwrap();
        assert_eq!(published.retired(), 1);
        drop(old);
        tokio::time::sleep(SWEEP * 2).await;
        assert_eq!(published.retired(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_the_end_is_published() {
        let (sender, published, told) = start();
        sender.send(Change::Events(Vec::new())).await.unwrap();
        sender.send(Change::Synced).await.unwrap();
        sender.send(namespace("last")).await.unwrap();
        drop(sender);
        told.await.unwrap();
        tokio::task::yield_now().await;
        assert!(published.load().namespace_exists("last"));
    }
}
