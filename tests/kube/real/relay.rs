//! What a network does to the connections to an API server: the demo's relay, with TLS and all that it does not look at.

use std::net::Ipv4Addr;

use crate::support::relay::{Relay, Telling, Weather};

/// To this port of loopback.
pub async fn to(port: u16) -> Relay {
    Relay::start((Ipv4Addr::LOCALHOST, port).into(), Weather::default()).await.unwrap()
}

/// Ends every connection; new ones are welcome.
pub fn cut(relay: &Relay) {
    forget(relay, Telling::AtOnce);
}

/// Every connection is dead from now on, and nobody is told; new ones work.
pub fn freeze(relay: &Relay) {
    forget(relay, Telling::Never);
}

fn forget(relay: &Relay, telling: Telling) {
    relay.change(|weather| {
        weather.telling = telling;
        weather.forgets += 1;
    });
}
