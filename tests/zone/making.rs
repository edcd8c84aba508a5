//! Objects in few words.

use interlocal::config::PodMode;
use interlocal::zone::object::{
    Endpoint, Kind, Namespace, ObjectKey, ObjectName, Pod, Port, Protocol, Service, ServiceKind, Slice,
};
use interlocal::zone::{Builder, Event, Object, ZoneSettings};

pub(crate) fn settings() -> ZoneSettings {
    ZoneSettings {
        origins: vec!["cluster.local".parse().unwrap(), "east.mesh".parse().unwrap()],
        ttl: 5,
        pods: PodMode::Insecure,
        only_known_namespaces: false,
        endpoint_pod_names: false,
        ignore_empty_services: false,
        externals: Vec::new(),
    }
}

pub(crate) fn builder(objects: impl IntoIterator<Item = Object>) -> Builder {
    let mut builder = Builder::new(settings());
    objects.into_iter().for_each(|object| builder.apply(Event::Apply(object)));
    builder.mark_synced();
    builder
}

pub(crate) fn namespace(name: &str) -> Object {
    Object::Namespace(Namespace { name: name.into(), uid: "".into(), served: true })
}

fn split(path: &str) -> ObjectName {
    let (namespace, name) = path.split_once('/').unwrap();
    ObjectName::new(namespace, name)
}

pub(crate) fn port(text: &str) -> Port {
    let mut parts = text.split(':');
    let name = parts.next().unwrap().into();
    let protocol = Protocol::from_label(parts.next().unwrap().as_bytes()).unwrap();
    Port { name, protocol, number: parts.next().unwrap().parse().unwrap() }
}

/// `ports` as `name:protocol:number`.
pub(crate) fn cluster_ip(path: &str, addresses: &[&str], ports: &[&str]) -> Object {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    service(path, ServiceKind::ClusterIp(addresses), ports)
}

pub(crate) fn headless(path: &str) -> Object {
    service(path, ServiceKind::Headless, &[])
}

pub(crate) fn external(path: &str, target: &str) -> Object {
    service(path, ServiceKind::ExternalName(target.parse().unwrap()), &[])
}

fn service(path: &str, kind: ServiceKind, ports: &[&str]) -> Object {
    let ports = ports.iter().map(|text| port(text)).collect();
    Object::Service(Service { name: split(path), kind, ports, publish_not_ready: false, external: None })
}

/// `endpoints` as `address`, `address=hostname`, or with `!` behind if not ready.
pub(crate) fn slice(path: &str, service: &str, ports: &[&str], endpoints: &[&str]) -> Object {
    let ports = ports.iter().map(|text| port(text)).collect();
    let endpoints = endpoints.iter().map(|text| endpoint(text)).collect();
    Object::Slice(Slice { name: split(path), service: service.into(), ports, endpoints })
}

fn endpoint(text: &str) -> Endpoint {
    let ready = !text.ends_with('!');
    let text = text.trim_end_matches('!');
    let (address, hostname) = match text.split_once('=') {
        Some((address, hostname)) => (address, Some(hostname.into())),
        None => (text, None),
    };
    Endpoint { address: address.parse().unwrap(), ready, hostname, pod: None }
}

pub(crate) fn pod(path: &str, addresses: &[&str]) -> Object {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Object::Pod(Pod { name: split(path), addresses })
}

pub(crate) fn delete(kind: Kind, path: &str) -> Event {
    Event::Delete(ObjectKey { kind, name: split(path) })
}
