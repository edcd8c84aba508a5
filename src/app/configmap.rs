//! The peer table from a ConfigMap: which one a configuration names, watched for as long as it does. What the text means is
//! `table`'s affair.

use std::sync::Arc;

use crate::config::{Config, ConfigMapRef};
use crate::kube::api::{Object, Settings, Single, Target, Told};
use crate::metrics::Registry;
use crate::ready::{Pending, Ready};

/// The key with the table.
const KEY: &str = "peers.yaml";

/// The watch, if there is one to hold.
pub(super) struct Watched {
    metrics: Arc<Registry>,
    watch: Option<(Target, ConfigMapRef, Single)>,
    /// Until the table was asked for once, whatever came of it.
    waiting: Option<Pending>,
    heard: bool,
}

impl Watched {
    /// Inside a tokio runtime.
    pub(super) fn start(config: &Config, ready: &Ready, metrics: &Arc<Registry>) -> Self {
        let waiting =
            config.peers.configmap.as_ref().map(|of| ready.task(format!("peers: waiting for ConfigMap {of}")));
        let mut watched = Self { metrics: Arc::clone(metrics), watch: None, waiting, heard: false };
        watched.follow(config);
        watched
    }

    /// Watches what the configuration names now.
    pub(super) fn follow(&mut self, config: &Config) {
        let target = Target::of(&config.kubernetes.source).unwrap_or(Target::Here);
        let same = |(old, of, _): &(Target, ConfigMapRef, Single)| {
            *old == target && config.peers.configmap.as_ref() == Some(of)
        };
        if self.watch.as_ref().is_some_and(same) {
            return;
        }
        // The old one first: its last word must not follow the first one of the new one.
        self.watch = None;
        self.watch = config.peers.configmap.as_ref().map(|of| {
            let object = Object { namespace: of.namespace.clone(), name: of.name.clone(), key: KEY };
            let single = Single::start(target.clone(), object, &Settings::default(), Arc::clone(&self.metrics));
            (target, of.clone(), single)
        });
    }

    /// What the ConfigMap says; none: there is none to ask.
    pub(super) fn told(&self) -> Option<Told> {
        self.watch.as_ref().map(|(_, _, single)| single.told())
    }

    /// Waits until it says something else.
    pub(super) async fn changed(&mut self) {
        match &mut self.watch {
            Some((_, _, single)) => single.changed().await,
            None => std::future::pending().await,
        }
    }

    /// What it said was taken, or refused: nothing is waited for any more.
    pub(super) fn looked_at(&mut self) {
        self.waiting = None;
        self.heard |= matches!(self.told(), Some(Told::Text(_)));
    }

    /// Is there a ConfigMap, of which no table was read before?
    pub(super) fn is_first(&self) -> bool {
        self.watch.is_some() && !self.heard
    }
}
