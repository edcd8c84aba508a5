//! The zone at one moment, shared by all workers and never changed. Lookups are in `lookup` and beside it.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::external::ExternalZone;
use super::origin::Origin;
use super::pod_index::PodShard;
use super::record::{ServiceAnswer, ServiceRecord};
use super::reverse_index::ReverseShard;
use super::settings::ZoneSettings;
use super::table::ShardTable;
use crate::config::PodMode;
use crate::wire::stamp::ClusterId;

/// An immutable zone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Has everything been read at least once? Before that nothing is answered.
    pub synced: bool,
    /// Unix time of the last change.
    pub serial: u32,
    /// Of the content, in whatever order it came: equal on replicas that know the same.
    pub hash: u64,
    /// Zero while the namespace `kube-system` is not known.
    pub cluster_id: ClusterId,
    pub counts: Counts,
    pub(super) origins: Arc<[Origin]>,
    pub(super) externals: Arc<[ExternalZone]>,
    pub(super) ttl: u32,
    pub(super) pod_mode: PodMode,
    pub(super) tables: Tables,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub namespaces: usize,
    pub services: usize,
    /// Ready endpoint names.
    pub endpoints: usize,
    /// Addresses of pods, if pods are verified.
    pub pod_addresses: usize,
}

/// The content: cheap to copy, and copies share what did not change.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) seed: RandomState,
    pub(super) namespaces: Arc<HashSet<Arc<str>>>,
    /// By namespace and name.
    pub(super) services: ShardTable<Vec<Arc<ServiceRecord>>>,
    /// By address.
    pub(super) reverse: ShardTable<ReverseShard>,
    /// By address; empty unless pods are verified.
    pub(super) pods: ShardTable<PodShard>,
}

impl Snapshot {
    /// A zone that has not been read yet.
    #[must_use]
    pub fn empty(settings: &ZoneSettings) -> Self {
        Self {
            synced: false,
            serial: 0,
            hash: 0,
            cluster_id: ClusterId::default(),
            counts: Counts::default(),
            origins: origins(settings),
            externals: externals(settings),
            ttl: settings.ttl,
            pod_mode: settings.pods,
            tables: Tables::default(),
        }
    }

    /// Is there such a namespace, or a Service in one of that name?
    #[must_use]
    pub fn namespace_exists(&self, namespace: &str) -> bool {
        self.tables.namespaces.contains(namespace)
    }

    /// Has a Service of the namespace a ready endpoint? Looks at every Service, so it is for decisions at a reload.
    #[must_use]
    pub fn has_ready_endpoints(&self, namespace: &str) -> bool {
        let mut all = self.tables.services.iter().flatten();
        all.any(|record| &*record.name.namespace == namespace && !record.endpoints.is_empty())
    }

    /// The namespaces, in no order.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.tables.namespaces.iter().map(|name| &**name)
    }

    /// The namespace of the pod at this address, if pods are verified and no pod of another one has it too.
    #[must_use]
    pub fn namespace_of(&self, address: IpAddr) -> Option<&str> {
        self.tables.pods.of(self.tables.address_hash(address)).only(address)
    }

    #[inline]
    pub(super) fn service(&self, namespace: &[u8], name: &[u8]) -> Option<&ServiceRecord> {
        let hash = self.tables.service_hash(namespace, name);
        let shard = self.tables.services.of(hash);
        shard.iter().find(|record| record.is(hash, namespace, name)).map(|record| &**record)
    }

    /// The Services that have an address: those whose own it is, else those with an endpoint there.
    pub(super) fn services_of(&self, address: IpAddr) -> impl Iterator<Item = (&ServiceRecord, bool)> + Clone {
        let reverse = self.tables.reverse.of(self.tables.address_hash(address));
        let candidates = move || {
            reverse.services(address).flat_map(|hash| {
                let shard = self.tables.services.of(hash);
                shard.iter().filter(move |record| record.hash == hash).map(|record| &**record)
            })
        };
        let own = candidates().any(|record| record.has_cluster_ip(address));
        candidates().filter(move |record| !own || record.has_cluster_ip(address)).map(move |record| (record, own))
    }

    /// The addresses of the Service that fronts the cluster's name servers, this program among them.
    pub(super) fn dns_service(&self) -> Option<&super::address_set::AddressSet> {
        match &self.service(b"kube-system", b"kube-dns")?.answer {
            ServiceAnswer::ClusterIp { addresses, .. } => Some(addresses),
            _ => None,
        }
    }
}

impl Tables {
    #[inline]
    pub(super) fn service_hash(&self, namespace: &[u8], name: &[u8]) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write(namespace);
        hasher.write_u8(b'/');
        hasher.write(name);
        hasher.finish()
    }

    #[inline]
    pub(super) fn address_hash(&self, address: IpAddr) -> u64 {
        let mut hasher = self.seed.build_hasher();
        match address {
            IpAddr::V4(address) => hasher.write_u32(address.to_bits()),
            IpAddr::V6(address) => hasher.write_u128(address.to_bits()),
        }
        hasher.finish()
    }
}

pub(super) fn externals(settings: &ZoneSettings) -> Arc<[ExternalZone]> {
    settings.externals.iter().map(ExternalZone::new).collect()
}

pub(super) fn origins(settings: &ZoneSettings) -> Arc<[Origin]> {
    settings.origins.iter().cloned().map(Origin::new).collect()
}
