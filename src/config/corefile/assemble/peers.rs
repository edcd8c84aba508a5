//! Stanzas that are regions: `NAME.svc.DOMAIN { forward . ADDRESS { force_tcp } }` is what guides for several clusters have
//! people write. They become rows of a peer table, judged as any table is.

use std::collections::HashMap;
use std::path::Path;

use super::listening::{Group, Part};
use crate::config::corefile::plugins::{Block, To};
use crate::config::corefile::sources::Sources;
use crate::config::corefile::write::mapping;
use crate::config::error::{Fault, UnknownKeys};
use crate::config::peers::{self, TableContext};
use crate::config::{Config, Overrides, PeersSource, RegionLabel, RowTls, Upstream};
use crate::wire::Name;

/// Directives that say nothing of answers, and may stand in a region's stanza.
const HARMLESS: [&str; 13] = [
    "forward",
    "bind",
    "errors",
    "log",
    "cache",
    "loop",
    "reload",
    "ready",
    "health",
    "prometheus",
    "loadbalance",
    "bufsize",
    "debug",
];

/// Which blocks are regions.
#[derive(Default)]
pub(super) struct Regions {
    blocks: Vec<*const Block>,
}

impl Regions {
    fn of(rows: &[Row<'_>]) -> Self {
        Self { blocks: rows.iter().map(|row| std::ptr::from_ref(row.block)).collect() }
    }

    pub(super) fn is_peer(&self, block: &Block) -> bool {
        self.blocks.contains(&std::ptr::from_ref(block))
    }
}

/// One row, as it would be written.
struct Row<'b> {
    block: &'b Block,
    label: String,
    zones: Vec<Name>,
    endpoints: Vec<String>,
    tls: Option<&'b RowTls>,
}

/// Turns the stanzas of regions into the peer table of this configuration.
pub(super) fn regions(groups: &[Group<'_>], config: &mut Config, overrides: &Overrides, sources: &Sources) -> Regions {
    let own = own(overrides);
    let rows = stanzas(groups, config, own.as_ref(), sources);
    if rows.is_empty() {
        return Regions::default();
    }
    match judged(&table(&rows), config, own.as_ref()) {
        Ok(found) => {
            config.peers.source = PeersSource::Table(Box::new(found));
            point_out(&rows, own.as_ref(), sources);
            Regions::of(&rows)
        }
        Err(fault) => {
            if let Some(spot) = rows.first().and_then(|row| row.block.spot) {
                sources.warning(spot, Fault::new(format!("its regions are forwarded as zones: {}", fault.message)));
            }
            Regions::default()
        }
    }
}

/// With a peer table in a file of its own the stanzas of regions are not read: one place says where a region is.
pub(super) fn replaced(groups: &[Group<'_>], config: &Config, overrides: &Overrides, sources: &Sources) -> Regions {
    let rows = stanzas(groups, config, own(overrides).as_ref(), sources);
    for row in &rows {
        let Some(spot) = row.block.spot else { continue };
        let label = &row.label;
        let fault = Fault::new(format!("the stanza of `{label}` is not read: the peer table says where regions are"));
        sources
            .warning(spot, fault.help(format!("see that `{label}` has a row in that table, then remove the stanza")));
    }
    Regions::of(&rows)
}

fn own(overrides: &Overrides) -> Option<RegionLabel> {
    overrides.region.as_deref().and_then(|label| RegionLabel::parse(label).ok())
}

/// The blocks beside the cluster's that are regions, each once.
fn stanzas<'b>(groups: &[Group<'b>], config: &Config, own: Option<&RegionLabel>, sources: &Sources) -> Vec<Row<'b>> {
    let Some(svc) = config.cluster_domain.prepend("svc").ok() else { return Vec::new() };
    let cluster = groups.iter().filter(|group| group.parts.iter().any(|part| part.block.kubernetes.is_some()));
    let mut rows: Vec<Row<'b>> = Vec::new();
    // A region is for every listener: what is bound to another one than the cluster is for that one only.
    let elsewhere = |block: &Block| {
        let of = |group: &&Group<'_>| group.parts.iter().any(|part| std::ptr::eq(part.block, block));
        !block.bind.is_empty() && groups.iter().filter(of).count() > 1
    };
    for row in cluster.flat_map(|group| &group.parts).filter_map(|part| row(part, &svc, sources)) {
        if elsewhere(row.block) || rows.iter().any(|other| std::ptr::eq(other.block, row.block)) {
            continue;
        }
        match judged(&table(std::slice::from_ref(&row)), config, own) {
            Ok(_) => rows.push(row),
            Err(fault) => {
                let why = format!("not a region, but a zone that is forwarded: {}", fault.message);
                note(row.block, why, sources);
            }
        }
    }
    rows
}

