//! `/zone`: the Services that the cluster's zone has, all or those of a namespace; or one with its endpoints.

use std::net::IpAddr;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::params::Params;
use super::query::Refusal;
use crate::server::core::Core;
use crate::zone::{ServiceKind, ServiceSubject};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    pub synced: bool,
    pub serial: u32,
    pub hash: String,
    /// Only where all endpoints are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    pub services: Vec<Service>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub namespace: String,
    pub name: String,
    /// `ClusterIP`, `headless`, `ExternalName`.
    pub kind: String,
    /// Cluster IPs.
    pub addresses: Vec<IpAddr>,
    /// Of an ExternalName.
    pub target: Option<String>,
    pub ports: Vec<String>,
    /// Names of ready endpoints.
    pub ready: usize,
    /// Only where one Service is asked for, or all endpoints are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// One name below a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub name: String,
    pub addresses: Vec<IpAddr>,
}

/// All, those in `namespace`, or `service` in it; with `endpoints=all` every name of the cluster.
pub(super) fn get(core: &Core, params: &Params) -> Result<Zone, Refusal> {
    let zone = core.zone.load();
    let (namespace, name) = (params.get("namespace"), params.get("service"));
    let wanted = |service: &(String, String, ServiceSubject)| {
        namespace.is_none_or(|wanted| wanted == service.0) && name.is_none_or(|wanted| wanted == service.1)
    };
    let mut services: Vec<Service> = zone.services().into_iter().filter(wanted).map(Service::from).collect();
    let named = |(name, addresses)| Endpoint { name, addresses };
    let mut namespaces: Vec<String> = Vec::new();
    if params.get("endpoints") == Some("all") {
        namespaces
            .extend(zone.namespaces().filter(|it| namespace.is_none_or(|wanted| wanted == *it)).map(str::to_owned));
        namespaces.sort_unstable();
        for service in &mut services {
            service.endpoints = zone.endpoints(&service.namespace, &service.name).into_iter().map(named).collect();
        }
    } else if let (Some(namespace), Some(name)) = (namespace, name) {
        let service = services.first_mut().ok_or_else(|| {
            let why = match (zone.synced, zone.namespace_exists(namespace)) {
                (false, _) => "the zone has not been read yet".to_owned(),
                (true, true) => format!("no such Service `{name}` in namespace `{namespace}`"),
                (true, false) => format!("no such namespace `{namespace}`"),
            };
            (StatusCode::NOT_FOUND, why + "\n")
        })?;
        service.endpoints = zone.endpoints(namespace, name).into_iter().map(named).collect();
    }
    Ok(Zone { synced: zone.synced, serial: zone.serial, hash: format!("{:016x}", zone.hash), namespaces, services })
}

impl From<(String, String, ServiceSubject)> for Service {
    fn from((namespace, name, service): (String, String, ServiceSubject)) -> Self {
        let (kind, addresses, target) = match service.kind {
            ServiceKind::ClusterIp(addresses) => ("ClusterIP", addresses, None),
            ServiceKind::Headless => ("headless", Vec::new(), None),
            ServiceKind::ExternalName(target) => ("ExternalName", Vec::new(), Some(target)),
        };
        Self {
            namespace,
            name,
            kind: kind.to_owned(),
            addresses,
            target,
            ports: service.ports,
            ready: service.endpoints,
            endpoints: Vec::new(),
        }
    }
}
