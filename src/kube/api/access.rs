//! The way to the API server: where it is, who we are, one question and the head of its reply. Nothing else knows the `kube`
//! crate. It keeps the client's files fresh and never retries: whoever asks decides.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::core::params::{ListParams, WatchParams};
use kube::{Client, Config};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::calls::Calls;
use super::failure::{Failure, Refusal};
use super::resource::Resource;
use super::settings::Settings;
use crate::config::{ApiFiles, KubernetesSource};
use crate::kube::Selection;
use crate::kube::lax::{Field, mappings};

/// Octets of a refusal that are read.
const REFUSAL: usize = 64 << 10;
/// Set in every pod.
const IN_CLUSTER: &str = "KUBERNETES_SERVICE_HOST";

/// Which API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The one of the cluster that we run in, else the one of the kubeconfig.
    Here,
    /// This one, without credentials.
    Url(String),
    /// This one, with these files.
    Certified { url: String, files: ApiFiles },
    /// The one of this kubeconfig.
    Kubeconfig { file: PathBuf, context: Option<String> },
}

impl Target {
    /// That of a source; none: it needs none.
    #[must_use]
    pub fn of(source: &KubernetesSource) -> Option<Self> {
        match source {
            KubernetesSource::Api => Some(Self::Here),
            KubernetesSource::Url(url) => Some(Self::Url(url.clone())),
            KubernetesSource::Certified { url, files } => {
                Some(Self::Certified { url: url.clone(), files: files.clone() })
            }
            KubernetesSource::Kubeconfig { file, context } => {
                Some(Self::Kubeconfig { file: file.clone(), context: context.clone() })
            }
            KubernetesSource::Manifests(_) | KubernetesSource::None => None,
        }
    }
}

/// Where to find the API server; shared by the watches of one source.
pub(super) struct Access {
    target: Target,
    settings: Settings,
    selection: Arc<Selection>,
    client: Mutex<Option<(Client, Arc<str>, Instant)>>,
    calls: Arc<Calls>,
    /// The name that its certificate has to be for; none: that of its address.
    name: Option<String>,
}

/// What is asked for: all that is at a path, or what of it has these fields and labels.
pub(super) struct Scope<'a> {
    pub(super) path: &'a str,
    pub(super) fields: Option<&'a str>,
    pub(super) labels: Option<String>,
}

/// The body of a reply, in pieces.
pub(super) struct Reply(Body);

impl Access {
    pub(super) fn new(target: Target, settings: Settings, selection: Arc<Selection>, calls: Arc<Calls>) -> Self {
        Self { target, settings, selection, client: Mutex::new(None), calls, name: None }
    }

    /// The same server under another name: does its certificate have it?
    pub(super) fn named(self, name: String) -> Self {
        Self { name: Some(name), ..self }
    }

    /// Any page that everybody may read.
    pub(super) async fn get(&self, path: &str) -> Result<Reply, Failure> {
        self.ask(Request::get(path).body(Vec::new())).await
    }

    /// A page of a list, of so many objects: the newest state, whatever the version.
    pub(super) async fn list(&self, resource: &Resource, limit: u32, token: Option<String>) -> Result<Reply, Failure> {
        self.list_at(&self.scope(resource), limit, token).await
    }

    /// A watch from a version; without one, a streamed list and then a watch.
    pub(super) async fn watch(
        &self,
        resource: &Resource,
        version: Option<&str>,
        ends_after: Duration,
    ) -> Result<Reply, Failure> {
        self.watch_at(&self.scope(resource), version, ends_after).await
    }

