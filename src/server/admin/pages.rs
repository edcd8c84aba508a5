//! The pages themselves: who may ask for which, and what they say.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::{Pages, Shown};
use crate::clock;
use crate::metrics::CONTENT_TYPE;

/// A worker turns at least every 100 ms; silent for this long, it hangs, and a restart is the only help.
const STUCK_AFTER: Duration = Duration::from_secs(5);

const INDEX: &str = "interlocal\n\n/health   is every worker turning?\n/ready    may this instance be asked, and if not, what is missing?\n/metrics  for Prometheus\n/peers    how the other regions stand, as JSON\n";

pub(super) fn router(pages: Pages, shown: Shown) -> Router {
    let all = pages == Pages::Admin;
    let mut router = Router::new();
    if all {
        router = router.route("/", get(async || INDEX)).route("/peers", get(peers));
    }
    if all || pages == Pages::Health {
        router = router.route("/health", get(health));
    }
    if all || pages == Pages::Ready {
        router = router.route("/ready", get(ready));
    }
    if all || pages == Pages::Metrics {
        router = router.route("/metrics", get(metrics));
    }
    router.with_state(shown)
}

async fn health(State(shown): State<Shown>) -> impl IntoResponse {
    let stuck = shown.heartbeats.stuck(clock::now(), STUCK_AFTER);
    verdict(stuck.into_iter().map(|worker| format!("{worker}: no sign of life for {} s", STUCK_AFTER.as_secs())))
}

async fn ready(State(shown): State<Shown>) -> impl IntoResponse {
    let (status, text) = verdict(shown.ready.missing().into_iter());
    // One complaint a line, or `OK`; then how things stand.
    let notes = shown.ready.notes();
    (status, if notes.is_empty() { text } else { format!("{}\n{}\n", text.trim_end(), notes.join("\n")) })
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], shown.metrics.encode())
}

async fn peers(State(shown): State<Shown>) -> impl IntoResponse {
    match (shown.peers)() {
        Some(peers) => Ok(([(header::CONTENT_TYPE, "application/json")], peers.to_json())),
        // What it would be made of has just been stopped.
        None => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// 200 and `OK`, or 503 and one complaint a line.
fn verdict(complaints: impl Iterator<Item = String>) -> (StatusCode, String) {
    let complaints: Vec<_> = complaints.collect();
    match complaints.is_empty() {
        true => (StatusCode::OK, "OK".into()),
        false => (StatusCode::SERVICE_UNAVAILABLE, complaints.join("\n") + "\n"),
    }
}
