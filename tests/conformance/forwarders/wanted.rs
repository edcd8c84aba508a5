//! The differences from Unbound and dnsdist that are wanted: which, whose, when, and why. Whatever is not explained here fails the
//! test. Each entry is a row of `docs/forwarders.md`, by its name; what the entry says of a case is in `cases`.

use super::cases::{self, Case};
use crate::support::differential::Part::{self, Aa, Ad, Answer, Ede, Ra, Rcode, Tc, Ttl};
use crate::support::differential::Wanted;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Unbound,
    Dnsdist,
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::Unbound, Self::Dnsdist];
}

struct Entry {
    wanted: Wanted,
    peers: &'static [Peer],
    applies: fn(&Case<'_>) -> bool,
}

const fn entry(
    name: &'static str,
    peers: &'static [Peer],
    parts: &'static [Part],
    applies: fn(&Case<'_>) -> bool,
    why: &'static str,
) -> Entry {
    Entry { wanted: Wanted { name, parts, why }, peers, applies }
}

const BOTH: &[Peer] = &Peer::ALL;
const UNBOUND: &[Peer] = &[Peer::Unbound];
const DNSDIST: &[Peer] = &[Peer::Dnsdist];

static ALL: &[Entry] = &[
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

/// Those that are seen in this case.
pub fn applying(case: &Case<'_>) -> impl Iterator<Item = &'static Wanted> {
    let entries = ALL.iter().filter(|entry| entry.peers.contains(&case.peer) && (entry.applies)(case));
    entries.map(|entry| &entry.wanted)
}

pub fn all() -> impl Iterator<Item = &'static Wanted> {
    ALL.iter().map(|entry| &entry.wanted)
}
