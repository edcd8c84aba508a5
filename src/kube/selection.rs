//! What of a cluster is read, and what of that is served: one value for the API and for manifests. Pure.

use super::lax::Field;
use super::objects::RawObject;
use crate::config::{Config, Namespaces, PodMode, Selector};
use crate::zone::object::Kind;

/// What of a cluster is served; by default everything but pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub namespaces: Namespaces,
    /// Of Services and EndpointSlices.
    pub labels: Selector,
    /// Are pods read, so that their names can be verified?
    pub pods: bool,
    /// Are endpoints called by their pods' names? If not, these are not kept.
    pub pod_names: bool,
    /// Are EndpointSlices left alone? Then nobody knows of endpoints.
    pub no_endpoints: bool,
    /// Is it kept where Services are reached from outside?
    pub external: bool,
}

impl Selection {
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let external = config.servers.iter().any(|server| !server.external.is_empty());
        let config = &config.kubernetes;
        Self {
            external,
            namespaces: config.namespaces.clone(),
            labels: config.labels.clone(),
            pods: config.pods == PodMode::Verified,
            pod_names: config.endpoint_pod_names,
            no_endpoints: config.noendpoints,
        }
    }

    /// Does it take what a namespace says to know whether it is served?
    #[must_use]
    pub fn needs_namespaces(&self) -> bool {
        matches!(self.namespaces, Namespaces::Labelled(_))
    }

    /// The kinds of objects that are read.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let wanted = |kind: &Kind| match kind {
            Kind::Namespace | Kind::Service => true,
            Kind::Slice => !self.no_endpoints,
            Kind::Pod => self.pods,
        };
        [Kind::Namespace, Kind::Service, Kind::Slice, Kind::Pod].into_iter().filter(wanted).collect()
    }

    /// What the API server is asked to leave out of these.
    #[must_use]
    pub fn label_selector(&self, kind: Kind) -> Option<String> {
        (is_labelled(kind) && !self.labels.is_empty()).then(|| self.labels.to_string())
    }

    /// Is a namespace served, as it says itself?
    pub(super) fn takes_namespace(&self, name: &str, raw: &RawObject) -> bool {
        match &self.namespaces {
            Namespaces::All => true,
            Namespaces::Named(names) => names.contains(name),
            Namespaces::Labelled(selector) => takes(selector, raw),
        }
    }

    /// Is an object in this namespace kept? What only the namespace itself can say is not asked here.
    pub(super) fn takes(&self, kind: Kind, namespace: &str, raw: &RawObject) -> bool {
        let named = match &self.namespaces {
            Namespaces::Named(names) => kind == Kind::Namespace || names.contains(namespace),
            Namespaces::All | Namespaces::Labelled(_) => true,
        };
        let read = kind != Kind::Slice || !self.no_endpoints;
        read && named && (!is_labelled(kind) || takes(&self.labels, raw))
    }
}

/// Pods have the labels of their application, and namespaces those of their owner.
fn is_labelled(kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::Slice)
}

/// Labels of a wrong type are none.
fn takes(selector: &Selector, raw: &RawObject) -> bool {
    let labels = match &raw.metadata {
        Field::Is(metadata) => Some(&metadata.labels),
        _ => None,
    };
    selector.takes(|key| match labels? {
        Field::Is(labels) => labels.text(key),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kinds_that_answers_depend_on_are_read() {
        let kinds = |no_endpoints, pods| Selection { no_endpoints, pods, ..Selection::default() }.kinds();
        assert_eq!(kinds(false, false), [Kind::Namespace, Kind::Service, Kind::Slice]);
        assert_eq!(kinds(true, true), [Kind::Namespace, Kind::Service, Kind::Pod]);
        // Manifests are all read, so each object is asked too.
        let taken = |no_endpoints| {
            Selection { no_endpoints, ..Selection::default() }.takes(Kind::Slice, "shop", &RawObject::default())
        };
        assert!(taken(false) && !taken(true));
    }
}
