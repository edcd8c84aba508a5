//! One stage each: it asks whoever decides, and puts what it hears into words.

use super::micros;
use super::page::{CacheStage, PeerStage, RouteStage, Server, UpstreamStage, ZoneStage};
use super::{Explainer, Wanted};
use crate::answer::Failure;
use crate::cache::Look;
use crate::clock;
use crate::forward::ForwardClient;
use crate::peer::RegionClient;
use crate::peer::counters::AddressSnapshot;
use crate::peer::health::Health;
use crate::route::{ClaimKind, Decision, Door, Otherwise, Remote, ReverseQuestion, Routes};
use crate::server::asking::reverse_view;
use crate::server::resolve::made;
use crate::wire::reply::Owner;
use crate::wire::{NameBuf, ReplyBody};
use crate::zone::{Absent, Found, ServiceKind, ServiceSubject, Snapshot, Subject};

/// Where the name goes.
pub(super) fn route(routes: &Routes, door: Door, name: &NameBuf, decision: &Decision, took_us: f64) -> RouteStage {
    let claim = routes.claim(door, name);
    let remote = |remote: &Remote| match remote {
        Remote::Peer(region) => ("region", Some(routes.regions()[*region].clone())),
        Remote::Forward(upstream) => ("upstream", Some(routes.upstreams()[*upstream].to_string())),
    };
    let (to, target) = match decision {
        Decision::Local { .. } => ("zone", None),
        Decision::Probe => ("probe", None),
        Decision::Remote(to) => remote(to),
        Decision::Refuse(_) => ("refused", None),
        Decision::Reverse(question) => match &question.otherwise {
            Otherwise::Claimed(to) | Otherwise::Unclaimed(to) => ("reverse", remote(to).1),
            Otherwise::Missing { .. } | Otherwise::Refuse(_) => ("reverse", None),
        },
    };
    let why = match (&claim, decision) {
        (_, Decision::Refuse(failure)) => failure.ede().text().to_owned(),
        (None, _) => "no zone has it".to_owned(),
        (Some(claim), Decision::Reverse(_)) => format!("a reverse name: our own first, then {}", kind(claim.kind)),
        (Some(claim), _) => kind(claim.kind).to_owned(),
    };
    RouteStage { to: to.to_owned(), target, by: claim.map(|claim| claim.what), why, took_us }
}

fn kind(kind: ClaimKind) -> &'static str {
    match kind {
        ClaimKind::Origin => "the longest zone is one that the cluster's records are served under",
        ClaimKind::OwnRegion => "the longest zone is our own region's",
        ClaimKind::Region => "the longest zone is a region's of the peer table",
        ClaimKind::Mesh => "the longest zone is a mesh zone of the peer table",
        ClaimKind::Forward => "the longest zone is a row of `forward`",
        ClaimKind::Range => "the longest range is in the `cidrs` of the peer table",
        ClaimKind::Refused => "the longest zone is one that the server refuses",
        ClaimKind::Elsewhere => "the longest zone is a region's, which this door does not serve",
    }
}

/// What the zone says, with the body of its answer.
pub(super) fn zone(
    zone: &Snapshot,
    origin: usize,
    name: &NameBuf,
    qtype: u16,
) -> (ZoneStage, ReplyBody, Option<Absent>) {
    let started = clock::now();
    let subject = zone.subject(origin, name);
    let (mut found, mut absent) = ("", None);
    let body = made(name, qtype, |qtype, writer| {
        let result = zone.lookup(origin, name, Owner::Question, qtype, writer, 0);
        (found, absent) = in_words(&result);
        result
    });
    let missing = match (found, absent) {
        ("not ready", _) => Some("the zone has not been read yet".to_owned()),
        (_, Some(absent)) => Some(missing(absent, subject.as_ref())),
        _ => None,
    };
    let object = subject.as_ref().and_then(object);
    (ZoneStage { found: found.to_owned(), object, missing, took_us: micros(started) }, body, absent)
}

