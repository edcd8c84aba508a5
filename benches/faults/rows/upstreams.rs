//! Upstreams over UDP that swallow everything.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use interlocal::clock;

use crate::double::Double;
use crate::load;
use crate::namespace;
use crate::report::Findings;
use crate::samples::Outcome;
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, EAST, UPSTREAMS, WEST, World, ask, outside, sleep};

const LOCAL: u8 = 0;
const PEERS: u8 = 1;
const MISS: u8 = 2;

fn server_of(world: &World, region: u8) -> Server {
    let spec = Spec::new(region).row("east", &[world.door(EAST, 1)]);
    world.start(spec.upstream(UPSTREAMS[0]).upstream(UPSTREAMS[1]))
}

pub fn black_holed(world: &World, findings: &mut Findings) {
    let _upstreams = UPSTREAMS.map(|address| Double::plain(world, address));
    let _east = world.start(Spec::new(EAST));
    let (first, _) = UPSTREAMS[0].split_once(':').unwrap();
    let (second, _) = UPSTREAMS[1].split_once(':').unwrap();
    let server = server_of(world, CENTRAL);
    let misses =
        |server: &Server, from: u64| load::start(server.dns(), 200.0, move |number| Some(outside(from + number, MISS)));

    let load = misses(&server, 0);
    sleep(world.secs(2.0, 2.0));
    namespace::darken(first);
    sleep(world.secs(5.0, 3.0));
    let one = load.stop();
    findings.none("one dark: failed", one.bad(), one.len());
    findings.at_most("one dark: p99 of misses", one.p99(), 300.0, "ms");

    let fresh = server_of(world, WEST);
    let load = misses(&fresh, 20_000);
    sleep(world.secs(3.0, 2.0));
    let started = load.stop();
    findings.none("one dark, just started: failed", started.bad(), started.len());
    findings.at_most("one dark, just started: p99 of misses", started.p99(), 300.0, "ms");
    drop(fresh);

    let others = load::start(server.dns(), 1_000.0, |number| {
        Some(if number % 2 == 0 { ask(CENTRAL, number as u32, LOCAL) } else { ask(EAST, number as u32, PEERS) })
    });
    sleep(world.secs(2.0, 2.0));
    let dark = clock::now();
    namespace::darken(second);
    let load = misses(&server, 40_000);
    sleep(world.secs(6.0, 5.0));
    let (both, others) = (load.stop(), others.stop());
    let explained =
        both.count(|outcome| matches!(outcome, Outcome::Failed(ResponseCode::ServFail, errors) if !errors.is_empty()));
    findings.none("both dark: not SERVFAIL with a reason", both.len() - explained, both.len());
    findings.at_most("both dark: slowest", both.max(), 4_200.0, "ms");
    let (before, during) = (others.between(dark - Duration::from_secs(2), dark), others.since(dark));
    findings.none("both dark: local and peers' names failed", during.bad(), during.len());
    findings.at_most("both dark: local and peers' p99 added", during.usual_p99() - before.usual_p99(), 1.0, "ms");
}
