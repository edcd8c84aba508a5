//! The differences from CoreDNS that are wanted: which parts of a reply, and when. Each is a row of docs/coredns.md by its name.
//! They look at both replies and at what exists, so that a wanted difference does not hide another one.

use std::collections::BTreeSet;

use super::differences::{Part, texts};
use super::questions::Questions;
use crate::cli::ask::whole::{Asked, Record, Reply};

/// One question with both replies.
pub struct Case<'a> {
    pub asked: &'a Asked,
    pub ours: &'a Reply,
    pub theirs: &'a Reply,
    pub questions: &'a Questions,
    /// With its final dot.
    pub domain: &'a str,
}

struct Wanted {
    name: &'static str,
    parts: &'static [Part],
    applies: fn(&Case<'_>) -> bool,
}

const RECORDS: &[Part] = &[Part::Answer, Part::Authority, Part::Additional];
const DENIAL: &[Part] = &[Part::Rcode, Part::Answer, Part::Authority, Part::Additional, Part::Authoritative];

const ALL: &[Wanted] = &[
    Wanted { name: "RA", parts: &[Part::Recursion], applies: |case| case.ours.recursion },
    Wanted { name: "Names between others", parts: &[Part::Rcode], applies: between },
    Wanted { name: "A type that a name does not have", parts: &[Part::Rcode], applies: other_type },
    Wanted { name: "SOA of a name that does not exist", parts: &[Part::Rcode], applies: soa_of_nothing },
    Wanted { name: "SRV weights", parts: &[Part::Answer], applies: weights },
    Wanted { name: "ANY", parts: DENIAL, applies: any },
    Wanted { name: "Types that an ExternalName is asked for", parts: DENIAL, applies: alias_type },
    Wanted { name: "ExternalName to a name that is not there", parts: DENIAL, applies: alias_to_nothing },
    Wanted { name: "A circle of ExternalNames", parts: DENIAL, applies: circle },
    Wanted {
        name: "End of a chain",
        parts: &[Part::Rcode, Part::Authority, Part::Authoritative],
        applies: end_of_chain,
    },
    Wanted { name: "Upstream answers that end with a CNAME", parts: DENIAL, applies: upstream_alias },
    Wanted { name: "Other types of a reverse name", parts: DENIAL, applies: reverse_type },
    Wanted { name: "Endpoints without their Service", parts: DENIAL, applies: orphan },
    Wanted { name: "Reverse names of others", parts: DENIAL, applies: reverse_of_others },
    Wanted { name: "NS and `ns.dns`", parts: DENIAL, applies: name_server },
    Wanted { name: "SRV of a pod's name", parts: RECORDS, applies: pod_srv },
    Wanted { name: "Names below a pod's", parts: DENIAL, applies: below_a_pod },
    Wanted { name: "Ports without a name or a number", parts: DENIAL, applies: odd_port },
    Wanted { name: "An endpoint name in several slices", parts: RECORDS, applies: one_host },
];

/// Rows that are never seen: this asks with EDNS of 1232 octets and RD, in lower case, takes TCP for what does not fit, and asks for
/// names as the API writes them.
#[cfg(test)]
const UNSEEN: [&str; 6] = [
    "Size in OPT",
    "UDP replies above 1232 octets",
    "Glue that does not fit",
    "Case of the zone in data",
    "RD=0",
    "Spellings of a pod's address",
];

/// What of the differences is wanted, and by which rows.
pub fn explain(case: &Case<'_>, differences: &BTreeSet<Part>) -> (BTreeSet<Part>, Vec<&'static str>) {
    let (mut wanted, mut rows) = (BTreeSet::new(), Vec::new());
    for row in ALL {
        let parts: Vec<Part> = row.parts.iter().copied().filter(|part| differences.contains(part)).collect();
        if !parts.is_empty() && (row.applies)(case) {
            wanted.extend(parts);
            rows.push(row.name);
        }
    }
    (wanted, rows)
}

impl Case<'_> {
    fn inside(&self) -> bool {
        self.asked.name == self.domain || self.asked.name.ends_with(&format!(".{}", self.domain))
    }

    fn exists(&self) -> bool {
        self.questions.exist.contains(&self.asked.name)
    }

    fn is_reverse(&self) -> bool {
        ["in-addr.arpa.", "ip6.arpa."].iter().any(|zone| self.asked.name.ends_with(zone))
    }
}

