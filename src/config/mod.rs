//! The configuration as the program uses it: values that cannot be wrong. Files become these in `file`, `peers` and
//! `listen`; nothing here reads a file, and nothing outside this folder checks a value again.

pub mod corefile;
pub mod defaults;
pub mod distance;
mod endpoint;
pub mod error;
mod external;
mod field;
pub mod file;
mod label;
mod leaf;
mod listen;
mod node;
pub mod overrides;
pub mod peers;
pub mod policy;
mod range;
mod reader;
mod selector;
mod spec;
mod tls;
pub mod units;
mod upstream;
pub mod yaml;

pub use error::{Parsed, Problem, UnknownKeys};
pub use external::ExternalConfig;
pub use overrides::Overrides;
pub use policy::PolicyConfig;
pub use selector::Selector;
pub use upstream::{NextConfig, Outcome};

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::limits::Limits;
use crate::tls::{PeerName, ServerFiles};
use crate::wire::{Name, Rcode};

/// One running instance: the whole of `interlocal.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Which row of the peer table is ours. Without one there is no own region zone.
    pub region: Option<RegionLabel>,
    pub cluster_domain: Name,
    /// The pods' doors; the flat file has one server, a Corefile has one a block.
    pub servers: Vec<ServerConfig>,
    pub listen: ListenConfig,
    pub kubernetes: KubernetesConfig,
    pub peers: PeersConfig,
    pub shutdown: ShutdownConfig,
    pub limits: Limits,
    /// Where the last good peer table is kept; none: nowhere.
    pub state_dir: Option<PathBuf>,
    /// UDP worker threads for each address of the pods' door; none: `min(cores, 8)`.
    pub workers: Option<usize>,
    pub metrics: MetricsConfig,
    pub log: LogConfig,
    /// The number of the EDNS option that is the stamp (65001 to 65534 are for local use, RFC 6891 9).
    pub stamp_option: u16,
    /// The plain socket loop in place of recvmmsg and sendmmsg, which other systems than Linux always get.
    pub plain_sockets: bool,
}

/// A pods' door with what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    pub listen: Vec<Listen>,
    /// The origins that the cluster's records are served under: the cluster domain first.
    pub zones: Vec<Name>,
    pub cache: CacheConfig,
    pub forward: Vec<ForwardConfig>,
    /// What is done with questions before they are looked up, and with replies.
    pub policy: Vec<PolicyConfig>,
    pub routes: RouteRules,
    /// Zones of load balancers' names.
    pub external: Vec<ExternalConfig>,
}

/// What becomes of names beside what `zones` and `forward` say of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteRules {
    /// REFUSED, though a shorter zone is forwarded.
    pub refuse: Vec<Name>,
    /// Zones of the cluster whose names are forwarded where the cluster has none.
    pub fallthrough: Vec<Name>,
    /// Reverse zones whose names are denied where the cluster has none, and not forwarded.
    pub closed: Vec<Name>,
}

/// Every other listener. A port without an address is both families; an empty list or `None` is no listener.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListenConfig {
    pub peers: Vec<Listen>,
    /// Who may ask at the peers' door; empty: everybody.
    pub peers_allow: Vec<IpNet>,
    /// Whether the peers' door follows a CNAME that leads outside all cluster domains, or leaves it to who asked.
    pub peers_chase_outside: bool,
    /// Whether NSID and questions of class CH are told who answers.
    pub identify: bool,
    pub health: Option<Listen>,
    pub ready: Option<Listen>,
    pub metrics: Option<Listen>,
    pub admin: Option<Listen>,
    /// The peers' door once more, over TLS.
    pub peers_tls: Option<PeersTlsConfig>,
}

