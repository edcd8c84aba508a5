//! Where a panic ends: it costs one question and nothing else. Who calls this answers and counts.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs one question; `None` if it panicked. Nothing of a question outlives it but counters, so no broken state is seen.
#[inline]
pub fn contained<R>(question: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(question)).ok()
}

/// The same for what waits.
pub async fn contained_async<R>(question: impl Future<Output = R>) -> Option<R> {
    let mut question = pin!(question);
    poll_fn(|context| match contained(|| question.as_mut().poll(context)) {
        Some(Poll::Pending) => Poll::Pending,
        Some(Poll::Ready(result)) => Poll::Ready(Some(result)),
        None => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_contained_wherever_it_happens() {
        assert_eq!(contained(|| 1), Some(1));
        assert_eq!(contained(|| -> u8 { panic!("planted") }), None);
        let late = contained_async(async {
            tokio::task::yield_now().await;
            panic!("planted");
        });
        assert_eq!(late.await, None::<()>);
    }
}
