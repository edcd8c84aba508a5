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
    assert!(unseen.is_empty(), "wanted, and never seen: {unseen:?}");
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
