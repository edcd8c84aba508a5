//! One resource, for as long as the source lives: listed, watched, listed again when the server says so. It serves what it
//! knows until it knows better, and whatever the server does, it asks again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::access::Access;
use super::backoff::Backoff;
use super::failure::{self, Failure, Next};
use super::guard::{Guard, Verdict};
use super::health::Health;
use super::lines::Lines;
use super::listing::{self, Listed};
use super::message::Message;
use super::resource::Resource;
use super::settings::Settings;
use super::sync::Sync;
use crate::clock;
use crate::kube::convert::{self, Converted};
use crate::kube::feed::Change;
use crate::kube::lax::Field;
use crate::kube::objects::RawObject;
use crate::zone::object::{Kind, ObjectKey, ObjectName};
use crate::zone::{Event, Object};

/// Share of a watch's time that varies.
const JITTER: f64 = 1.0 / 6.0;

pub(super) struct Watcher {
    resource: &'static Resource,
    settings: Settings,
    access: Arc<Access>,
    changes: mpsc::Sender<Change>,
    health: Arc<Health>,
    sync: Arc<Sync>,
    guard: Guard,
    backoff: Backoff,
    /// Apart from the other: how often we asked in vain while the server was away says nothing of what a list costs it.
    relists: Backoff,
    /// The names that we serve: what a list is compared with. The objects themselves are kept by the zone alone.
    served: HashSet<ObjectName>,
    /// Where to watch from; none: list first.
    version: Option<String>,
    /// The server may have been set back. A watch from a version that it does not have yet says nothing, not even that.
    doubt: bool,
    /// When to list again because a list was held back.
    again: Option<Instant>,
    /// Lists are asked for in pages until then.
    pages_until: Option<Instant>,
    quiet: u32,
}

/// How far one conversation with the server came.
#[derive(Default)]
struct Progress {
    streaming: bool,
    /// When its watch was opened.
    opened: Option<Instant>,
    lines: u64,
}

impl Watcher {
    pub(super) fn new(
        resource: &'static Resource,
        settings: Settings,
        access: Arc<Access>,
        changes: mpsc::Sender<Change>,
        health: Arc<Health>,
        sync: Arc<Sync>,
    ) -> Self {
        Self {
            resource,
            access,
            changes,
            health,
            sync,
            guard: Guard::new(settings.hold, settings.hold_most),
            backoff: Backoff::new(settings.backoff),
            relists: Backoff::new(settings.backoff),
            settings,
            served: HashSet::new(),
            version: None,
            doubt: false,
            again: None,
            pages_until: None,
            quiet: 0,
        }
    }

    /// Runs until nobody takes the changes any more.
    pub(super) async fn run(mut self) {
        loop {
            let mut progress = Progress::default();
            let ended = self.converse(&mut progress).await;
            if self.resource.is_optional() && ended.as_ref().is_err_and(Failure::is_forbidden) && self.sync_done() {
                // Nobody is left to take it only if we stop.
                let _ = self.send(Change::Synced).await;
            }
            let pause = self.judge(ended, &progress);
            if self.changes.is_closed() {
                return;
            }
            sleep(pause).await;
        }
    }

