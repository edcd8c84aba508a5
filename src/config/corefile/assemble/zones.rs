//! The routes of one zone of one block. Which plugin a name gets to depends on the zones that each names, so the zone is
//! cut at all of their borders, and each piece gets what CoreDNS's chain would come to there.

use crate::config::corefile::plugins::{Block, Cache, Forward, nothing};
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::config::{CacheCaps, ForwardConfig, NextConfig, ServerConfig, Transport, Upstream};
use crate::wire::Name;

/// What a piece of a zone comes to.
#[derive(Clone, PartialEq)]
struct Piece {
    /// The numbers of the `forward`, each behind the one that leads there; none: nobody is asked.
    forward: Vec<usize>,
    caps: CacheCaps,
}

/// Adds the routes of `zone` to the server. `deeper` are zones below it that are another block's.
pub(super) fn routes(block: &Block, zone: &Name, deeper: &[Name], server: &mut ServerConfig, sources: &Sources) {
    let ours =
        |name: &Name| name.as_ref().is_in(zone.as_ref()) && !deeper.iter().any(|d| name.as_ref().is_in(d.as_ref()));
    let mut local = cluster(block, zone, &ours, server, sources);
    local.extend(external(block, zone, &ours, server, sources));
    let mut borders: Vec<Name> = vec![zone.clone()];
    let named = block.forward.iter().flat_map(|forward| forward.from.iter().chain(&forward.except));
    for border in named.chain(block.cache.iter().flat_map(Cache::borders)) {
        if ours(border) && !borders.contains(border) {
            borders.push(border.clone());
        }
    }
    // From the top down, so that a piece can be compared with the one that it is cut out of.
    borders.sort_by_key(|border| border.as_ref().label_count());
    let mut pieces: Vec<(Name, Piece)> = Vec::new();
    for border in borders {
        let piece = piece(block, &border);
        let around = pieces.iter().rev().find(|(around, _)| border.as_ref().is_in(around.as_ref()));
        if around.is_none_or(|(_, around)| *around != piece) {
            pieces.push((border, piece));
        }
    }
    for (border, piece) in pieces {
        // The cluster's own zone is answered, and never forwarded as a whole.
        if local.contains(&border) && !server.routes.fallthrough.contains(&border) {
            continue;
        }
        let chain: Vec<&Forward> = piece.forward.iter().filter_map(|number| block.forward.get(*number)).collect();
        match row(&border, &chain, piece.caps, sources) {
            Some(row) => server.forward.push(row),
            None => server.routes.refuse.push(border),
        }
    }
}

/// The zones of the cluster inside this one.
fn cluster(
    block: &Block,
    zone: &Name,
    ours: &dyn Fn(&Name) -> bool,
    server: &mut ServerConfig,
    sources: &Sources,
) -> Vec<Name> {
    let Some(kubernetes) = &block.kubernetes else { return Vec::new() };
    let mut local = Vec::new();
    let own = std::slice::from_ref(zone);
    let named = if kubernetes.zones.is_empty() { own } else { kubernetes.zones.as_slice() };
    for origin in named {
        // A block for less than the cluster's zone sees only the names of its own.
        let at = if zone.as_ref().is_in(origin.as_ref()) { zone } else { origin };
        if !ours(at) {
            continue;
        }
        let falls = kubernetes.fallthrough.iter().any(|of| origin.as_ref().is_in(of.as_ref()));
        if is_reverse(origin) {
            if !falls {
                server.routes.closed.push(at.clone());
            }
            continue;
        }
        if at != origin {
            let fault = Fault::new(format!("the block is for `{zone}`, and `kubernetes` for all of `{origin}`"));
            sources.error(
                kubernetes.spot,
                fault.help(format!("write `{origin}` in front of the block: the cluster's zone is served whole")),
            );
            continue;
        }
        if !server.zones.contains(origin) {
            server.zones.push(origin.clone());
        }
        if falls {
            server.routes.fallthrough.push(origin.clone());
        }
        local.push(origin.clone());
    }
    local
}

