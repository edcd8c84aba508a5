//! `/query`: how a question would be answered. To read it changes nothing and sends nothing; POST sends the question for real.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::http::StatusCode;

use super::json;
use super::params::Params;
use crate::route::Door;
use crate::server::core::{Core, View};
use crate::server::explain::{Explainer, Wanted};
use crate::wire::mnemonic;

/// What a page says instead: a status, and why.
pub(super) type Refusal = (StatusCode, String);

/// The page's text.
pub(super) async fn page(core: Arc<Core>, params: Params, trace: bool) -> Result<String, Refusal> {
    let servers = core.routing.load().config.servers.len();
    let wanted = Wanted { trace, ..wanted(&params, servers).map_err(|why| (StatusCode::BAD_REQUEST, why + "\n"))? };
    // What is sent belongs to the runtime that sends everything else.
    let runtime = core.runtime.clone();
    let explained = runtime.spawn(async move {
        let view = View::load(&core);
        Explainer::live(&core, &view).explain(&wanted).await
    });
    match explained.await {
        Ok(explanation) => Ok(json::write(&explanation)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))),
    }
}

/// Reads the parameters: `name`, `type`, `door`, `server`, `from`, `namespace`.
///
/// # Errors
/// In words.
pub fn wanted(params: &Params, servers: usize) -> Result<Wanted, String> {
    let name = params.get("name").ok_or("`name` is missing")?;
    let qtype = params.get("type").unwrap_or("A");
    let server = params.get("server").unwrap_or("0");
    let server = server.parse().ok().filter(|number| *number < servers);
    let door = match params.get("door").unwrap_or("pods") {
        "pods" => Door::Pods { server: server.ok_or_else(|| format!("`server` is a number below {servers}"))? },
        "peers" => Door::Peers,
        other => return Err(format!("`door` is `pods` or `peers`, and not `{other}`")),
    };
    let from = match params.get("from") {
        Some(text) => text.parse().map_err(|_| format!("`from` is an IP address, and `{text}` is none"))?,
        None => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    Ok(Wanted {
        name: name.parse().map_err(|error| format!("`{name}` is no domain name: {error}"))?,
        qtype: mnemonic::type_of(qtype).ok_or_else(|| format!("`{qtype}` is no record type"))?,
        door,
        from,
        trace: false,
        search: (!name.ends_with('.')).then(|| params.get("namespace").unwrap_or("default").to_owned()),
        options: Vec::new(),
    })
}
