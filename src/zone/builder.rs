//! From events to snapshots. Only what an event touches is made anew; the rest is shared with the snapshot before.

use std::net::IpAddr;
use std::sync::Arc;

use super::digest::Digest;
use super::object::{Event, ObjectName};
use super::record::ServiceRecord;
use super::settings::ZoneSettings;
use super::snapshot::{Counts, Snapshot, Tables, externals, origins};
use super::store::{PodChange, Store, Touched};
use super::table::ShardTable;
use crate::config::PodMode;
use crate::wire::stamp::ClusterId;

/// The namespace whose UID identifies a cluster: it is never deleted.
const IDENTITY: &str = "kube-system";

pub struct Builder {
    settings: ZoneSettings,
    store: Store,
    touched: Touched,
    tables: Tables,
    counts: Counts,
    hash: u64,
    /// The part of the hash that is of pods.
    pod_hash: u64,
    serial: u32,
    synced: bool,
    /// Something other than the content is different.
    dirty: bool,
}

impl Builder {
    #[must_use]
    pub fn new(settings: ZoneSettings) -> Self {
        let (mut store, mut touched) = (Store::default(), Touched::default());
        store.serve_only_known(settings.only_known_namespaces, &mut touched);
        Self {
            settings,
            store,
            touched,
            tables: Tables::default(),
            counts: Counts::default(),
            hash: 0,
            pod_hash: 0,
            serial: 0,
            synced: false,
            dirty: true,
        }
    }

    pub fn apply(&mut self, event: Event) {
        self.store.change(event, &mut self.touched);
    }

    /// Everything has been applied once. Until then nothing is published.
    pub fn mark_synced(&mut self) {
        self.synced = true;
    }

    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    pub fn reconfigure(&mut self, settings: ZoneSettings) {
        if settings == self.settings {
            return;
        }
        let old = std::mem::replace(&mut self.settings, settings);
        let records =
            |settings: &ZoneSettings| (settings.ttl, settings.endpoint_pod_names, settings.ignore_empty_services);
        if records(&old) != records(&self.settings) {
            self.touched.services.extend(self.store.service_names().cloned());
        }
        self.store.serve_only_known(self.settings.only_known_namespaces, &mut self.touched);
        if old.pods != self.settings.pods {
            self.index_pods_anew();
        }
        self.dirty = true;
    }

    /// How much the next publication has to look at, about.
    #[must_use]
    pub fn touched(&self) -> usize {
        let whole = if self.touched.whole.is_empty() { 0 } else { self.store.service_names().len() };
        whole + self.touched.services.len() + self.touched.pods.len()
    }

