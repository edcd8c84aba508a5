//! The client for one forward row: a stub zone, or `.`. What the rest of the program sees of upstreams.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::Instant;

use super::pool::{Bounds, Pool, UpstreamSnapshot};
use super::resolv_conf;
use super::tries::{self, Lost};
use crate::answer::Failure;
use crate::config::{ForwardConfig, Outcome, Transport, Upstream};
use crate::limits::Limits;
use crate::peer::address::Plan;
use crate::peer::counters::{AddressSnapshot, count};
use crate::peer::dialer::{Dialer, TlsSnapshot};
use crate::peer::group::{Group, Trouble};
use crate::peer::listed::Listed;
use crate::peer::sends::SendLog;
use crate::peer::settings::Settings;
use crate::peer::sync::Probe;
use crate::tls::PeerName;
use crate::wire::{Name, Rcode};
use crate::wire::exchange::{Question, Received};

/// A zone's client. Dropping it ends its tasks and closes its connections.
pub struct ForwardClient {
    zone: Name,
    udp: Pool,
    tcp: Group,
    dialer: Arc<Dialer>,
    how: RwLock<How>,
    listed: Listed,
    /// Who is asked behind these servers; each of them for what [`How`] says.
    next: Vec<Arc<Self>>,
}

/// Of one question: no list of servers is as long.
const MOST_ROUNDS: usize = 32;

#[derive(Clone)]
struct How {
    config: ForwardConfig,
    bounds: Bounds,
    failover: Arc<BTreeSet<Rcode>>,
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
    /// Left out, because they lead back to ourselves.
    pub looping: Vec<SocketAddr>,
    /// Why a resolv.conf could not be used; its last good servers stay.
    pub trouble: Option<String>,
}

impl ForwardClient {
    /// Reads the row's resolv.conf files, and its certificates. Call it inside a tokio runtime: that is where its tasks will run.
    #[must_use]
    pub fn start(config: &ForwardConfig, limits: &Limits, stamp_option: u16) -> Arc<Self> {
        let bounds = Bounds::new(config, limits, stamp_option);
        let how = How { config: config.clone(), bounds, failover: Arc::default(), trouble: None };
        let dialer = Arc::new(Dialer::new(config.tls.as_ref()));
        let client = Self {
            zone: config.zone.clone(),
            udp: Pool::new(),
            tcp: Group::dialling(plan(limits, stamp_option), Arc::clone(&dialer) as _),
            dialer,
            how: RwLock::new(how),
            listed: Listed::default(),
            next: config.next.iter().map(|next| Self::start(&next.row, limits, stamp_option)).collect(),
        };
        client.update(config, limits, stamp_option);
        Arc::new(client)
    }

    /// May a new version of the row be taken over? Not if it is asked in clear text and was not, or over TLS with other files or
    /// another name: no connection may be left from before. Nor if others are asked behind it.
    #[must_use]
    pub fn can_take(&self, config: &ForwardConfig) -> bool {
        self.dialer.is_for(config.tls.as_ref())
            && self.next.len() == config.next.len()
            && self.next.iter().zip(&config.next).all(|(client, next)| client.can_take(&next.row))
    }

