//! The client for one forward row: a stub zone, or `.`. What the rest of the program sees of upstreams.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::Instant;

use super::attempt::{Attempt, Handed};
use super::flights::Course;
use super::pool::{Bounds, Pool, UpstreamSnapshot};
use super::resolv_conf;
use super::tries::{self, Lost};
use crate::answer::Failure;
use crate::config::{ForwardConfig, Transport, Upstream};
use crate::limits::Limits;
use crate::peer::address::Plan;
use crate::peer::counters::{AddressSnapshot, count};
use crate::peer::datagram::Posted;
use crate::peer::group::{Group, Trouble};
use crate::peer::listed::Listed;
use crate::peer::sends::SendLog;
use crate::peer::settings::Settings;
use crate::peer::sync::Probe;
use crate::wire::Name;
use crate::wire::exchange::{Question, Received};

/// A zone's client. Dropping it ends its tasks and closes its connections.
pub struct ForwardClient {
    zone: Name,
    udp: Pool,
    tcp: Group,
    how: RwLock<How>,
    listed: Listed,
}

#[derive(Clone)]
struct How {
    config: ForwardConfig,
    bounds: Bounds,
    /// Why a file gave no servers.
    trouble: Option<String>,
}

/// A first try that is to be sent.
pub struct First {
    pub attempt: Attempt,
    bounds: Bounds,
    stamped: bool,
}

/// How a zone's upstreams stand, for metrics; the ones over TCP if that is its transport.
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardSnapshot {
    pub zone: Name,
    pub udp: Vec<UpstreamSnapshot>,
    pub tcp: Vec<AddressSnapshot>,
    /// Questions that came while all servers were down.
    pub all_down: u64,
    /// Left out, because they lead back to ourselves.
    pub looping: Vec<SocketAddr>,
    /// Why a resolv.conf could not be used; its last good servers stay.
    pub trouble: Option<String>,
}

impl ForwardClient {
    /// Reads the row's resolv.conf files. Call it inside a tokio runtime: that is where its tasks will run.
    #[must_use]
    pub fn start(config: &ForwardConfig, limits: &Limits, stamp_option: u16) -> Arc<Self> {
        let how = How { config: config.clone(), bounds: Bounds::new(config, limits, stamp_option), trouble: None };
        let client = Self {
            zone: config.zone.clone(),
            udp: Pool::new(),
            tcp: Group::new(plan(limits, stamp_option)),
            how: RwLock::new(how),
            listed: Listed::default(),
        };
        client.update(config, limits, stamp_option);
        Arc::new(client)
    }

    /// A new version of the same row, or a change in one of its files, which are read again. Servers that stay keep what is
    /// known of them; a file that cannot be used leaves the servers as they are.
    pub fn update(&self, config: &ForwardConfig, limits: &Limits, stamp_option: u16) {
        let mut how = self.how.write();
        how.bounds = Bounds::new(config, limits, stamp_option);
        how.trouble = None;
        self.tcp.set_plan(plan(limits, stamp_option));
        let same_places = how.config.to == config.to;
        how.config.clone_from(config);
        let mut servers = Vec::new();
        for upstream in &config.to {
            match upstream {
                Upstream::Address(address) => servers.push(*address),
                Upstream::ResolvConf(path) => match resolv_conf::read(path) {
                    Ok(found) => servers.extend(found),
                    Err(error) => {
                        tracing::warn!(zone = %self.zone, %error, "upstreams cannot be read");
                        how.trouble = Some(error.to_string());
                    }
                },
            }
        }
        if how.trouble.is_none() || !same_places || self.listed.is_empty() {
            self.listed.set(servers);
        }
        self.apply(config.transport);
    }

    /// Leaves a server that leads back to ourselves out, or takes it in again.
    pub fn set_looping(&self, server: SocketAddr, looping: bool) {
        let how = self.how.write();
        self.listed.set_looping(server, looping);
        self.apply(how.config.transport);
    }

    #[must_use]
    pub fn is_looping(&self, server: SocketAddr) -> bool {
        self.listed.is_looping(server)
    }

    fn apply(&self, transport: Transport) {
        let servers = self.listed.fit();
        let (udp, tcp): (&[_], &[_]) = match transport {
            Transport::Udp => (&servers, &[]),
            Transport::Tcp => (&[], &servers),
        };
        self.udp.set(udp);
        self.tcp.set_addresses(tcp);
    }

    #[must_use]
    pub fn zone(&self) -> &Name {
        &self.zone
    }

    #[must_use]
    pub fn transport(&self) -> Transport {
        self.how.read().config.transport
    }

