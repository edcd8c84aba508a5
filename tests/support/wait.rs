//! Waiting for something that happens in another thread or process. Never for the passing of time itself: a test
//! asks until it is so, and gives up late, so that a slow machine makes it slower and not wrong.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(10);

/// Asks every 10 ms until the answer is true; false when it was not within `limit`.
#[must_use = "assert it, with the words of what did not happen"]
pub async fn eventually<F: Future<Output = bool>>(limit: Duration, mut condition: impl FnMut() -> F) -> bool {
    eventually_some(limit, || {
        let asked = condition();
        async move { asked.await.then_some(()) }
    })
    .await
    .is_some()
}

/// Asks every 10 ms until there is something; none when there was nothing within `limit`. It always asks once.
pub async fn eventually_some<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    mut attempt: impl FnMut() -> F,
) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = attempt().await {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        sleep(PAUSE).await;
    }
}
