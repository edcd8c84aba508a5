//! No file descriptors are left: what is in memory is answered as ever, nothing spins, and all is as before when there are some again.

use std::net::TcpStream;
use std::time::Duration;

use interlocal::clock;

use crate::double::Double;
use crate::load;
use crate::process;
use crate::report::Findings;
use crate::server::{Server, Spec};
use crate::world::{CENTRAL, UPSTREAMS, World, ask, outside, sleep, sleep_ms};

const MOST: u32 = 200;

pub fn exhausted(world: &World, findings: &mut Findings) {
    let _upstream = Double::plain(world, UPSTREAMS[0]);
    let spec = Spec::new(CENTRAL).upstream(UPSTREAMS[0]).descriptors(MOST).key("limits", "{tcp_idle: 2m}");
    let central = world.start(spec);
    // The kernel completes handshakes that nobody accepts.
    let held: Vec<TcpStream> = (0..MOST + 100).filter_map(|_| connect(&central)).collect();
    let end = clock::now() + Duration::from_secs(10);
    while process::descriptors(central.id()) < MOST as usize && clock::now() < end {
        sleep_ms(50);
    }
    findings.at_least("descriptors in use", process::descriptors(central.id()) as f64, f64::from(MOST), "");
    let (from, before) = (clock::now(), process::on_core(central.id()));
    sleep(world.secs(5.0, 2.0));
    let used =
        (process::on_core(central.id()) - before).as_secs_f64() / clock::now().duration_since(from).as_secs_f64();
    findings.at_most("cores in use while nobody asks", used, 0.05, "");
    let local = load::start(central.dns(), 500.0, |number| Some(ask(CENTRAL, number as u32, 0)));
    sleep(world.secs(5.0, 2.0));
    let local = local.stop();
    findings.none("names from memory: failed", local.bad(), local.len());
    let misses = load::burst(central.dns(), (0..20).map(|number| outside(number, 0)).collect());
    findings.none("names of others: no answer at all", misses.lost(), misses.len());

    drop(held);
    let mut number = 1_000;
    let back = central.until_good(Duration::from_secs(20), move || {
        number += 1;
        outside(number, 0)
    });
    findings.at_most(
        "names of others work again after",
        back.map_or(f64::INFINITY, |back| back.as_secs_f64()),
        2.0,
        "s",
    );
    // The page itself needs a descriptor.
    let errors = central.sum("interlocal_tcp_accept_errors_total", "");
    findings.holds("connections that could not be accepted were counted", format!("{errors:.0}"), errors > 0.0);
    findings.holds("connections are accepted again", "", connect(&central).is_some_and(|stream| is_open(&stream)));
}

fn connect(central: &Server) -> Option<TcpStream> {
    TcpStream::connect_timeout(&central.dns(), Duration::from_secs(2)).ok()
}

/// Nobody hangs up for a moment.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}