/// What the zone says of an address; no body if it is not ours.
pub(super) fn reverse(
    explainer: &Explainer<'_>,
    wanted: &Wanted,
    name: &NameBuf,
    question: &ReverseQuestion,
) -> (ZoneStage, Option<ReplyBody>) {
    let started = clock::now();
    let zone = explainer.zone;
    let claimed = matches!(question.otherwise, Otherwise::Claimed(_));
    let mut stage = ZoneStage { found: "not ours".to_owned(), object: None, missing: None, took_us: 0.0 };
    let mut body = None;
    if !zone.synced {
        stage.found = "not ready".to_owned();
        body = (!claimed).then(|| Failure::NotReady.body());
    } else if let Some(address) = question.reverse.address() {
        let view = reverse_view(wanted.door, explainer.routes);
        let mut found = "";
        let whole = made(name, wanted.qtype, |qtype, writer| {
            let result = zone.reverse(address, view, Owner::Question, qtype, writer);
            found = in_words(&result).0;
            if matches!(result, Found::NoData(_)) {
                zone.push_soa(writer, Owner::Question);
            }
            result
        });
        stage.found = found.to_owned();
        body = matches!(found, "answer" | "nodata").then_some(whole);
        stage.missing = (found == "not ours").then(|| format!("no Service and no ready endpoint has {address}"));
    }
    stage.took_us = micros(started);
    (stage, body)
}

fn in_words(found: &Found<'_>) -> (&'static str, Option<Absent>) {
    match found {
        Found::Answer => ("answer", None),
        Found::Alias { .. } => ("alias", None),
        Found::NoData(absent) => ("nodata", Some(*absent)),
        Found::NxDomain(absent) => ("nxdomain", Some(*absent)),
        Found::NotReady => ("not ready", None),
        Found::NotOwn => ("not ours", None),
    }
}

/// The object that a name is about, if there is one.
fn object(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Service { namespace, name, service: Some(service), .. } => {
            Some(format!("Service {namespace}/{name} ({})", service_text(service)))
        }
        Subject::Namespace { namespace, exists: true } => Some(format!("Namespace {namespace}")),
        Subject::Pod { namespace, namespace_exists: true } => Some(format!("pods of Namespace {namespace}")),
        Subject::Zone => Some("the zone itself".to_owned()),
        _ => None,
    }
}

/// `ClusterIP 10.0.0.7; 2 ready endpoints; ports http/tcp 80`.
pub(crate) fn service_text(service: &ServiceSubject) -> String {
    let kind = match &service.kind {
        ServiceKind::ClusterIp(addresses) if addresses.is_empty() => "ClusterIP not allocated yet".to_owned(),
        ServiceKind::ClusterIp(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("ClusterIP {}", addresses.join(" "))
        }
        ServiceKind::Headless => "headless".to_owned(),
        ServiceKind::ExternalName(target) => return format!("ExternalName {target}"),
    };
    let endpoints = match service.endpoints {
        1 => "1 ready endpoint".to_owned(),
        other => format!("{other} ready endpoints"),
    };
    let ports = if service.ports.is_empty() { "no ports".to_owned() } else { service.ports.join(", ") };
    format!("{kind}; {endpoints}; {ports}")
}