    /// One list, if one is due, and one watch, to its end.
    async fn converse(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        // Whole seconds are all that can be asked for.
        let ends_after = self.settings.watch.mul_f64(1.0 - JITTER * rand::random::<f64>()).as_secs().max(1);
        let ends_after = Duration::from_secs(ends_after);
        progress.streaming = self.version.is_none() && self.pages_until.is_none_or(|until| Instant::now() >= until);
        if self.version.is_none() && !progress.streaming {
            let (kind, health) = (self.resource.kind, Arc::clone(&self.health));
            let mut skipped = |it| health.skipped(kind, &it);
            let listed = listing::paged(&self.access, self.resource, &self.settings, &mut skipped).await?;
            self.take(listed, "pages").await?;
        }
        self.ask_version().await?;
        let reply = self.access.watch(self.resource, self.version.as_deref(), ends_after).await?;
        let end = Instant::now() + ends_after + self.settings.watch_grace;
        let mut lines = Lines::new(reply, self.settings.line);
        if progress.streaming {
            let (kind, health) = (self.resource.kind, Arc::clone(&self.health));
            let mut skipped = |it| health.skipped(kind, &it);
            let listed = listing::streamed(&mut lines, kind, &self.settings, &mut skipped).await?;
            self.take(listed, "stream").await?;
            progress.lines += 1;
        }
        self.health.opened(self.resource.kind);
        progress.opened = Some(Instant::now());
        self.follow(&mut lines, end, progress).await
    }

    /// Before a watch goes on after a failure: does the server still have what we know?
    async fn ask_version(&mut self) -> Result<(), Failure> {
        if let (true, Some(known)) = (self.doubt, &self.version) {
            let server = listing::version_now(&self.access, self.resource, &self.settings).await?;
            if let Some(failure) = failure::set_back(&server, known) {
                return Err(failure);
            }
        }
        self.doubt = false;
        Ok(())
    }

    async fn follow(&mut self, lines: &mut Lines, end: Instant, progress: &mut Progress) -> Result<(), Failure> {
        let until = self.again.map_or(end, |again| again.min(end));
        loop {
            let Ok(line) = timeout_at(until, lines.next()).await else {
                return Err(match self.again {
                    Some(again) if again <= until => Failure::AskAgain,
                    _ => Failure::Silent(self.settings.watch + self.settings.watch_grace),
                });
            };
            let Some(line) = line? else { return Ok(()) };
            progress.lines += 1;
            match Message::read(line)? {
                Message::Changed(raw) => self.changed(&raw).await?,
                Message::Deleted(raw) => self.deleted(&raw).await?,
                Message::Bookmark { version, .. } => {
                    self.version = version.or(self.version.take());
                    self.health.event(self.resource.kind, false, self.served.len());
                }
                Message::Refused(refusal) => return Err(Failure::Refused(refusal)),
                Message::Other => {}
            }
        }
    }

    /// What follows from how a conversation ended: where to go on, and how long to wait first.
    fn judge(&mut self, ended: Result<(), Failure>, progress: &Progress) -> Duration {
        let kind = self.resource.kind;
        let lived = progress.opened.is_some_and(|opened| opened.elapsed() >= self.settings.working_watch);
        if lived {
            self.backoff.worked();
            self.relists.worked();
        }
        let Err(failure) = self.suspect(ended, lived && progress.lines == 0) else {
            self.health.ended(kind);
            // A watch that ends in time is followed by the next one at once.
            return if lived { Duration::ZERO } else { self.pause(self.settings.backoff_most) };
        };
        self.access.failed(&failure);
        self.doubt |= failure.leaves_doubt();
        self.health.failed(kind, &failure);
        match failure.next(progress.streaming) {
            Next::GoOn => {
                let asked = failure.retry_after().map(|asked| asked.min(self.settings.retry_after_most));
                // Everybody was told the same: the random part comes on top.
                self.pause(self.settings.backoff_most) + asked.unwrap_or_default()
            }
            Next::ListPages => {
                self.pages_until = Some(Instant::now() + self.settings.stream_again);
                Duration::ZERO
            }
            Next::List => {
                self.version = None;
                match failure {
                    Failure::AskAgain => Duration::ZERO,
                    _ => self.relists.pause(self.settings.relist_most, rand::random()),
                }
            }
        }
    }

    /// A server that sends bookmarks says something in every whole watch. One that says nothing, time after time, may have
    /// forgotten us (CoreDNS 3587).
    fn suspect(&mut self, ended: Result<(), Failure>, was_quiet: bool) -> Result<(), Failure> {
        match &ended {
            Ok(()) | Err(Failure::Silent(_)) if was_quiet => self.quiet += 1,
            _ => self.quiet = 0,
        }
        if self.quiet < self.settings.quiet_watches {
            return ended;
        }
        Err(Failure::Quiet(std::mem::take(&mut self.quiet)))
    }

