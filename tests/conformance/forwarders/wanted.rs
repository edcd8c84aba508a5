//! The differences from Unbound and dnsdist that are wanted: which, whose, when, and why. Whatever is not explained here fails the
//! test. Each entry is a row of `docs/forwarders.md`, by its name; what the entry says of a case is in `cases`.

use std::collections::BTreeSet;

use super::cases::{self, Case};
use super::compare::Facet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Unbound,
    Dnsdist,
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::Unbound, Self::Dnsdist];
}

pub struct Wanted {
    /// The first cell of its row in the document.
    pub name: &'static str,
    pub peer: Peer,
    pub why: &'static str,
    /// What may be different because of it.
    pub facets: &'static [Facet],
    pub applies: fn(&Case<'_>) -> bool,
}

pub const ALL: &[Wanted] = &[];

/// What of the differences is explained, and by which entries.
pub fn explain(case: &Case<'_>, differences: &BTreeSet<Facet>) -> (BTreeSet<Facet>, Vec<&'static str>) {
    let mut explained = BTreeSet::new();
    let mut by = Vec::new();
    for entry in ALL.iter().filter(|entry| entry.peer == case.peer) {
        let facets: Vec<Facet> = entry.facets.iter().copied().filter(|facet| differences.contains(facet)).collect();
        if !facets.is_empty() && (entry.applies)(case) {
            explained.extend(facets);
            by.push(entry.name);
        }
    }
    (explained, by)
}
