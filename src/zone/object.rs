//! What the zone is made of: the few fields of Kubernetes objects that DNS answers depend on, and the events that bring
//! them. Sources (the API, manifests) turn their objects into these and have checked every name by then.

use std::net::IpAddr;
use std::sync::Arc;

use crate::wire::Name;

/// Octets of a name that is one DNS label (RFC 1035 2.3.4).
const MAX_LABEL: usize = crate::wire::name::MAX_LABEL;

/// Namespace and name; the namespace is empty for what has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ObjectName {
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Namespace,
    Service,
    Slice,
    Pod,
}

/// What identifies an object among all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    pub kind: Kind,
    pub name: ObjectName,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    Namespace(Namespace),
    Service(Service),
    Slice(Slice),
    Pod(Pod),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Namespace {
    pub name: Arc<str>,
    /// Empty if the source does not know it.
    pub uid: Box<str>,
    /// Are the names in it answered?
    pub served: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Service {
    pub name: ObjectName,
    pub kind: ServiceKind,
    pub ports: Box<[Port]>,
    /// Endpoints count as ready, whatever they say.
    pub publish_not_ready: bool,
    /// None as well where nobody asks for it.
    pub external: Option<Box<External>>,
}

/// Where a Service is reached from outside of the cluster: its load balancers, and addresses that lead to it otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct External {
    pub addresses: Box<[IpAddr]>,
    /// Of the first load balancer that has a name in place of an address.
    pub host: Option<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// At most one address of each family; none while they are not allocated.
    ClusterIp(Box<[IpAddr]>),
    Headless,
    ExternalName(Name),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// Lower case; empty if the port has no name.
    pub name: Box<str>,
    pub protocol: Protocol,
    pub number: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// Its name in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// From its lower-case name.
    #[must_use]
    pub fn from_label(label: &[u8]) -> Option<Self> {
        match label {
            b"tcp" => Some(Self::Tcp),
            b"udp" => Some(Self::Udp),
            b"sctp" => Some(Self::Sctp),
            _ => None,
        }
    }
}

/// An EndpointSlice: part of a Service's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice {
    pub name: ObjectName,
    /// The name of the Service, in the same namespace.
    pub service: Arc<str>,
    /// The same for all its endpoints.
    pub ports: Box<[Port]>,
    pub endpoints: Box<[Endpoint]>,
}

/// One address of an endpoint; an endpoint with several is several of these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub address: IpAddr,
    pub ready: bool,
    /// Lower case, one label.
    pub hostname: Option<Box<str>>,
    /// Which pod it is.
    pub pod: Option<Box<str>>,
}

/// A running pod, for pod names that are verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pod {
    pub name: ObjectName,
    pub addresses: Box<[IpAddr]>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Apply(Object),
    Delete(ObjectKey),
    /// All there is of one kind: what is not in the list is gone.
    Replace(Kind, Vec<Object>),
}

impl Object {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Namespace(_) => Kind::Namespace,
            Self::Service(_) => Kind::Service,
            Self::Slice(_) => Kind::Slice,
            Self::Pod(_) => Kind::Pod,
        }
    }

    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let name = match self {
            Self::Namespace(namespace) => ObjectName::new("", Arc::clone(&namespace.name)),
            Self::Service(service) => service.name.clone(),
            Self::Slice(slice) => slice.name.clone(),
            Self::Pod(pod) => pod.name.clone(),
        };
        ObjectKey { kind: self.kind(), name }
    }
}

impl std::fmt::Display for ObjectKey {
    /// `Service payments/web`, `Namespace payments`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Namespace => return write!(f, "Namespace {}", self.name.name),
            Kind::Service => "Service",
            Kind::Slice => "EndpointSlice",
            Kind::Pod => "Pod",
        };
        write!(f, "{kind} {}/{}", self.name.namespace, self.name.name)
    }
}

/// Is it one lower-case label of letters, digits and inner hyphens (RFC 1123 2.1)? Kubernetes asks no less of the names
/// that become labels.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=MAX_LABEL).contains(&bytes.len())
        && bytes.iter().all(inner)
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_kubernetes_calls_labels() {
        for good in ["a", "web-0", "0web", &"x".repeat(63)] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "é", &"x".repeat(64)] {
            assert!(!is_label(bad), "{bad}");
        }
    }

    #[test]
    fn keys_read_as_people_say_them() {
        let namespace = Object::Namespace(Namespace { name: "shop".into(), uid: "".into(), served: true });
        assert_eq!(namespace.key().to_string(), "Namespace shop");
        let pod = Object::Pod(Pod { name: ObjectName::new("shop", "web-0"), addresses: Box::default() });
        assert_eq!(pod.key().to_string(), "Pod shop/web-0");
    }
}
