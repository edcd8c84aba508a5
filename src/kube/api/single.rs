//! One ConfigMap, watched for the text of one of its keys. The right to read it can be for this object alone: it is asked for by
//! name. What was told last stays told while the API server is away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::Target;
use super::access::{Access, Scope, Status};
use super::backoff::Backoff;
use super::failure::{Failure, Next};
use super::lines::Lines;
use super::settings::Settings;
use crate::clock;
use crate::log::{Every, every};
use crate::metrics::{Registry, names};

/// Which ConfigMap, and which of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub namespace: String,
    pub name: String,
    pub key: &'static str,
}

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Nothing was heard yet.
    Waiting,
    /// It could not be asked for, and never was before.
    Unknown,
    /// It is not there, or has no such key; in words.
    Absent(String),
    Text(String),
}

/// A running watch. Dropping it ends it.
pub struct Single {
    told: watch::Receiver<Told>,
    task: AbortHandle,
}

impl Single {
    /// Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(target: Target, object: Object, settings: &Settings, metrics: Arc<Registry>) -> Self {
        let (told, receiver) = watch::channel(Told::Waiting);
        let watcher = Watcher {
            path: format!("/api/v1/namespaces/{}/configmaps", object.namespace),
            fields: format!("metadata.name={}", object.name),
            object,
            access: Access::new(target, settings.clone(), Arc::default(), Arc::default()),
            backoff: Backoff::new(settings.backoff),
            complaints: every(settings.complain),
            settings: settings.clone(),
            version: None,
            told,
            metrics,
        };
        Self { told: receiver, task: tokio::spawn(watcher.run()).abort_handle() }
    }

    #[must_use]
    pub fn told(&self) -> Told {
        self.told.borrow().clone()
    }

    /// Waits until something else is told.
    pub async fn changed(&mut self) {
        if self.told.changed().await.is_err() {
            // The task ended, which it does only with the runtime.
            std::future::pending().await
        }
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Watcher {
    object: Object,
    path: String,
    fields: String,
    access: Access,
    backoff: Backoff,
    complaints: Every,
    settings: Settings,
    /// Where to watch from; none: list first.
    version: Option<String>,
    told: watch::Sender<Told>,
    metrics: Arc<Registry>,
}

#[derive(Deserialize)]
struct List {
    metadata: Metadata,
    items: Option<Vec<ConfigMap>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    resource_version: String,
}

#[derive(Deserialize)]
struct ConfigMap {
    metadata: Metadata,
    data: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    what: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Watcher {
    async fn run(mut self) {
        loop {
            let began = Instant::now();
            let ended = self.converse().await;
            self.watching(false);
            let lived = began.elapsed() >= self.settings.working_watch;
            if lived {
                self.backoff.worked();
            }
            let pause = match ended {
                Ok(()) if lived => Duration::ZERO,
                Ok(()) => self.backoff.pause(self.settings.backoff_most, rand::random()),
                Err(failure) => self.failed(&failure),
            };
            sleep(pause).await;
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { path: &self.path, fields: Some(&self.fields), labels: None }
    }

    /// One list, if one is due, and one watch, to its end.
    async fn converse(&mut self) -> Result<(), Failure> {
        if self.version.is_none() {
            let reply = self.access.list_at(&self.scope(), self.settings.page_size, None).await?;
            let body = reply.whole(self.settings.page, self.settings.list_silence).await?;
            let list: List = serde_json::from_slice(&body).map_err(|_| Failure::Nonsense("list"))?;
            if list.metadata.resource_version.is_empty() {
                return Err(Failure::Nonsense("list"));
            }
            let items = list.items.unwrap_or_default();
            self.tell(items.into_iter().find(|item| item.metadata.name == self.object.name));
            self.version = Some(list.metadata.resource_version);
        }
        let ends_after = Duration::from_secs(self.settings.watch.as_secs().max(1));
        let version = self.version.as_deref();
        let reply = self.access.watch_at(&self.scope(), version, ends_after).await?;
        self.watching(true);
        let end = Instant::now() + ends_after + self.settings.watch_grace;
        let mut lines = Lines::new(reply, self.settings.line);
        let mut said = false;
        loop {
            let next = timeout_at(end, lines.next()).await;
            let Some(line) = next.map_err(|_| Failure::Silent(ends_after + self.settings.watch_grace))?? else {
                if !said {
                    // Not even a bookmark: perhaps it has forgotten us.
                    self.version = None;
                }
                return Ok(());
            };
            said = true;
            self.take(line)?;
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Failure> {
        let nonsense = |_| Failure::Nonsense("event of a watch");
        let line: Line<'_> = serde_json::from_slice(line).map_err(nonsense)?;
        if line.what == "ERROR" {
            let status: Status = serde_json::from_str(line.object.get()).map_err(nonsense)?;
            return Err(Failure::Refused(status.refusal()));
        }
        let mut item: ConfigMap = serde_json::from_str(line.object.get()).map_err(nonsense)?;
        let version = std::mem::take(&mut item.metadata.resource_version);
        match line.what {
            "ADDED" | "MODIFIED" if item.metadata.name == self.object.name => self.tell(Some(item)),
            "DELETED" if item.metadata.name == self.object.name => self.tell(None),
            _ => {}
        }
        if !version.is_empty() {
            self.version = Some(version);
        }
        Ok(())
    }

    fn tell(&self, item: Option<ConfigMap>) {
        let Object { namespace, name, key } = &self.object;
        let told = match item {
            None => Told::Absent(format!("there is no ConfigMap {namespace}/{name}")),
            Some(item) => match item.data.unwrap_or_default().remove(*key) {
                Some(text) => Told::Text(text),
                None => Told::Absent(format!("ConfigMap {namespace}/{name} has no key `{key}`")),
            },
        };
        self.told.send_if_modified(|old| {
            let differs = *old != told;
            *old = told;
            differs
        });
    }

    /// Says what is wrong, and gives the pause before the next try.
    fn failed(&mut self, failure: &Failure) -> Duration {
        self.access.failed(failure);
        if failure.next(false) == Next::List {
            self.version = None;
        }
        if !failure.is_routine() {
            self.metrics.count(names::PEERS_CONFIGMAP_FAILURES, &[("reason", failure.class())]);
            if self.complaints.due(clock::now()).is_some() {
                let Object { namespace, name, .. } = &self.object;
                if failure.is_forbidden() {
                    tracing::error!(
                        "not allowed to read ConfigMap {namespace}/{name}: add `{{apiGroups: [\"\"], resources: [configmaps], \
                         resourceNames: [{name}], verbs: [list, watch]}}` to a Role of interlocal's ServiceAccount in {namespace}"
                    );
                } else {
                    tracing::warn!("ConfigMap {namespace}/{name}: {failure}");
                }
            }
        }
        self.told.send_if_modified(|old| {
            let first = *old == Told::Waiting;
            if first {
                *old = Told::Unknown;
            }
            first
        });
        let asked = failure.retry_after().map(|asked| asked.min(self.settings.retry_after_most));
        self.backoff.pause(self.settings.backoff_most, rand::random()) + asked.unwrap_or_default()
    }

    fn watching(&self, yes: bool) {
        self.metrics.set(names::PEERS_CONFIGMAP_WATCHING, &[], f64::from(u8::from(yes)));
    }
}
