//! The table of routes, built from the configuration and the peer table; immutable afterwards. Equal zones are no conflict
//! here: what is added first wins, and the order is Local for our own names, Peer, Local, Forward.

use ipnet::IpNet;

use super::suffixes::Suffixes;
use crate::config::{Config, ExternalConfig, PeerTable, RegionLabel, RegionRow};
use crate::wire::stamp::{ClusterId, Hop};
use crate::wire::{Name, NameBuf};

/// What a zone's names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Under this origin of the snapshot.
    Local {
        origin: usize,
    },
    Peer {
        region: usize,
    },
    Forward {
        upstream: usize,
    },
    /// Nobody's, whatever a shorter zone is.
    Nobody,
    /// Reverse names: our own, or nobody's.
    Closed,
}

/// A range of addresses whose reverse names belong to a region.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub net: IpNet,
    /// `None`: our own.
    pub region: Option<usize>,
}

/// Who we are, for the stamp.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Own {
    pub label: Option<RegionLabel>,
}

impl Own {
    /// Our hop of a path; the id comes from the zone.
    #[must_use]
    pub fn hop(&self, id: ClusterId) -> Hop<'_> {
        Hop { id, label: self.label.as_ref().map_or(&[], |label| label.as_str().as_bytes()) }
    }
}

/// All routes of one instance.
#[derive(Debug, Clone)]
pub struct Routes {
    pub(super) domain: Name,
    pub(super) own: Own,
    /// One map for each server of the configuration.
    pub(super) servers: Vec<Suffixes<Target>>,
    /// Zones of ours, server by server, whose names go to an upstream where we have none.
    pub(super) fallthrough: Vec<Suffixes<usize>>,
    /// What the peers' door answers.
    pub(super) peers_door: Suffixes<Target>,
    /// Every region's zones and mesh zones, our own too.
    pub(super) region_zones: Suffixes<Option<usize>>,
    /// Longest prefix first.
    pub(super) ranges: Vec<Range>,
    pub(super) regions: Vec<String>,
    /// Zones of the upstreams, server by server, in the order of the configuration.
    pub(super) upstreams: Vec<Name>,
    /// Our own region zones, and our mesh zone, for the names that reverse answers may show to other regions.
    own_zones: Vec<Name>,
    own_mesh: Option<Name>,
    pub(super) chase_outside: bool,
}

impl Routes {
    /// Builds the table. Regions are numbered as in `peers`, upstreams server by server.
    #[must_use]
    pub fn build(config: &Config, peers: &PeerTable) -> Self {
        let own_row = peers.regions.iter().find(|row| Some(&row.label) == config.region.as_ref());
        let mut routes = Self {
            domain: config.cluster_domain.clone(),
            own: Own { label: config.region.clone() },
            servers: Vec::new(),
            fallthrough: Vec::new(),
            peers_door: Suffixes::default(),
            region_zones: Suffixes::default(),
            ranges: Vec::new(),
            regions: peers.regions.iter().map(|row| row.label.as_str().to_owned()).collect(),
            upstreams: Vec::new(),
            own_zones: own_row.map(|row| row.zones.clone()).unwrap_or_default(),
            own_mesh: own_row.and_then(|row| row.mesh.clone()),
            chase_outside: config.listen.peers_chase_outside,
        };
        let origins = Self::origins(config, peers);
        let mesh_origin = origins.len() - 1;
        let externals = Self::externals(config);
        for zone in &routes.own_zones {
            routes.peers_door.add(zone.clone(), Target::Local { origin: 0 });
        }
        if let Some(mesh) = &routes.own_mesh {
            routes.peers_door.add(mesh.clone(), Target::Local { origin: mesh_origin });
        }
        for server in &config.servers {
            let mut map = Suffixes::default();
            for zone in &routes.own_zones {
                map.add(zone.clone(), Target::Local { origin: 0 });
            }
            for (region, row) in peers.regions.iter().enumerate() {
                for zone in row.zones.iter().chain(&row.mesh) {
                    let target = match own_row {
                        Some(own) if own.label == row.label => Target::Local { origin: mesh_origin },
                        _ => Target::Peer { region },
                    };
                    map.add(zone.clone(), target);
                }
            }
            for zone in &server.zones {
                let origin = origins.iter().position(|origin| origin == zone).unwrap_or(0);
                map.add(zone.clone(), Target::Local { origin });
            }
            for external in &server.external {
                if let Some(number) = externals.iter().position(|other| other == external) {
                    map.add(external.zone.clone(), Target::Local { origin: origins.len() + number });
                }
            }
            let mut upstreams = Suffixes::default();
            for forward in &server.forward {
                map.add(forward.zone.clone(), Target::Forward { upstream: routes.upstreams.len() });
                upstreams.add(forward.zone.clone(), routes.upstreams.len());
                routes.upstreams.push(forward.zone.clone());
            }
            server.routes.refuse.iter().for_each(|zone| map.add(zone.clone(), Target::Nobody));
            server.routes.closed.iter().for_each(|zone| map.add(zone.clone(), Target::Closed));
            let mut fallthrough = Suffixes::default();
            let external = server.external.iter().filter(|external| external.fallthrough);
            for zone in server.routes.fallthrough.iter().chain(external.map(|external| &external.zone)) {
                if let Some((_, upstream)) = upstreams.longest(&NameBuf::from(zone.as_ref())) {
                    fallthrough.add(zone.clone(), *upstream);
                }
            }
            routes.fallthrough.push(fallthrough);
            routes.servers.push(map);
        }
        for (region, row) in peers.regions.iter().enumerate() {
            let owner = (own_row.map(|own| &own.label) != Some(&row.label)).then_some(region);
            for zone in row.zones.iter().chain(&row.mesh) {
                routes.region_zones.add(zone.clone(), owner);
            }
            routes.ranges.extend(row.cidrs.iter().map(|net| Range { net: *net, region: owner }));
        }
        routes.ranges.sort_by_key(|range| std::cmp::Reverse(range.net.prefix_len()));
        routes
    }

    /// The origins under which the snapshot must serve the cluster's records: the cluster domain, every further zone of a
    /// server, and our mesh zone last if we have one.
    #[must_use]
    pub fn origins(config: &Config, peers: &PeerTable) -> Vec<Name> {
        let mesh = peers
            .regions
            .iter()
            .find(|row: &&RegionRow| Some(&row.label) == config.region.as_ref())
            .and_then(|row| row.mesh.clone());
        let mut origins = vec![config.cluster_domain.clone()];
        for zone in config.servers.iter().flat_map(|server| &server.zones) {
            if !origins.contains(zone) {
                origins.push(zone.clone());
            }
        }
        origins.extend(mesh);
        origins
    }

    /// Zones of load balancers' names, of all servers. They are numbered behind the origins.
    #[must_use]
    pub fn externals(config: &Config) -> Vec<ExternalConfig> {
        let mut externals: Vec<ExternalConfig> = Vec::new();
        for external in config.servers.iter().flat_map(|server| &server.external) {
            if !externals.contains(external) {
                externals.push(external.clone());
            }
        }
        externals
    }

    #[must_use]
    pub fn own(&self) -> &Own {
        &self.own
    }

    /// The labels of the regions, by number.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The zones of the upstreams, by number.
    #[must_use]
    pub fn upstreams(&self) -> &[Name] {
        &self.upstreams
    }

    #[must_use]
    pub fn own_zones(&self) -> &[Name] {
        &self.own_zones
    }

    #[must_use]
    pub fn own_mesh(&self) -> Option<&Name> {
        self.own_mesh.as_ref()
    }
}
