//! What the blocks of a Corefile come to together: blocks that share a listener become one server with one table of
//! routes, stanzas of regions become rows of the peer table, and what is one for the whole process is gathered.

mod listening;
mod peers;
mod process;
mod zones;

use listening::{Group, Part, groups};

use super::plugins::{Block, Log};
use super::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::config::error::{Report, UnknownKeys};
use crate::config::node::Place;
use crate::config::policy::Scope;
use crate::config::{CacheConfig, Config, Overrides, PolicyConfig, QueryLogRule, ServerConfig};
use crate::wire::Name;
use std::path::Path;

/// The configuration; none if there is no block, or a flag is wrong.
pub(super) fn config(blocks: &[Block], overrides: &Overrides, sources: &Sources) -> Option<Config> {
    let start = Spot { source: 0, place: Place { line: 1, column: 1, width: 1 } };
    if blocks.is_empty() {
        // What was wrong with its words says more.
        if sources.has_errors() {
            return None;
        }
        let fault = Fault::new("the file has no server block");
        sources.error(start, fault.help("write `.:53 {` and `}`, and what it is to do in between"));
        return None;
    }
    let groups = groups(blocks, sources);
    let mut config = process::config(blocks, sources);
    let regions = if overrides.peers.is_some() {
        // Whoever names a table means the door too, at which its other regions ask.
        config.listen.peers = Config::default().listen.peers;
        peers::replaced(&groups, &config, overrides, sources)
    } else {
        peers::regions(&groups, &mut config, overrides, sources)
    };
    config.servers = groups.iter().map(|group| server(group, &regions, sources)).collect();
    // Flags are judged where those of `interlocal.yaml` are.
    let report = Report::new("", Path::new(""), UnknownKeys::Refuse);
    overrides.apply(&mut config, &report);
    let (errors, _) = report.finish();
    errors.into_iter().for_each(|problem| sources.other(problem));
    Some(config)
}

fn server(group: &Group<'_>, regions: &peers::Regions, sources: &Sources) -> ServerConfig {
    let mut server = ServerConfig {
        listen: group.listen.clone(),
        zones: Vec::new(),
        cache: cache(group),
        forward: Vec::new(),
        policy: Vec::new(),
        routes: Default::default(),
        external: Vec::new(),
        queries: Vec::new(),
    };
    for (at, part) in group.parts.iter().enumerate() {
        let others: Vec<_> = group.parts.iter().enumerate().filter(|(other, _)| *other != at).collect();
        let except = others.iter().flat_map(|(_, other)| &other.zones);
        let except = except.filter(|other| part.zones.iter().any(|zone| other.as_ref().is_in(zone.as_ref())));
        let scope = Scope {
            // The root is every name, and what is for every name has no scope.
            zones: if part.zones.iter().any(|zone| zone.as_ref().is_root()) { Vec::new() } else { part.zones.clone() },
            except: except.cloned().collect(),
        };
        server.queries.extend(part.block.log.iter().filter_map(|log| logged(log, part, &scope)));
        // Of a region's stanza only what is said of replies: see what may stand in one.
        server.policy.extend(part.block.policy.iter().map(|rule| PolicyConfig {
            scope: scope.clone(),
            zones: rule.zones.clone(),
            rule: rule.rule.clone(),
        }));
        if regions.is_peer(part.block) {
            continue;
        }
        for zone in &part.zones {
            let deeper: Vec<_> = others
                .iter()
                .flat_map(|(_, other)| &other.zones)
                .chain(part.zones.iter().filter(|other| *other != zone))
                .filter(|other| other.as_ref().is_in(zone.as_ref()))
                .cloned()
                .collect();
            zones::routes(part.block, zone, &deeper, &mut server, sources);
        }
    }
    server
}

/// Which questions a `log` of a block is for; none: it names nothing that the block answers.
fn logged(log: &Log, part: &Part<'_>, scope: &Scope) -> Option<QueryLogRule> {
    let mut zones: Vec<Name> = Vec::new();
    for (name, zone) in log.names.iter().flat_map(|name| part.zones.iter().map(move |zone| (name, zone))) {
        let inside =
            [name, zone].into_iter().find(|of| of.as_ref().is_in(name.as_ref()) && of.as_ref().is_in(zone.as_ref()));
        zones.extend(inside.filter(|of| !zones.contains(of)).cloned());
    }
    let all = zones.iter().any(|zone| zone.as_ref().is_root());
    let log = (!zones.is_empty()).then(|| log.log.clone())?;
    let zones = if all { Vec::new() } else { zones };
    Some(QueryLogRule { scope: Scope { zones, except: scope.except.clone() }, log })
}

/// What of regions' answers is kept: as the block with the cluster says, else as any other does.
fn cache(group: &Group<'_>) -> CacheConfig {
    let cluster = group.parts.iter().filter(|part| part.block.kubernetes.is_some());
    let found = cluster.chain(&group.parts).find_map(|part| part.block.cache.as_ref());
    match found.map(super::plugins::Cache::most) {
        Some(caps) => {
            CacheConfig { max_ttl: caps.max_ttl, max_negative_ttl: caps.max_negative_ttl, ..CacheConfig::default() }
        }
        None => CacheConfig::default(),
    }
}
