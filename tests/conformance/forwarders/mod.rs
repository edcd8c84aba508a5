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

use std::sync::Arc;

use servers::Servers;
use tokio::time::Instant;

use crate::support::differential::{Outcome, full, rows_are};

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
    whole.print();
    assert_eq!(whole.compared, count);
    whole.is_as_wanted(wanted::all());
}

#[test]
fn every_wanted_difference_is_a_row_of_the_page_and_every_row_is_wanted() {
    rows_are(include_str!("../../../docs/forwarders.md"), wanted::all());
}