    /// The zone as it is now; none if nothing changed since the last one.
    pub fn publish(&mut self, unix_seconds: u64) -> Option<Arc<Snapshot>> {
        if !self.synced || (self.touched.is_empty() && !self.dirty) {
            return None;
        }
        let mut touched = std::mem::take(&mut self.touched);
        if !touched.whole.is_empty() {
            let of_them = self.store.service_names().filter(|name| touched.whole.contains(&name.namespace));
            touched.services.extend(of_them.cloned());
        }
        let before = (self.hash, self.counts);
        let mut changed = false;
        for name in &touched.services {
            changed |= self.update_service(name);
        }
        for name in &touched.namespaces {
            self.update_namespace(name);
        }
        for (change, address, namespace) in &touched.pods {
            self.update_pod(*change, *address, namespace);
        }
        changed |= before != (self.hash, self.counts);
        if !changed && !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.dirty = false;
        if changed || self.serial == 0 {
            // Serials never go back, whatever the clock does (RFC 1982 gives them meaning modulo 2^32 only).
            self.serial = self.serial.max(unix_seconds as u32);
        }
        Some(Arc::new(self.snapshot()))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            synced: self.synced,
            serial: self.serial,
            hash: self.hash,
            cluster_id: self.store.namespace_uid(IDENTITY).map_or_else(ClusterId::default, cluster_id),
            counts: self.counts,
            origins: origins(&self.settings),
            externals: externals(&self.settings),
            ttl: self.settings.ttl,
            pod_mode: self.settings.pods,
            tables: self.tables.clone(),
        }
    }

    /// Makes the records of one Service anew. Says whether they are different now.
    fn update_service(&mut self, name: &ObjectName) -> bool {
        let (namespace, service) = (name.namespace.as_bytes(), name.name.as_bytes());
        let hash = self.tables.service_hash(namespace, service);
        let new = self.store.sources(name).and_then(|sources| {
            let service = sources.service.as_ref().filter(|_| self.store.serves(&name.namespace))?;
            Some(Arc::new(ServiceRecord::new(hash, service, &sources.slices, &self.settings)))
        });
        let shard = self.tables.services.of(hash);
        let at = shard.iter().position(|record| record.is(hash, namespace, service));
        let old = at.map(|at| Arc::clone(&shard[at]));
        if old == new {
            return false;
        }
        let shard = self.tables.services.of_mut(hash);
        match (at, &new) {
            (Some(at), Some(new)) => shard[at] = Arc::clone(new),
            (Some(at), None) => drop(shard.swap_remove(at)),
            (None, Some(new)) => {
                shard.reserve_exact(1);
                shard.push(Arc::clone(new));
            }
            (None, None) => {}
        }
        self.update_reverse(hash, old.as_deref(), new.as_deref());
        for (record, add) in [(&old, false), (&new, true)] {
            let Some(record) = record else { continue };
            self.add(record.digest, add);
            count(&mut self.counts.services, 1, add);
            count(&mut self.counts.endpoints, record.endpoints.hosts(), add);
        }
        true
    }

    fn update_reverse(&mut self, hash: u64, old: Option<&ServiceRecord>, new: Option<&ServiceRecord>) {
        let old = old.map(ServiceRecord::reverse_addresses).unwrap_or_default();
        let new = new.map(ServiceRecord::reverse_addresses).unwrap_or_default();
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        // Both are sorted: whatever is in one of them only shows when it comes first.
        loop {
            match (old.peek(), new.peek()) {
                (Some(a), Some(b)) if a == b => {
                    old.next();
                    new.next();
                }
                (Some(a), b) if b.is_none_or(|b| a < b) => {
                    self.tables.reverse.of_mut(self.tables.address_hash(*a)).remove(*a, hash);
                    old.next();
                }
                (_, Some(b)) => {
                    self.tables.reverse.of_mut(self.tables.address_hash(*b)).insert(*b, hash);
                    new.next();
                }
                (_, None) => return,
            }
        }
    }

    fn update_namespace(&mut self, name: &Arc<str>) {
        // Its UID may be new, and with it the cluster's identity.
        self.dirty |= &**name == IDENTITY;
        let exists = self.store.namespace_exists(name);
        if exists == self.tables.namespaces.contains(name) {
            return;
        }
        let namespaces = Arc::make_mut(&mut self.tables.namespaces);
        if exists {
            namespaces.insert(Arc::clone(name));
        } else {
            namespaces.remove(name);
        }
        self.counts.namespaces = namespaces.len();
        let mut digest = Digest::new(1);
        digest.bytes(name.as_bytes());
        self.add(digest.finish(), exists);
    }

    fn update_pod(&mut self, change: PodChange, address: IpAddr, namespace: &Arc<str>) {
        if self.settings.pods != PodMode::Verified {
            return;
        }
        let shard = self.tables.pods.of_mut(self.tables.address_hash(address));
        match change {
            PodChange::Taken => shard.insert(address, namespace),
            PodChange::GivenUp => shard.remove(address, namespace),
        }
        let mut digest = Digest::new(3);
        digest.bytes(namespace.as_bytes());
        match address {
            IpAddr::V4(address) => digest.bytes(&address.octets()),
            IpAddr::V6(address) => digest.bytes(&address.octets()),
        }
        count(&mut self.counts.pod_addresses, 1, change == PodChange::Taken);
        let before = self.hash;
        self.add(digest.finish(), change == PodChange::Taken);
        self.pod_hash = self.pod_hash.wrapping_add(self.hash.wrapping_sub(before));
    }

    /// Pods are indexed in one mode only.
    fn index_pods_anew(&mut self) {
        self.tables.pods = ShardTable::default();
        self.counts.pod_addresses = 0;
        self.hash = self.hash.wrapping_sub(std::mem::take(&mut self.pod_hash));
        let taken = self.store.pods().map(|(address, namespace)| (PodChange::Taken, address, Arc::clone(namespace)));
        self.touched.pods = taken.collect();
    }

    /// The sum of the digests of all there is: no order in it, and one change costs two steps.
    fn add(&mut self, digest: u64, add: bool) {
        self.hash = if add { self.hash.wrapping_add(digest) } else { self.hash.wrapping_sub(digest) };
    }
}

fn count(counter: &mut usize, by: usize, add: bool) {
    *counter = if add { *counter + by } else { *counter - by };
}

/// The identity of a cluster: FNV-1a of its UID, the same in every version. An empty UID, or a hash that happens to be
/// zero, is unknown.
fn cluster_id(uid: &str) -> ClusterId {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = uid.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    ClusterId(hash.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::object::{Endpoint, Kind, Object, ObjectKey, Service, ServiceKind, Slice};

    fn settings() -> ZoneSettings {
        ZoneSettings {
            origins: Vec::new(),
            ttl: 5,
            pods: PodMode::Disabled,
            only_known_namespaces: false,
            endpoint_pod_names: false,
            ignore_empty_services: false,
            externals: Vec::new(),
        }
    }

    #[test]
    fn what_is_deleted_leaves_nothing_behind() {
        let mut builder = Builder::new(settings());
        builder.mark_synced();
        let name = ObjectName::new("shop", "web");
        let address = "10.0.0.1".parse().expect("an address");
        let kind = ServiceKind::ClusterIp(Box::new(["10.0.0.2".parse().expect("an address")]));
        let service =
            Service { name: name.clone(), kind, ports: Box::default(), publish_not_ready: false, external: None };
        let endpoints = Box::new([Endpoint { address, ready: true, hostname: None, pod: None }]);
        let slice = Slice { name: name.clone(), service: "web".into(), ports: Box::default(), endpoints };
        builder.apply(Event::Apply(Object::Service(service)));
        builder.apply(Event::Apply(Object::Slice(slice)));
        assert!(builder.publish(1).is_some_and(|zone| zone.hash != 0));
        let entries = |builder: &Builder| builder.tables.reverse.iter().map(|shard| shard.len()).sum::<usize>();
        assert_eq!(entries(&builder), 2);
        for kind in [Kind::Slice, Kind::Service] {
            builder.apply(Event::Delete(ObjectKey { kind, name: name.clone() }));
        }
        let zone = builder.publish(2).expect("a change");
        assert_eq!((entries(&builder), zone.hash, zone.counts), (0, 0, Counts::default()));
        assert_eq!(builder.store.service_names().count(), 0);
        assert!(builder.tables.services.iter().all(Vec::is_empty));
    }

    #[test]
    fn the_identity_of_a_cluster_is_the_same_in_every_version() {
        // The published test vector of 64-bit FNV-1a.
        assert_eq!(cluster_id("foobar"), ClusterId(0x8594_4171_f739_67e8_u64.to_be_bytes()));
    }
}