    /// The files whose change calls for an update.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let file = |upstream: &Upstream| match upstream {
            Upstream::ResolvConf(path) => Some(path.clone()),
            Upstream::Address(_) => None,
        };
        self.how.read().config.to.iter().filter_map(file).collect()
    }

    /// The servers that are asked, and each change of them, for the self-probe.
    #[must_use]
    pub fn listed(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.listed.subscribe()
    }

    /// Asks the zone's servers. `stamp` is the path of clusters, ourselves last; it is left out where the row says so, and
    /// always for `.`.
    ///
    /// # Errors
    /// If none answered before the deadline. SERVFAIL and REFUSED are answers here.
    pub async fn ask(&self, question: &Question, stamp: Option<&[u8]>) -> Result<Received, Failure> {
        self.ask_logged(question, stamp, None, &SendLog::OFF).await
    }

    /// The same, each send written down, and the first of them made already.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_logged(
        &self,
        question: &Question,
        stamp: Option<&[u8]>,
        handed: Option<Handed>,
        log: &SendLog,
    ) -> Result<Received, Failure> {
        let (transport, bounds, stamped) = self.manner();
        let stamp = stamp.filter(|_| stamped);
        let zone = || self.zone.clone();
        match transport {
            Transport::Udp => {
                tries::ask(&self.udp, question, stamp, bounds, handed, log).await.map_err(|lost| match lost {
                    Lost::NoServer => self.no_server(),
                    Lost::Dark => Failure::UpstreamDark { zone: zone() },
                })
            }
            Transport::Tcp => {
                let until = Instant::now() + bounds.deadline;
                match self.tcp.ask_logged(question, stamp, until, log).await {
                    Ok(answer) => Ok(answer.received),
                    Err(Trouble::Refused(answer)) => Ok(*answer),
                    Err(Trouble::NoAddress) => Err(self.no_server()),
                    Err(Trouble::Dark(_)) => {
                        count(&self.udp.all_down);
                        Err(Failure::UpstreamDark { zone: zone() })
                    }
                }
            }
        }
    }

    /// A first try for whoever sends many questions at a time; none where that is not how this zone's servers are asked now.
    #[must_use]
    pub fn first(&self) -> Option<First> {
        let (transport, bounds, stamped) = self.manner();
        let attempt = (transport == Transport::Udp).then(|| tries::first(&self.udp)).flatten()?;
        Some(First { attempt, bounds, stamped })
    }

    fn manner(&self) -> (Transport, Bounds, bool) {
        let how = self.how.read();
        (how.config.transport, how.bounds, how.config.stamp && !self.zone.as_ref().is_root())
    }

    /// Questions that a server has been sent so far.
    #[must_use]
    pub fn questions_to(&self, server: SocketAddr) -> u64 {
        self.udp.tries_at(server) + self.tcp.questions_to(server)
    }

    fn no_server(&self) -> Failure {
        let zone = self.zone.clone();
        if self.listed.looping().is_empty() {
            Failure::UpstreamWithoutAddress { zone }
        } else {
            Failure::RouteLoops { zone }
        }
    }

    #[must_use]
    pub fn snapshot(&self) -> ForwardSnapshot {
        ForwardSnapshot {
            zone: self.zone.clone(),
            udp: self.udp.snapshot(),
            tcp: self.tcp.snapshot(),
            all_down: self.udp.all_down.load(Relaxed),
            looping: self.listed.looping(),
            trouble: self.how.read().trouble.clone(),
        }
    }
}

impl First {
    /// How its datagram is sent.
    #[must_use]
    pub fn course(&self) -> Course {
        let (began, standing) = (self.attempt.began.into_std(), *self.attempt.server.standing.lock());
        Course {
            server: self.attempt.server.address,
            stamp_option: self.bounds.stamp_option,
            late_at: began + standing.patience().min(self.bounds.deadline),
            until: began + self.bounds.deadline,
        }
    }

    /// Its datagram. `stamp` is the path of clusters, as for [`ForwardClient::ask`].
    #[must_use]
    pub fn write(&self, question: &Question, stamp: &[u8]) -> (Posted, Vec<u8>) {
        let manner = self.attempt.manner(self.stamped.then_some((self.bounds.stamp_option, stamp)));
        Posted::write(question, manner, self.bounds.spelling)
    }
}

fn plan(limits: &Limits, stamp_option: u16) -> Plan {
    Plan { settings: Settings::for_upstreams(limits, stamp_option), probe: Probe::Root, stamp: None }
}