    fn scope<'r>(&self, resource: &'r Resource) -> Scope<'r> {
        let labels = self.selection.label_selector(resource.kind);
        Scope { path: resource.path, fields: resource.fields, labels }
    }

    /// As [`Access::list`], of anything.
    pub(super) async fn list_at(&self, scope: &Scope<'_>, limit: u32, token: Option<String>) -> Result<Reply, Failure> {
        let parameters = ListParams {
            limit: Some(limit),
            continue_token: token,
            field_selector: scope.fields.map(Into::into),
            label_selector: scope.labels.clone(),
            ..ListParams::default()
        };
        self.ask(kube::core::Request::new(scope.path).list(&parameters)).await
    }

    /// As [`Access::watch`], of anything.
    pub(super) async fn watch_at(
        &self,
        scope: &Scope<'_>,
        version: Option<&str>,
        ends_after: Duration,
    ) -> Result<Reply, Failure> {
        let parameters = WatchParams {
            timeout: Some(u32::try_from(ends_after.as_secs()).unwrap_or(u32::MAX).max(1)),
            field_selector: scope.fields.map(Into::into),
            label_selector: scope.labels.clone(),
            send_initial_events: version.is_none(),
            ..WatchParams::default()
        };
        self.ask(kube::core::Request::new(scope.path).watch(&parameters, version.unwrap_or_default())).await
    }

    /// What failed may be due to files that have changed since: read them again, unless that was just done.
    pub(super) fn failed(&self, failure: &Failure) {
        let mut client = self.client.lock();
        let old = client.as_ref().is_some_and(|(.., made)| made.elapsed() >= self.settings.client_age);
        if old || failure.is_unauthorized() {
            *client = None;
        }
    }

    async fn ask<E: std::error::Error>(&self, request: Result<Request<Vec<u8>>, E>) -> Result<Reply, Failure> {
        let request = request.map_err(|error| Failure::Unconfigured(chain(&error)))?;
        let (client, host) = self.client().await?;
        let (head, began) = (self.settings.head, Instant::now());
        let sent = timeout(head, client.send(request.map(Body::from))).await;
        let status = sent.as_ref().ok().and_then(|sent| Some(sent.as_ref().ok()?.status().as_u16()));
        self.calls.ended(&host, status, began.elapsed());
        let response = match sent {
            Err(_elapsed) => return Err(Failure::Silent(head)),
            Ok(Err(error)) => return Err(Failure::Unreachable(chain(&error))),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if status.is_success() {
            return Ok(Reply(response.into_body()));
        }
        let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = Reply(response.into_body()).whole(REFUSAL, head).await.unwrap_or_default();
        Err(Failure::Refused(refusal(status.as_u16(), seconds, &body)))
    }

    /// The client, and whom it asks.
    async fn client(&self) -> Result<(Client, Arc<str>), Failure> {
        if let Some((client, host, _)) = &*self.client.lock() {
            return Ok((client.clone(), Arc::clone(host)));
        }
        let mut config = self.config().await.map_err(Failure::Unconfigured)?;
        config.connect_timeout = Some(self.settings.connect);
        // Its own retries wait for up to a quarter of an hour, and nobody would hear of it.
        config.default_retry = false;
        if self.name.is_some() {
            config.tls_server_name.clone_from(&self.name);
        }
        let host: Arc<str> = config.cluster_url.authority().map_or("", |host| host.as_str()).into();
        let client = Client::try_from(config).map_err(|error| Failure::Unconfigured(chain(&error)))?;
        *self.client.lock() = Some((client.clone(), Arc::clone(&host), Instant::now()));
        Ok((client, host))
    }

    async fn config(&self) -> Result<Config, String> {
        match &self.target {
            Target::Kubeconfig { file, context } => {
                // Read anew with each client, as its certificates may be.
                let read = file.clone();
                let read = tokio::task::spawn_blocking(move || Kubeconfig::read_from(read)).await;
                let read = read.map_err(|error| chain(&error))?.map_err(|error| chain(&error))?;
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                Config::from_custom_kubeconfig(read, &options).await.map_err(|error| chain(&error))
            }
            Target::Url(url) => url.parse().map(Config::new).map_err(|error| format!("`{url}`: {error}")),
            Target::Certified { url, files } => {
                let options = KubeConfigOptions::default();
                let written = written(url, files);
                Config::from_custom_kubeconfig(written, &options).await.map_err(|error| chain(&error))
            }
            // As client-go: what runs in a pod talks to its own cluster.
            Target::Here if std::env::var_os(IN_CLUSTER).is_some() => Config::incluster().map_err(|e| chain(&e)),
            Target::Here => Config::from_kubeconfig(&KubeConfigOptions::default()).await.map_err(|error| chain(&error)),
        }
    }
}

