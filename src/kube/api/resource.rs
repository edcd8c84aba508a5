//! The resources that the zone is made of: where the API has them, and what must be allowed to read them.

use crate::zone::object::Kind;

/// One resource of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    pub kind: Kind,
    /// As in `kubectl get`.
    pub name: &'static str,
    group: &'static str,
    pub path: &'static str,
    /// What the server leaves out.
    pub fields: Option<&'static str>,
}

const NAMESPACES: Resource =
    Resource { kind: Kind::Namespace, name: "namespaces", group: "", path: "/api/v1/namespaces", fields: None };
const SERVICES: Resource =
    Resource { kind: Kind::Service, name: "services", group: "", path: "/api/v1/services", fields: None };
const SLICES: Resource = Resource {
    kind: Kind::Slice,
    name: "endpointslices",
    group: "discovery.k8s.io",
    path: "/apis/discovery.k8s.io/v1/endpointslices",
    fields: None,
};
const PODS: Resource = Resource {
    kind: Kind::Pod,
    name: "pods",
    group: "",
    path: "/api/v1/pods",
    // Pods that are over have given their address back.
    fields: Some("status.phase!=Succeeded,status.phase!=Failed"),
};

impl Resource {
    #[must_use]
    pub fn of(kind: Kind) -> &'static Self {
        match kind {
            Kind::Namespace => &NAMESPACES,
            Kind::Service => &SERVICES,
            Kind::Slice => &SLICES,
            Kind::Pod => &PODS,
        }
    }

    /// `endpointslices.discovery.k8s.io`.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.name, self.group) }
    }

    /// The rule of a ClusterRole that is needed.
    #[must_use]
    pub fn rule(&self) -> String {
        let group = if self.group.is_empty() { "\"\"" } else { self.group };
        format!("{{apiGroups: [{group}], resources: [{}], verbs: [list, watch]}}", self.name)
    }

    /// Can the zone be served without it, unless more is asked of it? Namespaces with Services in them are known from these; without pods, pod names are
    /// unknown and everything else is as it should be.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        matches!(self.kind, Kind::Namespace | Kind::Pod)
    }
}
