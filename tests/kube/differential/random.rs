//! Breadth: Services and slices put together by a seeded generator, the same on every machine. Nothing here has a meaning;
//! that is the point.

use super::model::{Endpoint, Kind, Objects, Port, Service, Slice, port, with_conditions};

const SEED: u64 = 0x1e7e_10ca_15e7_0001;
const SERVICES: u64 = 60;

/// The generator of Steele, Lea and Flood (2014), "SplitMix64".
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let choice = self.below(choices.len() as u64);
        choices[usize::try_from(choice).unwrap()]
    }
}

pub fn add(objects: &mut Objects) {
    let mut random = Random::new(SEED);
    for number in 0..SERVICES {
        let service = service(&mut random, number);
        objects.services.push(service);
    }
}

fn service(random: &mut Random, number: u64) -> Service {
    let namespace = random.one_of(&["shop", "pay-1", "9lives", "default"]);
    let (v4, v6) = (format!("10.96.8.{number}"), format!("fd00:10:96::8{number:02}"));
    let kind = match random.below(8) {
        0 | 1 => Kind::Cluster(vec![v4]),
        2 => Kind::Cluster(vec![v6]),
        3 => Kind::Cluster(vec![v4, v6]),
        4 | 5 => Kind::Headless(vec!["IPv4"]),
        6 => Kind::Headless(vec!["IPv4", "IPv6"]),
        _ => Kind::Headless(vec!["IPv6", "IPv4"]),
    };
    let ports = ports(random, true);
    let mut service = Service::new(namespace, &format!("r-{number}"), kind, &ports);
    // A slice's ports are mostly the Service's.
    for part in 0..random.below(4) {
        let ports = if random.below(3) == 0 { self::ports(random, false) } else { ports.clone() };
        service.slices.push(slice(random, number, part, ports));
    }
    service
}

/// Named by their place, so that slices share names; a single one may have no name.
fn ports(random: &mut Random, at_least_one: bool) -> Vec<Port> {
    const NAMES: [&str; 5] = ["http", "grpc", "dns", "p-4", "a1"];
    let count = random.below(4) + u64::from(at_least_one);
    if count == 1 && random.below(3) == 0 {
        return vec![port("", random.one_of(&["TCP", "UDP"]), 80)];
    }
    let mut ports: Vec<Port> = Vec::new();
    for name in NAMES.iter().take(usize::try_from(count).unwrap()) {
        let made = port(name, random.one_of(&["TCP", "TCP", "UDP", "SCTP"]), random.one_of(&[53, 80, 443, 9092]));
        // A Service may not have one number and protocol twice.
        if !ports.iter().any(|other| (other.number, other.protocol) == (made.number, made.protocol)) {
            ports.push(made);
        }
    }
    ports
}

fn slice(random: &mut Random, number: u64, part: u64, ports: Vec<Port>) -> Slice {
    let ipv4 = random.below(3) > 0;
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for _ in 0..random.below(6) {
        // Few addresses and hostnames, so that they come again in other slices of the Service.
        let host = random.below(5) + 1;
        let address = if ipv4 { format!("10.8.{number}.{host}") } else { format!("fd00:10:8:8{number:02}::{host}") };
        let hostname = format!("h-{}", random.below(4));
        let hostname = (random.below(2) == 0).then_some(hostname.as_str());
        let conditions = match random.below(5) {
            0 => [Some(false), Some(true), Some(true)],
            1 => [None, None, None],
            _ => [Some(true), Some(true), Some(false)],
        };
        endpoints.push(with_conditions(hostname, &[&address], conditions));
    }
    let _ = part;
    Slice { ipv4, ports, endpoints }
}
