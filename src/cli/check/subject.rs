//! What is checked: the files as `serve` would read them, and what a running instance says of itself. It judges nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use super::kubernetes;
use crate::app::text;
use crate::cli::admin::{Instance, Place};
use crate::cli::files::{self, Problems};
use crate::config::{AdminListen, Config, Listen, Overrides, PeerTable, PeersSource, Problem, RegionRow};
use crate::kube::api::{Settings, Single, Target, Told};
use crate::metrics::Registry;
use crate::server::admin::peers::Peers;

/// From asking for the ConfigMap to giving up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at the counters.
const SPAN: Duration = Duration::from_secs(1);

/// One round's subject.
pub struct Subject {
    pub config: Config,
    /// None if there is no file.
    pub file: Option<PathBuf>,
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
    pub table: Table,
    /// Nothing runs yet.
    pub pre: bool,
    pub pages: Pages,
}

/// The peer table in its file.
#[derive(Default)]
pub struct Table {
    /// None if there is none to read.
    pub file: Option<PathBuf>,
    pub table: PeerTable,
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
    /// Why it cannot be read.
    pub unread: Option<String>,
}

/// What the instance's admin listener says.
#[derive(Default)]
pub struct Pages {
    pub address: Option<Place>,
    /// Why it says nothing.
    pub trouble: Option<String>,
    /// Status and text of `/ready`.
    pub ready: Option<(u16, String)>,
    pub health: Option<(u16, String)>,
    pub peers: Option<Peers>,
    pub metrics: String,
    /// The same a second later, if that was asked for.
    pub later: Option<String>,
}

impl Subject {
    /// # Errors
    /// If a named file is not there.
    pub fn read(
        sources: &files::Sources,
        overrides: &Overrides,
        admin: Option<Place>,
        pre: bool,
    ) -> anyhow::Result<Self> {
        let mut subject = match sources.read(overrides) {
            Ok(loaded) => Self::of(loaded.config, loaded.file, loaded.warnings),
            Err(error) => {
                let Problems(errors) = error.downcast::<Problems>()?;
                let file = Some(sources.file().to_owned());
                Self { errors, ..Self::of(Config::default(), file, Vec::new()) }
            }
        };
        subject.pre = pre;
        if subject.errors.is_empty() {
            subject.table = Table::read(&subject.config);
        }
        if !pre && let Some(address) = admin.or_else(|| subject.config.listen.admin.as_ref().map(admin_place)) {
            subject.pages = Pages::read(address, subject.rate_matters());
        }
        Ok(subject)
    }

    /// The table in its ConfigMap, if that is where it is; a right that is missing is found elsewhere.
    pub async fn read_configmap(&mut self) {
        let Some(of) = &self.config.peers.configmap else { return };
        let target = Target::of(&self.config.kubernetes.source).unwrap_or(Target::Here);
        let (settings, metrics) = (Settings::of(&self.config.limits), Registry::new("", false));
        let mut object = Single::start(target, kubernetes::table(of), &settings, metrics);
        let told = timeout(PATIENCE, async {
            while object.told() == Told::Waiting {
                object.changed().await;
            }
            object.told()
        });
        match told.await {
            Ok(Told::Text(text)) => {
                let path = Path::new("ConfigMap").join(&of.namespace).join(&of.name);
                self.table = Table::of(&self.config, &path, &text, Some(&of.folder));
            }
            Ok(Told::Absent(why)) => self.table.unread = Some(why),
            _ => {}
        }
    }

    fn of(config: Config, file: Option<PathBuf>, warnings: Vec<Problem>) -> Self {
        let (table, pages) = Default::default();
        Self { config, file, errors: Vec::new(), warnings, table, pre: false, pages }
    }

    pub fn own_row(&self) -> Option<&RegionRow> {
        self.table.table.region(self.config.region.as_ref()?)
    }

    fn rate_matters(&self) -> bool {
        super::upstream::servers(&self.config).iter().any(|server| super::machine::is_vpc_resolver(server.address.ip()))
    }
}

impl Table {
    fn read(config: &Config) -> Self {
        let path = match &config.peers.source {
            PeersSource::None => return Self::default(),
            PeersSource::Table(table) => return Self { table: (**table).clone(), ..Self::default() },
            PeersSource::File(path) | PeersSource::DefaultFile(path) => path,
        };
        let text = match text::config(path, &config.limits) {
            Ok(text) => text,
            Err(error) => {
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                let is_fine = missing
                    && (matches!(config.peers.source, PeersSource::DefaultFile(_)) || config.peers.configmap.is_some());
                let unread = (!is_fine).then(|| format!("cannot read {}: {error}", path.display()));
                return Self { unread, ..Self::default() };
            }
        };
        Self::of(config, path, &text, None)
    }

    /// `folder`: where the files are that the table names, if not beside it.
    fn of(config: &Config, path: &Path, text: &str, folder: Option<&Path>) -> Self {
        let result = config.peer_table(path, text, folder);
        Self {
            file: Some(path.to_owned()),
            table: result.table,
            errors: result.errors,
            warnings: result.warnings,
            unread: None,
        }
    }
}

impl Pages {
    fn read(address: Place, twice: bool) -> Self {
        let instance = Instance::at(address.clone());
        let ready = match instance.page("/ready") {
            Ok(ready) => ready,
            Err(error) => {
                return Self { address: Some(address), trouble: Some(format!("{error:#}")), ..Self::default() };
            }
        };
        let page = |path: &str| instance.get(path).unwrap_or_default();
        let metrics = page("/metrics");
        let later = twice.then(|| {
            std::thread::sleep(SPAN);
            page("/metrics")
        });
        Self {
            address: Some(address),
            trouble: None,
            ready: Some(ready),
            health: instance.page("/health").ok(),
            peers: Peers::from_json(&page("/peers")).ok(),
            metrics,
            later,
        }
    }

    /// The sum of the series of a metric; none if there is no such series.
    pub fn metric(&self, name: &str) -> Option<f64> {
        sum(&self.metrics, name)
    }
}

/// The sum of the series of a metric in a page of Prometheus' format.
pub fn sum(page: &str, name: &str) -> Option<f64> {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once("} ")?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.trim().parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

fn admin_place(listen: &AdminListen) -> Place {
    match listen {
        AdminListen::Tcp(listen) => Place::Tcp(reach(*listen)),
        AdminListen::Unix(path) => Place::Unix(path.clone()),
    }
}

/// Where a listener of this machine can be reached from here.
pub fn reach(listen: Listen) -> SocketAddr {
    match listen {
        Listen::Port(port) => (Ipv4Addr::LOCALHOST, port).into(),
        Listen::Address(address) if address.ip().is_unspecified() => match address.ip() {
            IpAddr::V4(_) => (Ipv4Addr::LOCALHOST, address.port()).into(),
            IpAddr::V6(_) => (std::net::Ipv6Addr::LOCALHOST, address.port()).into(),
        },
        Listen::Address(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_metric_are_summed() {
        let page = "a_total{x=\"1} 2\"} 3\na_total{x=\"2\"} 4\na_total_more 9\nb 1\n";
        assert_eq!((sum(page, "a_total"), sum(page, "b"), sum(page, "c")), (Some(7.0), Some(1.0), None));
    }

    #[test]
    fn a_wildcard_is_reached_on_loopback() {
        let reached = |text: &str| reach(text.parse().expect("a listener")).to_string();
        assert_eq!(reached(":53"), "127.0.0.1:53");
        assert_eq!(reached("[::]:53"), "[::1]:53");
        assert_eq!(reached("10.0.0.1:53"), "10.0.0.1:53");
    }
}
