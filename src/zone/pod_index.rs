//! Which namespaces have a pod at an address, for pod names that are verified.

use std::net::IpAddr;
use std::sync::Arc;

/// One shard, sorted. Pods on the host's network share an address, so a pair may be there more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct PodShard(Vec<(IpAddr, Arc<str>)>);

impl PodShard {
    pub(super) fn insert(&mut self, address: IpAddr, namespace: &Arc<str>) {
        let entry = (address, Arc::clone(namespace));
        let at = self.0.partition_point(|other| *other < entry);
        self.0.insert(at, entry);
    }

    pub(super) fn remove(&mut self, address: IpAddr, namespace: &str) {
        if let Ok(at) = self.search(address, namespace) {
            self.0.remove(at);
        }
    }

    pub(super) fn contains(&self, address: IpAddr, namespace: &str) -> bool {
        self.search(address, namespace).is_ok()
    }

    /// The namespace that all pods at this address are in, if it is one.
    pub(super) fn only(&self, address: IpAddr) -> Option<&str> {
        let start = self.0.partition_point(|(other, _)| *other < address);
        let mut names = self.0[start..].iter().take_while(|(other, _)| *other == address).map(|(_, name)| &**name);
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }

    fn search(&self, address: IpAddr, namespace: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, name)| (other, &**name).cmp(&(&address, namespace)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_that_share_an_address_leave_one_by_one() {
        let (node, shop): (IpAddr, Arc<str>) = ("10.0.0.1".parse().expect("an address"), "shop".into());
        let mut shard = PodShard::default();
        shard.insert(node, &shop);
        shard.insert(node, &shop);
        assert_eq!(shard.only(node), Some("shop"));
        shard.insert(node, &"other".into());
        assert_eq!((shard.only(node), shard.only("10.0.0.2".parse().expect("an address"))), (None, None));
        shard.remove(node, "shop");
        assert!(shard.contains(node, "shop"));
        shard.remove(node, "shop");
        assert!(!shard.contains(node, "shop"));
        assert!(shard.contains(node, "other"));
    }
}
