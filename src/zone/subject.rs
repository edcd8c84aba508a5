//! Which object a name is about, for people who ask why they get what they get. The name is read and the object found as a lookup
//! does it; nothing here decides an answer.

use std::net::IpAddr;

use super::form::Form;
use super::record::{ServiceAnswer, ServiceRecord};
use super::snapshot::Snapshot;
use crate::wire::NameBuf;

/// An object of the cluster as the zone keeps it, or what is left of a name when there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The origin, or a name between it and the objects.
    Zone,
    Namespace {
        namespace: String,
        exists: bool,
    },
    Service {
        namespace: String,
        name: String,
        namespace_exists: bool,
        /// None: there is no such Service.
        service: Option<ServiceSubject>,
    },
    /// A pod's address as a name.
    Pod {
        namespace: String,
        namespace_exists: bool,
    },
    /// No form of the specification.
    Unknown,
}

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSubject {
    pub kind: ServiceKind,
    /// Ready endpoint names.
    pub endpoints: usize,
    /// `http/tcp 80`, of the Service or of its endpoints.
    pub ports: Vec<String>,
}

/// What answers for the Service's own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceKind {
    ClusterIp(Vec<IpAddr>),
    Headless,
    /// Its target.
    ExternalName(String),
}

impl Snapshot {
    /// Whom the name is about, under the origin with this number; none if it is not in the origin.
    #[must_use]
    pub fn subject(&self, origin: usize, name: &NameBuf) -> Option<Subject> {
        let Some(cluster) = self.origins.get(origin) else { return self.external_subject(origin, name) };
        let labels = cluster.labels_before(name)?;
        let text = |label: &[u8]| String::from_utf8_lossy(label).into_owned();
        Some(match Form::of(name, labels) {
            Form::Apex | Form::Between | Form::Version => Subject::Zone,
            Form::Namespace { namespace } => {
                Subject::Namespace { namespace: text(namespace), exists: self.namespace_exists(&text(namespace)) }
            }
            Form::Service { namespace, service, .. } => self.service_subject(namespace, service),
            Form::NameServer => self.service_subject(b"kube-system", b"kube-dns"),
            Form::Pod { namespace, .. } => {
                Subject::Pod { namespace: text(namespace), namespace_exists: self.namespace_exists(&text(namespace)) }
            }
            Form::Unknown => Subject::Unknown,
        })
    }

    /// The same for a zone of load balancers.
    fn external_subject(&self, origin: usize, name: &NameBuf) -> Option<Subject> {
        let external = self.externals.get(origin.checked_sub(self.origins.len())?)?;
        let labels = external.labels_before(name)?;
        let label = |number: usize| String::from_utf8_lossy(name.label(number)).into_owned();
        Some(match labels {
            0 => Subject::Zone,
            _ if external.is_apex(name.label(labels - 1)) => Subject::Zone,
            1 => Subject::Namespace { exists: self.namespace_exists(&label(0)), namespace: label(0) },
            _ => self.service_subject(name.label(labels - 1), name.label(labels - 2)),
        })
    }

    /// Each Service, by namespace and name, with how many names of endpoints it has that are ready.
    #[must_use]
    pub fn services(&self) -> Vec<(String, String, ServiceSubject)> {
        let all = self.tables.services.iter().flatten();
        let mut all: Vec<_> = all
            .map(|record| (record.name.namespace.to_string(), record.name.name.to_string(), ServiceSubject::of(record)))
            .collect();
        all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        all
    }

    /// The ready endpoints of a Service: their names below it, and their addresses.
    #[must_use]
    pub fn endpoints(&self, namespace: &str, name: &str) -> Vec<(String, Vec<IpAddr>)> {
        let Some(record) = self.service(namespace.as_bytes(), name.as_bytes()) else { return Vec::new() };
        let endpoints = &record.endpoints;
        let addresses =
            |host| endpoints.places(host).iter().map(|place| endpoints.addresses().address(*place)).collect();
        let label = |host| String::from_utf8_lossy(endpoints.label(host).get(1..).unwrap_or_default()).into_owned();
        (0..endpoints.hosts()).map(|host| (label(host), addresses(host))).collect()
    }

    fn service_subject(&self, namespace: &[u8], name: &[u8]) -> Subject {
        let service = self.service(namespace, name).map(ServiceSubject::of);
        let (namespace, name) = (String::from_utf8_lossy(namespace), String::from_utf8_lossy(name));
        Subject::Service {
            namespace_exists: self.namespace_exists(&namespace),
            namespace: namespace.into_owned(),
            name: name.into_owned(),
            service,
        }
    }
}

impl ServiceSubject {
    fn of(record: &ServiceRecord) -> Self {
        let (kind, ports) = match &record.answer {
            ServiceAnswer::ClusterIp { addresses, ports } => {
                (ServiceKind::ClusterIp(addresses.iter().collect()), Some(ports))
            }
            ServiceAnswer::Headless => (ServiceKind::Headless, None),
            ServiceAnswer::ExternalName(target) => (ServiceKind::ExternalName(target.to_string()), None),
        };
        let endpoints = &record.endpoints;
        let sets = endpoints.sets().iter().map(|(ports, _)| ports).filter(|_| ports.is_none());
        let mut ports: Vec<String> = Vec::from_iter(ports)
            .into_iter()
            .chain(sets)
            .flat_map(|ports| ports.ports())
            .map(|port| format!("{}/{} {}", port.name, port.protocol.as_str(), port.number))
            .collect();
        ports.sort();
        ports.dedup();
        Self { kind, endpoints: endpoints.hosts(), ports }
    }
}