fn no_data(reply: &Reply) -> bool {
    reply.rcode == "NOERROR" && reply.answers.is_empty()
}

fn no_name(reply: &Reply) -> bool {
    reply.rcode == "NXDOMAIN" && reply.answers.is_empty()
}

fn is_alias(record: &Record) -> bool {
    record.rtype == "CNAME"
}

/// Is every record of `some` in `all`?
fn holds(all: &[Record], some: &[Record]) -> bool {
    let all = unweighted(all);
    unweighted(some).iter().all(|record| all.contains(record))
}

/// Records without TTLs and without the weights of SRV records.
fn unweighted(records: &[Record]) -> Vec<String> {
    let mut records = records.to_vec();
    for record in records.iter_mut().filter(|record| record.rtype == "SRV") {
        let mut words: Vec<&str> = record.data.split(' ').collect();
        if let Some(weight) = words.get_mut(1) {
            *weight = "-";
        }
        record.data = words.join(" ");
    }
    texts(&records)
}

fn between(case: &Case<'_>) -> bool {
    no_data(case.ours) && no_name(case.theirs) && !case.exists() && case.questions.is_between(&case.asked.name)
}

fn other_type(case: &Case<'_>) -> bool {
    no_data(case.ours) && no_name(case.theirs) && case.exists()
}

fn soa_of_nothing(case: &Case<'_>) -> bool {
    let nothing = case.questions.known && !case.exists() && !case.questions.is_between(&case.asked.name);
    case.asked.rtype == "SOA" && case.inside() && nothing && no_name(case.ours) && no_data(case.theirs)
}

fn weights(case: &Case<'_>) -> bool {
    let ours: Vec<usize> = case.ours.answers.iter().filter(|it| it.rtype == "SRV").filter_map(weight).collect();
    let share = (100 / ours.len().max(1)).max(1);
    !ours.is_empty()
        && ours.iter().all(|weight| *weight == share)
        && unweighted(&case.ours.answers) == unweighted(&case.theirs.answers)
}

fn weight(record: &Record) -> Option<usize> {
    record.data.split(' ').nth(1)?.parse().ok()
}

fn any(case: &Case<'_>) -> bool {
    let one = case.ours.answers.windows(2).all(|two| (&two[0].name, &two[0].rtype) == (&two[1].name, &two[1].rtype));
    case.asked.rtype == "ANY" && one && !case.ours.answers.is_empty() && case.theirs.answers.is_empty()
}

fn starts_with_alias(case: &Case<'_>) -> bool {
    case.inside() && case.ours.answers.iter().any(|it| is_alias(it) && it.name == case.asked.name)
}

fn alias_type(case: &Case<'_>) -> bool {
    let common = ["A", "AAAA", "CNAME", "ANY"].contains(&case.asked.rtype.as_str());
    starts_with_alias(case) && !common && no_data(case.theirs)
}

fn alias_to_nothing(case: &Case<'_>) -> bool {
    starts_with_alias(case) && case.ours.answers.iter().all(is_alias) && no_data(case.theirs)
}

fn circle(case: &Case<'_>) -> bool {
    let failed = case.ours.rcode == "SERVFAIL" && case.ours.answers.is_empty();
    case.inside() && case.exists() && failed && no_data(case.theirs) && case.theirs.authoritative
}

fn end_of_chain(case: &Case<'_>) -> bool {
    let soa = case.ours.authority.iter().any(|record| record.rtype == "SOA");
    let ended = soa || case.ours.rcode == "SERVFAIL";
    let only_aliases = !case.ours.answers.is_empty() && case.ours.answers.iter().all(is_alias);
    ended
        && only_aliases
        && texts(&case.ours.answers) == texts(&case.theirs.answers)
        && case.theirs.rcode == "NOERROR"
        && case.theirs.authority.is_empty()
}

fn upstream_alias(case: &Case<'_>) -> bool {
    let outside = !case.inside() || case.theirs.answers.len() > 1;
    let only_aliases = !case.theirs.answers.is_empty() && case.theirs.answers.iter().all(is_alias);
    outside
        && only_aliases
        && case.ours.answers.len() > case.theirs.answers.len()
        && holds(&case.ours.answers, &case.theirs.answers)
}

