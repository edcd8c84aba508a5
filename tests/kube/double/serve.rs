//! One connection to the double: questions answered in order, as planned.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

use super::http::Http;
use super::{Asked, Fault, LONG, Shared, status};

/// Ends when the client hangs up, or when it is told to.
pub async fn connection(stream: TcpStream, shared: Arc<Shared>, number: u64) {
    let mut orders = shared.changed.subscribe();
    let closed = async {
        while !shared.is_closed(number) {
            if orders.changed().await.is_err() {
                return;
            }
        }
    };
    let serving = Serving { http: Http::new(stream), shared: &shared, number };
    tokio::select! {
        _ = serving.run() => {}
        () = closed => {}
    }
}

struct Serving<'a> {
    http: Http,
    shared: &'a Shared,
    number: u64,
}

impl Serving<'_> {
    async fn run(mut self) -> Option<()> {
        loop {
            let asked = self.http.question().await?;
            let fault = self.shared.ask(&asked);
            if self.shared.is_frozen(self.number) {
                sleep(LONG).await;
            }
            match fault {
                Some(Fault::Hang) => self.http.hung_up().await,
                Some(Fault::HangAfterHead) => {
                    self.http.head(200, "Transfer-Encoding: chunked\r\n").await?;
                    self.http.hung_up().await;
                    return None;
                }
                Some(Fault::Status(code, body, retry_after)) => {
                    let retry_after = retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n"));
                    self.whole(code, &retry_after.unwrap_or_default(), &body, None).await?;
                }
                Some(Fault::Body(body)) => self.whole(200, "", &body, None).await?,
                fault if asked.is_watch() => self.watch(&asked, fault).await?,
                fault => self.list(&asked, fault).await?,
            }
        }
    }

    async fn whole(&mut self, code: u16, headers: &str, body: &str, fault: Option<Fault>) -> Option<()> {
        self.http.head(code, &format!("Content-Length: {}\r\n{headers}", body.len())).await?;
        match fault {
            Some(Fault::Cut(after)) => {
                self.http.raw(&body.as_bytes()[..after.min(body.len())]).await?;
                None
            }
            Some(Fault::Slow(piece, pause)) => {
                for piece in body.as_bytes().chunks(piece) {
                    self.http.raw(piece).await?;
                    sleep(pause).await;
                }
                Some(())
            }
            _ => self.http.raw(body.as_bytes()).await,
        }
    }

    async fn list(&mut self, asked: &Asked, fault: Option<Fault>) -> Option<()> {
        let limit = asked.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let body = {
            let state = self.shared.state.lock();
            // All pages of a list are of the version of the first one, or a watch from there would miss what came between.
            let token = asked.parameter("continue").and_then(|token| token.split_once(':'));
            let version = token.map_or_else(|| state.version().to_string(), |(version, _)| version.to_owned());
            let (items, next) = state.page(&asked.resource, token.map(|(_, name)| name), limit);
            let next = next.map(|name| format!("{version}:{name}"));
            let metadata = json!({"resourceVersion": version, "continue": next});
            json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}).to_string()
        };
        self.whole(200, "", &body, fault).await
    }

    async fn watch(&mut self, asked: &Asked, fault: Option<Fault>) -> Option<()> {
        let seconds = asked.parameter("timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(1_800);
        let end = Instant::now() + Duration::from_secs(seconds);
        let (streams, bookmarks) = {
            let state = self.shared.state.lock();
            (state.streams, state.bookmarks)
        };
        if asked.is_stream() && !streams {
            let body = status(422, "Invalid", "sendInitialEvents: Forbidden: the feature WatchList is off").to_string();
            return self.whole(422, "", &body, None).await;
        }
        let mut orders = self.shared.changed.subscribe();
        self.http.head(200, "Transfer-Encoding: chunked\r\n").await?;
        let mut version = asked.parameter("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0);
        if asked.is_stream() {
            version = self.stream(asked, fault.as_ref()).await?;
        }
        match fault {
            Some(Fault::Event(event)) => {
                self.event(&event).await?;
                return self.http.chunk(b"").await;
            }
            Some(Fault::EndAtOnce) => return self.http.chunk(b"").await,
            Some(Fault::Mute) => {
                sleep_until(end).await;
                return self.http.chunk(b"").await;
            }
            _ => {}
        }
        loop {
            orders.mark_unchanged();
            let events = self.shared.state.lock().since(&asked.resource, version);
            if self.shared.is_frozen(self.number) {
                sleep(LONG).await;
            }
            match events {
                Err(gone) => {
                    self.event(&json!({"type": "ERROR", "object": gone})).await?;
                    return self.http.chunk(b"").await;
                }
                Ok(events) => {
                    for (at, event) in events {
                        self.event(&event).await?;
                        version = at;
                    }
                }
            }
            tokio::select! {
                changed = orders.changed() => changed.ok()?,
                () = self.http.hung_up() => return None,
                () = sleep_until(end) => break,
            }
        }
        if bookmarks && !self.shared.is_frozen(self.number) {
            let now = self.shared.state.lock().version();
            self.event(&bookmark(now, false)).await?;
        }
        if self.shared.is_frozen(self.number) {
            sleep(LONG).await;
        }
        self.http.chunk(b"").await
    }

    /// The list of a streamed list; the watch goes on from the version that comes back.
    async fn stream(&mut self, asked: &Asked, fault: Option<&Fault>) -> Option<u64> {
        let (objects, version) = {
            let state = self.shared.state.lock();
            (state.all(&asked.resource), state.version())
        };
        let lines: String =
            objects.into_iter().map(|it| json!({"type": "ADDED", "object": it}).to_string() + "\n").collect();
        match fault {
            Some(Fault::Cut(after)) => {
                self.http.chunk(&lines.as_bytes()[..(*after).min(lines.len())]).await?;
                return None;
            }
            Some(Fault::Slow(piece, pause)) => {
                for piece in lines.as_bytes().chunks(*piece) {
                    self.http.chunk(piece).await?;
                    sleep(*pause).await;
                }
            }
            _ if lines.is_empty() => {}
            _ => self.http.chunk(lines.as_bytes()).await?,
        }
        if !matches!(fault, Some(Fault::NoEnd)) {
            self.event(&bookmark(version, true)).await?;
        }
        Some(version)
    }

    async fn event(&mut self, event: &Value) -> Option<()> {
        self.http.chunk(format!("{event}\n").as_bytes()).await
    }
}

fn bookmark(version: u64, whole: bool) -> Value {
    let annotations = if whole { json!({"k8s.io/initial-events-end": "true"}) } else { json!({}) };
    let metadata = json!({"resourceVersion": version.to_string(), "annotations": annotations});
    json!({"type": "BOOKMARK", "object": {"kind": "Any", "apiVersion": "v1", "metadata": metadata}})
}
