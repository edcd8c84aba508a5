//! Kubernetes objects to what the zone is made of. An odd object, or an odd part of one, is left out and named; none of them
//! ends anything.

use std::net::IpAddr;

use super::lax::{Field, WrongType};
use super::objects::{Ingress, Metadata, RawEndpoint, RawObject, RawPort, ServiceSpec, Status, TargetRef};
use super::selection::Selection;
use crate::wire::Name;
use crate::wire::name::MAX_LABEL;
use crate::zone::object::{
    Endpoint, External, Kind, Namespace, Object, ObjectKey, ObjectName, Pod, Port, Protocol, Service, ServiceKind,
    Slice, is_label,
};

/// Where objects go that name no namespace, as with kubectl.
const DEFAULT_NAMESPACE: &str = "default";
/// "must be no more than 253 characters": any object's name.
const MAX_OBJECT_NAME: usize = 253;
/// Says whose slice it is.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// An object, or part of one, that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// `Service payments/web`; a kind alone if the object has no usable name.
    pub object: String,
    pub reason: String,
}

/// What came of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Converted {
    /// Perhaps without some parts.
    Object(Object),
    /// The object counts as not there: it cannot be used, it says that it is over, or it is not to be served. A watch that
    /// knew it deletes it.
    Gone(Option<ObjectKey>),
}

/// The kind that answers depend on, if an object of this version and kind has one; an empty version is taken on trust.
#[must_use]
pub fn kind_of(api_version: &str, kind: &str) -> Option<Kind> {
    let (group, kind) = match kind {
        "Namespace" => ("v1", Kind::Namespace),
        "Service" => ("v1", Kind::Service),
        "Pod" => ("v1", Kind::Pod),
        "EndpointSlice" => ("discovery.k8s.io/v1", Kind::Slice),
        _ => return None,
    };
    (api_version.is_empty() || api_version == group).then_some(kind)
}

/// Converts an object of this kind; what is left out is told to `skipped`, once for an object.
pub fn convert(kind: Kind, raw: &RawObject, selection: &Selection, skipped: &mut impl FnMut(Skipped)) -> Converted {
    let key = match key_of(kind, raw) {
        Ok(key) => key,
        Err(reason) => {
            skipped(Skipped { object: kind_name(kind).into(), reason: reason.0 });
            return Converted::Gone(None);
        }
    };
    if !selection.takes(kind, &key.name.namespace, raw) {
        return Converted::Gone(Some(key));
    }
    let mut parts = Parts::default();
    let name = key.name.clone();
    let object = match kind {
        Kind::Namespace => namespace(name, raw, selection).map(Some),
        Kind::Service => service(name, raw, selection, &mut parts).map(Some),
        Kind::Slice => slice(name, raw, selection, &mut parts),
        Kind::Pod => pod(name, raw, &mut parts),
    };
    let (converted, reason) = match object {
        Ok(Some(object)) => (Converted::Object(object), parts.reason()),
        Ok(None) => (Converted::Gone(Some(key.clone())), parts.reason()),
        Err(reason) => (Converted::Gone(Some(key.clone())), Some(reason.0)),
    };
    if let Some(reason) = reason {
        skipped(Skipped { object: key.to_string(), reason });
    }
    converted
}

/// Which object it is, if it can be told.
#[must_use]
pub fn key(kind: Kind, raw: &RawObject) -> Option<ObjectKey> {
    key_of(kind, raw).ok()
}

/// Why an object, or a part of it, cannot be used.
struct Reason(String);

impl From<WrongType> for Reason {
    fn from(wrong: WrongType) -> Self {
        Self(wrong.to_string())
    }
}

/// Parts of an object that were left out: the first reason, and how many.
#[derive(Default)]
struct Parts {
    first: Option<String>,
    count: usize,
}

impl Parts {
    /// Keeps what is fine.
    fn keep<T>(&mut self, part: Result<T, Reason>) -> Option<T> {
        part.map_err(|reason| {
            self.first.get_or_insert(reason.0);
            self.count += 1;
        })
        .ok()
    }

