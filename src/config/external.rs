//! Zones of the names that Services have for the outside: what may be said of one. What is in it is for `zone` to know.

use std::time::Duration;

use super::error::Fault;
use super::label::is_label;
use crate::wire::Name;
use crate::wire::name::MAX_NAME;

/// Octets of the longest name that the zone itself needs: `hostmaster` below the apex.
const OWN_NAMES: usize = 11;

/// A zone of load balancers' addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalConfig {
    pub zone: Name,
    /// The label that the name servers' names stand below.
    pub apex: String,
    /// TTL of all its records, in whole seconds.
    pub ttl: Duration,
    /// Headless Services and their endpoints are in it too.
    pub headless: bool,
    /// Names that it has not are forwarded.
    pub fallthrough: bool,
}

impl ExternalConfig {
    #[must_use]
    pub fn new(zone: Name) -> Self {
        Self { zone, apex: "dns".into(), ttl: Duration::from_secs(5), headless: false, fallthrough: false }
    }

    /// What is wrong with it beside these zones of the cluster.
    pub(super) fn fault(&self, cluster: &[Name]) -> Option<Fault> {
        let (zone, apex) = (&self.zone, &self.apex);
        if zone.as_ref().is_root() {
            let fault = Fault::new("a zone of load balancers must not be the root");
            return Some(fault.help("name a zone that is delegated to this server, such as `lb.example.com`"));
        }
        if cluster.contains(zone) {
            let fault = Fault::new(format!("`{zone}` is the cluster's own zone: its names would be hidden"));
            return Some(fault.help("name a zone of its own, such as `lb.example.com`"));
        }
        if !is_label(apex) {
            let fault = Fault::new(format!("the apex `{apex}` is not one label"));
            return Some(fault.help("write one such as `dns`: name servers are called `ns1.dns` below the zone"));
        }
        let long = zone.as_ref().wire().len() + 1 + apex.len() + OWN_NAMES > MAX_NAME;
        long.then(|| Fault::new(format!("`{zone}` is too long to stand below it")).help("name a shorter zone"))
    }
}
