//! Faults in an order that nobody chose, some at the same time, for as long as it is told: names of the cluster are always answered,
//! those of a region that has no fault and those of upstreams nearly always. The seed is told, and takes the same way again.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use interlocal::clock;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use socket2::{Domain, Socket, Type};

use crate::double::Double;
use crate::load::{self, Ask};
use crate::namespace;
use crate::relay::{Relay, Weather};
use crate::report::Findings;
use crate::samples::{Outcome, Samples};
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, EAST, UPSTREAMS, WEST, World, ask, outside, sleep, sleep_ms};
use crate::{interlocal_files, process};

const LOCAL: u8 = 0;
const HEALTHY: u8 = 1;
const OUTSIDE: u8 = 2;
/// The region that has all the faults of regions.
const FAULTY: u8 = 3;

/// Those who are a fault: slow ones, and one that asks for much at once.
const CLIENTS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 22, 0, 1), Ipv4Addr::new(127, 22, 0, 2)];
/// A document that is no object.
const BROKEN: &str = "---\napiVersion: v1\nkind: Service\n metadata: {}\n";

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    RegionDark,
    RegionResets,
    RegionSlow,
    RegionForgotten,
    UpstreamDark,
    TableChanges,
    TableBroken,
    ObjectsChange,
    ObjectsBroken,
    Reload,
    StandsStill,
    SlowClients,
    BurstOfMisses,
}

const FAULTS: [Fault; 13] = [
    Fault::RegionDark,
    Fault::RegionResets,
    Fault::RegionSlow,
    Fault::RegionForgotten,
    Fault::UpstreamDark,
    Fault::TableChanges,
    Fault::TableBroken,
    Fault::ObjectsChange,
    Fault::ObjectsBroken,
    Fault::Reload,
    Fault::StandsStill,
    Fault::SlowClients,
    Fault::BurstOfMisses,
];

/// What the faults are done to.
struct Scene {
    central: Server,
    relay: Relay,
    objects: String,
    round: u64,
    clients: Vec<TcpStream>,
}

/// Of names of one kind.
#[derive(Default)]
struct Tally {
    asked: usize,
    bad: usize,
    why: String,
}

pub fn random(world: &World, findings: &mut Findings) {
    let _upstreams = UPSTREAMS.map(|address| Double::plain(world, address));
    let _others = [world.peer(EAST, 1), world.peer(WEST, 1)];
    let relay = world.relay(world.door(EAST, 1), Weather::default());
    let spec = Spec::new(CENTRAL).row("east", &[relay.address()]).row("west", &[world.door(WEST, 1)]);
    let central = world.start(spec.upstream(UPSTREAMS[0]).upstream(UPSTREAMS[1]));
    let objects = std::fs::read_to_string(central.folder.path().join("objects.yaml")).unwrap();
    let mut scene = Scene { central, relay, objects, round: 0, clients: Vec::new() };
    let mut random = StdRng::seed_from_u64(world.seed);
    println!("  seed {}", world.seed);

    let mut tallies: BTreeMap<u8, Tally> = BTreeMap::new();
    let mut met: BTreeMap<Fault, usize> = BTreeMap::new();
    let (mut asked, mut strange) = (0, 0);
    let (began, descriptors) = (clock::now(), process::descriptors(scene.central.id()));
    while clock::now().duration_since(began) < world.random {
        let from = asked;
        let load =
            load::start(scene.central.dns(), world.pick(2_000.0, 1_000.0), move |number| Some(mixed(from + number)));
        let mut now: Vec<Fault> =
            (0..random.random_range(1..=3)).map(|_| FAULTS[random.random_range(0..FAULTS.len())]).collect();
        now.sort_unstable();
        now.dedup();
        for fault in &now {
            *met.entry(*fault).or_default() += 1;
            scene.begin(*fault);
            sleep_ms(random.random_range(0..500));
        }
        sleep_ms(random.random_range(300..3_000));
        now.iter().for_each(|fault| scene.end(*fault));
        sleep_ms(random.random_range(0..1_500));
        let samples = load.stop();
        asked += samples.len() as u64;
        strange += samples.strange;
        for kind in [LOCAL, HEALTHY, OUTSIDE, FAULTY] {
            tallies.entry(kind).or_default().add(&samples.tag(kind), &now);
        }
        scene.round += 1;
    }

    let of = |kind: u8| &tallies[&kind];
    findings.none("own names that were not answered", of(LOCAL).bad, of(LOCAL).asked);
    findings.at_most("of a healthy region not answered", of(HEALTHY).share(), 0.01, "%");
    findings.at_most("of upstreams not answered", of(OUTSIDE).share(), 0.1, "%");
    findings.told("of the region with faults not answered", format!("{:.2} %", of(FAULTY).share()));
    findings.none("replies to something else", strange, asked as usize);
    findings.told("what was not answered first", [LOCAL, HEALTHY, OUTSIDE].map(|kind| of(kind).why.clone()).join(" "));
    let times: Vec<String> = met.iter().map(|(fault, times)| format!("{fault:?} {times}")).collect();
    findings.told("faults", format!("{} rounds, seed {}: {}", scene.round, world.seed, times.join(", ")));
    findings.at_most("panics", scene.central.sum("interlocal_panics_total", ""), 0.0, "");
    let lives = scene.central.is_alive();
    findings.holds("the process lives", if lives { "yes" } else { "no" }, lives);
    scene.clients.clear();
    sleep(Duration::from_secs(2));
    let left = process::descriptors(scene.central.id()).saturating_sub(descriptors);
    findings.at_most("descriptors added", left as f64, 64.0, "");
}

