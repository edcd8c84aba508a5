//! `interlocal.yaml` as it is written: every key, optional, with its place. Nothing is judged here; `file` makes a
//! `Config` of it.

use ipnet::IpNet;
use serde::Deserialize;

use super::field::{At, Field, FieldList};
use super::file::policy::PolicySpecs;
use super::leaf::{Classes, ObjectPath};
use super::listen::Optional;
use super::tls::TlsSpec;
use super::units::{Size, Time};
use super::upstream::Written;
use super::{Listen, LogFormat, Outcome, PodMode, QueryLogFormat, RegionLabel, Selector, Transport};
use crate::wire::{Name, Rcode};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    pub(super) region: Field<RegionLabel>,
    pub(super) cluster_domain: Field<Name>,
    pub(super) listen: At<ListenSpec>,
    pub(super) kubernetes: At<KubernetesSpec>,
    pub(super) peers: At<PeersSpec>,
    pub(super) forward: ForwardSpecs,
    pub(super) policy: PolicySpecs,
    pub(super) external: ExternalSpecs,
    pub(super) cache: At<CacheSpec>,
    pub(super) shutdown: At<ShutdownSpec>,
    pub(super) limits: At<LimitsSpec>,
    pub(super) state_dir: Field<String>,
    pub(super) workers: Field<String>,
    pub(super) metrics: At<MetricsSpec>,
    pub(super) log: At<LogSpec>,
    pub(super) stamp_option: Field<u64>,
    pub(super) sockets: Field<String>,
    pub(super) servers: At<Vec<At<ServerSpec>>>,
}

pub(super) type ExternalSpecs = At<Vec<At<ExternalSpec>>>;
pub(super) type ForwardSpecs = At<Vec<At<ForwardSpec>>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListenSpec {
    pub(super) dns: FieldList<Listen>,
    pub(super) peers: FieldList<Listen>,
    pub(super) peers_allow: FieldList<IpNet>,
    pub(super) peers_chase_outside: Field<bool>,
    pub(super) identify: Field<bool>,
    pub(super) health: Field<Optional>,
    pub(super) ready: Field<Optional>,
    pub(super) metrics: Field<Optional>,
    pub(super) admin: Field<Optional>,
    pub(super) peers_tls: At<PeersTlsSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PeersTlsSpec {
    pub(super) listen: FieldList<Listen>,
    pub(super) cert: Field<String>,
    pub(super) key: Field<String>,
    pub(super) client_ca: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KubernetesSpec {
    pub(super) source: Field<String>,
    pub(super) pods: Field<PodMode>,
    pub(super) ttl: Field<Time>,
    pub(super) namespaces: FieldList<String>,
    pub(super) namespace_labels: Field<Selector>,
    pub(super) labels: Field<Selector>,
    pub(super) endpoint_pod_names: Field<bool>,
    pub(super) noendpoints: Field<bool>,
    pub(super) ignore_empty_service: Field<bool>,
    pub(super) kubeconfig: Field<String>,
    pub(super) context: Field<String>,
    pub(super) tls: At<ApiTlsSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApiTlsSpec {
    pub(super) cert: Field<String>,
    pub(super) key: Field<String>,
    pub(super) ca: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PeersSpec {
    pub(super) file: Field<String>,
    pub(super) configmap: Field<ObjectPath>,
    pub(super) stale: Field<Time>,
    pub(super) stale_after: Field<Time>,
    pub(super) deadline: Field<Time>,
    pub(super) connections: Field<u64>,
    pub(super) max_age: Field<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ForwardSpec {
    pub(super) zone: Field<Name>,
    pub(super) to: FieldList<Written>,
    pub(super) transport: Field<Transport>,
    pub(super) tls: At<TlsSpec>,
    pub(super) failover: FieldList<Rcode>,
    pub(super) next: At<Vec<At<NextSpec>>>,
    pub(super) resolver: FieldList<Written>,
    pub(super) stamp: Field<bool>,
    pub(super) random_case: Field<bool>,
    pub(super) cache: At<CapsSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExternalSpec {
    pub(super) zone: Field<Name>,
    pub(super) apex: Field<String>,
    pub(super) ttl: Field<Time>,
    pub(super) headless: Field<bool>,
    pub(super) fallthrough: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NextSpec {
    pub(super) on: FieldList<Outcome>,
    pub(super) to: FieldList<Written>,
    pub(super) transport: Field<Transport>,
    pub(super) tls: At<TlsSpec>,
    pub(super) failover: FieldList<Rcode>,
    pub(super) resolver: FieldList<Written>,
    pub(super) random_case: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CapsSpec {
    pub(super) max_ttl: Field<Time>,
    pub(super) max_negative_ttl: Field<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CacheSpec {
    pub(super) size: Field<Size>,
    pub(super) max_ttl: Field<Time>,
    pub(super) max_negative_ttl: Field<Time>,
    pub(super) prefetch: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ShutdownSpec {
    pub(super) lameduck: Field<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MetricsSpec {
    pub(super) coredns_compat: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogSpec {
    pub(super) format: Field<LogFormat>,
    pub(super) level: Field<String>,
    pub(super) queries: At<QueryLogSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct QueryLogSpec {
    pub(super) class: FieldList<Classes>,
    pub(super) format: Field<QueryLogFormat>,
    pub(super) sample: Field<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServerSpec {
    pub(super) listen: FieldList<Listen>,
    pub(super) zones: FieldList<Name>,
    pub(super) cache: At<CacheSpec>,
    pub(super) forward: ForwardSpecs,
    pub(super) policy: PolicySpecs,
    pub(super) refuse: FieldList<Name>,
    pub(super) fallthrough: FieldList<Name>,
    pub(super) closed: FieldList<Name>,
    pub(super) external: ExternalSpecs,
}

/// As `Limits`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LimitsSpec {
    pub(super) in_flight: Field<u64>,
    pub(super) tcp_connections: Field<u64>,
    pub(super) tcp_in_flight: Field<u64>,
    pub(super) tcp_idle: Field<Time>,
    pub(super) peers_idle: Field<Time>,
    pub(super) tcp_write: Field<Time>,
    pub(super) tls_handshake: Field<Time>,
    pub(super) peer_in_flight: Field<u64>,
    pub(super) refreshes: Field<u64>,
    pub(super) peer_addresses: Field<u64>,
    pub(super) regions: Field<u64>,
    pub(super) forward_deadline: Field<Time>,
    pub(super) forward_tries: Field<u64>,
    pub(super) cname_links: Field<u64>,
    pub(super) manifest_bytes: Field<Size>,
    pub(super) config_bytes: Field<Size>,
    pub(super) watch_line_bytes: Field<Size>,
    pub(super) list_page_bytes: Field<Size>,
    pub(super) query_log_lines: Field<u64>,
    pub(super) query_log_queue: Field<u64>,
}
