//! The group `kubernetes`: is the API server there, and does it let us read what the zone is made of? The questions are those of
//! the source itself. It also reads which namespaces there are, for whoever compares.

use super::report::{Line, Topic};
use super::subject::Subject;
use crate::config::{ConfigMapRef, KubernetesSource};
use crate::kube::api::rights::{self, Lack, Right};
use crate::kube::api::{Object, Settings, Target};
use crate::kube::{Selection, manifests};
use crate::zone::object::Object as Thing;

/// The key of a ConfigMap that is a peer table.
const TABLE: &str = "peers.yaml";

/// What was seen.
pub enum Source {
    Manifests {
        path: String,
        objects: usize,
        problems: Vec<String>,
    },
    Api(Vec<Right>),
    /// Everything is forwarded.
    None,
}

/// The source, and the namespaces if they can be known.
pub struct Seen {
    pub source: Source,
    pub namespaces: Option<Vec<String>>,
}

/// The object with the peer table.
pub fn table(of: &ConfigMapRef) -> Object {
    Object { namespace: of.namespace.clone(), name: of.name.clone(), key: TABLE }
}

pub async fn gather(subject: &Subject) -> Seen {
    let config = &subject.config;
    let selection = Selection::of(config);
    if let KubernetesSource::Manifests(path) = &config.kubernetes.source {
        let loaded = manifests::load(path, &config.limits, &selection);
        let names = loaded.objects.iter().map(|object| match object {
            Thing::Namespace(namespace) => namespace.name.to_string(),
            Thing::Service(service) => service.name.namespace.to_string(),
            Thing::Slice(slice) => slice.name.namespace.to_string(),
            Thing::Pod(pod) => pod.name.namespace.to_string(),
        });
        let namespaces: std::collections::BTreeSet<String> = names.collect();
        let problems = loaded.problems.iter().map(ToString::to_string).collect();
        let source = Source::Manifests { path: path.display().to_string(), objects: loaded.objects.len(), problems };
        return Seen { source, namespaces: Some(namespaces.into_iter().collect()) };
    }
    let Some(target) = Target::of(&config.kubernetes.source) else {
        return Seen { source: Source::None, namespaces: Some(Vec::new()) };
    };
    let settings = Settings::of(&config.limits);
    let table = config.peers.configmap.as_ref().map(table);
    let rights = rights::rights(&target, &selection, table.as_ref(), &settings).await;
    let namespaces = rights::namespaces(&target, &settings).await.ok();
    Seen { source: Source::Api(rights), namespaces }
}

pub fn judge(source: &Source) -> Vec<Line> {
    match source {
        Source::Manifests { path, objects, problems } => {
            let problems = problems.iter().map(|problem| {
                let (what, rest) = problem.split_once('\n').unwrap_or((problem, ""));
                let line = Line::problem(Topic::Manifests, what).mend("`interlocal validate` shows all of them");
                if rest.is_empty() { line } else { line.why(rest) }
            });
            problems.chain([Line::fine(format!("{path}: {objects} objects"))]).collect()
        }
        Source::Api(rights) => api(rights),
        Source::None => vec![Line::fine("no cluster is served")],
    }
}

fn api(rights: &[Right]) -> Vec<Line> {
    // One cause of everything is said once.
    let away = rights.iter().find_map(|right| match &right.lack {
        Some(Lack::Unconfigured(why)) => {
            let line = Line::problem(Topic::Api, "there are no credentials for the Kubernetes API").why(why);
            Some(line.mend("run this in a pod with interlocal's ServiceAccount, or set KUBECONFIG"))
        }
        Some(Lack::Unknown(why)) => {
            let line =
                Line::problem(Topic::Api, "the API server does not know us: the token or certificate is refused");
            Some(line.why(why).mend("mount a token of the ServiceAccount, or renew the kubeconfig"))
        }
        Some(Lack::Away(why)) => {
            let line = Line::problem(Topic::Api, "the API server cannot be asked").why(why);
            Some(line.mend("open the way to it (KUBERNETES_SERVICE_HOST in a pod): NetworkPolicy, security group, CA"))
        }
        Some(Lack::Forbidden(_)) | None => None,
    });
    if let Some(line) = away {
        return vec![line];
    }
    let mut lines = vec![Line::fine("the API server answers")];
    for pair in rights.chunks(2) {
        let missing: Vec<&Right> = pair.iter().filter(|right| right.lack.is_some()).collect();
        let Some(first) = missing.first() else {
            lines.push(Line::fine(format!("may list and watch {}", pair[0].resource)));
            continue;
        };
        let verbs: Vec<&str> = missing.iter().map(|right| right.verb).collect();
        let what = format!("not allowed to {} {}", verbs.join(" and "), first.resource);
        let line = match first.optional {
            true => Line::warning(Topic::Rights, what),
            false => Line::problem(Topic::Rights, what),
        };
        let why = match &first.lack {
            Some(Lack::Forbidden(why)) => why.as_str(),
            _ => "",
        };
        lines.push(
            line.why(why).mend(format!("add to the ClusterRole of interlocal's ServiceAccount:\n- {}", first.rule)),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::report::Level;

    fn right(verb: &'static str, resource: &str, optional: bool, lack: Option<Lack>) -> Right {
        let rule = format!("{{apiGroups: [\"\"], resources: [{resource}], verbs: [list, watch]}}");
        Right { verb, resource: resource.into(), rule, optional, lack }
    }

    #[test]
    fn each_missing_verb_is_named_with_the_line_that_gives_it() {
        let forbidden = || Some(Lack::Forbidden("User \"x\" cannot watch".into()));
        let lines = api(&[
            right("list", "services", false, None),
            right("watch", "services", false, forbidden()),
            right("list", "namespaces", true, forbidden()),
            right("watch", "namespaces", true, forbidden()),
        ]);
        assert_eq!((lines[1].level, lines[1].what.as_str()), (Level::Problem, "not allowed to watch services"));
        let mend = lines[1].mend.as_deref().unwrap_or_default();
        assert!(mend.contains("- {apiGroups: [\"\"], resources: [services], verbs: [list, watch]}"), "{mend}");
        assert_eq!(
            (lines[2].level, lines[2].what.as_str()),
            (Level::Warning, "not allowed to list and watch namespaces")
        );
    }

    #[test]
    fn an_api_server_that_is_away_is_said_once() {
        let away = || Some(Lack::Away("connection refused".into()));
        let lines = api(&[right("list", "services", false, away()), right("watch", "services", false, away())]);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].topic, Some(Topic::Api));
    }
}
