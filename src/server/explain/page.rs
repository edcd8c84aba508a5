//! What an explanation consists of: the same types write the page and read it again for `interlocal query`. They explain nothing
//! themselves.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// How one question would be answered, or was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub name: String,
    #[serde(rename = "type")]
    pub qtype: String,
    /// Whether a running instance says so; false: files say so, and cache and other servers are not known.
    pub live: bool,
    pub zone: ZoneState,
    pub door: DoorStage,
    /// Null for a server without rules, and at the peers' door.
    #[serde(default)]
    pub policy: Option<PolicyStage>,
    /// The name that was asked, then each target of a CNAME.
    pub links: Vec<Link>,
    pub answer: Answer,
    /// What a pod asks for a relative name, in this order.
    #[serde(default)]
    pub search: Vec<Searched>,
}

/// The cluster's records that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneState {
    pub synced: bool,
    /// Unix time of the last change.
    pub serial: u32,
    /// Equal on replicas that know the same, in 16 hex digits.
    pub hash: String,
}

/// Where the question comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoorStage {
    /// `pods` or `peers`.
    pub door: String,
    /// Which of `servers`, at the pods' door.
    pub server: Option<usize>,
    pub from: IpAddr,
    /// Why the question itself is not answered, whatever its name.
    pub refused: Option<String>,
    pub took_us: f64,
}

/// What the server's rules do with the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyStage {
    /// `passed`, `rewritten`, `answered`, `refused`, `dropped`.
    pub verdict: String,
    /// What each rule did that is for it.
    pub notes: Vec<String>,
    pub took_us: f64,
}

/// One name of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub name: String,
    pub route: RouteStage,
    pub zone: Option<ZoneStage>,
    pub cache: Option<CacheStage>,
    pub peer: Option<PeerStage>,
    pub upstream: Option<UpstreamStage>,
    /// What was sent, if it was.
    pub sent: Option<Vec<SentStage>>,
}

/// Where the name goes, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteStage {
    /// `zone`, `reverse`, `region`, `upstream`, `probe`, `refused`, `left to the asker`.
    pub to: String,
    /// The region's label, or the upstream's zone.
    pub target: Option<String>,
    /// The longest zone that has the name, or the range that has its address.
    pub by: Option<String>,
    /// What that zone is, or why there is none.
    pub why: String,
    pub took_us: f64,
}

/// What the cluster's own records say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneStage {
    /// `answer`, `alias`, `nodata`, `nxdomain`, `not ready`, `not ours`.
    pub found: String,
    /// `Service payments/web (ClusterIP 10.0.0.7; 2 ready endpoints; ports http/tcp 80)`.
    pub object: Option<String>,
    /// Which part is missing.
    pub missing: Option<String>,
    pub took_us: f64,
}

/// What the cache has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheStage {
    /// `fresh`, `stale`, `expired`, `none`.
    pub state: String,
    pub age_s: Option<u32>,
    pub ttl_left_s: Option<u32>,
    pub rcode: Option<String>,
    /// Why nothing newer came, if somebody tried just now.
    pub setback: Option<String>,
    pub took_us: f64,
}

/// How the region stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerStage {
    pub region: String,
    /// No address is worth asking.
    pub dark: bool,
    pub addresses: Vec<Server>,
    /// Endpoints that do not resolve, addresses that lead back to us.
    pub notes: Vec<String>,
}

/// How the zone's upstreams stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpstreamStage {
    pub zone: String,
    pub transport: String,
    pub servers: Vec<Server>,
    pub notes: Vec<String>,
}

/// One address of a region or of an upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Server {
    pub address: SocketAddr,
    pub up: bool,
    /// `closed`, `open`, `half-open`; upstreams over UDP have none.
    pub breaker: Option<String>,
    pub cause: Option<String>,
    pub rtt_ms: Option<f64>,
}

/// One message that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentStage {
    pub to: SocketAddr,
    /// `first`, `another`, `late`, `stall`, `closed`, `servfail`, `refused`.
    pub why: String,
    /// Since the question was taken up.
    pub after_ms: f64,
    /// None: somebody else was first.
    pub took_ms: Option<f64>,
    pub outcome: Option<String>,
}

/// What the asker gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `zone`, `cache`, `stale cache`, `region west`, `upstream .`, `policy`, `nobody`; or `would ask region west`.
    pub from: String,
    /// None: others would have to be asked. `no reply` if a rule drops the question.
    pub rcode: Option<String>,
    pub authoritative: bool,
    pub ede: Option<Said>,
    pub answers: Vec<String>,
    pub authority: Vec<String>,
    /// All stages, and with `--trace` the time that others took.
    pub took_ms: f64,
}

/// An Extended DNS Error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub code: u16,
    pub text: String,
}

/// One name of a search path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    pub name: String,
    /// None: others would have to be asked.
    pub rcode: Option<String>,
    /// It has records of the type.
    pub answered: bool,
}
