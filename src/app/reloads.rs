//! Files that change while we serve: read, judged, and swapped in as one piece, or left alone. One task does it, so that no two
//! reloads meet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::interval;

use super::feed::Feed;
use super::routing::Builder;
use super::{Adjust, FileKind, certificates, configmap, corefile, servers, stages, table, text, zone_settings};
use crate::config::{
    Config, ForwardConfig, KubernetesSource, ListenConfig, LogFormat, Overrides, Parsed, PeerTable, PeersTlsConfig,
    Problem, UnknownKeys, file,
};
use crate::kube::api::Told;
use crate::log::{Filter, LogHandle};
use crate::metrics::names;
use crate::reload::{Changed, Watcher};
use crate::server::core::Core;
use crate::wire::stamp::ClusterId;

/// What the system does not tell of a file, a look at it finds this often.
const POLL: Duration = Duration::from_secs(30);

/// How often it is looked whether the zone now knows which cluster this is.
const IDENTITY_EVERY: Duration = Duration::from_millis(250);

/// The task, and how to talk to it.
pub(super) struct Reloads {
    watcher: Arc<Watcher>,
    task: JoinHandle<()>,
}

/// The files of a configuration, watched. Made before they are read, so that no edit falls in between.
pub(super) struct Watched {
    watcher: Watcher,
    changes: mpsc::Receiver<Changed>,
}

impl Watched {
    pub(super) fn new(config: &Config, file: Option<&Path>, kind: &FileKind) -> Self {
        // Certificates that a table names are watched as soon as it is read, and are read once more then.
        let (watcher, changes) = Watcher::new(paths(config, file, kind, &PeerTable::default()), POLL);
        Self { watcher, changes }
    }
}

/// Every file that a configuration reads, itself included.
fn paths(config: &Config, file: Option<&Path>, kind: &FileKind, table: &PeerTable) -> Vec<PathBuf> {
    let rows = config.servers.iter().flat_map(|server| &server.forward);
    let resolv_confs = rows.flat_map(ForwardConfig::resolv_confs).map(PathBuf::as_path);
    let one = [file, table::path(config), manifests(config)].into_iter().flatten();
    let imports = imports(kind).iter().map(PathBuf::as_path).filter(|path| Some(*path) != file);
    one.chain(imports)
        .chain(resolv_confs)
        .chain(stages::paths(config))
        .chain(certificates::paths(config, table))
        .map(Path::to_path_buf)
        .collect()
}

/// What else the configuration was read from.
fn imports(kind: &FileKind) -> &[PathBuf] {
    match kind {
        FileKind::Yaml => &[],
        FileKind::Corefile(read) => read,
    }
}

fn manifests(config: &Config) -> Option<&Path> {
    match &config.kubernetes.source {
        KubernetesSource::Manifests(path) => Some(path),
        KubernetesSource::Api
        | KubernetesSource::Url(_)
        | KubernetesSource::Certified { .. }
        | KubernetesSource::Kubeconfig { .. }
        | KubernetesSource::None => None,
    }
}

/// What the task works with: the parts of an instance that a reload may touch.
pub(super) struct State {
    pub core: Arc<Core>,
    pub builder: Builder,
    pub feed: Feed,
    pub configmap: configmap::Watched,
    pub table: PeerTable,
    pub config: Arc<Config>,
    pub file: Option<PathBuf>,
    pub kind: FileKind,
    pub overrides: Overrides,
    pub log: Option<LogHandle>,
    pub adjust: Option<Arc<dyn Adjust>>,
    /// The cluster's id as the stamps of our probes have it.
    pub identity: ClusterId,
}

impl Reloads {
    pub(super) fn start(watched: Watched, state: State) -> Self {
        let watcher = Arc::new(watched.watcher);
        let task = tokio::spawn(state.run(Arc::clone(&watcher), watched.changes));
        Self { watcher, task }
    }

    /// Reads everything again.
    pub(super) fn poke(&self) {
        self.watcher.poke();
    }

