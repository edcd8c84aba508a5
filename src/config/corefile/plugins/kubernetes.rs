//! `kubernetes`: which names are the cluster's, and where the cluster is.

use std::path::PathBuf;
use std::time::Duration;

use super::fallthrough;
use crate::config::corefile::directive::{Directive, Line, number, said, zones};
use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::config::file::blind;
use crate::config::label::is_label;
use crate::config::{ApiFiles, KubernetesConfig, KubernetesSource, Namespaces, PodMode, Selector, leaf};
use crate::wire::Name;

const MOST_TTL: u64 = 3_600;

const KNOWN: [&str; 16] = [
    "endpoint",
    "tls",
    "kubeconfig",
    "namespaces",
    "namespace_labels",
    "labels",
    "pods",
    "endpoint_pod_names",
    "ttl",
    "noendpoints",
    "fallthrough",
    "ignore",
    "multicluster",
    "zonal",
    "startup_timeout",
    "apiserver_qps",
];

#[derive(Debug)]
pub(in crate::config::corefile) struct Kubernetes {
    pub(in crate::config::corefile) spot: Spot,
    /// As named; none: those of the block.
    pub(in crate::config::corefile) zones: Vec<Name>,
    pub(in crate::config::corefile) config: KubernetesConfig,
    pub(in crate::config::corefile) fallthrough: Vec<Name>,
}

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Kubernetes> {
    let mut read = Kubernetes {
        spot: directive.spot(),
        zones: zones(&directive.args, sources),
        config: KubernetesConfig { pods: PodMode::Disabled, ..KubernetesConfig::default() },
        fallthrough: Vec::new(),
    };
    let (mut selects, mut ignores, mut tls): (Option<&Line>, Option<&Line>, Option<&Line>) = (None, None, None);
    for line in directive.lines() {
        match line.name.text.as_str() {
            "namespaces" | "namespace_labels" => {
                if let Some(other) = selects.replace(line).filter(|other| other.name.text != line.name.text) {
                    let fault = Fault::new("`namespaces` and `namespace_labels` cannot both be given");
                    let help = "name the namespaces, or give them a label and select that";
                    sources.error(line.spot().max(other.spot()), fault.help(help));
                }
                select(line, &mut read.config, sources);
            }
            "fallthrough" => read.fallthrough = fallthrough(&line.args, sources),
            "ignore" => {
                ignore(line, &mut read.config, sources);
                ignores = Some(line);
            }
            "tls" => tls = Some(line),
            _ => option(directive, line, &mut read.config, sources),
        }
    }
    if let Some(line) = ignores.filter(|_| read.config.noendpoints && read.config.ignore_empty_service) {
        sources.error(line.spot(), blind());
    }
    if let Some(line) = tls {
        certified(line, &mut read.config, sources);
    }
    if let KubernetesSource::Url(url) = &mut read.config.source
        && !url.contains("://")
    {
        url.insert_str(0, "http://");
    }
    Some(read)
}

/// `tls CERT KEY CA`; as with CoreDNS it says something of an `endpoint` only, which without a scheme is `https` then.
fn certified(line: &Line, config: &mut KubernetesConfig, sources: &Sources) {
    let [certificate, key, ca] = line.args.as_slice() else {
        let fault = Fault::new(format!("`tls` needs three files, and has {}", line.args.len()));
        sources.error(line.spot(), fault.help("write `tls CERT KEY CA`"));
        return;
    };
    let file = |token: &Token| sources.folder(token.spot.source).join(&token.text);
    let files = ApiFiles { certificate: file(certificate), key: file(key), ca: file(ca) };
    let KubernetesSource::Url(url) = &config.source else {
        let note = "not needed: it is for an `endpoint`; a kubeconfig and a ServiceAccount have their own";
        sources.note(line.spot(), "tls", note);
        return;
    };
    match url.split_once("://") {
        Some(("http", _)) => sources.note(line.spot(), "tls", "not needed: the `endpoint` is asked in clear text"),
        Some(_) => config.source = KubernetesSource::Certified { url: url.clone(), files },
        None => config.source = KubernetesSource::Certified { url: format!("https://{url}"), files },
    }
}

/// `ignore empty_service`.
fn ignore(line: &Line, config: &mut KubernetesConfig, sources: &Sources) {
    let known = [("empty_service", ())];
    let word = line.one("word", sources).and_then(|word| said(word, leaf::choice(&word.text, &known), sources));
    config.ignore_empty_service |= word.is_some();
}