/// The row that a block is; none if it is no region.
fn row<'b>(part: &Part<'b>, svc: &Name, sources: &Sources) -> Option<Row<'b>> {
    let block = part.block;
    let below = |zone: &Name| zone.as_ref().parent() == Some(svc.as_ref());
    if !part.zones.iter().all(below) || block.named.iter().any(|name| !HARMLESS.contains(&name.as_str())) {
        return None;
    }
    let [forward] = block.forward.as_slice() else { return None };
    let all = |zone: &Name| forward.from.iter().any(|from| zone.as_ref().is_in(from.as_ref()));
    let odd = |to: &To| matches!(to, To::Upstream(Upstream::ResolvConf(_) | Upstream::Named(..)));
    let special = !forward.except.is_empty() || !forward.failover.is_empty() || !forward.next.is_empty();
    if !part.zones.iter().all(all) || special || forward.to.iter().any(|(_, to)| odd(to)) {
        return None;
    }
    if !forward.tcp && forward.tls.is_none() {
        let text = "not a region, but a zone that is forwarded over UDP: with `force_tcp` its answers would be asked for over kept \
                    connections, from whichever address answers, and be served stale while it is away";
        sources.note(forward.spot, "forward", text);
        return None;
    }
    let label =
        part.zones.first()?.as_ref().labels().next().map(|label| String::from_utf8_lossy(label).into_owned())?;
    let mut endpoints: Vec<String> = Vec::new();
    for (_, to) in &forward.to {
        let text = match to {
            To::Upstream(upstream) => upstream.to_string(),
            To::Host(endpoint) => endpoint.to_string(),
        };
        if !endpoints.contains(&text) {
            endpoints.push(text);
        }
    }
    Some(Row { block, label, zones: part.zones.clone(), endpoints, tls: forward.tls.as_ref() })
}

/// The table as `peers.yaml` would have it: it is judged where every table is.
fn table(rows: &[Row<'_>]) -> String {
    let mut text = "version: 1\nregions:\n".to_owned();
    for row in rows {
        let zones: Vec<String> = row.zones.iter().map(|zone| format!("\"{zone}\"")).collect();
        let endpoints: Vec<String> = row.endpoints.iter().map(|endpoint| format!("\"{endpoint}\"")).collect();
        // Somebody wrote the zone down, so it is meant, whatever top-level domain has its name.
        text.push_str(&format!(
            "  \"{}\":\n    zones: [{}]\n    endpoints: [{}]\n    allow_tld: true\n    override_local: true\n",
            row.label,
            zones.join(", "),
            endpoints.join(", ")
        ));
        if let Some(tls) = row.tls {
            text.push_str(&format!("    tls: {}\n", mapping(tls)));
        }
    }
    text
}

fn judged(text: &str, config: &Config, region: Option<&RegionLabel>) -> Result<crate::config::PeerTable, Fault> {
    let context = TableContext {
        cluster_domain: &config.cluster_domain,
        region,
        stub_zones: &[],
        limits: &config.limits,
        folder: None,
    };
    let mut result = peers::parse(text, Path::new("Corefile"), &context, UnknownKeys::Refuse);
    if result.errors.is_empty() { Ok(result.table) } else { Err(Fault::new(result.errors.swap_remove(0).message)) }
}

/// What such stanzas get wrong.
fn point_out(rows: &[Row<'_>], own: Option<&RegionLabel>, sources: &Sources) {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for row in rows {
        let Some(spot) = row.block.spot else { continue };
        let became = format!(
            "region `{}`, asked over kept connections; its answers may be served stale while it is away",
            row.label
        );
        note(row.block, became, sources);
        if own.is_some_and(|own| own.as_str() == row.label) {
            let fault = Fault::new(format!(
                "`{}` is this region itself: in CoreDNS its names would go round in circles",
                row.label
            ));
            sources.warning(spot, fault.help("its names are answered here; the stanza is not needed"));
        }
        if row.endpoints.len() == 1 && row.endpoints.iter().all(|one| one.parse::<std::net::SocketAddr>().is_ok()) {
            let text = "one address: a load balancer has one in each zone, and they may change; its host name would be looked up again and again";
            note(row.block, text.into(), sources);
        }
        for endpoint in &row.endpoints {
            if let Some(other) = owners.insert(endpoint, &row.label) {
                let fault = Fault::new(format!("`{endpoint}` is an address of `{other}` and of `{}`", row.label));
                sources.warning(
                    spot,
                    fault.help("one of the two is asked in the wrong region; `interlocal peers` shows which"),
                );
            }
        }
    }
}

fn note(block: &Block, text: String, sources: &Sources) {
    if let (Some(spot), Some(key)) = (block.spot, block.keys.first()) {
        sources.note(spot, &key.zone.to_string(), text);
    }
}