/// See `listen.peers_tls`.
#[derive(Debug, Clone, PartialEq)]
pub struct PeersTlsConfig {
    pub listen: Vec<Listen>,
    pub files: ServerFiles,
}

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listen {
    /// `:53`: every address of both families.
    Port(u16),
    /// `10.0.0.1:53`, `[::]:53`, `0.0.0.0:53`.
    Address(SocketAddr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct KubernetesConfig {
    pub source: KubernetesSource,
    pub pods: PodMode,
    /// TTL of every record of the cluster's zone, in whole seconds.
    pub ttl: Duration,
    pub namespaces: Namespaces,
    /// Which Services and EndpointSlices are served, by their labels.
    pub labels: Selector,
    /// Endpoints without a hostname are called by their pod's name, in place of their address.
    pub endpoint_pod_names: bool,
    /// EndpointSlices are not read: names of headless Services and of endpoints do not exist.
    pub noendpoints: bool,
    /// A Service with an address of its own and without a ready endpoint does not exist.
    pub ignore_empty_service: bool,
}

/// Which namespaces are served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Namespaces {
    #[default]
    All,
    Named(BTreeSet<String>),
    /// Those with such labels.
    Labelled(Selector),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubernetesSource {
    /// The API server of the cluster that we run in, else of the kubeconfig.
    Api,
    /// The API server at this address, without credentials: `kubectl proxy`, or a test's.
    Url(String),
    /// The API server at this address, which these files lead to.
    Certified { url: String, files: ApiFiles },
    /// What this kubeconfig says; the context is its current one if none is named.
    Kubeconfig { file: PathBuf, context: Option<String> },
    /// A manifest file, or a folder of them.
    Manifests(PathBuf),
    /// No cluster: everything is forwarded.
    None,
}

/// Who we are to an API server, and who it is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who signed the server's certificate.
    pub ca: PathBuf,
}

/// What `10-1-2-3.namespace.pod.<domain>` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodMode {
    Disabled,
    /// The address in the name, if the namespace exists.
    Insecure,
    /// Only if a pod of the namespace has that address.
    Verified,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PeersConfig {
    pub source: PeersSource,
    /// The object that the table is read from; the source stands in while it was never read.
    pub configmap: Option<ConfigMapRef>,
    /// How long past its TTL an answer of a dark region may be used.
    pub stale: Duration,
    /// When a question gives up waiting and takes the stale answer.
    pub stale_after: Duration,
    /// When a question for another region ends in SERVFAIL.
    pub deadline: Duration,
    /// Connections to each address.
    pub connections: usize,
    /// When a connection is replaced, so that load spreads over new targets.
    pub max_age: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PeersSource {
    /// The default file: none there, no peers.
    DefaultFile(PathBuf),
    /// A file that was named: missing, it is a bad table.
    File(PathBuf),
    /// This one, from the stanzas of a Corefile.
    Table(Box<PeerTable>),
    /// No peer table at all.
    None,
}

/// A ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMapRef {
    pub namespace: String,
    pub name: String,
    /// Where the files are that its table names.
    pub folder: PathBuf,
}

impl std::fmt::Display for ConfigMapRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One stub zone, or `.`.
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardConfig {
    pub zone: Name,
    pub to: Vec<Upstream>,
    pub transport: Transport,
    /// Over TLS, whatever the transport; none: in clear text.
    pub tls: Option<RowTls>,
    /// Answers behind which the other servers are asked too, beside those that are no use.
    pub failover: BTreeSet<Rcode>,
    /// Who is asked behind these servers, in this order.
    pub next: Vec<NextConfig>,
    /// Who knows the addresses of the host names in `to`.
    pub resolver: Vec<Upstream>,
    /// Whether questions to it carry the stamp; never for `.`.
    pub stamp: bool,
    /// Whether questions to it over UDP have letters of random case.
    pub random_case: bool,
    /// How long its answers are kept, if not as long as the server says.
    pub cache: Option<CacheCaps>,
}

/// The most that answers are kept for; zero is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheCaps {
    pub max_ttl: Duration,
    pub max_negative_ttl: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Upstream {
    Address(SocketAddr),
    /// Asked over TLS, and its certificate has to be for this name.
    Named(SocketAddr, PeerName),
    /// Looked up again and again.
    Host(Endpoint),
    /// A file like `/etc/resolv.conf`, watched.
    ResolvConf(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP, TCP when the answer does not fit.
    Udp,
    Tcp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CacheConfig {
    /// Bytes of all entries; 0 is no cache.
    pub size: usize,
    pub max_ttl: Duration,
    pub max_negative_ttl: Duration,
    /// Ask again for names in use before they expire.
    pub prefetch: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ShutdownConfig {
    /// From SIGTERM to closing the doors: answering goes on, `/ready` says 503.
    pub lameduck: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricsConfig {
    /// Also CoreDNS's names.
    pub coredns_compat: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogConfig {
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `interlocal::peer=debug`.
    pub level: String,
    /// Questions with their answers; none: they are not logged.
    pub queries: Option<QueryLogConfig>,
}

/// See `log.queries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLogConfig {
    pub classes: BTreeSet<QueryClass>,
    pub format: QueryLogFormat,
    /// One of so many answers.
    pub sample: usize,
}

/// Kinds of answers, as CoreDNS's log plugin parts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueryClass {
    Success,
    /// No such name, or nothing of that type.
    Denial,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryLogFormat {
    /// The lines of CoreDNS's log plugin.
    CoreDns,
    Json,
}

/// The label of a region: one DNS label in lower case (RFC 1123 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionLabel(Box<str>);

/// The peer table: `peers.yaml`, the same in every region.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PeerTable {
    /// In the order of their labels.
    pub regions: Vec<RegionRow>,
    /// Of what the table means, not of its text: comments and order do not change it.
    pub hash: u64,
}

/// One row: a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionRow {
    pub label: RegionLabel,
    /// The names that the region owns; `<label>.svc.<domain>` unless the row lists others.
    pub zones: Vec<Name>,
    /// A second name of the region's whole cluster domain.
    pub mesh: Option<Name>,
    /// The region's pod ranges, for reverse names.
    pub cidrs: Vec<IpNet>,
    /// Empty in the own row, or in a row that could not be read.
    pub endpoints: Vec<Endpoint>,
    pub allow_tld: bool,
    pub override_local: bool,
    /// Asked over TLS; none: in clear text.
    pub tls: Option<RowTls>,
    /// Why the row cannot be used, if its label could be read but its body not.
    pub broken: Option<String>,
}

/// How the other side of a region's or an upstream's connections is known (RFC 8310), and how we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowTls {
    /// Who vouches for it; none: the system's certificates.
    pub ca: Option<TableFile>,
    /// The name in its certificate; none: that of the endpoint.
    pub server_name: Option<PeerName>,
    /// Our certificate and its key.
    pub identity: Option<(TableFile, TableFile)>,
}

/// A file that a row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFile {
    /// As it stands in the row; a table is the same everywhere.
    pub written: String,
    /// Where it is here.
    pub path: PathBuf,
}

/// Where a region's resolver answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub host: Host,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Address(IpAddr),
    Name(Name),
}