fn option(directive: &Directive, line: &Line, config: &mut KubernetesConfig, sources: &Sources) {
    let refuse = |what: &str, instead: &str| {
        sources.error(line.spot(), Fault::new(what).help(instead));
    };
    match line.name.text.as_str() {
        "endpoint" => {
            if let Some(url) = line.args.first() {
                if !matches!(config.source, KubernetesSource::Kubeconfig { .. }) {
                    config.source = KubernetesSource::Url(url.text.clone());
                }
            } else {
                _ = line.one("URL", sources);
            }
        }
        "kubeconfig" => {
            line.at_most(2, sources);
            let file = line.args.first().map(|file| sources.folder(file.spot.source).join(&file.text));
            match file {
                Some(file) => config.source = kubeconfig(file, line.args.get(1).map(|context| context.text.clone())),
                None => _ = line.one("file", sources),
            }
        }
        "labels" => {
            if let Some(selector) = selector(line, sources) {
                config.labels = selector;
            }
        }
        "pods" => {
            if let Some(mode) = line.one("mode", sources) {
                let known =
                    [("disabled", PodMode::Disabled), ("insecure", PodMode::Insecure), ("verified", PodMode::Verified)];
                config.pods = said(mode, leaf::choice(&mode.text, &known), sources).unwrap_or(config.pods);
            }
        }
        "endpoint_pod_names" => {
            line.at_most(0, sources);
            config.endpoint_pod_names = true;
        }
        "ttl" => {
            let ttl = line.one("number", sources).and_then(|token| number(token, sources).map(|ttl| (token, ttl)));
            if let Some((token, ttl)) = ttl {
                if ttl > MOST_TTL {
                    sources.error(token.spot, Fault::new(format!("the TTL `{ttl}` is out of range")).help("0 to 3600"));
                } else {
                    config.ttl = Duration::from_secs(ttl);
                }
            }
        }
        "startup_timeout" => {
            _ = line.duration(sources);
            sources.note(
                line.spot(),
                "startup_timeout",
                "not needed: until the cluster was read its names get SERVFAIL, and /ready says 503",
            );
        }
        "apiserver_qps" | "apiserver_burst" | "apiserver_max_inflight" => {
            sources.note(line.spot(), &line.name.text, "not needed: it keeps one watch for each kind of object");
        }
        "noendpoints" => {
            line.at_most(0, sources);
            config.noendpoints = true;
        }
        "multicluster" => refuse(
            "`multicluster` is not supported: names below clusterset.local would not be answered",
            "name the other clusters in the peer table, or forward clusterset.local to a server that has it",
        ),
        "zonal" => refuse(
            "`zonal` is not supported: names with `_zone` would not be answered",
            "remove it, or forward those names to a server that has it",
        ),
        _ => directive.unknown(line, &KNOWN, sources),
    }
}

fn kubeconfig(file: PathBuf, context: Option<String>) -> KubernetesSource {
    KubernetesSource::Kubeconfig { file, context }
}

fn select(line: &Line, config: &mut KubernetesConfig, sources: &Sources) {
    if line.args.is_empty() {
        _ = line.one("namespace", sources);
        return;
    }
    if line.name.is("namespace_labels") {
        if let Some(selector) = selector(line, sources).filter(|selector| !selector.is_empty()) {
            config.namespaces = Namespaces::Labelled(selector);
        }
        return;
    }
    let mut named = match std::mem::take(&mut config.namespaces) {
        Namespaces::Named(named) => named,
        Namespaces::All | Namespaces::Labelled(_) => Default::default(),
    };
    for name in &line.args {
        if is_label(&name.text) {
            named.insert(name.text.clone());
        } else {
            let fault = Fault::new(format!("`{}` cannot be the name of a namespace", name.text));
            sources.error(
                name.spot,
                fault.help("a name has lower-case letters, digits and `-` inside, at most 63 in all"),
            );
        }
    }
    config.namespaces = Namespaces::Named(named);
}

/// The rest of the line is one expression.
fn selector(line: &Line, sources: &Sources) -> Option<Selector> {
    let first = line.args.first();
    let text: Vec<&str> = line.args.iter().map(|token| token.text.as_str()).collect();
    match first {
        Some(token) => said(token, Selector::parse(&text.join(" ")), sources),
        None => {
            _ = line.one("expression", sources);
            None
        }
    }
}