    fn reason(self) -> Option<String> {
        let first = self.first?;
        Some(if self.count > 1 { format!("{first} (and {} more)", self.count - 1) } else { first })
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Namespace => "Namespace",
        Kind::Service => "Service",
        Kind::Slice => "EndpointSlice",
        Kind::Pod => "Pod",
    }
}

fn key_of(kind: Kind, raw: &RawObject) -> Result<ObjectKey, Reason> {
    let metadata = raw.metadata.get("metadata")?.ok_or_else(|| Reason("has no metadata".into()))?;
    let Metadata { name, namespace, .. } = metadata;
    let name = name.text("metadata.name")?;
    // Names of Services and namespaces become labels; those of the others are never asked for.
    let labels = matches!(kind, Kind::Namespace | Kind::Service);
    if labels && !is_label(name) || name.is_empty() || name.len() > MAX_OBJECT_NAME {
        return Err(Reason(format!("metadata.name: `{}` is no DNS label", shown(name))));
    }
    if kind == Kind::Namespace {
        return Ok(ObjectKey { kind, name: ObjectName::new("", name) });
    }
    let namespace = match namespace.text("metadata.namespace")? {
        "" => DEFAULT_NAMESPACE,
        named if is_label(named) => named,
        odd => return Err(Reason(format!("metadata.namespace: `{}` is no DNS label", shown(odd)))),
    };
    Ok(ObjectKey { kind, name: ObjectName::new(namespace, name) })
}

/// Text from outside for a message: short, and on one line.
fn shown(text: &str) -> String {
    text.chars().take(MAX_LABEL).flat_map(char::escape_debug).collect()
}

fn namespace(name: ObjectName, raw: &RawObject, selection: &Selection) -> Result<Object, Reason> {
    let uid = match raw.metadata.get("metadata")? {
        Some(metadata) => metadata.uid.text("metadata.uid")?.into(),
        None => Box::default(),
    };
    let served = selection.takes_namespace(&name.name, raw);
    Ok(Object::Namespace(Namespace { name: name.name, uid, served }))
}

fn service(name: ObjectName, raw: &RawObject, selection: &Selection, parts: &mut Parts) -> Result<Object, Reason> {
    let none = ServiceSpec::default();
    let spec = raw.spec.get("spec")?.unwrap_or(&none);
    let kind = match spec.service_type.text("spec.type")? {
        "ExternalName" => external_name(spec)?,
        "" | "ClusterIP" | "NodePort" | "LoadBalancer" => cluster_ip(spec, parts)?,
        odd => return Err(Reason(format!("spec.type: `{}` is not known", shown(odd)))),
    };
    let ports = ports(spec.ports.items("spec.ports")?, "spec.ports", parts);
    let publish_not_ready = spec.publish_not_ready_addresses.get("spec.publishNotReadyAddresses")?;
    let publish_not_ready = publish_not_ready.copied().unwrap_or(false);
    let external = match selection.external {
        true => external(spec, raw, parts),
        false => Ok(None),
    };
    // The cluster's own names do not depend on it.
    let external = parts.keep(external).flatten();
    Ok(Object::Service(Service { name, kind, ports, publish_not_ready, external }))
}

/// Addresses that lead here from outside, and load balancers by address or by name.
fn external(spec: &ServiceSpec, raw: &RawObject, parts: &mut Parts) -> Result<Option<Box<External>>, Reason> {
    let none = Status::default();
    let status = raw.status.get("status")?.unwrap_or(&none);
    let mut addresses = Vec::new();
    for item in spec.external_ips.items("spec.externalIPs")? {
        let text = item.text("spec.externalIPs[]").map_err(Reason::from);
        addresses.extend(parts.keep(text.and_then(|text| address(text, "spec.externalIPs"))));
    }
    let balancer = status.load_balancer.get("status.loadBalancer")?;
    let balancers = balancer.map_or(Ok(&[][..]), |it| it.ingress.items("status.loadBalancer.ingress"))?;
    let mut host = None;
    for item in balancers {
        match parts.keep(item.get("status.loadBalancer.ingress[]").map_err(Reason::from).and_then(ingress)) {
            Some(Some(Reached::Address(address))) => addresses.push(address),
            Some(Some(Reached::Host(name))) => _ = host.get_or_insert(name),
            Some(None) | None => {}
        }
    }
    let nothing = addresses.is_empty() && host.is_none();
    Ok((!nothing).then(|| Box::new(External { addresses: addresses.into(), host })))
}

