//! The policy stages of the servers, made from the configuration and the files that it names: again at every reload, but for those
//! that nothing changed for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::text;
use crate::config::policy::PolicyRule;
use crate::config::{Config, ServerConfig};
use crate::metrics::{Sink, names};
use crate::policy::{Event, Identity, Policy, Tally};
use crate::server::core::Routing;
use crate::wire::mnemonic::{class_text, type_text};

/// Where Linux says what the host is called.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// Makes stages, one set after another.
pub(super) struct Stages {
    identity: Identity,
    /// What each file said when it could last be read: one that is gone for a moment, or was spoiled, changes nothing.
    last: Mutex<HashMap<PathBuf, String>>,
}

impl Stages {
    pub(super) fn new() -> Self {
        let hostname = std::fs::read_to_string(HOSTNAME).map(|name| name.trim().to_owned()).ok();
        let hostname = hostname.or_else(|| std::env::var("HOSTNAME").ok()).filter(|name| !name.is_empty());
        let version = concat!("interlocal-", env!("CARGO_PKG_VERSION")).to_owned();
        Self {
            identity: Identity { version, hostname: hostname.unwrap_or_else(|| "localhost".into()) },
            last: Mutex::default(),
        }
    }

    /// The stage of each server; none for one without rules.
    pub(super) fn build(&self, config: &Config, previous: Option<&Routing>) -> Vec<Option<Arc<Policy>>> {
        let mut files = self.last.lock();
        *files = read(config, &files);
        let stage = |(number, server): (usize, &ServerConfig)| {
            let before = previous.and_then(|routing| routing.stages.get(number)?.as_ref());
            let tally = before.map_or_else(Arc::<Tally>::default, |stage| Arc::clone(stage.tally()));
            Policy::compile(server, &files, &self.identity, tally).map(Arc::new)
        };
        config.servers.iter().enumerate().map(stage).collect()
    }
}

/// The files that rules name, to be watched.
pub(super) fn paths(config: &Config) -> impl Iterator<Item = &Path> {
    let rules = config.servers.iter().flat_map(|server| &server.policy);
    rules.filter_map(|config| match &config.rule {
        PolicyRule::Hosts(rule) => rule.file.as_deref(),
        PolicyRule::Autopath(rule) => Some(rule.file.as_path()),
        _ => None,
    })
}

/// Their texts. A file that was never there has no names: it may come.
fn read(config: &Config, last: &HashMap<PathBuf, String>) -> HashMap<PathBuf, String> {
    let texts = paths(config).filter_map(|path| match (text::config(path, &config.limits), last.get(path)) {
        (Ok(text), _) => Some((path.to_path_buf(), text)),
        (Err(error), Some(last)) => {
            tracing::error!(path = %path.display(), %error, "cannot read a file of rules, so what it said before stays");
            Some((path.to_path_buf(), last.clone()))
        }
        (Err(error), None) => {
            tracing::warn!(path = %path.display(), %error, "cannot read a file of rules, so it has no names");
            None
        }
    });
    texts.collect()
}

/// What the rules did, and what they know.
pub(super) fn report(routing: &Routing, labels: &[String], sink: &mut Sink) {
    for (stage, server) in routing.stages.iter().zip(labels) {
        let Some(stage) = stage else { continue };
        let server = server.as_str();
        report_tally(stage.tally(), server, sink);
        for (file, entries) in stage.hosts_entries() {
            sink.gauge(names::POLICY_HOSTS, &[("server", server), ("file", &file)], entries as f64);
            if sink.coredns() {
                sink.gauge(names::COREDNS_HOSTS_ENTRIES, &[("hostsfile", &file)], entries as f64);
            }
            if let (true, Some(changed)) = (sink.coredns(), modified(Path::new(&file))) {
                sink.gauge(names::COREDNS_HOSTS_RELOAD, &[], changed);
            }
        }
    }
}

fn report_tally(tally: &Tally, server: &str, sink: &mut Sink) {
    let allowed = [("server", server), ("zone", ""), ("action", Event::Allowed.word())];
    sink.count(names::POLICY_ACTIONS, &allowed, tally.allowed());
    if sink.coredns() {
        sink.count(names::COREDNS_ACL_ALLOWED, &[("server", server), ("view", "")], tally.allowed());
    }
    for (event, zone, count) in tally.rows() {
        let labels = [("server", server), ("zone", zone.as_str()), ("action", event.word())];
        sink.count(names::POLICY_ACTIONS, &labels, count);
        if !sink.coredns() {
            continue;
        }
        let labels = [("server", server), ("zone", zone.as_str()), ("view", "")];
        let typed = |class, rtype| (class_text(class), if rtype == 0 { "other".into() } else { type_text(rtype) });
        match event {
            Event::Blocked => sink.count(names::COREDNS_ACL_BLOCKED, &labels, count),
            Event::Filtered => sink.count(names::COREDNS_ACL_FILTERED, &labels, count),
            Event::Dropped => sink.count(names::COREDNS_ACL_DROPPED, &labels, count),
            Event::Template { class, rtype } => {
                let (class, rtype) = typed(class, rtype);
                let labels = [labels[0], labels[1], labels[2], ("class", class.as_ref()), ("type", rtype.as_ref())];
                sink.count(names::COREDNS_TEMPLATE_MATCHES, &labels, count);
            }
            Event::TemplateFailed { class, rtype } => {
                let (class, rtype) = typed(class, rtype);
                let labels = [labels[0], labels[1], labels[2], ("class", class.as_ref()), ("type", rtype.as_ref())];
                sink.count(names::COREDNS_TEMPLATE_FAILURES, &labels, count);
            }
            Event::Translated => sink.count(names::COREDNS_DNS64, &labels[..1], count),
            Event::Autopath => sink.count(names::COREDNS_AUTOPATH, &labels[..1], count),
            Event::Local => sink.count(names::COREDNS_LOCAL, &[], count),
            _ => {}
        }
    }
}

fn modified(path: &Path) -> Option<f64> {
    let changed: SystemTime = std::fs::metadata(path).ok()?.modified().ok()?;
    changed.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64())
}
