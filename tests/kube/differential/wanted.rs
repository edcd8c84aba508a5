//! The differences from CoreDNS that are wanted: which, when, and why. Whatever is not explained here fails the test. Each entry
//! is a row of `docs/coredns.md`, by its name; what the entry says of a case is in `cases`.

use super::cases::{self, Case};
use crate::support::differential::Part::{self, Aa, Additional, Answer, Authority, Chain, Edns, Ra, Rcode, Tc, Ttl};
use crate::support::differential::Wanted;

struct Entry {
    wanted: Wanted,
    applies: fn(&Case<'_>) -> bool,
}

const fn entry(name: &'static str, parts: &'static [Part], applies: fn(&Case<'_>) -> bool, why: &'static str) -> Entry {
    Entry { wanted: Wanted { name, parts, why }, applies }
}

static ALL: &[Entry] = &[
    entry("RA", &[Ra], cases::ra, "Recursion is available, so RA says so (RFC 1035 4.1.1)."),
    entry("Size in OPT", &[Edns], cases::own_size, "It is the size that the responder can take (RFC 6891 6.2.4)."),
    entry(
        "UDP replies above 1232 octets",
        &[Tc, Answer, Additional, Authority, Chain, Ttl],
        cases::above_1232,
        "Fragments get lost (RFC 9715).",
    ),
    entry("Names between others", &[Rcode], cases::between, "NXDOMAIN says that nothing is below (RFC 8020 2)."),
    entry("A type that a name does not have", &[Rcode], cases::other_type, "The name exists (RFC 2308 2.2)."),
    entry(
        "Glue that does not fit",
        &[Tc, Answer, Additional],
        cases::glue_without_tc,
        "TC is for what was asked (RFC 2181 9).",
    ),
    entry(
        "SOA of a name that does not exist",
        &[Rcode],
        cases::soa_of_nothing,
        "NXDOMAIN is about the name, whatever the type (RFC 2308 2.1).",
    ),
    entry("SRV weights", &[Answer], cases::weights, "Each record gets an equal share."),
    entry(
        "Case of the zone in data",
        &[Answer, Additional, Authority],
        cases::case_of_data,
        "Data does not depend on how a question is spelled.",
    ),
    entry(
        "ANY",
        &[Tc, Answer, Authority, Rcode, Aa, Additional, Chain],
        cases::any,
        "One RRset (RFC 8482 4.1), and not the claim that there is none.",
    ),
    entry(
        "Types that an ExternalName is asked for",
        &[Answer, Chain, Authority, Rcode, Additional, Aa],
        cases::alias_type,
        "A CNAME goes with every type (RFC 1034 3.6.2).",
    ),
    entry(
        "ExternalName to a name that is not there",
        &[Answer, Chain, Rcode, Authority, Aa],
        cases::alias_inside,
        "The CNAME exists, and its target's rcode is the answer's (RFC 6604 3).",
    ),
    entry(
        "A circle of ExternalNames",
        &[Rcode, Aa, Authority],
        cases::circle,
        "It is an error (RFC 1034 3.6.2), not an empty answer.",
    ),
    entry(
        "End of a chain",
        &[Rcode, Authority, Aa],
        cases::end_of_chain,
        "A chase that fails is no empty answer (RFC 6604 3, RFC 2308 2.1).",
    ),
    entry(
        "Upstream answers that end with a CNAME",
        &[Answer, Chain, Additional, Authority, Rcode],
        cases::upstream_alias,
        "A stub resolver does not follow it itself (RFC 1034 5.3.1).",
    ),
    entry(
        "RD=0",
        &[Rcode, Answer, Chain, Authority, Aa],
        cases::no_recursion,
        "Nobody else is asked for who did not ask for it (RFC 1035 4.1.1).",
    ),
    entry(
        "Other types of a reverse name",
        &[Rcode, Aa, Authority],
        cases::reverse_type,
        "The name exists (RFC 2308 2.2).",
    ),
    entry(
        "Endpoints without their Service",
        &[Rcode, Aa, Answer, Authority],
        cases::name_that_does_not_lead_back,
        "A name that does not exist is no address's name.",
    ),
    entry(
        "Reverse names of others",
        &[Rcode, Aa, Answer, Authority],
        cases::reverse_of_others,
        "They are not ours to deny.",
    ),
    entry(
        "NS and `ns.dns`",
        &[Answer, Authority, Additional, Rcode],
        cases::name_server,
        "One name and one address for all replicas.",
    ),
    entry("SRV of a pod's name", &[Answer, Authority, Additional], cases::pod_srv, "A pod has no named port."),
    entry(
        "Names below a pod's",
        &[Rcode, Answer, Authority, Additional],
        cases::below_a_pod,
        "A pod's name has nothing below it.",
    ),
    entry(
        "Spellings of a pod's address",
        &[Rcode, Answer, Authority, Additional],
        cases::spelling_of_a_pod,
        "One address has one pod, however it is written (RFC 4291 2.2).",
    ),
    entry(
        "Ports without a name or a number",
        &[Tc, Rcode, Answer, Authority, Additional],
        cases::odd_port,
        "SRV names are for named ports (specification 2.3.2), and SRV data has a number.",
    ),
    entry(
        "An endpoint name in several slices",
        &[Answer, Authority, Additional],
        cases::one_host,
        "One name is one host with all its addresses and ports (RFC 2181 5).",
    ),
];

/// Those that are seen in this case.
pub fn applying(case: &Case<'_>) -> impl Iterator<Item = &'static Wanted> {
    ALL.iter().filter(|entry| (entry.applies)(case)).map(|entry| &entry.wanted)
}

pub fn all() -> impl Iterator<Item = &'static Wanted> {
    ALL.iter().map(|entry| &entry.wanted)
}
