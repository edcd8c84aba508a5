//! What an instance would be made of, from files alone: no socket is opened, nobody is asked, nothing is written.

use std::sync::Arc;

use anyhow::{bail, ensure};

use super::table::{self, Bad};
use super::zone_settings;
use crate::config::{Config, KubernetesSource, PeerTable};
use crate::kube::diff::whole;
use crate::kube::{Selection, manifests};
use crate::route::Routes;
use crate::zone::{Builder, Snapshot};

/// The parts that decide answers without others.
pub struct Offline {
    pub config: Config,
    pub table: PeerTable,
    pub routes: Routes,
    pub zone: Arc<Snapshot>,
    /// What was left out of the manifests, and why.
    pub problems: Vec<String>,
}

impl Offline {
    /// Reads the peer table that the configuration names, and its manifests.
    ///
    /// # Errors
    /// If a file cannot be read or the table is wrong, or the configuration has no manifests.
    pub fn read(config: Config) -> anyhow::Result<Self> {
        let table = match table::read(&config, None, None) {
            Ok(good) => good.table,
            Err(Bad::Unreadable(why)) => bail!("{why}"),
            Err(Bad::NotYet(of)) => bail!("the peer table is in ConfigMap {of}, which no file has"),
            Err(Bad::Wrong { errors, .. }) => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                bail!("{}", texts.join("\n\n"));
            }
        };
        let KubernetesSource::Manifests(path) = &config.kubernetes.source else {
            bail!("without a server the objects come from manifests: name them with --manifests");
        };
        let loaded = manifests::load(path, &config.limits, &Selection::of(&config));
        ensure!(loaded.readable, "cannot read {}", path.display());
        let settings = zone_settings(&config, &table);
        let mut builder = Builder::new(settings.clone());
        whole(&loaded.objects).into_iter().for_each(|event| builder.apply(event));
        builder.mark_synced();
        let zone = builder.publish(0).unwrap_or_else(|| Arc::new(Snapshot::empty(&settings)));
        let problems = loaded.problems.iter().map(ToString::to_string).collect();
        Ok(Self { routes: Routes::build(&config, &table), config, table, zone, problems })
    }
}
