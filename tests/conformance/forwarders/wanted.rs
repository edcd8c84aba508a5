//! The differences from Unbound and dnsdist that are wanted: which, whose, when, and why. Whatever is not explained here fails the
//! test. Each entry is a row of `docs/forwarders.md`, by its name; what the entry says of a case is in `cases`.

use std::collections::BTreeSet;

use super::cases::{self, Case};
use super::compare::Facet::{self, Aa, Ad, Answer, Ede, Ra, Rcode, Tc, Ttl};

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
    pub peers: &'static [Peer],
    /// What may be different because of it.
    pub facets: &'static [Facet],
    pub applies: fn(&Case<'_>) -> bool,
    /// The last cell.
    pub why: &'static str,
}

const fn entry(
    name: &'static str,
    peers: &'static [Peer],
    facets: &'static [Facet],
    applies: fn(&Case<'_>) -> bool,
    why: &'static str,
) -> Wanted {
    Wanted { name, peers, facets, applies, why }
}

const BOTH: &[Peer] = &Peer::ALL;
const UNBOUND: &[Peer] = &[Peer::Unbound];
const DNSDIST: &[Peer] = &[Peer::Dnsdist];

pub const ALL: &[Wanted] = &[
    entry("TTLs", BOTH, &[Ttl], cases::capped, "Nobody behind us is to keep an answer for longer than we do."),
    entry("TTLs with the top bit set", DNSDIST, &[Ttl], cases::top_bit, "They are zero (RFC 2181 8)."),
    entry("AA", DNSDIST, &[Aa], cases::aa, "The names are not ours (RFC 1035 4.1.1)."),
    entry("RA", DNSDIST, &[Ra], cases::ra, "It says what we do, not what the upstream does (RFC 1035 4.1.1)."),
    entry(
        "AD that nobody asked for",
        DNSDIST,
        &[Ad],
        cases::ad_unasked,
        "It is for those who set AD or DO (RFC 6840 5.8).",
    ),
    entry("AD of the upstream", UNBOUND, &[Ad], cases::ad_passed, "Who validates is the upstream, and it says so."),
    entry(
        "Chains that the upstream leaves open",
        DNSDIST,
        &[Rcode, Answer, Ttl, Tc, Ede, Ad],
        cases::open_chain,
        "A stub resolver does not follow them itself (RFC 1034 5.3.1).",
    ),
    entry(
        "Chains that are too long, and circles",
        BOTH,
        &[Rcode, Answer, Tc, Ede],
        cases::endless,
        "They are an error (RFC 1034 3.6.2), and a chase has to end.",
    ),
    entry(
        "Long chains that are whole",
        UNBOUND,
        &[Rcode, Answer, Tc, Ede],
        cases::long_and_whole,
        "The upstream has followed them already.",
    ),
    entry(
        "RD=0",
        DNSDIST,
        &[Rcode, Answer, Ttl, Tc, Ede, Aa, Ra, Ad],
        cases::no_recursion,
        "Nobody else is asked for who did not ask for it (RFC 1035 4.1.1).",
    ),
    entry(
        "RD=0 for what is in memory",
        UNBOUND,
        &[Rcode, Answer, Tc, Ede, Ad],
        cases::memory_without_recursion,
        "It costs nobody a question.",
    ),
    entry("Extended errors", BOTH, &[Ede], cases::extended_errors, "`dig` tells why (RFC 8914 2)."),
    entry("Rcodes of failures", UNBOUND, &[Rcode], cases::rcode_passed, "It is the upstream that knows what is wrong."),
    entry(
        "Rcodes above 15 without EDNS",
        DNSDIST,
        &[Rcode],
        cases::extended_rcode,
        "Their low bits alone are another rcode (RFC 6891 6.1.3).",
    ),
    entry(
        "Records of other names",
        UNBOUND,
        &[Answer, Ttl],
        cases::records_beside,
        "A message is passed on whole, and kept for its own question only.",
    ),
    entry(
        "UDP replies above 1232 octets",
        BOTH,
        &[Tc, Answer, Ttl],
        cases::above_1232,
        "Fragments get lost (RFC 9715).",
    ),
    entry(
        "ANY over UDP",
        BOTH,
        &[Tc, Answer, Ttl],
        cases::any_over_udp,
        "More than 512 octets are for those who ask over TCP (RFC 8482 4.4).",
    ),
    entry(
        "ANY from memory",
        UNBOUND,
        &[Rcode, Tc, Answer, Ttl],
        cases::any_from_memory,
        "Which types a name has is for the upstream to say, not for our memory.",
    ),
    entry(
        "Names in little room",
        UNBOUND,
        &[Tc, Answer, Ttl],
        cases::compression,
        "Octets pass as they come; over TCP there is room.",
    ),
    entry("TC", DNSDIST, &[Tc, Answer], cases::cut, "We have asked again over TCP already, for whoever has room."),
];

/// What of the differences is explained, and by which entries.
pub fn explain(case: &Case<'_>, differences: &BTreeSet<Facet>) -> (BTreeSet<Facet>, Vec<&'static str>) {
    let mut explained = BTreeSet::new();
    let mut by = Vec::new();
    for entry in ALL.iter().filter(|entry| entry.peers.contains(&case.peer)) {
        let facets: Vec<Facet> = entry.facets.iter().copied().filter(|facet| differences.contains(facet)).collect();
        if !facets.is_empty() && (entry.applies)(case) {
            explained.extend(facets);
            by.push(entry.name);
        }
    }
    (explained, by)
}