enum Reached {
    Address(IpAddr),
    Host(Name),
}

/// One that has no address yet says nothing.
fn ingress(raw: Option<&Ingress>) -> Result<Option<Reached>, Reason> {
    let Some(raw) = raw else { return Ok(None) };
    let (ip, host) = (
        raw.ip.text("status.loadBalancer.ingress[].ip")?,
        raw.hostname.text("status.loadBalancer.ingress[].hostname")?,
    );
    match (ip, host) {
        ("", "") => Ok(None),
        ("", host) => match host.parse() {
            Ok(name) => Ok(Some(Reached::Host(name))),
            Err(error) => Err(Reason(format!("status.loadBalancer.ingress[].hostname: {error}"))),
        },
        (ip, _) => address(ip, "status.loadBalancer.ingress[].ip").map(|it| Some(Reached::Address(it))),
    }
}

fn external_name(spec: &ServiceSpec) -> Result<ServiceKind, Reason> {
    let text = spec.external_name.text("spec.externalName")?;
    if text.parse::<IpAddr>().is_ok() {
        return Err(Reason(format!("spec.externalName: `{text}` is an address, and a CNAME needs a name")));
    }
    match text.parse() {
        Ok(target) => Ok(ServiceKind::ExternalName(target)),
        Err(error) => Err(Reason(format!("spec.externalName: {error}"))),
    }
}

fn cluster_ip(spec: &ServiceSpec, parts: &mut Parts) -> Result<ServiceKind, Reason> {
    let single = spec.cluster_ip.text("spec.clusterIP")?;
    let list = spec.cluster_ips.items("spec.clusterIPs")?;
    let mut texts = Vec::new();
    for item in list {
        texts.extend(parts.keep(item.text("spec.clusterIPs[]").map_err(Reason::from)));
    }
    if list.is_empty() {
        texts.push(single);
    }
    if texts.contains(&"None") {
        return Ok(ServiceKind::Headless);
    }
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    Ok(ServiceKind::ClusterIp(texts.filter_map(|text| parts.keep(address(text, "spec.clusterIPs"))).collect()))
}

fn slice(
    name: ObjectName,
    raw: &RawObject,
    selection: &Selection,
    parts: &mut Parts,
) -> Result<Option<Object>, Reason> {
    let ipv4 = match raw.address_type.text("addressType")? {
        "IPv4" => true,
        "IPv6" => false,
        "FQDN" => return Ok(None),
        odd => return Err(Reason(format!("addressType: `{}` is not known", shown(odd)))),
    };
    let metadata = raw.metadata.get("metadata")?;
    let labels = metadata.map_or(Ok(None), |metadata| metadata.labels.get("metadata.labels"))?;
    let service = labels.map_or(Ok(""), |labels| labels.get(SERVICE_NAME))?;
    if !is_label(service) {
        return Err(Reason(format!("the label {SERVICE_NAME} does not name a Service")));
    }
    let mut endpoints = Vec::new();
    for item in raw.endpoints.items("endpoints")? {
        let item = item.get("endpoints[]").map_err(Reason::from);
        if let Some(Some(item)) = parts.keep(item) {
            let result = endpoint(item, ipv4, selection.pod_names, &mut endpoints, parts);
            parts.keep(result);
        }
    }
    let ports = ports(raw.ports.items("ports")?, "ports", parts);
    Ok(Some(Object::Slice(Slice { name, service: service.into(), ports, endpoints: endpoints.into() })))
}