/// Half of them from memory, half of them new.
fn mixed(number: u64) -> Ask {
    let name = if number.is_multiple_of(2) { number / 8 % 200 } else { number / 8 };
    match number / 2 % 4 {
        0 => ask(WEST, name as u32, HEALTHY),
        1 => outside(name, OUTSIDE),
        2 => ask(EAST, name as u32, FAULTY),
        _ => ask(CENTRAL, number as u32, LOCAL),
    }
}

impl Scene {
    fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::RegionDark => self.relay.change(|weather| weather.dark = true),
            Fault::RegionResets => self.relay.change(|weather| weather.reset = true),
            Fault::RegionSlow => self.relay.change(|weather| weather.delay = Duration::from_millis(800)),
            Fault::RegionForgotten => self.relay.change(|weather| weather.forgets += 1),
            Fault::UpstreamDark => namespace::darken(self.upstream()),
            Fault::TableChanges => self.table(true),
            Fault::TableBroken => self.central.write("peers.yaml", "regions: {east: [not a row"),
            Fault::ObjectsChange => self.central.write("objects.yaml", &format!("{}{}", self.objects, self.changed())),
            // It costs itself.
            Fault::ObjectsBroken => self.central.write("objects.yaml", &format!("{}{BROKEN}", self.objects)),
            Fault::Reload => self.central.signal("HUP"),
            Fault::StandsStill => {
                self.central.signal("STOP");
                sleep_ms(300);
                self.central.signal("CONT");
            }
            Fault::SlowClients => {
                let server = self.central.dns();
                self.clients.extend((0..200).filter_map(|_| slow(server)));
            }
            Fault::BurstOfMisses => {
                let from = 1_000_000 * (self.round + 1);
                let mut asks = (from..from + 500).map(|number| outside(number, OUTSIDE));
                drop(load::start_from(CLIENTS[1], self.central.dns(), 2_000.0, move |_| asks.next()).end());
            }
        }
    }

    fn end(&mut self, fault: Fault) {
        match fault {
            Fault::RegionDark => self.relay.change(|weather| weather.dark = false),
            Fault::RegionResets => self.relay.change(|weather| weather.reset = false),
            Fault::RegionSlow => self.relay.change(|weather| weather.delay = Duration::ZERO),
            Fault::UpstreamDark => namespace::lighten(self.upstream()),
            Fault::TableChanges | Fault::TableBroken => self.table(false),
            Fault::ObjectsChange | Fault::ObjectsBroken => self.central.write("objects.yaml", &self.objects),
            Fault::SlowClients => self.clients.clear(),
            Fault::RegionForgotten | Fault::Reload | Fault::StandsStill | Fault::BurstOfMisses => {}
        }
    }

    /// One of the two; the other one is healthy.
    fn upstream(&self) -> &'static str {
        UPSTREAMS[self.round as usize % 2].split_once(':').unwrap().0
    }

    /// East's and west's rows stay; another one comes and goes.
    fn table(&self, other: bool) {
        let mut rows = self.central.spec.rows.clone();
        if other {
            rows.push(("north".to_owned(), vec!["127.9.9.9:53".to_owned()]));
        }
        self.central.write("peers.yaml", &interlocal_files::table(CENTRAL, &rows));
    }

    fn changed(&self) -> String {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: churn, namespace: central}}\n\
             spec: {{clusterIP: 10.96.0.{}, ports: [{{name: http, port: 80}}]}}\n",
            self.round % 250
        )
    }
}

/// A client of its own address that asks and reads nothing.
fn slow(server: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    let _ = socket.set_recv_buffer_size(1);
    socket.bind(&SocketAddr::from((CLIENTS[0], 0)).into()).ok()?;
    socket.connect_timeout(&server.into(), Duration::from_secs(5)).ok()?;
    socket.set_nonblocking(true).ok()?;
    let mut stream = TcpStream::from(socket);
    let one = crate::support::questions::question("many.central.svc.cluster.local", 1, None).message;
    let framed = [&(one.len() as u16).to_be_bytes()[..], &one].concat();
    let _ = std::io::Write::write(&mut stream, &framed.repeat(50));
    Some(stream)
}

impl Tally {
    fn add(&mut self, samples: &Samples, now: &[Fault]) {
        let bad = samples.count(|outcome| !matches!(outcome, Outcome::Right | Outcome::Stale));
        self.asked += samples.len();
        self.bad += bad;
        if bad > 0 && self.why.is_empty() {
            self.why = format!("{} ({now:?})", samples.why());
        }
    }

    /// In percent.
    fn share(&self) -> f64 {
        100.0 * self.bad as f64 / self.asked.max(1) as f64
    }
}
