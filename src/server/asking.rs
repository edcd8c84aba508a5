//! The circumstances of a question, and how its answer is counted: what answering in place and resolving have in common.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::{Core, View};
use crate::answer::{Failure, unanswerable};
use crate::config::Config;
use crate::limits::Limits;
use crate::metrics::{Answered, Answerer, ZoneSlot};
use crate::route::{Door, Routes};
use crate::wire::edns::option;
use crate::wire::reply::udp_limit;
use crate::wire::stamp::Stamp;
use crate::wire::{Flags, MAX_MESSAGE, MIN_UDP_PAYLOAD, Query, Rcode, ReplyBody, class, rtype};
use crate::zone::ReverseView;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// The circumstances, the same for a whole batch but for the source and the rotation.
pub struct Asking<'c> {
    pub core: &'c Arc<Core>,
    pub view: &'c View,
    pub door: Door,
    pub transport: Transport,
    pub source: IpAddr,
    /// The port of the source.
    pub port: u16,
    pub now: Instant,
    /// Where RRsets start, another number for each reply.
    pub rotation: usize,
}

/// A reply, and how it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub len: usize,
    pub zone: ZoneSlot,
    pub by: Answerer,
    pub qtype: u16,
    pub dnssec_ok: bool,
    pub rcode: Rcode,
}

impl Asking<'_> {
    /// Octets that a reply may take.
    pub fn limit(&self, query: &Query<'_>) -> usize {
        match self.transport {
            // ANY over UDP is asked by whoever wants others to get something large (RFC 8482 1); TCP has all of it.
            Transport::Udp if query.qtype == rtype::ANY => MIN_UDP_PAYLOAD,
            Transport::Udp => udp_limit(query),
            Transport::Tcp => MAX_MESSAGE,
        }
    }

    /// How long an idle connection stays open, for who asks it over one, in units of 100 ms (RFC 7828 3.1). "A server MUST NOT"
    /// say it over UDP (3.2.1).
    #[inline]
    pub fn keepalive(&self, query: &Query<'_>) -> Option<u16> {
        if self.transport == Transport::Udp {
            return None;
        }
        query.edns?.option(option::TCP_KEEPALIVE)?;
        let units = idle(self.door, &self.view.routing.config.limits).as_millis() / 100;
        Some(u16::try_from(units).unwrap_or(u16::MAX))
    }

    /// What the reply says of us: to a stamped question by the stamp's reply, to one that asks with NSID by that (RFC 5001 2.2). Nobody
    /// asks for both.
    #[inline]
    pub fn reply_option(&self, query: &Query<'_>, stamp: Option<Stamp<'_>>) -> Option<(u16, &[u8])> {
        if stamp.is_some() {
            return Some((self.view.routing.config.stamp_option, self.view.reply_stamp(self.door)));
        }
        query.edns?.option(option::NSID)?;
        self.tells_who().then(|| (option::NSID, self.core.identity.nsid()))
    }
}

impl Done {
    pub fn new(query: &Query<'_>, len: usize, zone: ZoneSlot, by: Answerer, rcode: Rcode) -> Self {
        Self { len, zone, by, qtype: query.qtype, dnssec_ok: query.dnssec_ok(), rcode }
    }

    /// For the metrics.
    #[inline]
    pub fn answered(&self, request_len: usize) -> Answered {
        Answered {
            zone: self.zone,
            qtype: self.qtype,
            dnssec_ok: self.dnssec_ok,
            rcode: self.rcode.0,
            by: self.by,
            request_len,
            response_len: self.len,
        }
    }
}

/// How long a connection that has brought a question may be without the next one. Regions keep theirs.
pub fn idle(door: Door, limits: &Limits) -> Duration {
    match door {
        Door::Pods { .. } => limits.tcp_idle,
        Door::Peers => limits.peers_idle,
    }
}

/// What is wrong with a question itself, whatever its name.
#[inline]
pub fn objection(config: &Config, door: Door, source: IpAddr, qclass: u16, qtype: u16) -> Option<Failure> {
    if door == Door::Peers && !is_allowed(config, source) {
        return Some(Failure::NotAllowed);
    }
    if qclass != class::IN {
        return Some(Failure::NotAnswered { what: "a class other than IN is not answered" });
    }
    unanswerable(qtype)
}

/// May this address ask at the peers' door?
fn is_allowed(config: &Config, source: IpAddr) -> bool {
    let allowed = &config.listen.peers_allow;
    allowed.is_empty() || allowed.iter().any(|net| net.contains(&source))
}

/// The flags of every reply through a door: recursion is there for the pods.
pub fn door_flags(door: Door) -> u16 {
    match door {
        Door::Pods { .. } => Flags::RA,
        Door::Peers => 0,
    }
}

/// The server whose cache a door uses. The peers' door forwards for chains only, through the first server.
pub fn server_of(door: Door) -> u16 {
    match door {
        Door::Pods { server } => server as u16,
        Door::Peers => 0,
    }
}

/// Whose names an own address has for whoever asks through a door.
pub fn reverse_view(door: Door, routes: &Routes) -> ReverseView<'_> {
    match door {
        Door::Pods { .. } => ReverseView::Cluster,
        Door::Peers => ReverseView::Region { zones: routes.own_zones(), mesh: routes.own_mesh() },
    }
}

/// AD belongs in a reply only if the asker can make something of it (RFC 6840 5.8).
pub fn ad_flag(query: &Query<'_>, body: &ReplyBody) -> u16 {
    let asked = query.dnssec_ok() || query.flags.has(Flags::AD);
    if asked { body.flags & Flags::AD } else { 0 }
}