/// The kubeconfig that says this; whoever reads it reads the files.
fn written(url: &str, files: &ApiFiles) -> Kubeconfig {
    const NAME: &str = "here";
    let text = |path: &Path| Some(path.display().to_string());
    let cluster =
        Cluster { server: Some(url.to_owned()), certificate_authority: text(&files.ca), ..Cluster::default() };
    let user =
        AuthInfo { client_certificate: text(&files.certificate), client_key: text(&files.key), ..AuthInfo::default() };
    let context = Context { cluster: NAME.into(), user: Some(NAME.into()), ..Context::default() };
    Kubeconfig {
        clusters: vec![NamedCluster { name: NAME.into(), cluster: Some(cluster), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo { name: NAME.into(), auth_info: Some(user), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext { name: NAME.into(), context: Some(context), ..NamedContext::default() }],
        current_context: Some(NAME.into()),
        ..Kubeconfig::default()
    }
}

impl Reply {
    /// The next piece; none at the end.
    pub(super) async fn piece(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        loop {
            match self.0.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failure::Broken(chain(&error))),
                // What is not data is trailers, and says nothing.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_trailers) => {}
                },
            }
        }
    }

    /// All of it, if it is at most `most` octets and no piece is longer than `silence` in coming.
    pub(super) async fn whole(mut self, most: usize, silence: Duration) -> Result<Vec<u8>, Failure> {
        let mut whole = Vec::new();
        while let Some(piece) = timeout(silence, self.piece()).await.map_err(|_| Failure::Silent(silence))?? {
            let piece = piece.as_ref();
            if whole.len() + piece.len() > most {
                return Err(Failure::TooLarge { what: "page", most, limit: "list_page_bytes" });
            }
            whole.extend_from_slice(piece);
        }
        Ok(whole)
    }
}

/// A `Status` object, as far as we read it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) code: Field<u64>,
    pub(super) reason: Field<String>,
    pub(super) message: Field<String>,
    pub(super) details: Field<StatusDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StatusDetails {
    pub(super) retry_after_seconds: Field<u64>,
}

mappings!(StatusDetails);

impl Status {
    pub(super) fn refusal(&self) -> Refusal {
        let text = |field: &Field<String>| match field {
            Field::Is(text) => text.chars().take(300).collect(),
            _ => String::new(),
        };
        let code = match self.code {
            Field::Is(code) => u16::try_from(code).unwrap_or(0),
            _ => 0,
        };
        let retry_after = match &self.details {
            Field::Is(StatusDetails { retry_after_seconds: Field::Is(seconds) }) => {
                Some(Duration::from_secs(*seconds)).filter(|pause| !pause.is_zero())
            }
            _ => None,
        };
        Refusal { code, reason: text(&self.reason), message: text(&self.message), retry_after }
    }
}

/// Proxies and overload protection answer in plain text.
fn refusal(code: u16, retry_after: Option<u64>, body: &[u8]) -> Refusal {
    let status: Status = serde_json::from_slice(body).unwrap_or_else(|_| Status {
        message: Field::Is(String::from_utf8_lossy(body).trim().to_owned()),
        ..Status::default()
    });
    let said = status.refusal();
    let retry_after = retry_after.map(Duration::from_secs).or(said.retry_after);
    Refusal { code, retry_after, ..said }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_from_a_status_and_from_plain_text() {
        let status = br#"{"kind":"Status","code":429,"reason":"TooManyRequests","message":"later",
            "details":{"retryAfterSeconds":3},"status":"Failure"}"#;
        let expected = Refusal {
            code: 429,
            reason: "TooManyRequests".into(),
            message: "later".into(),
            retry_after: Some(Duration::from_secs(3)),
        };
        assert_eq!(refusal(429, None, status), expected);
        let plain = refusal(429, Some(9), b"Too many requests, please try again later.\n");
        assert_eq!(plain.message, "Too many requests, please try again later.");
        assert_eq!(plain.retry_after, Some(Duration::from_secs(9)));
        assert_eq!(refusal(502, None, b"").code, 502);
    }
}
