//! The client for one forward row: a stub zone, or `.`. What the rest of the program sees of upstreams.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::RwLock;
use tokio::sync::watch;

use super::HostLookup;
use super::pool::{Bounds, UpstreamSnapshot};
use super::resolv_conf;
use super::servers::{Named, Servers};
use crate::config::{Endpoint, ForwardConfig, Outcome, Transport, Upstream};
use crate::limits::Limits;
use crate::peer::address::Plan;
use crate::peer::counters::AddressSnapshot;
use crate::peer::dialer::{Dialer, TlsSnapshot};
use crate::peer::endpoints::Endpoints;
use crate::peer::settings::Settings;
use crate::peer::sync::Probe;
use crate::wire::{Name, Rcode};

/// A zone's client. Dropping it ends its tasks and closes its connections.
pub struct ForwardClient {
    pub(super) zone: Name,
    pub(super) servers: Arc<Servers>,
    pub(super) how: RwLock<How>,
    pub(super) hosts: Option<Hosts>,
    /// Who is asked behind these servers; each of them for what [`How`] says.
    pub(super) next: Vec<Arc<Self>>,
    /// Times that another server was asked because of an answer, and that the next list was.
    pub(super) failovers: AtomicU64,
    pub(super) led_on: AtomicU64,
}

/// Servers that are named by host.
pub(super) struct Hosts {
    pub(super) endpoints: Endpoints,
    /// Who knows their addresses.
    resolver: Arc<ForwardClient>,
}

#[derive(Clone)]
pub(super) struct How {
    pub(super) config: ForwardConfig,
    pub(super) bounds: Bounds,
    pub(super) failover: Arc<BTreeSet<Rcode>>,
    /// Why a file gave no servers.
    trouble: Option<String>,
}

/// How a zone's upstreams stand, for metrics; the ones over TCP if that is its transport.
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardSnapshot {
    pub zone: Name,
    pub udp: Vec<UpstreamSnapshot>,
    pub tcp: Vec<AddressSnapshot>,
    /// None: asked in clear text.
    pub tls: Option<TlsSnapshot>,
    /// Questions that came while all servers were down.
    pub all_down: u64,
    /// Times that another server was asked because of an answer.
    pub failovers: u64,
    /// Times that the servers behind these were asked because of an answer.
    pub led_on: u64,
    /// Left out, because they lead back to ourselves.
    pub looping: Vec<SocketAddr>,
    /// Why a resolv.conf or a host name could not be used; its last good servers stay.
    pub trouble: Option<String>,
}

impl ForwardClient {
    /// Reads the row's resolv.conf files, and its certificates. Call it inside a tokio runtime: that is where its tasks will run.
    #[must_use]
    pub fn start(config: &ForwardConfig, limits: &Limits, stamp_option: u16) -> Arc<Self> {
        let bounds = Bounds::new(config, limits, stamp_option);
        let how = How { config: config.clone(), bounds, failover: Arc::default(), trouble: None };
        let dialer = Arc::new(Dialer::new(config.tls.as_ref()));
        let servers = Arc::new(Servers::new(plan(limits, stamp_option), dialer));
        let hosts = has_hosts(config).then(|| {
            let (resolver, lookup) = Self::lookup(config, limits, stamp_option);
            Hosts { endpoints: Endpoints::new(Arc::clone(&servers) as _, Arc::new(lookup)), resolver }
        });
        let client = Self {
            zone: config.zone.clone(),
            servers,
            how: RwLock::new(how),
            hosts,
            next: config.next.iter().map(|next| Self::start(&next.row, limits, stamp_option)).collect(),
            failovers: AtomicU64::new(0),
            led_on: AtomicU64::new(0),
        };
        client.update(config, limits, stamp_option);
        Arc::new(client)
    }

    /// What knows the addresses of a row's host names: the servers that the row says, which are not its own.
    #[must_use]
    pub fn lookup(config: &ForwardConfig, limits: &Limits, stamp_option: u16) -> (Arc<Self>, HostLookup) {
        let resolver = Self::start(&resolver(config), limits, stamp_option);
        let lookup = HostLookup::new(vec![Arc::clone(&resolver)], Vec::new());
        (resolver, lookup)
    }

    /// May a new version of the row be taken over? Not if it is asked in clear text and was not, or over TLS with other files or
    /// another name: no connection may be left from before. Nor if others are asked behind it.
    #[must_use]
    pub fn can_take(&self, config: &ForwardConfig) -> bool {
        self.servers.dialer.is_for(config.tls.as_ref())
            && self.hosts.is_some() == has_hosts(config)
            && self.next.len() == config.next.len()
            && self.next.iter().zip(&config.next).all(|(client, next)| client.can_take(&next.row))
    }

