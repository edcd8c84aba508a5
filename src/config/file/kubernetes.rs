//! The section `kubernetes`: where the objects come from, and which of them are served.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::config::error::{Fault, Report};
use crate::config::label::is_label;
use crate::config::spec::KubernetesSpec;
use crate::config::{KubernetesConfig, KubernetesSource, Namespaces, range};

/// CoreDNS takes the same range.
const MOST_TTL: Duration = Duration::from_secs(3_600);

pub(super) fn kubernetes(spec: &KubernetesSpec, folder: &Path, report: &Report<'_>) -> KubernetesConfig {
    let default = KubernetesConfig::default();
    KubernetesConfig {
        source: source(spec, folder, report).unwrap_or(default.source),
        pods: spec.pods.scalar().unwrap_or(default.pods),
        ttl: range::ttl(&spec.ttl, MOST_TTL, default.ttl, report),
        namespaces: namespaces(spec, report),
        labels: spec.labels.scalar().unwrap_or_default(),
        endpoint_pod_names: spec.endpoint_pod_names.scalar().unwrap_or(default.endpoint_pod_names),
    }
}

fn source(spec: &KubernetesSpec, folder: &Path, report: &Report<'_>) -> Option<KubernetesSource> {
    if let Some((place, path)) = spec.kubeconfig.both().filter(|(_, path)| !path.0.is_empty()) {
        if spec.source.scalar().is_some_and(|source| source != "api") {
            let fault = Fault::new("`kubeconfig` and this `source` cannot both be given");
            report.error(place, fault.help("remove `source`"));
        }
        let context = spec.context.scalar().filter(|context| !context.is_empty());
        return Some(KubernetesSource::Kubeconfig { file: folder.join(&path.0), context });
    }
    if let Some((place, _)) = spec.context.both().filter(|(_, context)| !context.0.is_empty()) {
        report.error(place, Fault::new("a `context` without `kubeconfig` means nothing").help("name the file too"));
    }
    let (place, text) = spec.source.both()?;
    let text = &text.0;
    match text.as_str() {
        "api" => return Some(KubernetesSource::Api),
        "none" => return Some(KubernetesSource::None),
        _ => {}
    }
    if text.is_empty() {
        report.error(place, Fault::new("the source is empty").help("write `api`, or the path of manifests"));
        return None;
    }
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return Some(KubernetesSource::Manifests(folder.join(text)));
    }
    let host = text.split_once("//").map_or("", |(_, rest)| rest);
    if host.is_empty() || host.starts_with(['/', ':']) || text.contains(char::is_whitespace) {
        report.error(place, Fault::new("the source is no URL").help("write it as in `http://127.0.0.1:8001`"));
    }
    Some(KubernetesSource::Url(text.clone()))
}

fn namespaces(spec: &KubernetesSpec, report: &Report<'_>) -> Namespaces {
    let mut named = BTreeSet::new();
    for (place, name) in spec.namespaces.items() {
        if !is_label(&name) {
            let fault = Fault::new(format!("`{name}` cannot be the name of a namespace"));
            report.error(place, fault.help("a name has lower-case letters, digits and `-` inside, at most 63 in all"));
        } else if !named.insert(name.clone()) {
            report.error(place, Fault::new(format!("namespace `{name}` is named twice")));
        }
    }
    let labelled = spec.namespace_labels.scalar().filter(|selector| !selector.is_empty());
    match (named.is_empty(), labelled) {
        (false, Some(_)) => {
            if let Some(place) = spec.namespace_labels.place() {
                let fault = Fault::new("`namespaces` and `namespace_labels` cannot both be given");
                report.error(place, fault.help("name the namespaces, or give them a label and select that"));
            }
            Namespaces::Named(named)
        }
        (false, None) => Namespaces::Named(named),
        (true, Some(selector)) => Namespaces::Labelled(selector),
        (true, None) => Namespaces::All,
    }
}
