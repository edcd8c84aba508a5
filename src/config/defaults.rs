//! What every key of `interlocal.yaml` is if the file does not say it. `config/interlocal.yaml` repeats these for the
//! reader, and a test compares the two.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::{
    CacheConfig, Config, ForwardConfig, KubernetesConfig, KubernetesSource, Listen, ListenConfig, LogConfig, LogFormat,
    MetricsConfig, Namespaces, PeersConfig, PeersSource, PodMode, RouteRules, Selector, ServerConfig, ShutdownConfig,
    Transport, Upstream,
};
use crate::limits::Limits;
use crate::wire::Name;

/// Where the peer table is if nobody says it; it need not be there.
pub const PEERS_FILE: &str = "/etc/interlocal/peers.yaml";
/// The option that is the stamp, of those for local use (RFC 6891 9).
pub const STAMP_OPTION: u16 = 65_313;
/// The resolver of the node, as a pod with `dnsPolicy: Default` sees it.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";

const DNS_PORT: u16 = 53;
const PEERS_PORT: u16 = 8_053;
const PEERS_TLS_PORT: u16 = 8_853;

impl Default for Config {
    fn default() -> Self {
        let cluster_domain = cluster_domain();
        Self {
            region: None,
            servers: vec![ServerConfig {
                listen: both_families(DNS_PORT),
                zones: vec![cluster_domain.clone()],
                cache: CacheConfig::default(),
                forward: vec![upstream()],
                policy: Vec::new(),
                routes: RouteRules::default(),
                external: Vec::new(),
            }],
            cluster_domain,
            listen: ListenConfig {
                peers: both_families(PEERS_PORT),
                peers_allow: Vec::new(),
                peers_chase_outside: true,
                identify: true,
                health: Some(Listen::Port(8_080)),
                ready: Some(Listen::Port(8_181)),
                metrics: Some(Listen::Port(9_153)),
                admin: Some(Listen::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, 9_154)))),
                peers_tls: None,
            },
            kubernetes: KubernetesConfig::default(),
            peers: PeersConfig::default(),
            shutdown: ShutdownConfig { lameduck: Duration::from_secs(5) },
            limits: Limits::default(),
            state_dir: None,
            workers: None,
            metrics: MetricsConfig { coredns_compat: true },
            log: LogConfig { format: LogFormat::Json, level: "info".into(), queries: None },
            stamp_option: STAMP_OPTION,
            plain_sockets: false,
        }
    }
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            source: KubernetesSource::Api,
            pods: PodMode::Insecure,
            ttl: Duration::from_secs(5),
            namespaces: Namespaces::All,
            labels: Selector::default(),
            endpoint_pod_names: false,
            noendpoints: false,
            ignore_empty_service: false,
        }
    }
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            source: PeersSource::DefaultFile(PEERS_FILE.into()),
            configmap: None,
            stale: Duration::from_secs(3_600),
            stale_after: Duration::from_millis(1_200),
            deadline: Duration::from_millis(1_500),
            connections: 2,
            max_age: Duration::from_secs(300),
        }
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            size: 16 << 20,
            max_ttl: Duration::from_secs(30),
            max_negative_ttl: Duration::from_secs(10),
            prefetch: true,
        }
    }
}

/// A port on the wildcard addresses, one family each.
pub(super) fn both_families(port: u16) -> Vec<Listen> {
    vec![
        Listen::Address(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        Listen::Address(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
    ]
}

/// The port that a server listens on if nobody says it.
pub(super) fn dns() -> Vec<Listen> {
    both_families(DNS_PORT)
}

/// The port of the peers' door over TLS, if there is one.
pub(super) fn peers_tls() -> Vec<Listen> {
    both_families(PEERS_TLS_PORT)
}

/// Where everything goes that is neither local nor a peer's.
pub(super) fn upstream() -> ForwardConfig {
    ForwardConfig::new(Name::root(), resolvers(), Transport::Udp)
}

/// Who knows host names, if nobody is named.
pub(super) fn resolvers() -> Vec<Upstream> {
    vec![Upstream::ResolvConf(Path::new(RESOLV_CONF).into())]
}

fn cluster_domain() -> Name {
    "cluster.local".parse().expect("two short labels are a name")
}
