//! What networks and peers do wrong, and how little of it a question may feel. Times are exact: the clock is the test's own.

mod dark;
mod hedges;
mod idle;
mod load;
mod probes;
mod stalls;
mod world;

use std::sync::Arc;
use std::time::Duration;

use interlocal::peer::Answered;
use interlocal::peer::group::{Group, Trouble};
use tokio::time::Instant;

use crate::setup::{own_stamp, question};
use crate::support::secs;

/// Asks for a name of the region, for as long as a peer's question has.
async fn ask(client: &Group, label: &str) -> Result<Answered, Trouble> {
    let deadline = client.plan().settings.deadline;
    client
        .ask(&question(&format!("{label}.east.svc.cluster.local")), Some(&own_stamp()), Instant::now() + deadline)
        .await
}

/// The same, with the time that it took.
async fn timed(client: &Arc<Group>, label: &str) -> (Result<Answered, Trouble>, Duration) {
    let began = Instant::now();
    let outcome = ask(client, label).await;
    (outcome, began.elapsed())
}

/// As many questions at one time, each in a task of its own.
async fn together(
    client: &Arc<Group>,
    labels: impl IntoIterator<Item = String>,
) -> Vec<(Result<Answered, Trouble>, Duration)> {
    let asked: Vec<_> = labels
        .into_iter()
        .map(|label| {
            let client = Arc::clone(client);
            tokio::spawn(async move { timed(&client, &label).await })
        })
        .collect();
    let mut all = Vec::with_capacity(asked.len());
    for one in asked {
        all.push(one.await.unwrap());
    }
    all
}

fn labels(tag: &str, count: usize) -> impl Iterator<Item = String> {
    let tag = tag.to_owned();
    (0..count).map(move |n| format!("{tag}{n}"))
}

/// Enough time for connections to be made and their probes to be answered.
async fn settled() {
    tokio::time::sleep(secs(1)).await;
}
