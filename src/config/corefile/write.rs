//! A configuration as `interlocal.yaml` and `peers.yaml`, for whoever leaves their Corefile behind. What is written reads
//! back as the same configuration; what the files cannot say is listed.

mod policy;
mod text;

use std::fmt::Write as _;
use std::time::Duration;

use super::Note;
use crate::config::units::Time;
use crate::config::{
    CacheCaps, Config, ForwardConfig, KubernetesConfig, KubernetesSource, Listen, Namespaces, PeerTable, PeersSource,
    PodMode, RowTls, ServerConfig, TableFile, Transport, Upstream,
};
use text::{flow, quoted};

/// The two files, and what they do not carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub config: String,
    /// None: there are no regions.
    pub peers: Option<String>,
    pub left_out: Vec<String>,
}

/// Writes the files; `from` is where the configuration came from.
#[must_use]
pub fn files(config: &Config, notes: &[Note], from: &str) -> Written {
    let mut left_out = Vec::new();
    let table = match &config.peers.source {
        PeersSource::Table(table) => Some(peers(table, from)),
        _ => None,
    };
    let mut out =
        format!("# Made from {from} by `interlocal import`. Every key: config/interlocal.yaml of the project.\n");
    if !notes.is_empty() {
        out.push_str("#\n# What its directives became:\n");
        for note in notes {
            line(&mut out, format_args!("#   line {}, {}: {}", note.line, note.of, note.text));
        }
        out.push('\n');
    }
    line(&mut out, format_args!("cluster_domain: {}", quoted(&config.cluster_domain.to_string())));
    line(
        &mut out,
        format_args!(
            "# Other regions ask at the peers' door: `peers: [\":8053\"]` opens it, and `region` says which row is ours."
        ),
    );
    let page = |listen: Option<Listen>| listen.map_or("\"\"".into(), |listen| quoted(&listen.to_string()));
    line(
        &mut out,
        format_args!(
            "listen: {{peers: [], identify: false, health: {}, ready: {}, metrics: {}, admin: {}}}",
            page(config.listen.health),
            page(config.listen.ready),
            page(config.listen.metrics),
            page(config.listen.admin)
        ),
    );
    kubernetes(&mut out, &config.kubernetes);
    line(&mut out, format_args!("peers: {{file: {}}}", if table.is_some() { "peers.yaml" } else { "\"\"" }));
    line(&mut out, format_args!("shutdown: {{lameduck: {}}}", Time(config.shutdown.lameduck)));
    out.push_str("servers:\n");
    for one in &config.servers {
        server(&mut out, one, &mut left_out);
    }
    Written { config: out, peers: table, left_out }
}

fn kubernetes(out: &mut String, config: &KubernetesConfig) {
    let pods = match config.pods {
        PodMode::Disabled => "disabled",
        PodMode::Insecure => "insecure",
        PodMode::Verified => "verified",
    };
    out.push_str("kubernetes:\n");
    match &config.source {
        KubernetesSource::Api => out.push_str("  source: api\n"),
        KubernetesSource::None => out.push_str("  source: none\n"),
        KubernetesSource::Url(url) => line(out, format_args!("  source: {}", quoted(url))),
        KubernetesSource::Certified { url, files } => {
            line(out, format_args!("  source: {}", quoted(url)));
            let [cert, key, ca] =
                [&files.certificate, &files.key, &files.ca].map(|path| quoted(&path.display().to_string()));
            line(out, format_args!("  tls: {{cert: {cert}, key: {key}, ca: {ca}}}"));
        }
        KubernetesSource::Manifests(path) => {
            line(out, format_args!("  source: {}", quoted(&path.display().to_string())))
        }
        KubernetesSource::Kubeconfig { file, context } => {
            line(out, format_args!("  kubeconfig: {}", quoted(&file.display().to_string())));
            if let Some(context) = context {
                line(out, format_args!("  context: {}", quoted(context)));
            }
        }
    }
    line(out, format_args!("  pods: {pods}\n  ttl: {}", seconds(config.ttl)));
    match &config.namespaces {
        Namespaces::All => {}
        Namespaces::Named(names) => line(out, format_args!("  namespaces: {}", flow(names))),
        Namespaces::Labelled(selector) => {
            line(out, format_args!("  namespace_labels: {}", quoted(&selector.to_string())))
        }
    }
    if !config.labels.is_empty() {
        line(out, format_args!("  labels: {}", quoted(&config.labels.to_string())));
    }
    if config.endpoint_pod_names {
        out.push_str("  endpoint_pod_names: true\n");
    }
    if config.noendpoints {
        out.push_str("  noendpoints: true\n");
    }
    if config.ignore_empty_service {
        out.push_str("  ignore_empty_service: true\n");
    }
}

