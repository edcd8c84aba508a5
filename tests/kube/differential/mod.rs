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

use std::sync::Arc;

use names::Names;
use servers::{Pair, Variant};

use crate::support::apiserver::ApiServer;
use crate::support::differential::{Outcome, full, rows_are};

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
        whole.add(ask(&pair, variant.name, names, place, if place == 0 { 2 } else { 5 }).await);
        if place == VARIANTS.len() - 1 {
            let (after, change) = change::of(&objects);
            pair.change(&api, &change).await;
            let before = Names::of(&objects, variant.pods);
            let names = Names::of(&after, variant.pods).ask_also(&before);
            whole.add(ask(&pair, "after a change", names, place + 1, 5).await);
        }
        println!("compared with {}", pair.version());
    }
    whole.print();
    assert!(whole.compared >= if full() { WHOLE } else { SAMPLE }, "{}", whole.compared);
    whole.is_as_wanted(wanted::all());
}

/// Asks a part of all questions, or of a sample: the one in `share`.
async fn ask(pair: &Pair, what: &str, names: Names, seed: usize, share: usize) -> Outcome {
    let all = questions::all(&names, seed as u64);
    let asked = if full() { all.len() * 2 / share } else { SAMPLE.div_ceil(share) };
    let outcome = run::compare(pair.addresses(), &Arc::new(names), questions::sample(&all, asked)).await;
    println!("{what}: {} questions, {} unexplained differences", outcome.compared, outcome.failures.len());
    outcome
}

#[test]
fn every_wanted_difference_is_a_row_of_the_page_and_every_row_is_wanted() {
    rows_are(include_str!("../../../docs/coredns.md"), wanted::all());
}