/// Which part is missing, with its name.
fn missing(absent: Absent, subject: Option<&Subject>) -> String {
    let (namespace, service) = match subject {
        Some(Subject::Service { namespace, name, .. }) => (namespace.as_str(), name.as_str()),
        Some(Subject::Namespace { namespace, .. } | Subject::Pod { namespace, .. }) => (namespace.as_str(), ""),
        _ => ("", ""),
    };
    match (absent, subject) {
        (Absent::Form, _) => "no name of this form is in the Kubernetes DNS specification".to_owned(),
        (Absent::Between, _) => "the name is there for others below it, and has no records".to_owned(),
        (Absent::Namespace, _) | (Absent::Service, Some(Subject::Service { namespace_exists: false, .. })) => {
            format!("no such namespace `{namespace}`")
        }
        (Absent::Service, _) => format!("no such Service `{service}` in namespace `{namespace}`"),
        (Absent::ReadyEndpoint, _) => format!("Service {namespace}/{service} has no ready endpoint"),
        (Absent::Endpoint, _) => format!("no ready endpoint of Service {namespace}/{service} is called so"),
        (Absent::Port, _) => format!("Service {namespace}/{service} has no such port"),
        (Absent::Pod, _) => format!("no pod of namespace `{namespace}` has this address"),
        (Absent::External, _) => {
            format!("Service {namespace}/{service} has no load balancer and no external address")
        }
        (Absent::Pods, _) => "pod names are switched off (`kubernetes.pods: disabled`)".to_owned(),
        (Absent::Type, _) => "the name is there, without records of this type".to_owned(),
    }
}

/// What the cache has.
pub(super) fn cache(look: Option<&Look>, took_us: f64) -> CacheStage {
    let Some(look) = look else {
        let state = "none".to_owned();
        return CacheStage { state, age_s: None, ttl_left_s: None, rcode: None, setback: None, took_us };
    };
    let state = match (look.fresh, look.usable) {
        (true, _) => "fresh",
        (false, true) => "stale",
        (false, false) => "expired",
    };
    CacheStage {
        state: state.to_owned(),
        age_s: Some(look.age),
        ttl_left_s: Some(look.left),
        rcode: Some(look.body.rcode.to_text().into_owned()),
        setback: look.setback.clone(),
        took_us,
    }
}

/// How a region stands.
pub(super) fn peer(client: &RegionClient) -> PeerStage {
    let dark = client.is_dark();
    let snapshot = client.snapshot();
    let mut notes: Vec<String> =
        snapshot.looping.iter().map(|address| format!("{address} leads back to us, and is left out")).collect();
    notes.extend(snapshot.endpoints.iter().filter_map(|endpoint| {
        let error = endpoint.error.as_ref()?;
        Some(format!("{} does not resolve: {error}", endpoint.endpoint))
    }));
    let addresses = snapshot.addresses.iter().map(server).collect();
    PeerStage { region: snapshot.label, dark, addresses, notes }
}

/// How a zone's upstreams stand.
pub(super) fn upstream(client: &ForwardClient) -> UpstreamStage {
    let snapshot = client.snapshot();
    let udp = snapshot.udp.iter().map(|server| Server {
        address: server.address,
        up: server.up,
        breaker: None,
        cause: None,
        rtt_ms: server.rtt.map(super::millis),
    });
    let looping = snapshot.looping.iter().map(|address| format!("{address} leads back to us, and is left out"));
    let tls = snapshot.tls.as_ref().and_then(|tls| tls.error.clone());
    let next = client.next().into_iter().map(|(on, next)| {
        let on: Vec<String> = on.iter().map(ToString::to_string).collect();
        let servers: Vec<String> = next.listed().borrow().iter().map(ToString::to_string).collect();
        format!("behind {}: {} over {}", on.join(", "), servers.join(", "), next.transport_text())
    });
    UpstreamStage {
        zone: snapshot.zone.to_string(),
        transport: client.transport_text().to_owned(),
        servers: udp.chain(snapshot.tcp.iter().map(server)).collect(),
        notes: looping.chain(snapshot.trouble.clone()).chain(tls).chain(next).collect(),
    }
}

fn server(snapshot: &AddressSnapshot) -> Server {
    let breaker = match snapshot.health {
        Health::Closed => "closed",
        Health::Open => "open",
        Health::HalfOpen => "half-open",
    };
    Server {
        address: snapshot.address,
        up: snapshot.health == Health::Closed,
        breaker: Some(breaker.to_owned()),
        cause: snapshot.cause.map(str::to_owned),
        rtt_ms: snapshot.rtt.map(super::millis),
    }
}
