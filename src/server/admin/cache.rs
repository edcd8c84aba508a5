//! `/cache`: the answers that are kept for a name; `/cache/flush` forgets them, or all there are.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::params::Params;
use super::query::Refusal;
use crate::clock;
use crate::route::Remote;
use crate::server::core::Core;
use crate::server::explain::records;
use crate::wire::{Name, mnemonic};

/// Entries of one name that are shown: types, routes, DO and CD tell them apart.
const MOST: usize = 1_000;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub name: String,
    pub entries: Vec<Answer>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    #[serde(rename = "type")]
    pub qtype: String,
    /// Which of `servers` it is kept for.
    pub server: u16,
    /// `region west`, `upstream .`; none: a route that is no more.
    pub from: Option<String>,
    pub dnssec_ok: bool,
    pub checking_disabled: bool,
    /// `fresh`, `stale`, `expired`.
    pub state: String,
    pub age_s: u32,
    pub ttl_left_s: u32,
    pub rcode: String,
    pub answers: Vec<String>,
    pub authority: Vec<String>,
}

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flushed {
    pub flushed: usize,
}

/// The answers of the name in `name`.
pub(super) fn get(core: &Core, params: &Params) -> Result<Kept, Refusal> {
    let name = name(params)?.ok_or((StatusCode::BAD_REQUEST, "`name` is missing\n".to_owned()))?;
    let routing = core.routing.load();
    let from = |route| {
        routing.remote(route).map(|remote| match remote {
            Remote::Peer(region) => format!("region {}", routing.routes.regions()[region]),
            Remote::Forward(upstream) => format!("upstream {}", routing.routes.upstreams()[upstream]),
        })
    };
    let mut entries: Vec<Answer> = core
        .cache
        .all_of(name.as_ref(), clock::now(), MOST)
        .into_iter()
        .map(|(key, look)| {
            let [answers, authority] = records::lines(&look.now, name.as_ref(), key.qtype);
            let state = match (look.fresh, look.usable) {
                (true, _) => "fresh",
                (false, true) => "stale",
                (false, false) => "expired",
            };
            Answer {
                qtype: mnemonic::type_text(key.qtype).into_owned(),
                server: key.server,
                from: from(key.route),
                dnssec_ok: key.dnssec_ok,
                checking_disabled: key.checking_disabled,
                state: state.to_owned(),
                age_s: look.age,
                ttl_left_s: look.left,
                rcode: look.body.rcode.to_text().into_owned(),
                answers,
                authority,
            }
        })
        .collect();
    entries.sort_by(|a, b| (&a.qtype, a.server, &a.from).cmp(&(&b.qtype, b.server, &b.from)));
    Ok(Kept { name: name.to_string(), entries })
}

/// Forgets the answers of the name in `name`, or everything.
pub(super) fn flush(core: &Core, params: &Params) -> Result<Flushed, Refusal> {
    let flushed = match name(params)? {
        Some(name) => core.cache.forget(name.as_ref()),
        None => {
            let entries = core.cache.len();
            core.cache.flush();
            entries
        }
    };
    tracing::info!(name = params.get("name").unwrap_or("everything"), flushed, "the cache was flushed");
    Ok(Flushed { flushed })
}

fn name(params: &Params) -> Result<Option<Name>, Refusal> {
    let Some(text) = params.get("name") else { return Ok(None) };
    let wrong = |error| (StatusCode::BAD_REQUEST, format!("`{text}` is no domain name: {error}\n"));
    text.parse().map(Some).map_err(wrong)
}
