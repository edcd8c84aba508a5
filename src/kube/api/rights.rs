//! What the API server lets us do, tried out for a tool that explains: each list and each watch that the source needs, once. The
//! questions are the source's own, so that what is said here is what it will get. It keeps and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::access::{Access, Scope};
use super::failure::Failure;
use super::message::Page;
use super::resource::Resource;
use super::{Object, Settings, Target};
use crate::kube::{Selection, convert};
use crate::wire::Name;
use crate::zone::object::Kind;

/// A watch that is only begun.
const BRIEF: Duration = Duration::from_secs(1);
/// Who the API server of every cluster is, below the cluster's domain.
const ITSELF: &str = "kubernetes.default.svc";
/// Readable without any right, in every cluster.
const VERSION: &str = "/version";

/// A list or a watch that is needed, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    pub verb: &'static str,
    /// `endpointslices.discovery.k8s.io`.
    pub resource: String,
    /// The line of the role that gives it.
    pub rule: String,
    /// Without it the zone is served, with less in it.
    pub optional: bool,
    pub lack: Option<Lack>,
}

/// Why a question to the API server came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// 403.
    Forbidden(String),
    /// 401.
    Unknown(String),
    /// No kubeconfig, and no ServiceAccount.
    Unconfigured(String),
    /// It cannot be reached, or answers nonsense.
    Away(String),
}

/// Whether the cluster has the domain that the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    Right,
    /// The API server's certificate is for this one.
    Other(String),
    /// The certificate says nothing of domains, or there is none.
    Untold,
}

/// Tries everything that the source does with this selection.
pub async fn rights(target: &Target, selection: &Selection, table: Option<&Object>, settings: &Settings) -> Vec<Right> {
    let access = Access::new(target.clone(), settings.clone(), Arc::new(selection.clone()), Arc::default());
    let mut rights = Vec::new();
    for kind in selection.kinds() {
        let resource = Resource::of(kind);
        let right = |verb, lack| Right {
            verb,
            resource: resource.full_name(),
            rule: resource.rule(),
            optional: resource.is_optional(),
            lack,
        };
        let scope = Scope { path: resource.path, fields: resource.fields, labels: None };
        let [list, watch] = both(&access, &scope).await;
        rights.extend([right("list", list), right("watch", watch)]);
    }
    if let Some(object) = table {
        let (path, fields) = place(object);
        let right = |verb, lack| Right {
            verb,
            resource: format!("configmap {}/{}", object.namespace, object.name),
            rule: format!(
                "{{apiGroups: [\"\"], resources: [configmaps], resourceNames: [{}], verbs: [list, watch]}}",
                object.name
            ),
            optional: false,
            lack,
        };
        let [list, watch] = both(&access, &Scope { path: &path, fields: Some(&fields), labels: None }).await;
        rights.extend([right("list", list), right("watch", watch)]);
    }
    rights
}

/// The names of all namespaces.
///
/// # Errors
/// If they cannot be read.
pub async fn namespaces(target: &Target, settings: &Settings) -> Result<Vec<String>, Lack> {
    let access = Access::new(target.clone(), settings.clone(), Arc::default(), Arc::default());
    read_namespaces(&access, settings).await.map_err(Lack::from)
}

/// Asks the API server for its certificate, which in most clusters has the cluster's domain in it.
pub async fn domain(target: &Target, domain: &Name, settings: &Settings) -> Domain {
    // Without a name there is nothing that could be another one.
    let Ok(name) = domain.prepend(ITSELF) else { return Domain::Untold };
    let name = name.to_string().trim_end_matches('.').to_owned();
    let access = Access::new(target.clone(), settings.clone(), Arc::default(), Arc::default()).named(name);
    match access.get(VERSION).await {
        // In clear text nobody has a name.
        Ok(_) if matches!(target, Target::Url(url) if url.starts_with("http:")) => Domain::Untold,
        Ok(_) | Err(Failure::Refused(_)) => Domain::Right,
        Err(failure) => certified(&failure.to_string()).map_or(Domain::Untold, Domain::Other),
    }
}

/// The domain out of what rustls says of a certificate for other names.
fn certified(text: &str) -> Option<String> {
    let (_, presented) = text.split_once("only valid for")?;
    let names = presented.split('"').skip(1).step_by(2);
    let mut domains = names.filter_map(|name| name.strip_prefix(ITSELF)?.strip_prefix('.'));
    domains.next().map(str::to_owned)
}

async fn both(access: &Access, scope: &Scope<'_>) -> [Option<Lack>; 2] {
    let (list, version) = match list(access, scope).await {
        Ok(version) => (None, Some(version)),
        Err(failure) => (Some(failure), None),
    };
    // From a version that it has just told, else from now.
    let watch = access.watch_at(scope, Some(version.as_deref().unwrap_or("0")), BRIEF).await.err();
    [list, watch].map(|failure| failure.map(Lack::from))
}

async fn list(access: &Access, scope: &Scope<'_>) -> Result<String, Failure> {
    let settings = Settings::default();
    let reply = access.list_at(scope, 1, None).await?;
    let page = Page::read(&reply.whole(settings.page, settings.list_silence).await?)?;
    Ok(page.version().to_owned())
}

async fn read_namespaces(access: &Access, settings: &Settings) -> Result<Vec<String>, Failure> {
    let (mut names, mut token) = (Vec::new(), None);
    let scope = Scope { path: Resource::of(Kind::Namespace).path, fields: None, labels: None };
    loop {
        let reply = access.list_at(&scope, settings.page_size, token.take()).await?;
        let page = Page::read(&reply.whole(settings.page, settings.list_silence).await?)?;
        let keys = page.objects().flatten().filter_map(|raw| convert::key(Kind::Namespace, raw));
        names.extend(keys.map(|key| key.name.name.to_string()));
        match page.token() {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(names),
        }
    }
}

fn place(object: &Object) -> (String, String) {
    (format!("/api/v1/namespaces/{}/configmaps", object.namespace), format!("metadata.name={}", object.name))
}

impl From<Failure> for Lack {
    fn from(failure: Failure) -> Self {
        let words = match &failure {
            Failure::Refused(refusal) => refusal.message.clone(),
            other => other.to_string(),
        };
        match &failure {
            _ if failure.is_forbidden() => Self::Forbidden(words),
            _ if failure.is_unauthorized() => Self::Unknown(words),
            Failure::Unconfigured(why) => Self::Unconfigured(why.clone()),
            _ => Self::Away(failure.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_of_the_api_server_tells_the_domain() {
        let said = "cannot reach the API server: client error (Connect): invalid peer certificate: certificate not valid \
                    for name \"kubernetes.default.svc.wrong.test\"; certificate is only valid for \
                    DnsName(\"kubernetes\"), DnsName(\"kubernetes.default.svc\"), \
                    DnsName(\"kubernetes.default.svc.prod.example\") or IpAddress(10.96.0.1)";
        assert_eq!(certified(said).as_deref(), Some("prod.example"));
        let said = "certificate is only valid for DnsName(\"api.example\") or DnsName(\"kubernetes.default.svc\")";
        assert_eq!(certified(said), None, "it names no domain");
        assert_eq!(certified("connection refused"), None);
    }
}
