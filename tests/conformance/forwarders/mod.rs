//! interlocal, Unbound and dnsdist in front of one upstream, asked the same questions: what comes back is the same, or the
//! difference is on the list of those that are wanted, with its reason.

mod cases;
mod compare;
mod data;
mod questions;
mod run;
mod servers;
mod wanted;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use run::Outcome;
use servers::Servers;
use tokio::time::Instant;

/// All questions, not a sample.
const FULL: &str = "INTERLOCAL_FULL";
const SAMPLE: usize = 1_000;
const WHOLE: usize = 100_000;
/// After so many the upstream forgets what it was asked.
const CHUNK: usize = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_other_forwarders_or_wanted_to_be_others() {
    let test = "answers_are_those_of_other_forwarders_or_wanted_to_be_others";
    let Some(servers) = Servers::start(test).await else { return };
    let addresses = [servers.ours.dns(), servers.unbound.address, servers.dnsdist.address];
    let count = if full() { WHOLE } else { SAMPLE };
    let (questions, began) = (questions::all(count), Instant::now());
    let mut whole = Outcome::default();
    for chunk in questions.chunks(CHUNK) {
        whole.add(run::compare(addresses, &Arc::new(chunk.to_vec()), began).await);
        servers.upstream.forget();
    }
    println!("{} questions compared", whole.compared);
    for (name, hits) in &whole.hits {
        println!("{hits:>6} {name}");
    }
    report(&whole);
    let unseen: Vec<_> = wanted::ALL.iter().map(|it| it.name).filter(|name| !whole.hits.contains_key(name)).collect();
    assert!(!full() || unseen.is_empty(), "wanted, and never seen: {unseen:?}");
    assert_eq!(whole.compared, count);
    assert!(whole.failures.is_empty(), "{} differences that nobody wanted", whole.failures.len());
}

fn full() -> bool {
    std::env::var_os(FULL).is_some_and(|value| value == "1")
}

/// Two of each kind; the rest is more of the same.
fn report(outcome: &Outcome) {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for failure in &outcome.failures {
        kinds.entry(&failure.kind).or_default().push(&failure.text);
    }
    for (kind, texts) in kinds {
        println!("######## {kind}: {}", texts.len());
        for text in texts.iter().take(2) {
            println!("{text}");
        }
    }
}

/// Both ways: each entry is a row for the users, and no row is older than the entries.
#[test]
fn every_wanted_difference_is_a_row_of_the_page_and_every_row_is_wanted() {
    let page = include_str!("../../../docs/forwarders.md");
    let (_, table) = page.split_once("\n## Other answers, and why\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    let shown: Vec<(&str, &str)> = cells.map(|row| (row[0], row[3])).collect();
    let wanted: Vec<(&str, &str)> = wanted::ALL.iter().map(|entry| (entry.name, entry.why)).collect();
    assert_eq!(shown, wanted);
}
