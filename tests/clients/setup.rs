//! What every test here starts with: rows, clients, questions, and whether something is there without waiting.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use interlocal::config::{Endpoint, ForwardConfig, Host, RegionLabel, RegionRow, Transport, Upstream};
use interlocal::forward::ForwardClient;
use interlocal::limits::Limits;
use interlocal::peer::resolve::{Looking, Resolve};
use interlocal::peer::{Answered, RegionClient, Settings};
use interlocal::wire::exchange::{Question, Received};
use interlocal::wire::stamp::{ClusterId, Hop, write_stamp};
use interlocal::wire::{Name, rtype};

use crate::support::secs;

pub const STAMP: u16 = 65_313;

pub fn wire_name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn question(name: &str) -> Question {
    typed(name, rtype::A)
}

pub fn typed(name: &str, qtype: u16) -> Question {
    Question { name: wire_name(name), qtype, qclass: 1, dnssec_ok: false, checking_disabled: false }
}

pub fn own_stamp() -> Vec<u8> {
    write_stamp(None, Hop { id: ClusterId([7; 8]), label: b"west" })
}

/// A deadline that no busy machine reaches by accident; tests of the deadline itself set their own.
pub fn settings() -> Settings {
    Settings {
        deadline: secs(20),
        connections: 2,
        max_age: secs(300),
        in_flight: 100,
        addresses: 16,
        stamp_option: STAMP,
    }
}

pub fn row(endpoints: Vec<Endpoint>) -> RegionRow {
    RegionRow {
        label: RegionLabel::parse("east").unwrap(),
        zones: vec![wire_name("east.svc.cluster.local")],
        mesh: None,
        cidrs: Vec::new(),
        endpoints,
        allow_tld: false,
        override_local: false,
        tls: None,
        broken: None,
    }
}

pub fn literal(address: SocketAddr) -> Endpoint {
    Endpoint { host: Host::Address(address.ip()), port: address.port() }
}

pub fn row_of(addresses: &[SocketAddr]) -> RegionRow {
    row(addresses.iter().map(|address| literal(*address)).collect())
}

/// No test that uses this has host names.
pub struct NoNames;

impl Resolve for NoNames {
    fn lookup<'l>(&'l self, name: &'l Name) -> Looking<'l> {
        Box::pin(async move { Err(format!("{name} was not to be looked up")) })
    }
}

pub fn region(addresses: &[SocketAddr], settings: Settings) -> Arc<RegionClient> {
    RegionClient::start(&row_of(addresses), settings, own_stamp(), Arc::new(NoNames))
}

pub fn forward_row(zone: &str, to: &[SocketAddr], transport: Transport) -> ForwardConfig {
    let to = to.iter().map(|address| Upstream::Address(*address)).collect();
    ForwardConfig { stamp: true, ..ForwardConfig::new(wire_name(zone), to, transport) }
}

pub fn patient() -> Limits {
    Limits { forward_deadline: secs(20), ..Limits::default() }
}

pub fn upstreams(to: &[SocketAddr]) -> Arc<ForwardClient> {
    ForwardClient::start(&forward_row(".", to, Transport::Udp), &patient(), STAMP)
}

/// The addresses in an answer, by their place in the demo range: `192.0.2.7` is 7.
pub fn last_octets(answer: &Received, name: &str) -> Vec<u8> {
    let message = answer.body.to_message(wire_name(name).as_ref(), rtype::A);
    let message = hickory_proto::op::Message::from_vec(&message).unwrap();
    let octet = |ip: std::net::IpAddr| match ip {
        std::net::IpAddr::V4(ip) => ip.octets()[3],
        std::net::IpAddr::V6(ip) => ip.octets()[15],
    };
    crate::support::read::addresses(&message).into_iter().map(octet).collect()
}

/// The same of a region's answer.
pub fn region_octets(answer: &Answered, name: &str) -> Vec<u8> {
    last_octets(&answer.received, name)
}

/// The outcome if it is there without any waiting: no clock, however slow, has a say in it.
pub async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::ZERO, future).await.ok()
}

/// A port of loopback where nobody listens, and nobody can while this is held.
pub struct Nobody {
    pub address: SocketAddr,
    _bound: tokio::net::TcpSocket,
}

pub fn nobody() -> Nobody {
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    Nobody { address: bound.local_addr().unwrap(), _bound: bound }
}

/// Only a test that fails takes so long.
pub const PATIENCE: Duration = Duration::from_secs(20);
