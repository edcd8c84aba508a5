//! As many answers over UDP as the server gives, and what they cost.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;

use super::Before;
use crate::process::Process;
use crate::support::questions::Questions;
use crate::support::saturate::{self, Answered, Width};

/// Together they fit into the receive buffer that Linux gives a server by default.
pub const WIDTH: Width = Width { sockets: 16, window: 16 };
/// Before each measurement, so that caches and queues are as they will be.
const WARM_UP: Duration = Duration::from_millis(40);
/// Where the server has to ask for every name first: what is remembered ends between two rounds.
const FILLING: Duration = Duration::from_millis(200);

/// One measurement of saturation.
#[derive(Clone, Copy, Debug)]
pub struct Saturated {
    /// Answers a second.
    pub rate: f64,
    /// CPU time of the server for one answer, in µs.
    pub cpu: f64,
    /// Parts of the time that each had its core.
    pub server_busy: f64,
    pub load_busy: f64,
    pub lost: u64,
}

/// `first` is what is asked to warm up; for longer if it fills a cache.
pub fn measure(
    server: SocketAddr,
    process: &Process,
    first: &Questions,
    questions: &Questions,
    fills: bool,
    period: Duration,
) -> anyhow::Result<Saturated> {
    saturate::run(server, first, WIDTH, if fills { FILLING } else { WARM_UP })?;
    let before = Before::new(process);
    let answered = saturate::run(server, questions, WIDTH, period)?;
    let cost = before.cost(process);
    let Answered { right, wrong, wrong_rcode, .. } = answered;
    ensure!(wrong == 0, "{wrong} wrong answers (the last with rcode {wrong_rcode}), {right} right");
    ensure!(answered.right > 0, "nothing was answered");
    // Until the load gives up on them nobody is asked in their place, and the time is not one of saturation.
    ensure!(answered.lost == 0, "{} questions lost", answered.lost);
    Ok(Saturated::of(answered.right, answered.lost, answered.took, cost))
}

impl Saturated {
    pub fn of(right: u64, lost: u64, took: Duration, cost: super::Cost) -> Self {
        let (answers, seconds) = (right as f64, took.as_secs_f64());
        Self {
            rate: answers / seconds,
            cpu: cost.server.as_secs_f64() * 1e6 / answers,
            server_busy: cost.server.as_secs_f64() / seconds,
            load_busy: cost.load.as_secs_f64() / seconds,
            lost,
        }
    }

    /// The load had no more to give, and the server could have taken it.
    pub fn load_is_the_limit(&self) -> bool {
        self.load_busy > 0.95 && self.server_busy < 0.95
    }
}
