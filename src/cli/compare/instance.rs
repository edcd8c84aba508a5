//! The objects of the cluster as a running instance knows them, read from its page: for whoever reaches the instance and not the API
//! server. It tells ready endpoints only, and neither pods nor how endpoints are spread over slices.

use std::net::IpAddr;

use anyhow::{Context, ensure};

use crate::cli::admin::{Instance, Place};
use crate::server::admin::json;
use crate::server::admin::params::Params;
use crate::server::admin::status::Status;
use crate::server::admin::zone::{Service as Read, Zone};
use crate::wire::Name;
use crate::zone::object::{Endpoint, Namespace, Object, ObjectName, Port, Protocol, Service, ServiceKind, Slice};

/// The objects, and the domain that they are served under.
///
/// # Errors
/// If nobody answers there, or has not read its zone.
pub fn objects(place: Place) -> anyhow::Result<(Vec<Object>, Name)> {
    let instance = Instance::at(place);
    let other = "not the page of an instance of this version";
    let status: Status = json::read(&instance.get("/status")?).context(other)?;
    let zone: Zone = json::read(&instance.get(&Params::path("/zone", &[("endpoints", "all")]))?).context(other)?;
    ensure!(zone.synced, "the instance has not read its zone, so it does not know every name");
    let namespaces = zone
        .namespaces
        .iter()
        .map(|name| Object::Namespace(Namespace { name: name.as_str().into(), uid: Box::default(), served: true }));
    let services =
        zone.services.iter().flat_map(|service| [Object::Service(of(service)), Object::Slice(slice(service))]);
    Ok((namespaces.chain(services).collect(), status.cluster_domain.parse().context(other)?))
}

fn of(service: &Read) -> Service {
    let kind = match (&service.target, service.kind.as_str()) {
        (Some(target), _) => target.parse().map_or(ServiceKind::Headless, ServiceKind::ExternalName),
        (None, "ClusterIP") => ServiceKind::ClusterIp(service.addresses.iter().copied().collect()),
        (None, _) => ServiceKind::Headless,
    };
    let name = ObjectName::new(service.namespace.as_str(), service.name.as_str());
    Service {
        name,
        kind,
        ports: service.ports.iter().filter_map(|text| port(text)).collect(),
        publish_not_ready: false,
        // Names of other zones are not compared.
        external: None,
    }
}

fn slice(service: &Read) -> Slice {
    let endpoints = service.endpoints.iter().flat_map(|host| {
        let called = |address: &IpAddr| Endpoint {
            address: *address,
            ready: true,
            hostname: Some(host.name.as_str().into()),
            pod: None,
        };
        host.addresses.iter().map(called)
    });
    Slice {
        name: ObjectName::new(service.namespace.as_str(), service.name.as_str()),
        service: service.name.as_str().into(),
        ports: Box::default(),
        endpoints: endpoints.collect(),
    }
}

/// `http/tcp 80`.
fn port(text: &str) -> Option<Port> {
    let (name, rest) = text.split_once('/')?;
    let (protocol, number) = rest.split_once(' ')?;
    let protocol = Protocol::from_label(protocol.as_bytes())?;
    Some(Port { name: name.into(), protocol, number: number.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_the_page_has_them() {
        let read = |text: &str| port(text).map(|port| (port.name.into_string(), port.protocol, port.number));
        assert_eq!(read("http/tcp 80"), Some(("http".to_owned(), Protocol::Tcp, 80)));
        assert_eq!(read("/udp 53"), Some((String::new(), Protocol::Udp, 53)));
        assert_eq!(read("http"), None);
    }
}
