//! Who is where in the namespace, and what each region knows: `n17.many.east.svc.cluster.local` is 10.2.0.17. And what a row is
//! given to work with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::load::Ask;
use crate::options::Column;
use crate::relay::{Relay, Weather};
use crate::server::{Server, Spec};

pub const CENTRAL: u8 = 1;
pub const EAST: u8 = 2;
pub const WEST: u8 = 3;

/// Upstreams, which are doubles.
pub const UPSTREAMS: [&str; 2] = ["127.8.0.1:53", "127.8.0.2:53"];

/// Names of each region.
pub const NAMES: u32 = 12_000;

pub fn label(region: u8) -> &'static str {
    ["", "central", "east", "west"][usize::from(region)]
}

/// Name number `number` of a region.
pub fn ask(region: u8, number: u32, tag: u8) -> Ask {
    let number = number % NAMES;
    Ask { name: format!("n{number}.many.{}.svc.cluster.local", label(region)), tag, expect: Some(pod(region, number)) }
}

/// A name outside the clusters; the double for upstreams answers all alike.
pub fn outside(number: u64, tag: u8) -> Ask {
    Ask { name: format!("n{number}.example.com"), tag, expect: Some(crate::double::ADDRESS) }
}

pub fn pod(region: u8, number: u32) -> Ipv4Addr {
    Ipv4Addr::new(10, region, (number / 250) as u8, (number % 250) as u8)
}

/// `127.REGION.0.PLACE`; a region may have several addresses.
pub fn address(region: u8, place: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, region, 0, place)
}

/// What a row works with.
pub struct World {
    pub column: Column,
    pub quick: bool,
    pub runtime: tokio::runtime::Runtime,
    pub coredns: PathBuf,
    /// How long the soak takes.
    pub soak: Duration,
    /// How long faults come in random order, and in which.
    pub random: Duration,
    pub seed: u64,
}

impl World {
    pub fn is_coredns(&self) -> bool {
        self.column == Column::CoreDns
    }

    /// Where other regions ask a region.
    pub fn door(&self, region: u8, place: u8) -> SocketAddr {
        let port = if self.is_coredns() { 53 } else { 8_053 };
        SocketAddr::from((address(region, place), port))
    }

    /// The full number, or the one for a quick run.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    pub fn secs(&self, full: f64, quick: f64) -> Duration {
        Duration::from_secs_f64(self.pick(full, quick))
    }

    pub fn start(&self, spec: Spec) -> Server {
        Server::start(self, spec)
    }

    /// A region with its own names, which nobody outside of it matters to.
    pub fn peer(&self, region: u8, places: u8) -> Server {
        self.start(Spec::new(region).places(places).upstream(UPSTREAMS[0]))
    }

    /// A network between two servers.
    pub fn relay(&self, target: SocketAddr, weather: Weather) -> Relay {
        self.runtime.block_on(Relay::start(target, weather)).unwrap()
    }

    /// The same on this loopback address, and new connections to each target in turn.
    pub fn relay_at(&self, listen: SocketAddr, targets: Vec<SocketAddr>, weather: Weather) -> Relay {
        self.runtime.block_on(Relay::between(listen, targets, weather)).unwrap()
    }
}

pub fn sleep(time: Duration) {
    std::thread::sleep(time);
}

pub fn sleep_ms(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}