    /// A new version of the same row, or a change in one of its files, which are read again. Servers that stay keep what is
    /// known of them; a file that cannot be used leaves the servers as they are.
    pub fn update(&self, config: &ForwardConfig, limits: &Limits, stamp_option: u16) {
        for (client, next) in self.next.iter().zip(&config.next) {
            client.update(&next.row, limits, stamp_option);
        }
        self.dialer.reload(&format!("upstreams of {}", self.zone));
        let mut how = self.how.write();
        how.bounds = Bounds::new(config, limits, stamp_option);
        how.failover = Arc::new(config.failover.clone());
        how.trouble = None;
        self.tcp.set_plan(plan(limits, stamp_option));
        let same_places = how.config.to == config.to;
        how.config.clone_from(config);
        let (mut servers, mut names) = (Vec::new(), Vec::new());
        for upstream in &config.to {
            match upstream {
                Upstream::Address(address) => {
                    servers.push(*address);
                    names.push((*address, PeerName::from(address.ip())));
                }
                Upstream::Named(address, name) => {
                    servers.push(*address);
                    names.push((*address, name.clone()));
                }
                Upstream::Host(_) => {}
                Upstream::ResolvConf(path) => match resolv_conf::read(path) {
                    Ok(found) => servers.extend(found),
                    Err(error) => {
                        tracing::warn!(zone = %self.zone, %error, "upstreams cannot be read");
                        how.trouble = Some(error.to_string());
                    }
                },
            }
        }
        self.dialer.set_names(names.into_iter());
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

    /// How its servers are connected to.
    #[must_use]
    pub fn dialer(&self) -> Arc<Dialer> {
        Arc::clone(&self.dialer)
    }

    /// `tls`, `tcp` or `udp`.
    #[must_use]
    pub fn transport_text(&self) -> &'static str {
        match self.transport() {
            _ if self.dialer.is_tls() => "tls",
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    /// This one, and those that are asked behind it.
    pub fn all(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Self>> {
        std::iter::once(self).chain(&self.next)
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
        self.listed.subscribe()
    }

    /// Asks the zone's servers, and those behind them where an answer leads there. `stamp` is the path of clusters, ourselves
    /// last; it is left out where the row says so, and always for `.`.
    ///
    /// # Errors
    /// If none answered before the deadline. SERVFAIL and REFUSED are answers here.
    pub async fn ask(&self, question: &Question, stamp: Option<&[u8]>) -> Result<Received, Failure> {
        self.ask_logged(question, stamp, &SendLog::OFF).await
    }

    /// The same, each send written down.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_logged(
        &self,
        question: &Question,
        stamp: Option<&[u8]>,
        log: &SendLog,
    ) -> Result<Received, Failure> {
        let until = Instant::now() + self.how.read().bounds.deadline;
        let mut answer = self.ask_here(question, stamp, until, log).await;
        for (at, next) in self.next.iter().enumerate() {
            if !answer.as_ref().is_ok_and(|answer| self.leads_on(at, answer)) {
                break;
            }
            answer = next.ask_here(question, stamp, until, log).await;
        }
        answer
    }

    /// Is the next list of servers asked for such an answer?
    fn leads_on(&self, next: usize, answer: &Received) -> bool {
        let (rcode, answers) = (answer.body.rcode, answer.body.answers());
        let how = self.how.read();
        how.config.next.get(next).is_some_and(|next| next.on.iter().any(|outcome| outcome.fits(rcode, answers)))
    }

    /// Asks these servers; the others of them too while an answer is one to fail over. The last answer is the one.
    async fn ask_here(
        &self,
        question: &Question,
        stamp: Option<&[u8]>,
        until: Instant,
        log: &SendLog,
    ) -> Result<Received, Failure> {
        let (failover, stamped) = {
            let how = self.how.read();
            (Arc::clone(&how.failover), how.config.stamp && !self.zone.as_ref().is_root())
        };
        let stamp = stamp.filter(|_| stamped);
        let (mut asked, mut last) = (Vec::new(), None);
        for _ in 0..MOST_ROUNDS {
            // Each round numbers its sends from 0.
            let round = if log.is_on() || !failover.is_empty() { SendLog::on() } else { SendLog::OFF };
            let answer = self.ask_but(&asked, question, stamp, until, &round).await;
            log.append(&round);
            match answer {
                Ok(answer) if failover.contains(&answer.body.rcode) => last = Some(answer),
                Ok(answer) => return Ok(answer),
                Err(failure) => return last.ok_or(failure),
            }
            asked.extend(round.sends().iter().map(|sent| sent.server));
        }
        last.ok_or_else(|| self.no_server())
    }

    /// Asks one of these servers, but none that was asked already.
    async fn ask_but(
        &self,
        asked: &[SocketAddr],
        question: &Question,
        stamp: Option<&[u8]>,
        until: Instant,
        log: &SendLog,
    ) -> Result<Received, Failure> {
        let (transport, bounds) = {
            let how = self.how.read();
            (how.config.transport, how.bounds)
        };
        let dark = |cause| Failure::UpstreamDark { zone: self.zone.clone(), cause };
        match transport {
            Transport::Udp => {
                let bounds = Bounds { deadline: until.saturating_duration_since(Instant::now()), ..bounds };
                let others = (!asked.is_empty()).then(|| self.udp.but(asked));
                let pool = others.as_ref().unwrap_or(&self.udp);
                tries::ask(pool, question, stamp, bounds, log).await.map_err(|lost| match lost {
                    Lost::NoServer => self.no_server(),
                    Lost::Dark => dark(None),
                })
            }
            Transport::Tcp => match self.tcp.ask_but(asked, question, stamp, until, log).await {
                Ok(answer) => Ok(answer.received),
                Err(Trouble::Refused(answer)) => Ok(*answer),
                Err(Trouble::NoAddress) => Err(self.no_server()),
                Err(Trouble::Dark(cause)) => {
                    count(&self.udp.all_down);
                    Err(dark(self.dialer.is_tls().then(|| self.dialer.refusal().unwrap_or(cause))))
                }
            },
        }
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
            tls: self.dialer.snapshot(),
            all_down: self.udp.all_down.load(Relaxed),
            looping: self.listed.looping(),
            trouble: self.how.read().trouble.clone(),
        }
    }
}

fn plan(limits: &Limits, stamp_option: u16) -> Plan {
    Plan { settings: Settings::for_upstreams(limits, stamp_option), probe: Probe::Root, stamp: None }
}
