//! interlocal and CoreDNS in front of one real API server, asked the same questions: what comes back is the same, or the
//! difference is on the list of those that are wanted, with its reason.

mod cases;
mod change;
mod compare;
mod exchange;
mod model;
mod names;
mod objects;
mod questions;
mod random;
mod run;
mod servers;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;

use names::Names;
use run::Outcome;
use servers::{Pair, Variant};

use crate::support::apiserver::ApiServer;

/// All questions, not a sample.
const FULL: &str = "INTERLOCAL_FULL";
/// Of a sample, over all variants.
const SAMPLE: usize = 2_000;
/// No fewer than this in a full run.
const WHOLE: usize = 150_000;

const VARIANTS: [Variant; 3] = [
    // As in the Corefiles of kubeadm and the clouds.
    Variant {
        name: "pods insecure, ttl 5, fallthrough",
        corefile: "        pods insecure\n        fallthrough in-addr.arpa ip6.arpa",
        ours: "pods: insecure",
        pods: true,
    },
    Variant { name: "pods disabled, ttl 0", corefile: "        ttl 0", ours: "pods: disabled, ttl: 0s", pods: false },
    Variant {
        name: "pods verified, ttl 30, fallthrough",
        corefile: "        pods verified\n        ttl 30\n        fallthrough in-addr.arpa ip6.arpa",
        ours: "pods: verified, ttl: 30s",
        pods: true,
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_coredns_or_wanted_to_be_others() {
    let test = "answers_are_those_of_coredns_or_wanted_to_be_others";
    let Some(api) = ApiServer::start(test, &[]).await else { return };
    let objects = objects::all();
    servers::populate(&api, &objects).await;
    let mut whole = Outcome::default();
    for (place, variant) in VARIANTS.iter().enumerate() {
        let Some(pair) = Pair::start(test, &api, variant).await else { return };
        assert!(pair.version().contains("CoreDNS-1.15.0"), "compared with {:?}", pair.version());
        let names = Names::of(&objects, variant.pods);
        // The variants change little: the first has most questions.
        whole.compare(&pair, variant.name, names, place, if place == 0 { 2 } else { 5 }).await;
        if place == VARIANTS.len() - 1 {
            let (after, change) = change::of(&objects);
            pair.change(&api, &change).await;
            let before = Names::of(&objects, variant.pods);
            let names = Names::of(&after, variant.pods).ask_also(&before);
            whole.compare(&pair, "after a change", names, place + 1, 5).await;
        }
        println!("compared with {}", pair.version());
    }
    println!("{} questions compared", whole.compared);
    for (name, hits) in &whole.hits {
        println!("{hits:>6} {name}");
    }
    report(&whole);
    let unseen: Vec<_> = wanted::ALL.iter().map(|it| it.name).filter(|name| !whole.hits.contains_key(name)).collect();
    assert!(!full() || unseen.is_empty(), "wanted, and never seen: {unseen:?}");
    assert!(whole.compared >= if full() { WHOLE } else { SAMPLE }, "{}", whole.compared);
    assert!(whole.failures.is_empty(), "{} differences that nobody wanted", whole.failures.len());
}

fn full() -> bool {
    std::env::var_os(FULL).is_some_and(|value| value == "1")
}

impl Outcome {
    /// Asks a part of all questions, or of a sample: the one in `share`.
    async fn compare(&mut self, pair: &Pair, what: &str, names: Names, seed: usize, share: usize) {
        let all = questions::all(&names, seed as u64);
        let asked = if full() { all.len() * 2 / share } else { SAMPLE.div_ceil(share) };
        let outcome = run::compare(pair.addresses(), &Arc::new(names), questions::sample(&all, asked)).await;
        println!("{what}: {} questions, {} unexplained differences", outcome.compared, outcome.failures.len());
        self.add(outcome);
    }
}

/// A few of each kind; the rest is more of the same.
fn report(outcome: &Outcome) {
    let mut kinds: BTreeMap<String, Vec<&run::Failure>> = BTreeMap::new();
    for failure in &outcome.failures {
        let kind = format!("{:?} {:?}", failure.facets, failure.question.form);
        kinds.entry(kind).or_default().push(failure);
    }
    for (kind, failures) in kinds {
        println!("######## {kind}: {}", failures.len());
        for failure in failures.iter().take(3) {
            println!("{}", failure.text);
        }
    }
}

/// Both ways: each entry is a row for the users, and no row is older than the entries.
#[test]
fn every_wanted_difference_is_a_row_of_the_page_and_every_row_is_wanted() {
    let page = include_str!("../../../docs/coredns.md");
    let (_, table) = page.split_once("\n## Other answers, and why\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let shown: Vec<(&str, &str)> = rows.iter().map(|row| (row[0], row[3])).collect();
    let wanted: Vec<(&str, &str)> = wanted::ALL.iter().map(|entry| (entry.name, entry.why)).collect();
    for row in &wanted {
        assert!(shown.contains(row), "no row with these first and last cells: {row:?}");
    }
    for row in &shown {
        assert!(wanted.contains(row), "nobody wants it any more: {row:?}");
    }
}