fn reverse_type(case: &Case<'_>) -> bool {
    let other = case.is_reverse() && case.exists() && case.asked.rtype != "PTR";
    other && no_data(case.ours) && case.ours.authoritative && case.theirs.answers.is_empty()
}

fn reverse_of_others(case: &Case<'_>) -> bool {
    let nobody = case.is_reverse() && case.questions.known && !case.exists();
    nobody && !case.ours.authoritative && case.theirs.authoritative && no_name(case.theirs)
}

fn orphan(case: &Case<'_>) -> bool {
    let ours = texts(&case.ours.answers);
    let theirs: Vec<&Record> = case.theirs.answers.iter().collect();
    let more: Vec<&&Record> =
        theirs.iter().filter(|it| !ours.contains(&format!("{} {} {}", it.name, it.rtype, it.data))).collect();
    case.is_reverse()
        && case.questions.known
        && !more.is_empty()
        && more.iter().all(|record| record.rtype == "PTR" && !case.questions.exist.contains(&record.data))
        && holds(&case.theirs.answers, &case.ours.answers)
}

fn name_server(case: &Case<'_>) -> bool {
    let is_ns = case.asked.name == case.domain && case.asked.rtype == "NS";
    (is_ns || case.asked.name == format!("ns.dns.{}", case.domain)) && case.ours.rcode == "NOERROR"
}

fn labels_before_pods(case: &Case<'_>) -> usize {
    let front = case.asked.name.strip_suffix(&format!(".pod.{}", case.domain));
    front.map_or(0, |front| front.split('.').count())
}

fn pod_srv(case: &Case<'_>) -> bool {
    let invented = |record: &Record| record.rtype == "SRV" && record.data.split(' ').nth(2) == Some("0");
    let theirs = &case.theirs.answers;
    labels_before_pods(case) == 2 && no_data(case.ours) && !theirs.is_empty() && theirs.iter().all(invented)
}

fn below_a_pod(case: &Case<'_>) -> bool {
    labels_before_pods(case) > 2 && no_name(case.ours) && case.theirs.rcode == "NOERROR"
}

fn odd_port(case: &Case<'_>) -> bool {
    let nameless = ["_._", "_.tcp.", "_.udp.", "_.sctp."].iter().any(|front| case.asked.name.starts_with(front));
    case.inside() && nameless && no_name(case.ours) && case.theirs.rcode == "NOERROR"
}

fn one_host(case: &Case<'_>) -> bool {
    let shared = |name: &String| case.asked.name == *name || case.asked.name.ends_with(&format!(".{name}"));
    case.questions.shared.iter().any(shared)
        && case.ours.rcode == "NOERROR"
        && holds(&case.ours.answers, &case.theirs.answers)
        && holds(&case.ours.additional, &case.theirs.additional)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_page_is_known_here() {
        let page = include_str!("../../../docs/coredns.md");
        let (_, table) = page.split_once("## Other answers, and why").expect("the table");
        let (table, _) = table.split_once("## Other behaviour").expect("its end");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let mut rows: Vec<&str> = rows.skip(1).filter(|row| !row.starts_with("---")).collect();
        let mut known: Vec<&str> = ALL.iter().map(|row| row.name).chain(UNSEEN).collect();
        rows.sort_unstable();
        known.sort_unstable();
        assert_eq!(rows, known);
    }

    #[test]
    fn nothing_is_wanted_of_a_name_that_is_missing() {
        let asked = Asked { name: "web.shop.svc.cluster.local.".into(), rtype: "A".into() };
        let record = Record { name: asked.name.clone(), rtype: "A".into(), data: "10.0.0.1".into(), ttl: 5 };
        let theirs = Reply { rcode: "NOERROR".into(), authoritative: true, answers: vec![record], ..Reply::default() };
        let ours = Reply { rcode: "NXDOMAIN".into(), authoritative: true, recursion: true, ..Reply::default() };
        let mut questions = Questions { known: true, ..Questions::default() };
        questions.exist.insert(asked.name.clone());
        let found = super::super::differences::between(&ours, &theirs, 0);
        let case =
            Case { asked: &asked, ours: &ours, theirs: &theirs, questions: &questions, domain: "cluster.local." };
        let (wanted, rows) = explain(&case, &found);
        assert_eq!((wanted, rows), ([Part::Recursion].into(), vec!["RA"]));
    }
}
