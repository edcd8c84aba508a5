//! `/`: the status page for browsers, and for everybody else the list of pages. The page is one file that shows what the JSON pages
//! say; it is sent as it stands here, and changes nothing.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

const PAGE: &str = include_str!("page.html");

/// Nothing but its own style and script, by their hashes, and questions to this listener; nobody may frame it. Whoever edits one of
/// them finds the new hash in what tests/tools/status_page.rs says.
const POLICY: &str = "default-src 'none'; script-src 'sha256-CBP8G4zRuv+nip7DrrZvKIvl8MFHOU8Za9yxYtmT4/Y='; style-src 'sha256-ImHyHXPAPUZSUINF5OWUdDQ3ZiPhC5IzaP02WIv0QuA='; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = "interlocal\n\n/health   is every worker turning?\n/ready    may this instance be asked, and if not, what is missing?\n/metrics  for Prometheus\n/peers    how the other regions stand, as JSON\n/query    ?name=NAME&type=TYPE how a question would be answered, as JSON\n/status   the instance on one page, as JSON\n/failures what went wrong of late, as JSON (on loopback only)\n/config   the whole configuration in use (on loopback only)\n/zone     ?namespace=NAMESPACE&service=NAME what the cluster's zone has, as JSON\n/cache    ?name=NAME what is kept for a name, as JSON\n\nA browser gets a page that shows them.\n";

pub(super) async fn root(headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let vary = (header::VARY, "Accept");
    if !accepts.is_some_and(|accept| accept.contains("text/html")) {
        return ([vary], INDEX).into_response();
    }
    let all = [
        vary,
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // A new program has a new page.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (all, PAGE).into_response()
}

/// Is it us who was asked? A site can give its own name our address, and would then read our pages in the browser of whoever
/// reaches us. A browser says which name it was, and addresses and `localhost` are nobody's.
pub(super) fn host_is_ours(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_ours() {
        let ours = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a value"));
            host_is_ours(&headers)
        };
        for host in ["127.0.0.1:9154", "127.0.0.1", "[::1]:9154", "[::1]", "localhost:9154", "LocalHost"] {
            assert!(ours(host), "{host}");
        }
        for host in ["attacker.example", "attacker.example:9154", "localhost.attacker.example:9154", "", "x:y"] {
            assert!(!ours(host), "{host}");
        }
        assert!(host_is_ours(&HeaderMap::new()), "no browser");
    }
}
