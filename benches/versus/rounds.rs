//! The rounds: each measures everything once, in another order, because a machine's speed drifts and other programs run.

use std::time::Duration;

use rand::seq::SliceRandom;

use crate::measure::tcp::Shape;
use crate::measure::{paced, tcp, udp};
use crate::options::{Effort, Options};
use crate::peers::Peer;
use crate::results::{BesideEcho, Results, Row};
use crate::support::questions::Questions;
use crate::support::world::{OUTSIDE, Work};
use interlocal::wire::rtype;

pub const SHAPES: [Shape; 2] = [Shape { connections: 16, depth: 32 }, Shape { connections: 64, depth: 1 }];
/// A measurement at a fixed rate in which the load lost its core for more than this is made again, a few times.
const DISTURBED: f64 = 0.005;
const AGAIN: usize = 2;

/// A row, by its place in its table.
#[derive(Clone, Copy, Debug)]
enum Job {
    Udp(usize),
    Tcp(usize),
    Paced(usize),
    Miss(usize),
}

/// Measures, and fills the tables.
pub struct Rounds<'p> {
    pub echo: &'p Peer,
    pub peers: &'p [Peer],
    pub effort: Effort,
    /// So that no name is asked twice.
    pub fresh: u16,
}

impl Rounds<'_> {
    pub fn run(&mut self, options: &Options, results: &mut Results) {
        let mut jobs = self.plan(options, results);
        let mut random = rand::rng();
        for round in 0..self.effort.rounds {
            eprintln!("round {} of {}", round + 1, self.effort.rounds);
            jobs.shuffle(&mut random);
            for job in &jobs {
                self.measure(*job, results);
            }
        }
    }

    fn plan(&self, options: &Options, results: &mut Results) -> Vec<Job> {
        let mut jobs = Vec::new();
        for peer in self.peers {
            for work in peer.works.iter().filter(|_| options.measures("udp")) {
                jobs.push(Job::Udp(results.udp.len()));
                results.udp.push(Row::new(peer.key, &peer.name, *work));
            }
            for shape in SHAPES.iter().filter(|_| peer.tcp && options.measures("tcp")) {
                jobs.push(Job::Tcp(results.tcp.len()));
                results.tcp.push(Row::new(peer.key, &peer.name, *shape));
            }
            if peer.forwards && options.measures("misses") {
                jobs.push(Job::Miss(results.misses.len()));
                results.misses.push(Row::new(peer.key, &peer.name, ()));
            }
        }
        for peer in self.peers.iter().chain([self.echo]).filter(|peer| peer.paced && options.measures("paced")) {
            jobs.push(Job::Paced(results.paced.len()));
            results.paced.push(Row::new(peer.key, &peer.name, ()));
        }
        jobs
    }

    fn measure(&mut self, job: Job, results: &mut Results) {
        match job {
            Job::Udp(at) => {
                let row = &mut results.udp[at];
                let questions = row.what.questions();
                row.keep(self.beside_echo(row.peer, &questions, &questions, row.what == Work::Cached));
            }
            Job::Miss(at) => {
                let row = &mut results.misses[at];
                let [first, questions] = [(); 2].map(|()| {
                    self.fresh += 1;
                    Questions::unique(OUTSIDE, rtype::A, (0, 1), self.fresh)
                });
                row.keep(self.beside_echo(row.peer, &first, &questions, false));
            }
            Job::Tcp(at) => {
                let row = &mut results.tcp[at];
                let peer = self.peer(row.peer);
                let questions = Work::ClusterIp.questions();
                row.keep(tcp::measure(peer.address, &peer.process, &questions, row.what, self.effort.period));
            }
            Job::Paced(at) => {
                let row = &mut results.paced[at];
                row.keep(self.paced(row.peer));
            }
        }
    }

    fn beside_echo(
        &self,
        peer: &str,
        first: &Questions,
        questions: &Questions,
        fills: bool,
    ) -> anyhow::Result<BesideEcho> {
        let (peer, period) = (self.peer(peer), self.effort.period);
        let echoed = Work::ClusterIp.questions().echoed();
        let echo = udp::measure(self.echo.address, &self.echo.process, &echoed, &echoed, false, period / 2)?;
        let own = udp::measure(peer.address, &peer.process, first, questions, fills, period)?;
        Ok(BesideEcho { own, echo })
    }

    fn paced(&self, peer: &str) -> anyhow::Result<paced::Paced> {
        let peer = self.peer(peer);
        let questions = Work::ClusterIp.questions();
        let questions = if peer.key == "echo" { questions.echoed() } else { questions };
        let one = |period: Duration| paced::measure(peer.address, &peer.process, &questions, period);
        one(self.effort.paced / 10)?;
        let mut best = one(self.effort.paced)?;
        for _ in 0..AGAIN {
            if best.disturbed <= DISTURBED {
                break;
            }
            let other = one(self.effort.paced)?;
            if other.disturbed < best.disturbed {
                best = other;
            }
        }
        Ok(best)
    }

    fn peer(&self, key: &str) -> &Peer {
        self.peers.iter().find(|peer| peer.key == key).unwrap_or(self.echo)
    }
}