    /// Ends the task, and with it all that it owns.
    pub(super) async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Reloads {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn run(mut self, watcher: Arc<Watcher>, mut changes: mpsc::Receiver<Changed>) {
        let mut identity = interval(IDENTITY_EVERY);
        let (mut endings, mut ending) = (interval(certificates::LOOK_EVERY), certificates::Ending::default());
        watcher.set_paths(paths(&self.config, self.file.as_deref(), &self.kind, &self.table));
        loop {
            tokio::select! {
                () = self.configmap.changed() => {
                    // That it could not be asked for changes nothing.
                    if self.configmap.told() != Some(Told::Unknown) {
                        self.reload_table().await;
                    }
                    self.configmap.looked_at();
                }
                changed = changes.recv() => match changed {
                    Some(changed) => self.reload(&changed.path).await,
                    None => return,
                },
                _ = endings.tick() => {
                    ending.complain(&self.core);
                    continue;
                }
                _ = identity.tick() => {
                    if self.identity_changed() {
                        self.swap().await;
                    }
                    continue;
                }
            }
            watcher.set_paths(paths(&self.config, self.file.as_deref(), &self.kind, &self.table));
        }
    }

    async fn reload(&mut self, path: &Path) {
        if self.file.as_deref() == Some(path) || imports(&self.kind).iter().any(|import| import == path) {
            self.reload_config().await;
        } else if table::path(&self.config) == Some(path) {
            self.reload_table().await;
        } else if manifests(&self.config) == Some(path) {
            self.feed.reread();
        } else {
            // A resolv.conf, a hosts file or a certificate: whoever reads it is told to read it again.
            self.swap().await;
        }
    }

    /// The zone has been read, and with it who we are: what was decided without it is looked at again.
    fn identity_changed(&mut self) -> bool {
        let zone = self.core.zone.load();
        if !zone.synced || zone.cluster_id == self.identity {
            return false;
        }
        self.identity = zone.cluster_id;
        for namespace in table::hidden(&self.config, &self.table) {
            if zone.has_ready_endpoints(&namespace) {
                tracing::warn!(
                    %namespace,
                    "the region of this name hides a local namespace with ready endpoints; rename one of them, or write \
                     `override_local: true` in the region's row"
                );
            }
        }
        true
    }

    async fn reload_config(&mut self) {
        let Some(path) = self.file.clone() else { return };
        match self.read_config(&path) {
            Err(errors) => {
                errors.iter().for_each(|error| tracing::error!("{error}"));
                tracing::error!(path = %path.display(), "configuration not taken, the old one stays");
                self.count("config", false);
            }
            Ok(parsed) => {
                parsed.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                self.config = Arc::new(self.keep_what_needs_a_restart(parsed.value));
                self.apply_log();
                self.configmap.follow(&self.config);
                // The table is judged by the configuration, so it is read again.
                self.reload_table().await;
                tracing::info!(path = %path.display(), "configuration reloaded");
                self.count("config", true);
            }
        }
    }

    /// The configuration as its file says it now; what is wrong with it, one text a problem.
    fn read_config(&mut self, path: &Path) -> Result<Parsed<Config>, Vec<String>> {
        let shown = |errors: Vec<Problem>| errors.iter().map(Problem::to_string).collect();
        if let FileKind::Corefile(read) = &mut self.kind {
            let Parsed { value, warnings } =
                corefile::parse(path, &self.config.limits, &self.overrides).map_err(shown)?;
            *read = value.read;
            return Ok(Parsed { value: value.config, warnings });
        }
        let text = text::config(path, &self.config.limits)
            .map_err(|error| vec![format!("cannot read {}: {error}", path.display())])?;
        file::parse(&text, path, UnknownKeys::Warn, &self.overrides).map_err(shown)
    }

    fn apply_log(&self) {
        let config = &self.config.log;
        match (&self.log, Filter::parse(&config.level)) {
            (Some(log), Ok(filter)) => log.apply(config.format == LogFormat::Json, filter),
            (_, Err(error)) => tracing::error!(%error, "log.level not taken"),
            (None, _) => {}
        }
    }

    /// Sockets, metrics and the region are what they were at the start; everything else is applied.
    fn keep_what_needs_a_restart(&self, mut new: Config) -> Config {
        let old = &self.config;
        if let Some(adjust) = &self.adjust {
            adjust.config(&mut new);
        }
        new.servers = servers::in_order_of(&old.servers, std::mem::take(&mut new.servers));
        let asked = new.clone();
        if new.servers.len() == old.servers.len() {
            for (new, old) in new.servers.iter_mut().zip(&old.servers) {
                new.listen.clone_from(&old.listen);
            }
        } else {
            new.servers.clone_from(&old.servers);
        }
        new.region.clone_from(&old.region);
        // Other certificates are, on the same sockets.
        let peers_tls = old.listen.peers_tls.as_ref().map(|tls| PeersTlsConfig {
            listen: tls.listen.clone(),
            files: new.listen.peers_tls.as_ref().map_or_else(|| tls.files.clone(), |new| new.files.clone()),
        });
        new.listen = ListenConfig {
            peers_allow: new.listen.peers_allow,
            peers_chase_outside: new.listen.peers_chase_outside,
            identify: new.listen.identify,
            peers_tls,
            ..old.listen.clone()
        };
        (new.workers, new.plain_sockets) = (old.workers, old.plain_sockets);
        new.metrics.clone_from(&old.metrics);
        let differs = new != asked;
        if differs {
            tracing::warn!("listeners, workers, metrics or the region changed: restart to apply them");
        }
        self.core.metrics.set(names::RESTART_REQUIRED, &[], f64::from(u8::from(differs)));
        new
    }

    async fn reload_table(&mut self) {
        // As at the start the region wins, whatever it hides.
        let is_first = self.table == PeerTable::default() && self.configmap.is_first();
        let ok = match table::read(&self.config, self.adjust.as_deref(), self.configmap.told().as_ref()) {
            Ok(good) => match self.newly_hidden(&good.table) {
                Some(_) if is_first => self.take(good),
                Some(namespace) => {
                    tracing::error!(
                        "region `{namespace}` would hide the local namespace of that name, which has ready endpoints; \
                         rename one of them, or write `override_local: true` in its row"
                    );
                    None
                }
                None => self.take(good),
            },
            Err(bad) => {
                bad.log();
                if let (true, table::Bad::Wrong { rest, .. }) = (is_first, bad) {
                    tracing::warn!(regions = rest.regions.len(), "starting with what is valid of the peer table");
                    self.core.table.generation.fetch_add(1, Relaxed);
                    self.table = rest;
                }
                None
            }
        };
        if ok.is_none() {
            tracing::error!("peer table not taken, the old one stays");
        }
        self.swap().await;
        // Only now is it in use.
        self.core.table.ok.store(ok == Some(true), Relaxed);
        self.count("peers", ok.is_some());
    }

    /// Whether it is the newest table there is, and not one that stands in for it.
    fn take(&mut self, good: table::Good) -> Option<bool> {
        let newest = !good.stands_in;
        let table = good.keep(&self.config);
        if table != self.table {
            self.core.table.generation.fetch_add(1, Relaxed);
            tracing::info!(regions = table.regions.len(), hash = table.hash, "peer table reloaded");
        }
        self.table = table;
        Some(newest)
    }

    /// A local namespace with ready endpoints that this table takes away from the pods, and the old one did not.
    fn newly_hidden(&self, new: &PeerTable) -> Option<String> {
        let zone = self.core.zone.load();
        let old = table::hidden(&self.config, &self.table);
        let hidden = table::hidden(&self.config, new).into_iter();
        hidden.filter(|name| !old.contains(name)).find(|name| zone.has_ready_endpoints(name))
    }

    /// Puts routes and clients for what we have now in place of the old ones.
    async fn swap(&mut self) {
        let old = self.core.routing.load();
        let new = self.builder.build(&self.config, &self.table, Some(&old));
        certificates::reload(&self.core, &self.config);
        self.core.cache.resize(self.config.cache_size());
        self.feed.reconfigure(&self.config, zone_settings(&self.config, &self.table)).await;
        self.core.routing.publish(Arc::new(new));
    }

    fn count(&self, file: &str, ok: bool) {
        let result = if ok { "ok" } else { "error" };
        self.core.metrics.count(names::CONFIG_RELOADS, &[("file", file), ("result", result)]);
        if !ok && self.config.metrics.coredns_compat {
            self.core.metrics.count(names::COREDNS_RELOAD_FAILED, &[]);
        }
    }
}
