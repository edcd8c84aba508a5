//! The objects of the cluster, once: from manifests, or from the API server as `serve` reads it. It keeps no watch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::timeout;

use crate::config::{Config, KubernetesSource};
use crate::kube::api::rights::{self, Lack};
use crate::kube::api::{self, Health, Settings, Target};
use crate::kube::feed::{self, Change};
use crate::kube::{Selection, manifests};
use crate::zone::Event;
use crate::zone::object::{Object, ObjectKey};

/// A cluster that is not read by then is not going to be.
const PATIENCE: Duration = Duration::from_secs(60);

/// # Errors
/// If they cannot be read.
pub async fn objects(config: &Config) -> anyhow::Result<Vec<Object>> {
    let selection = Selection::of(config);
    if let KubernetesSource::Manifests(path) = &config.kubernetes.source {
        let loaded = manifests::load(path, &config.limits, &selection);
        if !loaded.readable {
            let problem = loaded.problems.first().map(ToString::to_string).unwrap_or_default();
            bail!("cannot read the objects: {problem}");
        }
        return Ok(loaded.objects);
    }
    let Some(target) = Target::of(&config.kubernetes.source) else { return Ok(Vec::new()) };
    let settings = Settings::of(&config.limits);
    // A source that reads for ever waits for better days; nobody here does.
    if let Err(Lack::Unconfigured(why) | Lack::Unknown(why) | Lack::Away(why)) =
        rights::namespaces(&target, &settings).await
    {
        bail!("cannot read the cluster's objects: {why}; --manifests names another source");
    }
    let (changes, mut told) = feed::channel();
    let health = Arc::new(Health::new(settings.complain));
    let _source = api::Source::start(target, &selection, &settings, &changes, &health);
    let mut objects: HashMap<ObjectKey, Object> = HashMap::new();
    let read = async {
        loop {
            match told.recv().await {
                Some(Change::Event(event)) => apply(&mut objects, event),
                Some(Change::Events(events)) => events.into_iter().for_each(|event| apply(&mut objects, event)),
                Some(Change::Synced) | None => return,
                Some(Change::Reconfigure(_)) => {}
            }
        }
    };
    let read = timeout(PATIENCE, read).await;
    read.map_err(|_| anyhow::anyhow!(health.waiting_for().unwrap_or_default()))
        .context("the Kubernetes API was not read within 60 s; --manifests or --file names another source")?;
    Ok(objects.into_values().collect())
}

fn apply(objects: &mut HashMap<ObjectKey, Object>, event: Event) {
    match event {
        Event::Apply(object) => drop(objects.insert(object.key(), object)),
        Event::Delete(key) => drop(objects.remove(&key)),
        Event::Replace(kind, all) => {
            objects.retain(|key, _| key.kind != kind);
            objects.extend(all.into_iter().map(|object| (object.key(), object)));
        }
    }
}
