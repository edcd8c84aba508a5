//! What of the configuration the zone depends on.

use crate::config::{ExternalConfig, PodMode};
use crate::wire::Name;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSettings {
    /// The names that the zone is served under: the cluster domain first, then the own mesh zone and others.
    pub origins: Vec<Name>,
    /// Of every record but `dns-version`, in seconds; also how long denials are kept.
    pub ttl: u32,
    pub pods: PodMode,
    /// A namespace that is not known, or not to be served, is not there. If not, one is known by the Services in it too.
    pub only_known_namespaces: bool,
    /// Endpoints without a hostname are called by their pod's name, in place of their address.
    pub endpoint_pod_names: bool,
    /// A Service with an address of its own and without a ready endpoint is not there.
    pub ignore_empty_services: bool,
    /// Zones of load balancers' names, numbered behind the origins.
    pub externals: Vec<ExternalConfig>,
}