    /// A new version of the same row, or a change in one of its files, which are read again. Servers that stay keep what is
    /// known of them; a file that cannot be used leaves the servers as they are.
    pub fn update(&self, config: &ForwardConfig, limits: &Limits, stamp_option: u16) {
        if let Some(hosts) = &self.hosts {
            hosts.resolver.update(&resolver(config), limits, stamp_option);
        }
        for (client, next) in self.next.iter().zip(&config.next) {
            client.update(&next.row, limits, stamp_option);
        }
        self.servers.dialer.reload(&format!("upstreams of {}", self.zone));
        let mut how = self.how.write();
        how.bounds = Bounds::new(config, limits, stamp_option);
        how.failover = Arc::new(config.failover.clone());
        how.trouble = None;
        self.servers.tcp.set_plan(plan(limits, stamp_option));
        let same_places = how.config.to == config.to;
        how.config.clone_from(config);
        let (mut servers, mut hosts): (Vec<Named>, Vec<Endpoint>) = (Vec::new(), Vec::new());
        for upstream in &config.to {
            match upstream {
                Upstream::Address(address) => servers.push((*address, Some(address.ip().into()))),
                Upstream::Named(address, name) => servers.push((*address, Some(name.clone()))),
                Upstream::Host(endpoint) => hosts.push(endpoint.clone()),
                Upstream::ResolvConf(path) => match resolv_conf::read(path) {
                    Ok(found) => servers.extend(found.into_iter().map(|one| (one, Some(one.ip().into())))),
                    Err(error) => {
                        tracing::warn!(zone = %self.zone, %error, "upstreams cannot be read");
                        how.trouble = Some(error.to_string());
                    }
                },
            }
        }
        let usable = how.trouble.is_none() || !same_places || self.servers.listed.is_empty();
        self.servers.set_named(config.transport, usable.then_some(servers));
        drop(how);
        if let Some(known) = &self.hosts {
            known.endpoints.set(&hosts);
        }
    }

    /// Leaves a server that leads back to ourselves out, or takes it in again.
    pub fn set_looping(&self, server: SocketAddr, looping: bool) {
        self.servers.set_looping(server, looping);
    }

    #[must_use]
    pub fn is_looping(&self, server: SocketAddr) -> bool {
        self.servers.listed.is_looping(server)
    }

    #[must_use]
    pub fn zone(&self) -> &Name {
        &self.zone
    }

    #[must_use]
    pub fn transport(&self) -> Transport {
        self.how.read().config.transport
    }

    /// How its servers are connected to.
    #[must_use]
    pub fn dialer(&self) -> Arc<Dialer> {
        Arc::clone(&self.servers.dialer)
    }

    /// `tls`, `tcp` or `udp`.
    #[must_use]
    pub fn transport_text(&self) -> &'static str {
        match self.transport() {
            _ if self.servers.dialer.is_tls() => "tls",
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    /// This one, and those that are asked behind it.
    pub fn all(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Self>> {
        std::iter::once(self).chain(&self.next)
    }

    /// All clients whose addresses may lead back to ourselves: [`Self::all`], and those that look up host names.
    pub fn probed(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Self>> {
        self.all().flat_map(|one| std::iter::once(one).chain(one.hosts.iter().map(|hosts| &hosts.resolver)))
    }

    /// Those that are asked behind it, each with the answers that lead there.
    #[must_use]
    pub fn next(&self) -> Vec<(BTreeSet<Outcome>, Arc<Self>)> {
        let how = self.how.read();
        how.config.next.iter().zip(&self.next).map(|(next, client)| (next.on.clone(), Arc::clone(client))).collect()
    }

    /// The servers that are asked, and each change of them, for the self-probe.
    #[must_use]
    pub fn listed(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.servers.listed.subscribe()
    }

    /// Questions that a server has been sent so far.
    #[must_use]
    pub fn questions_to(&self, server: SocketAddr) -> u64 {
        self.servers.udp.tries_at(server) + self.servers.tcp.questions_to(server)
    }

    /// Why a file or a host name gives no servers.
    fn trouble(&self) -> Option<String> {
        let hosts = self.hosts.iter().flat_map(|hosts| hosts.endpoints.snapshot());
        let unknown = hosts.filter_map(|one| Some(format!("{} does not resolve: {}", one.endpoint, one.error?)));
        self.how.read().trouble.clone().into_iter().chain(unknown).next()
    }

    #[must_use]
    pub fn snapshot(&self) -> ForwardSnapshot {
        ForwardSnapshot {
            zone: self.zone.clone(),
            udp: self.servers.udp.snapshot(),
            tcp: self.servers.tcp.snapshot(),
            tls: self.servers.dialer.snapshot(),
            all_down: self.servers.udp.all_down.load(Relaxed),
            failovers: self.failovers.load(Relaxed),
            led_on: self.led_on.load(Relaxed),
            looping: self.servers.listed.looping(),
            trouble: self.trouble(),
        }
    }
}

fn has_hosts(config: &ForwardConfig) -> bool {
    config.to.iter().any(|upstream| matches!(upstream, Upstream::Host(_)))
}

/// Who looks up the host names of a row: for every name, and never stamped.
fn resolver(config: &ForwardConfig) -> ForwardConfig {
    ForwardConfig::new(Name::root(), config.resolver.clone(), Transport::Udp)
}

fn plan(limits: &Limits, stamp_option: u16) -> Plan {
    Plan { settings: Settings::for_upstreams(limits, stamp_option), probe: Probe::Root, stamp: None }
}