fn endpoint(
    raw: &RawEndpoint,
    ipv4: bool,
    pod_names: bool,
    into: &mut Vec<Endpoint>,
    parts: &mut Parts,
) -> Result<(), Reason> {
    let conditions = raw.conditions.get("endpoints[].conditions")?;
    let ready = conditions.map_or(Ok(None), |it| it.ready.get("endpoints[].conditions.ready"))?;
    // "A nil value should be interpreted as true".
    let ready = ready.copied().unwrap_or(true);
    let hostname = match raw.hostname.text("endpoints[].hostname")?.to_ascii_lowercase() {
        none if none.is_empty() => None,
        label if is_label(&label) => Some(label.into_boxed_str()),
        odd => return Err(Reason(format!("endpoints[].hostname: `{}` is no DNS label", shown(&odd)))),
    };
    let target = raw.target_ref.get("endpoints[].targetRef")?.filter(|_| pod_names);
    let pod = target.map_or(Ok(None), pod_name)?;
    for text in raw.addresses.items("endpoints[].addresses")? {
        let text = text.text("endpoints[].addresses[]").map_err(Reason::from);
        let address = text.and_then(|text| of_family(address(text, "endpoints[].addresses")?, ipv4));
        if let Some(address) = parts.keep(address) {
            into.push(Endpoint { address, ready, hostname: hostname.clone(), pod: pod.clone() });
        }
    }
    Ok(())
}

/// The pod's name, if it can be a label.
fn pod_name(target: &TargetRef) -> Result<Option<Box<str>>, Reason> {
    let (kind, name) =
        (target.kind.text("endpoints[].targetRef.kind")?, target.name.text("endpoints[].targetRef.name")?);
    Ok((kind == "Pod" && is_label(name)).then(|| name.into()))
}

fn of_family(address: IpAddr, ipv4: bool) -> Result<IpAddr, Reason> {
    if address.is_ipv4() == ipv4 {
        return Ok(address);
    }
    Err(Reason(format!("endpoints[].addresses: `{address}` is not of the slice's addressType")))
}

fn pod(name: ObjectName, raw: &RawObject, parts: &mut Parts) -> Result<Option<Object>, Reason> {
    let none = Status::default();
    let status = raw.status.get("status")?.unwrap_or(&none);
    // A pod that is over has given its address back.
    if matches!(status.phase.text("status.phase")?, "Succeeded" | "Failed") {
        return Ok(None);
    }
    let mut texts = Vec::new();
    for ip in status.pod_ips.items("status.podIPs")? {
        let ip = ip.get("status.podIPs[]")?.map_or(Ok(""), |ip| ip.ip.text("status.podIPs[].ip"));
        texts.extend(parts.keep(ip.map_err(Reason::from)));
    }
    let single = status.pod_ip.text("status.podIP")?;
    if texts.is_empty() {
        texts.push(single);
    }
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    let addresses = texts.filter_map(|text| parts.keep(address(text, "status.podIPs"))).collect();
    Ok(Some(Object::Pod(Pod { name, addresses })))
}

fn address(text: &str, field: &str) -> Result<IpAddr, Reason> {
    text.parse().map_err(|_| Reason(format!("{field}: `{}` is no IP address", shown(text))))
}

fn ports(raw: &[Field<RawPort>], field: &'static str, parts: &mut Parts) -> Box<[Port]> {
    let ports = raw.iter().filter_map(|raw| {
        let raw = parts.keep(raw.get(field).map_err(Reason::from))??;
        parts.keep(port(raw, field))?
    });
    ports.collect()
}

/// None for a port without a number: it stands for every port, and SRV has no way to say so.
fn port(raw: &RawPort, field: &'static str) -> Result<Option<Port>, Reason> {
    let Some(number) = raw.port.get(field)? else { return Ok(None) };
    let number = u16::try_from(*number).ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| Reason(format!("{field}: a port is a number from 1 to 65535")))?;
    let name = raw.name.text(field)?.to_ascii_lowercase();
    if !name.is_empty() && !is_label(&name) {
        return Err(Reason(format!("{field}: the name `{}` is no DNS label", shown(&name))));
    }
    let protocol = match raw.protocol.text(field)? {
        "" | "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        odd => return Err(Reason(format!("{field}: the protocol `{}` is not known", shown(odd)))),
    };
    Ok(Some(Port { name: name.into(), protocol, number }))
}

#[cfg(test)]
mod tests;
