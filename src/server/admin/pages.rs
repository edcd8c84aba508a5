//! The pages themselves: who may ask for which, and what they say.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::failures::Failures;
use super::page::{self, host_is_ours};
use super::params::Params;
use super::query::{self, Refusal};
use super::status::{Judged, Status};
use super::{Pages, Shown, cache, json, zone};
use crate::clock;
use crate::metrics::CONTENT_TYPE;
use crate::server::core::Core;

/// A worker turns at least every 100 ms; silent for this long, it hangs, and a restart is the only help.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// What our tools send when they change something.
pub const TOOL_HEADER: &str = "interlocal-tool";
const NO_NAMES: &str = "`listen.admin` is not on loopback, so names of questions are not shown here\n";
const NO_FILES: &str = "`listen.admin` is not on loopback, so the configuration is not shown here\n";
const FOREIGN_NAME: &str = "ask by an address or as `localhost`\n";
const NOT_LOOPBACK: &str = "`listen.admin` is not on loopback, so nothing can be changed or sent here\n";

/// `loopback`: only whoever is on the pod reaches it, so that it may change things too.
pub(super) fn router(pages: Pages, shown: Shown, loopback: bool) -> Router {
    let all = pages == Pages::Admin;
    let mut router = Router::new();
    if all {
        router = router.route("/", get(page::root)).route("/peers", get(peers));
        router = router.route("/query", get(explain).post(trace));
        router = router.route("/status", get(status)).route("/zone", get(zone));
        router = router.route("/cache", get(cache)).route("/cache/flush", post(flush));
        router = match loopback {
            true => router
                .route("/failures", get(failures))
                .route("/config", get(config))
                .layer(middleware::from_fn(only_tools)),
            false => router
                .route("/failures", get(async || (StatusCode::FORBIDDEN, NO_NAMES)))
                .route("/config", get(async || (StatusCode::FORBIDDEN, NO_FILES)))
                .layer(middleware::from_fn(only_read)),
        };
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
    verdict(stuck(&shown).into_iter())
}

/// Workers that do not turn, a sentence each.
pub(super) fn stuck(shown: &Shown) -> Vec<String> {
    let stuck = shown.heartbeats.stuck(clock::now(), STUCK_AFTER);
    stuck.into_iter().map(|worker| format!("{worker}: no sign of life for {} s", STUCK_AFTER.as_secs())).collect()
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

async fn explain(State(shown): State<Shown>, RawQuery(params): RawQuery) -> Result<impl IntoResponse, Refusal> {
    query::page(core(&shown)?, read(params), false).await.map(as_json)
}

async fn trace(State(shown): State<Shown>, RawQuery(params): RawQuery) -> Result<impl IntoResponse, Refusal> {
    query::page(core(&shown)?, read(params), true).await.map(as_json)
}

async fn status(State(shown): State<Shown>) -> Result<impl IntoResponse, Refusal> {
    let status = Status::now(&*core(&shown)?, &shown);
    Ok(as_json(json::write(&Judged { complaints: status.complaints(), status })))
}

async fn failures(State(shown): State<Shown>) -> Result<impl IntoResponse, Refusal> {
    Ok(as_json(json::write(&Failures::now(&*core(&shown)?))))
}

async fn config(State(shown): State<Shown>) -> Result<impl IntoResponse, Refusal> {
    (shown.config)().map_err(|why| (StatusCode::CONFLICT, why + "\n"))
}

async fn zone(State(shown): State<Shown>, RawQuery(params): RawQuery) -> Result<impl IntoResponse, Refusal> {
    Ok(as_json(json::write(&zone::get(&*core(&shown)?, &read(params))?)))
}

async fn cache(State(shown): State<Shown>, RawQuery(params): RawQuery) -> Result<impl IntoResponse, Refusal> {
    Ok(as_json(json::write(&cache::get(&*core(&shown)?, &read(params))?)))
}

async fn flush(State(shown): State<Shown>, RawQuery(params): RawQuery) -> Result<impl IntoResponse, Refusal> {
    Ok(as_json(json::write(&cache::flush(&*core(&shown)?, &read(params))?)))
}

fn read(params: Option<String>) -> Params {
    Params::parse(&params.unwrap_or_default())
}

/// The instance, unless it has just been stopped.
fn core(shown: &Shown) -> Result<Arc<Core>, Refusal> {
    shown.core.upgrade().ok_or((StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned()))
}

fn as_json(page: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], page)
}

/// Lets nothing through that changes or sends anything.
async fn only_read(request: Request, next: Next) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => next.run(request).await,
        _ => (StatusCode::FORBIDDEN, NOT_LOOPBACK).into_response(),
    }
}

/// Somebody's browser that happens to reach the listener may not change anything either: a page of another site cannot send this header
/// without being asked for it first, and nobody answers that.
async fn only_tools(request: Request, next: Next) -> Response {
    if !host_is_ours(request.headers()) {
        return (StatusCode::FORBIDDEN, FOREIGN_NAME).into_response();
    }
    match *request.method() {
        Method::GET | Method::HEAD => next.run(request).await,
        _ if request.headers().contains_key(TOOL_HEADER) => next.run(request).await,
        _ => (StatusCode::FORBIDDEN, format!("the header `{TOOL_HEADER}: 1` is missing\n")).into_response(),
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
