//! The section `kubernetes`: where the objects come from, and which of them are served.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::config::error::{Fault, Report};
use crate::config::field::Field;
use crate::config::label::is_label;
use crate::config::node::Place;
use crate::config::spec::{ApiTlsSpec, KubernetesSpec};
use crate::config::{ApiFiles, KubernetesConfig, KubernetesSource, Namespaces, range};

/// CoreDNS takes the same range.
const MOST_TTL: Duration = Duration::from_secs(3_600);

pub(super) fn kubernetes(spec: &KubernetesSpec, folder: &Path, report: &Report<'_>) -> KubernetesConfig {
    let default = KubernetesConfig::default();
    let (noendpoints, ignore) = (spec.noendpoints.scalar(), spec.ignore_empty_service.scalar());
    if let Some(place) = spec.ignore_empty_service.place().filter(|_| (noendpoints, ignore) == (Some(true), Some(true)))
    {
        report.error(place, blind());
    }
    KubernetesConfig {
        source: source(spec, folder, report).unwrap_or(default.source),
        pods: spec.pods.scalar().unwrap_or(default.pods),
        ttl: range::ttl(&spec.ttl, MOST_TTL, default.ttl, report),
        namespaces: namespaces(spec, report),
        labels: spec.labels.scalar().unwrap_or_default(),
        endpoint_pod_names: spec.endpoint_pod_names.scalar().unwrap_or(default.endpoint_pod_names),
        noendpoints: noendpoints.unwrap_or(default.noendpoints),
        ignore_empty_service: ignore.unwrap_or(default.ignore_empty_service),
    }
}

/// Who does not read endpoints cannot tell which Service has none.
pub(in crate::config) fn blind() -> Fault {
    let fault = Fault::new("without endpoints every Service is empty: none of them would have a name");
    fault.help("remove one of the two: the option that reads no endpoints, or the one that asks for them")
}

fn source(spec: &KubernetesSpec, folder: &Path, report: &Report<'_>) -> Option<KubernetesSource> {
    let found = address(spec, folder, report);
    let Some((place, tls)) = spec.tls.both() else { return found };
    let files = files(place, tls, folder, report);
    match found {
        Some(KubernetesSource::Url(url)) if url.starts_with("https://") => {
            Some(files.map_or(KubernetesSource::Url(url.clone()), |files| KubernetesSource::Certified { url, files }))
        }
        other => {
            let fault = Fault::new("`tls` is for a `source` that is a URL with `https://`");
            report.error(place, fault.help("a pod has its ServiceAccount, and a kubeconfig names its own files"));
            other
        }
    }
}

fn files(place: Place, spec: &ApiTlsSpec, folder: &Path, report: &Report<'_>) -> Option<ApiFiles> {
    let file = |key: &str, field: &Field<String>| {
        let path = field.scalar().filter(|path| !path.is_empty());
        if path.is_none() && !field.failed() {
            let fault = Fault::new(format!("`tls` has no `{key}`"));
            let help = "it needs our certificate, its key, and the certificate of who signed the API server's";
            report.error(field.place().unwrap_or(place), fault.help(help));
        }
        path.map(|path| folder.join(path))
    };
    let (certificate, key, ca) = (file("cert", &spec.cert), file("key", &spec.key), file("ca", &spec.ca));
    Some(ApiFiles { certificate: certificate?, key: key?, ca: ca? })
}

fn address(spec: &KubernetesSpec, folder: &Path, report: &Report<'_>) -> Option<KubernetesSource> {
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
