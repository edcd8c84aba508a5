//! One question's way: through the servers of a zone, again through the others of them while an answer is one to fail over, and on to
//! those that are asked behind them. Whom a try goes to is decided in `tries`, and in the peers' client over TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::attempt::Handed;
use super::client::ForwardClient;
use super::pool::Bounds;
use super::tries::{self, Lost};
use crate::answer::Failure;
use crate::config::Transport;
use crate::peer::counters::count;
use crate::peer::group::Trouble;
use crate::peer::sends::SendLog;
use crate::wire::exchange::{Question, Received};

/// How often a question looks whether the first addresses are there.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long the others are waited for when an answer is there already, as CoreDNS waits for each upstream.
const OTHERS: Duration = Duration::from_secs(2);

/// Of one question. Each asks servers that were not asked yet, and a Corefile names at most 15.
const MOST_ROUNDS: usize = 32;

impl ForwardClient {
    /// Asks the zone's servers, and those behind them where an answer leads there. `stamp` is the path of clusters, ourselves
    /// last; it is left out where the row says so, and always for `.`.
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
        let began = handed.as_ref().map_or_else(Instant::now, |handed| handed.attempt.began);
        let until = began + self.how.read().bounds.deadline;
        let mut answer = self.ask_here(question, stamp, until, handed, log).await;
        for (at, next) in self.next.iter().enumerate() {
            if !answer.as_ref().is_ok_and(|answer| self.leads_on(at, answer)) {
                break;
            }
            count(&self.led_on);
            answer = next.ask_here(question, stamp, until, None, log).await;
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
        mut handed: Option<Handed>,
        log: &SendLog,
    ) -> Result<Received, Failure> {
        let (failover, stamped) = {
            let how = self.how.read();
            (Arc::clone(&how.failover), how.config.stamp && !self.zone.as_ref().is_root())
        };
        let stamp = stamp.filter(|_| stamped);
        self.first_addresses(until).await;
        let (mut asked, mut last) = (Vec::new(), None);
        for _ in 0..MOST_ROUNDS {
            // Each round numbers its sends from 0.
            let round = if log.is_on() || !failover.is_empty() { SendLog::on() } else { SendLog::OFF };
            let end = if last.is_some() { until.min(Instant::now() + OTHERS) } else { until };
            let answer = self.ask_but(&asked, question, stamp, end, handed.take(), &round).await;
            log.append(&round);
            match answer {
                Ok(answer) if failover.contains(&answer.body.rcode) => last = Some(answer),
                Ok(answer) => return Ok(answer),
                Err(failure) => return last.ok_or(failure),
            }
            count(&self.failovers);
            asked.extend(round.sends().iter().map(|sent| sent.server));
        }
        last.ok_or_else(|| self.no_server())
    }

    /// Right after the start there may be no address because no host name has been resolved yet.
    async fn first_addresses(&self, until: Instant) {
        let Some(hosts) = &self.hosts else { return };
        let mut listed = self.servers.listed.subscribe();
        while listed.borrow_and_update().is_empty() && hosts.endpoints.is_pending() && Instant::now() < until {
            // A lookup that fails changes nothing, and ends the wait too.
            let _ = timeout(LOOK_EVERY, listed.changed()).await;
        }
    }

    /// Asks one of these servers, but none that was asked already; of the others, none that is down.
    async fn ask_but(
        &self,
        asked: &[SocketAddr],
        question: &Question,
        stamp: Option<&[u8]>,
        until: Instant,
        handed: Option<Handed>,
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
                let others = (!asked.is_empty()).then(|| self.servers.udp.but(asked));
                let pool = others.as_ref().unwrap_or(&self.servers.udp);
                tries::ask(pool, question, stamp, bounds, handed, log).await.map_err(|lost| match lost {
                    Lost::NoServer => self.no_server(),
                    Lost::Dark => dark(None),
                })
            }
            Transport::Tcp => match self.servers.tcp.ask_but(asked, question, stamp, until, log).await {
                Ok(answer) => Ok(answer.received),
                Err(Trouble::Refused(answer)) => Ok(*answer),
                Err(Trouble::NoAddress) => Err(self.no_server()),
                Err(Trouble::Dark(cause)) => {
                    count(&self.servers.udp.all_down);
                    Err(dark(self.servers.dialer.is_tls().then(|| self.servers.dialer.refusal().unwrap_or(cause))))
                }
            },
        }
    }

    fn no_server(&self) -> Failure {
        let zone = self.zone.clone();
        if self.servers.listed.looping().is_empty() {
            Failure::UpstreamWithoutAddress { zone }
        } else {
            Failure::RouteLoops { zone }
        }
    }
}
