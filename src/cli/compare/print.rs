//! What was found, as text for people or as JSON.

use serde::Serialize;

use super::differences::{Kind, Part};
use super::run::{Difference, Outcome};
use crate::cli::ask::whole::{Record, Reply};

/// Differences of one kind that are shown unless all are asked for.
const SHOWN: usize = 10;

pub fn table(outcome: &Outcome, all: bool) -> String {
    let Outcome { compared, same, only_wanted, differences, unanswered, passing, retries, .. } = outcome;
    let bad = differences.len() + unanswered.len();
    let mut text = format!(
        "{} {compared} questions compared: {same} the same, {only_wanted} other in what is wanted, {} different; {} not answered\n",
        if bad == 0 { "✔" } else { "✖" },
        differences.len(),
        unanswered.len()
    );
    for kind in Kind::ALL {
        let of_kind: Vec<&Difference> = differences.iter().filter(|it| kinds(&it.parts).contains(&kind)).collect();
        if of_kind.is_empty() {
            continue;
        }
        text.push_str(&format!("\n✖ {}: {}\n", kind.word(), of_kind.len()));
        let most = if all { usize::MAX } else { SHOWN };
        for it in of_kind.iter().take(most) {
            text.push_str(&format!("  {} {}\n", it.asked.name, it.asked.rtype));
            text.push_str(&format!("    ours    {}\n    theirs  {}\n", shown(&it.ours, kind), shown(&it.theirs, kind)));
        }
        if of_kind.len() > most {
            text.push_str(&format!("  and {} more: --all\n", of_kind.len() - most));
        }
    }
    if !unanswered.is_empty() {
        text.push_str(&format!("\n✖ not answered: {}\n", unanswered.len()));
        for (asked, [ours, theirs]) in unanswered.iter().take(if all { usize::MAX } else { SHOWN }) {
            let say = |told: &Option<String>| told.clone().unwrap_or_else(|| "answered".to_owned());
            text.push_str(&format!("  {} {}: ours {}, theirs {}\n", asked.name, asked.rtype, say(ours), say(theirs)));
        }
    }
    if !outcome.wanted.is_empty() {
        text.push_str("\nother because it is wanted (docs/coredns.md#other-answers-and-why)\n");
        for (row, count) in &outcome.wanted {
            text.push_str(&format!("  {row}: {count}\n"));
        }
    }
    if *passing > 0 {
        text.push_str(&format!("\n{passing} were different for a moment only: something changed meanwhile\n"));
    }
    if retries.iter().sum::<u64>() > 0 {
        text.push_str(&format!("\nsent again: {} to ours, {} to theirs\n", retries[0], retries[1]));
    }
    text
}

pub fn kinds(parts: &std::collections::BTreeSet<Part>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = parts.iter().map(|part| part.kind()).collect();
    kinds.dedup();
    kinds
}

/// What of a reply the kind is about.
fn shown(reply: &Reply, kind: Kind) -> String {
    let records = |with_ttl: bool| {
        let all = [("", &reply.answers), ("authority: ", &reply.authority), ("additional: ", &reply.additional)];
        let parts = all.iter().filter(|(_, records)| !records.is_empty()).map(|(head, records)| {
            let record = |it: &Record| match with_ttl {
                true => format!("{} {}", it.ttl, it.data),
                false => format!("{} {}", it.rtype, it.data),
            };
            format!("{head}{}", records.iter().map(record).collect::<Vec<_>>().join(", "))
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
    };
    match kind {
        Kind::Rcode if reply.answers.is_empty() => reply.rcode.clone(),
        Kind::Rcode => format!("{} {}", reply.rcode, records(false)),
        Kind::Records => records(false),
        Kind::Ttl => records(true),
        Kind::Flags => {
            let flags = [("aa", reply.authoritative), ("ra", reply.recursion), ("ad", reply.authentic)];
            let set: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| *flag).collect();
            if set.is_empty() { "none".to_owned() } else { set.join(" ") }
        }
    }
}

#[derive(Serialize)]
struct Page<'o> {
    compared: usize,
    same: usize,
    only_wanted: usize,
    passing: usize,
    differences: Vec<PageDifference<'o>>,
    wanted: &'o std::collections::BTreeMap<&'static str, usize>,
    unanswered: Vec<PageUnanswered<'o>>,
    retries: PageRetries,
}

#[derive(Serialize)]
struct PageDifference<'o> {
    name: &'o str,
    #[serde(rename = "type")]
    rtype: &'o str,
    kinds: Vec<&'static str>,
    ours: PageReply<'o>,
    theirs: PageReply<'o>,
}

#[derive(Serialize)]
struct PageReply<'o> {
    rcode: &'o str,
    aa: bool,
    ra: bool,
    ad: bool,
    answers: Vec<String>,
    authority: Vec<String>,
    additional: Vec<String>,
}

#[derive(Serialize)]
struct PageUnanswered<'o> {
    name: &'o str,
    #[serde(rename = "type")]
    rtype: &'o str,
    ours: &'o Option<String>,
    theirs: &'o Option<String>,
}

#[derive(Serialize)]
struct PageRetries {
    ours: u64,
    theirs: u64,
}

impl<'o> PageReply<'o> {
    fn of(reply: &'o Reply) -> Self {
        let texts = |records: &[Record]| -> Vec<String> {
            records.iter().map(|it| format!("{} {} {} {}", it.name, it.ttl, it.rtype, it.data)).collect()
        };
        Self {
            rcode: &reply.rcode,
            aa: reply.authoritative,
            ra: reply.recursion,
            ad: reply.authentic,
            answers: texts(&reply.answers),
            authority: texts(&reply.authority),
            additional: texts(&reply.additional),
        }
    }
}

pub fn json(outcome: &Outcome) -> String {
    let differences = outcome.differences.iter().map(|it| PageDifference {
        name: &it.asked.name,
        rtype: &it.asked.rtype,
        kinds: kinds(&it.parts).into_iter().map(Kind::word).collect(),
        ours: PageReply::of(&it.ours),
        theirs: PageReply::of(&it.theirs),
    });
    let unanswered = outcome.unanswered.iter().map(|(asked, [ours, theirs])| PageUnanswered {
        name: &asked.name,
        rtype: &asked.rtype,
        ours,
        theirs,
    });
    let page = Page {
        compared: outcome.compared,
        same: outcome.same,
        only_wanted: outcome.only_wanted,
        passing: outcome.passing,
        differences: differences.collect(),
        wanted: &outcome.wanted,
        unanswered: unanswered.collect(),
        retries: PageRetries { ours: outcome.retries[0], theirs: outcome.retries[1] },
    };
    serde_json::to_string_pretty(&page).unwrap_or_default() + "\n"
}
