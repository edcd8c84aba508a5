//! What was measured, by rows, and the numbers that are drawn from it.

use crate::measure::coalescing::Coalesced;
use crate::measure::paced::Paced;
use crate::measure::region::Added;
use crate::measure::tcp::Shape;
use crate::measure::udp::Saturated;
use crate::stats::Spread;
use crate::support::world::Work;

/// A server and what was asked of it, in every round.
pub struct Row<K, S> {
    pub peer: &'static str,
    pub name: String,
    pub what: K,
    pub samples: Vec<S>,
    /// Why it has no numbers, or not all.
    pub failure: Option<String>,
}

/// With the echo server just before it.
#[derive(Clone, Copy)]
pub struct BesideEcho {
    pub own: Saturated,
    pub echo: Saturated,
}

pub type UdpRow = Row<Work, BesideEcho>;
pub type TcpRow = Row<Shape, Saturated>;
pub type PacedRow = Row<(), Paced>;
/// Questions that are forwarded.
pub type MissRow = Row<(), BesideEcho>;

#[derive(Default)]
pub struct Results {
    pub facts: Facts,
    pub udp: Vec<UdpRow>,
    pub tcp: Vec<TcpRow>,
    pub paced: Vec<PacedRow>,
    pub misses: Vec<MissRow>,
    pub region: Vec<Added>,
    pub coalesced: Vec<Row<(), Coalesced>>,
    /// Octets.
    pub memory: Vec<Row<(), u64>>,
}

/// The circumstances.
#[derive(Default)]
pub struct Facts {
    pub kernel: String,
    pub cores: usize,
    pub processor: String,
    pub rounds: usize,
    pub sockets: usize,
    pub window: usize,
    /// Names with versions.
    pub peers: Vec<(String, String)>,
    /// Those that did not run, and why.
    pub missing: Vec<(String, String)>,
}

impl<K, S> Row<K, S> {
    pub fn new(peer: &'static str, name: &str, what: K) -> Self {
        Self { peer, name: name.to_owned(), what, samples: Vec::new(), failure: None }
    }

    pub fn keep(&mut self, sample: anyhow::Result<S>) {
        match sample {
            Ok(sample) => self.samples.push(sample),
            Err(error) => self.failure = Some(format!("{error:#}")),
        }
    }

    pub fn spread(&self, number: impl Fn(&S) -> f64) -> Option<Spread> {
        Spread::of(self.samples.iter().map(number))
    }

    pub fn median(&self, number: impl Fn(&S) -> f64) -> Option<f64> {
        Some(self.spread(number)?.median)
    }
}

impl<K> Row<K, BesideEcho> {
    /// CPU time of an answer, in the echo's of the same round.
    pub fn over_echo(&self) -> Option<Spread> {
        self.spread(|it| it.own.cpu / it.echo.cpu)
    }
}

impl Results {
    pub fn udp(&self, peer: &str, work: Work) -> Option<&UdpRow> {
        self.udp.iter().find(|row| row.peer == peer && row.what == work)
    }

    /// How many times as much the peer's answer costs as ours.
    pub fn udp_ratio(&self, peer: &str, work: Work) -> Option<f64> {
        Some(self.udp(peer, work)?.over_echo()?.median / self.udp("interlocal", work)?.over_echo()?.median)
    }

    /// The same for questions that are forwarded.
    pub fn miss_ratio(&self, peer: &str) -> Option<f64> {
        let cost = |peer: &str| Some(self.misses.iter().find(|row| row.peer == peer)?.over_echo()?.median);
        Some(cost(peer)? / cost("interlocal")?)
    }

    /// The same for a list of rows, round by round.
    pub fn ratio<K: PartialEq, S>(rows: &[Row<K, S>], peer: &str, what: &K, number: impl Fn(&S) -> f64) -> Option<f64> {
        Self::ratio_of(rows, peer, "interlocal", what, number)
    }

    /// One peer's number over another's.
    pub fn ratio_of<K: PartialEq, S>(
        rows: &[Row<K, S>],
        one: &str,
        other: &str,
        what: &K,
        number: impl Fn(&S) -> f64,
    ) -> Option<f64> {
        let find = |peer: &str| rows.iter().find(|row| row.peer == peer && row.what == *what);
        let (theirs, ours) = (find(one)?, find(other)?);
        let ratios = theirs.samples.iter().zip(&ours.samples).map(|(theirs, ours)| number(theirs) / number(ours));
        Some(Spread::of(ratios)?.median)
    }
}
