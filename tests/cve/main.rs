//! What has brought other servers down, or made them lie: a test for each advisory, with its number in the name, asked of the
//! real server. And what fuzzing found, with mutations of it, in `replay`.
//!
//! | what happened to others | tests |
//! |---|---|
//! | answers forged by guessing ids and ports, or by ending a wait early | `forging` |
//! | the same, over very many questions | `guessing` |
//! | kept answers that were another's, or should not have been kept | `keeping` |
//! | questions that cost more than they should, or too many of them | `flooding` |
//! | messages and names that were read wrongly | `reading` |
//! | questions that reached what they should not | `passing` |

// A test binary exports nothing; `pub` here is for its own modules.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod flooding;
mod forging;
mod guessing;
mod keeping;
mod passing;
mod reading;
mod replay;

/// The names that the upstream was asked for, but for our own probes for loops.
fn asked_upstream(lab: &support::lab::Lab) -> Vec<String> {
    let received = lab.upstream.received();
    let names = received.iter().filter_map(|one| Some(one.message.as_ref()?.queries.first()?.name().to_lowercase()));
    names.map(|name| name.to_string()).filter(|name| !name.contains("_interlocal-loop")).collect()
}