    fn pause(&mut self, most: Duration) -> Duration {
        self.backoff.pause(most, rand::random())
    }

    /// A whole list came: it is what there is, unless it takes most of it away.
    async fn take(&mut self, listed: Listed, way: &'static str) -> Result<(), Failure> {
        let kind = self.resource.kind;
        let Listed { version, objects } = listed;
        let missing = self.served.iter().filter(|name| !objects.contains_key(*name)).count();
        let verdict = self.guard.listed(Instant::now(), &self.served, |name| objects.contains_key(name));
        objects.values().for_each(|object| self.health.programming.applied(object));
        let objects_listed = objects.len();
        match verdict {
            Verdict::Take => {
                self.again = None;
                self.served = objects.keys().cloned().collect();
                if kind == Kind::Service {
                    self.health.programming.retain(|name| self.served.contains(name));
                }
                self.send(Change::Event(Event::Replace(kind, objects.into_values().collect()))).await?;
            }
            Verdict::Hold { again } => {
                self.again = Some(again);
                self.served.extend(objects.keys().cloned());
                self.send(Change::Events(objects.into_values().map(Event::Apply).collect())).await?;
            }
        }
        self.version = Some(version);
        self.doubt = false;
        self.health.listed(kind, way, objects_listed, missing, self.guard.is_holding());
        if self.sync_done() {
            self.send(Change::Synced).await?;
        }
        Ok(())
    }

    async fn changed(&mut self, raw: &RawObject) -> Result<(), Failure> {
        let (kind, health) = (self.resource.kind, Arc::clone(&self.health));
        match convert::convert(kind, raw, &mut |it| health.skipped(kind, &it)) {
            Converted::Object(object) => self.apply(object, raw).await?,
            Converted::Gone(Some(key)) => self.delete(key).await?,
            Converted::Gone(None) => {}
        }
        self.advance(raw);
        Ok(())
    }

    async fn apply(&mut self, object: Object, raw: &RawObject) -> Result<(), Failure> {
        let name = object.key().name;
        self.guard.event(&name);
        self.served.insert(name);
        self.health.programming.applied(&object);
        let trigger = raw.annotations().map(|annotations| &annotations.last_change_trigger_time);
        if let (Object::Slice(slice), Some(Field::Is(trigger))) = (&object, trigger) {
            self.health.programming.slice(slice, trigger, clock::since_1970());
        }
        self.send(Change::Event(Event::Apply(object))).await
    }

    async fn deleted(&mut self, raw: &RawObject) -> Result<(), Failure> {
        if let Some(key) = convert::key(self.resource.kind, raw) {
            self.delete(key).await?;
        }
        self.advance(raw);
        Ok(())
    }

    async fn delete(&mut self, key: ObjectKey) -> Result<(), Failure> {
        self.guard.event(&key.name);
        // What we never knew needs no event: an odd object may change often.
        if !self.served.remove(&key.name) {
            return Ok(());
        }
        self.health.programming.deleted(&key);
        self.send(Change::Event(Event::Delete(key))).await
    }

    /// The next watch starts behind this object.
    fn advance(&mut self, raw: &RawObject) {
        if let Some(version) = raw.version() {
            self.version = Some(version.to_owned());
        }
        self.health.event(self.resource.kind, true, self.served.len());
    }

    async fn send(&self, change: Change) -> Result<(), Failure> {
        self.changes.send(change).await.map_err(|_| Failure::Stopped)
    }

    /// Says whether everything is known now, for the first time.
    fn sync_done(&self) -> bool {
        self.health.synced(self.resource.kind);
        self.sync.done(self.resource.kind)
    }
}