/// The zones of load balancers inside this one that nobody else is asked about.
fn external(
    block: &Block,
    zone: &Name,
    ours: &dyn Fn(&Name) -> bool,
    server: &mut ServerConfig,
    sources: &Sources,
) -> Vec<Name> {
    let Some(external) = &block.external else { return Vec::new() };
    let mut local = Vec::new();
    let own = std::slice::from_ref(zone);
    let named = if external.zones.is_empty() { own } else { external.zones.as_slice() };
    for named in named {
        if zone != named && zone.as_ref().is_in(named.as_ref()) {
            let fault = Fault::new(format!("the block is for `{zone}`, and `k8s_external` for all of `{named}`"));
            let help = format!("write `{named}` in front of the block: the zone is served whole");
            sources.error(external.spot, fault.help(help));
        }
        if !ours(named) || server.external.iter().any(|other| other.zone == *named) {
            continue;
        }
        let mut found = external.of(named);
        if let Some(fault) = found.fault(&server.zones) {
            sources.error(external.spot, fault);
            continue;
        }
        // Behind it comes the cluster, which lets its names through or not.
        let around = server.zones.iter().find(|cluster| named.as_ref().is_in(cluster.as_ref()));
        found.fallthrough &= around.is_none_or(|cluster| server.routes.fallthrough.contains(cluster));
        if !found.fallthrough {
            local.push(named.clone());
        }
        server.external.push(found);
    }
    local
}

pub(super) fn is_reverse(zone: &Name) -> bool {
    let mut labels: Vec<&[u8]> = zone.as_ref().labels().collect();
    labels.reverse();
    matches!(labels.as_slice(), [b"arpa", b"in-addr" | b"ip6", ..])
}

/// The `forward` that takes names of this zone, those that are asked behind it, and what is kept of what they say.
fn piece(block: &Block, border: &Name) -> Piece {
    let inside = |zones: &[Name]| zones.iter().any(|zone| border.as_ref().is_in(zone.as_ref()));
    let takes = |forward: &Forward| inside(&forward.from) && !inside(&forward.except);
    let longest = |forward: &Forward| forward.from.iter().map(|zone| zone.as_ref().label_count()).max();
    let fitting: Vec<_> = block.forward.iter().enumerate().filter(|(_, forward)| takes(forward)).collect();
    // Whoever writes `next` means the order of the file. Else the longest zone, the first of equals: CoreDNS takes the first that
    // fits at all.
    let first = match fitting.iter().any(|(_, forward)| !forward.next.is_empty()) {
        true => fitting.first(),
        false => fitting.iter().rev().max_by_key(|(_, forward)| longest(forward)),
    };
    let mut chain = Vec::new();
    for (number, forward) in fitting.iter().filter(|(number, _)| first.is_some_and(|(first, _)| number >= first)) {
        chain.push(*number);
        if forward.next.is_empty() {
            break;
        }
    }
    Piece { forward: chain, caps: block.cache.as_ref().map_or_else(nothing, |cache| cache.caps(border)) }
}

/// The row of these; none if there is nobody.
fn row(zone: &Name, chain: &[&Forward], caps: CacheCaps, sources: &Sources) -> Option<ForwardConfig> {
    let (first, last) = (chain.first()?, chain.last()?);
    if !last.next.is_empty() {
        let text = format!("no `forward` behind it takes `{zone}`: its answers are given as they are");
        sources.note(last.spot, "next", text);
    }
    let behind = chain.iter().zip(chain.iter().skip(1));
    let next = behind.map(|(before, next)| NextConfig { on: before.next.clone(), row: servers(zone, next) }).collect();
    Some(ForwardConfig { next, cache: Some(caps), ..servers(zone, first) })
}

fn servers(zone: &Name, forward: &Forward) -> ForwardConfig {
    let mut to: Vec<Upstream> = Vec::new();
    for upstream in forward.to.iter().map(|(_, to)| to.upstream()) {
        if !to.contains(&upstream) {
            to.push(upstream);
        }
    }
    let transport = if forward.tcp || forward.tls.is_some() { Transport::Tcp } else { Transport::Udp };
    ForwardConfig {
        tls: forward.tls.clone(),
        failover: forward.failover.clone(),
        resolver: forward.resolver.clone(),
        ..ForwardConfig::new(zone.clone(), to, transport)
    }
}