fn server(out: &mut String, server: &ServerConfig, left_out: &mut Vec<String>) {
    line(out, format_args!("  - listen: {}", flow(&server.listen)));
    line(out, format_args!("    zones: {}", flow(&server.zones)));
    let caps = CacheCaps { max_ttl: server.cache.max_ttl, max_negative_ttl: server.cache.max_negative_ttl };
    line(out, format_args!("    cache: {}", cache(caps)));
    if server.forward.is_empty() {
        out.push_str("    forward: []\n");
    } else {
        out.push_str("    forward:\n");
        server.forward.iter().for_each(|row| forward(out, row));
    }
    for (key, zones) in [
        ("refuse", &server.routes.refuse),
        ("fallthrough", &server.routes.fallthrough),
        ("closed", &server.routes.closed),
    ] {
        if !zones.is_empty() {
            line(out, format_args!("    {key}: {}", flow(zones)));
        }
    }
    if !server.external.is_empty() {
        out.push_str("    external:\n");
    }
    for row in &server.external {
        line(
            out,
            format_args!(
                "      - {{zone: {}, apex: {}, ttl: {}, headless: {}, fallthrough: {}}}",
                quoted(&row.zone.to_string()),
                quoted(&row.apex),
                seconds(row.ttl),
                row.headless,
                row.fallthrough
            ),
        );
    }
    if !server.policy.is_empty() {
        out.push_str("    policy:\n");
        server.policy.iter().for_each(|rule| policy::rule(out, rule, left_out));
    }
}

fn forward(out: &mut String, row: &ForwardConfig) {
    line(out, format_args!("      - zone: {}", quoted(&row.zone.to_string())));
    servers(out, row, "        ");
    if !row.next.is_empty() {
        out.push_str("        next:\n");
    }
    for next in &row.next {
        line(out, format_args!("          - on: {}", flow(&next.on)));
        servers(out, &next.row, "            ");
    }
    if row.stamp == row.zone.as_ref().is_root() {
        line(out, format_args!("        stamp: {}", row.stamp));
    }
    if let Some(caps) = row.cache {
        line(out, format_args!("        cache: {}", cache(caps)));
    }
}

/// Who is asked, and how.
fn servers(out: &mut String, row: &ForwardConfig, indent: &str) {
    let transport = match row.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    line(out, format_args!("{indent}to: {}", flow(&row.to)));
    line(out, format_args!("{indent}transport: {transport}"));
    if let Some(tls) = &row.tls {
        line(out, format_args!("{indent}tls: {}", mapping(tls)));
    }
    if !row.failover.is_empty() {
        line(out, format_args!("{indent}failover: {}", flow(row.failover.iter().map(|rcode| rcode.to_text()))));
    }
    if row.to.iter().any(|one| matches!(one, Upstream::Host(_))) {
        line(out, format_args!("{indent}resolver: {}", flow(&row.resolver)));
    }
}

/// The `tls` of a row.
pub(super) fn mapping(tls: &RowTls) -> String {
    let file = |file: &TableFile| quoted(&file.path.display().to_string());
    let mut keys: Vec<String> = tls.ca.iter().map(|ca| format!("ca: {}", file(ca))).collect();
    keys.extend(tls.server_name.iter().map(|name| format!("server_name: {}", quoted(&name.to_string()))));
    if let Some((cert, key)) = &tls.identity {
        keys.extend([format!("cert: {}", file(cert)), format!("key: {}", file(key))]);
    }
    format!("{{{}}}", keys.join(", "))
}

fn cache(caps: CacheCaps) -> String {
    format!("{{max_ttl: {}, max_negative_ttl: {}}}", seconds(caps.max_ttl), seconds(caps.max_negative_ttl))
}

/// A TTL, in the unit that TTLs have.
fn seconds(ttl: Duration) -> String {
    format!("{}s", ttl.as_secs())
}

fn peers(table: &PeerTable, from: &str) -> String {
    let mut out = format!(
        "# Made from {from} by `interlocal import`: the stanzas of other regions. The file may be the same in every region;\n\
         # add a row for this one, and name it with `region` in interlocal.yaml or INTERLOCAL_REGION.\n\
         version: 1\nregions:\n"
    );
    for row in &table.regions {
        line(&mut out, format_args!("  {}:", quoted(row.label.as_str())));
        line(&mut out, format_args!("    endpoints: {}", flow(&row.endpoints)));
        line(&mut out, format_args!("    zones: {}", flow(&row.zones)));
        if let Some(tls) = &row.tls {
            line(&mut out, format_args!("    tls: {}", mapping(tls)));
        }
        out.push_str("    # The Corefile sent these names there whatever else has them.\n");
        line(&mut out, format_args!("    allow_tld: {}\n    override_local: {}", row.allow_tld, row.override_local));
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = writeln!(out, "{text}");
}
