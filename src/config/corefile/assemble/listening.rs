//! Which blocks answer at which address: CoreDNS has one server for each address and port, and so have we.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::config::Listen;
use crate::config::corefile::plugins::Block;
use crate::config::corefile::sources::Sources;
use crate::config::defaults::both_families;
use crate::config::error::Fault;
use crate::wire::Name;

/// The blocks behind some addresses.
pub(super) struct Group<'b> {
    pub(super) listen: Vec<Listen>,
    pub(super) parts: Vec<Part<'b>>,
}

/// A block, with those of its zones that it serves there.
#[derive(Clone)]
pub(super) struct Part<'b> {
    pub(super) number: usize,
    pub(super) block: &'b Block,
    pub(super) zones: Vec<Name>,
}

/// The servers of a Corefile, in the order of their first blocks.
pub(super) fn groups<'b>(blocks: &'b [Block], sources: &Sources) -> Vec<Group<'b>> {
    // By port and address; no address is every one.
    let mut places: BTreeMap<(u16, Option<IpAddr>), Vec<Part<'b>>> = BTreeMap::new();
    let mut order: Vec<(u16, Option<IpAddr>)> = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        for key in &block.keys {
            let bound = block.bind.iter().map(|(_, ip)| Some(*ip));
            let addresses: Vec<Option<IpAddr>> = if block.bind.is_empty() { vec![None] } else { bound.collect() };
            for ip in addresses {
                let place = (key.port, ip.filter(|ip| !ip.is_unspecified() || block.bind.len() > 1));
                if !order.contains(&place) {
                    order.push(place);
                }
                let parts = places.entry(place).or_default();
                if parts.iter().any(|part| part.zones.contains(&key.zone)) {
                    let fault = Fault::new(format!("`{}` on port {} is served by two blocks", key.zone, key.port));
                    sources.error(key.spot, fault.help("make one block of them, or give one another port or `bind`"));
                    continue;
                }
                match parts.iter_mut().find(|part| part.number == number) {
                    Some(part) => part.zones.push(key.zone.clone()),
                    None => parts.push(Part { number, block, zones: vec![key.zone.clone()] }),
                }
            }
        }
    }
    overlaps(blocks, &order, sources);
    let mut groups: Vec<Group<'b>> = Vec::new();
    for place in order {
        let Some(parts) = places.remove(&place) else { continue };
        let listen = match place {
            (port, None) => both_families(port),
            (port, Some(ip)) => vec![Listen::Address((ip, port).into())],
        };
        let same = |group: &&mut Group<'b>| {
            let of = |parts: &[Part<'b>]| -> Vec<(usize, Vec<Name>)> {
                parts.iter().map(|part| (part.number, part.zones.clone())).collect()
            };
            of(&group.parts) == of(&parts)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.listen.extend(listen),
            None => groups.push(Group { listen, parts }),
        }
    }
    groups
}

/// A port that one block takes on every address cannot be taken by another one on some.
fn overlaps(blocks: &[Block], places: &[(u16, Option<IpAddr>)], sources: &Sources) {
    for block in blocks {
        for (spot, ip) in &block.bind {
            let clash = block.keys.iter().find(|key| places.contains(&(key.port, None)) && !ip.is_unspecified());
            if let Some(key) = clash {
                let fault = Fault::new(format!("port {} is taken on every address by another block", key.port));
                sources.error(*spot, fault.help("write `bind` in that block too"));
            }
        }
    }
}
