//! One measurement each: what is sent, and what came of it. They measure one server once; the rounds are `rounds`'.

pub mod coalescing;
pub mod memory;
pub mod paced;
pub mod region;
pub mod tcp;
pub mod udp;

use std::time::Duration;

use crate::process::{Process, Used};
use crate::support::schedstat::{self, Times};

/// The core's and the processes' clocks before a measurement.
pub struct Before {
    server: Used,
    load: Times,
}

/// What both sides used while one was made.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub server: Duration,
    pub load: Duration,
    /// The load was ready to run and another program had its core.
    pub load_waited: Duration,
}

impl Before {
    pub fn new(server: &Process) -> Self {
        Self { server: server.used(), load: schedstat::own() }
    }

    pub fn cost(&self, server: &Process) -> Cost {
        let (used, load) = (server.used(), schedstat::own());
        Cost {
            server: used.cpu.saturating_sub(self.server.cpu),
            load: load.on_core.saturating_sub(self.load.on_core),
            load_waited: load.waiting.saturating_sub(self.load.waiting),
        }
    }
}
