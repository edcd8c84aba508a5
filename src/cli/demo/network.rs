//! The network between the demo's regions, if it is to be a bad one: which region is far away, which goes dark, which resets.
//! Such a region's peers' door is reached through a relay.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;

use super::relay::{Relay, Weather};
use crate::config::units;

#[derive(clap::Args)]
pub(super) struct Wanted {
    /// Add this to every round trip to a region, such as east=80ms; may be given for several
    #[arg(long, value_name = "REGION=TIME", value_parser = delay)]
    delay: Vec<(String, Duration)>,
    /// After the first questions, let nothing arrive at this region any more; Enter ends it and begins it again
    #[arg(long, value_name = "REGION", conflicts_with = "once")]
    dark: Vec<String>,
    /// After the first questions, reset every connection to this region; Enter ends it and begins it again
    #[arg(long, value_name = "REGION", conflicts_with = "once")]
    reset: Vec<String>,
}

/// Regions that are reached through a relay.
pub(super) struct Network {
    relays: BTreeMap<String, Relay>,
    dark: Vec<String>,
    reset: Vec<String>,
    bad: bool,
}

impl Network {
    /// Stands a relay before each region that was named; `doors` are all regions' peers' doors.
    pub(super) async fn start(wanted: &Wanted, doors: &BTreeMap<String, SocketAddr>) -> anyhow::Result<Self> {
        let delayed = wanted.delay.iter().map(|(region, _)| region);
        let mut relays = BTreeMap::new();
        for region in delayed.chain(&wanted.dark).chain(&wanted.reset) {
            let known = || doors.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let door = doors.get(region).with_context(|| format!("no region `{region}`; there are: {}", known()))?;
            let delay = wanted.delay.iter().rev().find(|(delayed, _)| delayed == region);
            let weather = Weather { delay: delay.map(|(_, delay)| *delay).unwrap_or_default(), ..Weather::default() };
            let relay = Relay::start(*door, weather).await.context("cannot stand between two regions")?;
            relays.insert(region.clone(), relay);
        }
        Ok(Self { relays, dark: wanted.dark.clone(), reset: wanted.reset.clone(), bad: false })
    }

    /// Where the others reach these regions.
    pub(super) fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        self.relays.iter().map(|(region, relay)| (region.clone(), relay.address())).collect()
    }

    /// Begins what was asked for, or ends it; the words for it, or none if nothing was.
    pub(super) fn turn(&mut self) -> Option<String> {
        if self.dark.is_empty() && self.reset.is_empty() {
            return None;
        }
        self.bad = !self.bad;
        let bad = self.bad;
        for (region, relay) in &self.relays {
            let (dark, reset) = (self.dark.contains(region), self.reset.contains(region));
            relay.change(|weather| (weather.dark, weather.reset) = (dark && bad, reset && bad));
        }
        let (dark, reset) = if bad { ("is dark", "resets every connection") } else { ("is back", "is calm") };
        let said = |(region, what)| format!("{region} {what}");
        let dark = self.dark.iter().map(|region| (region, dark));
        let reset = self.reset.iter().map(|region| (region, reset));
        Some(dark.chain(reset).map(said).collect::<Vec<_>>().join(", "))
    }
}

/// `east=80ms`.
fn delay(text: &str) -> Result<(String, Duration), String> {
    let (region, time) = text.split_once('=').ok_or("write a region and a time, such as east=80ms")?;
    let time = units::duration(time).map_err(|fault| match fault.help {
        Some(help) => format!("{}; {help}", fault.message),
        None => fault.message,
    })?;
    Ok((region.to_owned(), time))
}

/// Says so each time that a line is typed. Nothing more, and no end, once the input has ended.
pub(super) fn typed() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    // Reading a terminal blocks: a thread that ends with the process.
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lines();
        while let Some(Ok(_)) = lines.next() {
            if sender.blocking_send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_names_its_region_and_its_unit() {
        assert_eq!(delay("east=80ms"), Ok(("east".to_owned(), Duration::from_millis(80))));
        assert_eq!(delay("east").unwrap_err(), "write a region and a time, such as east=80ms");
        assert_eq!(delay("east=80").unwrap_err(), "duration `80` has no unit; write `80s` for seconds");
    }

    #[tokio::test]
    async fn an_unknown_region_is_answered_with_the_known_ones() {
        let doors = BTreeMap::from([("east".to_owned(), SocketAddr::from(([127, 0, 0, 1], 5_311)))]);
        let wanted = Wanted { delay: Vec::new(), dark: vec!["eats".to_owned()], reset: Vec::new() };
        let error = Network::start(&wanted, &doors).await.err().expect("refused");
        assert_eq!(error.to_string(), "no region `eats`; there are: east");
    }

    #[tokio::test]
    async fn what_was_asked_for_begins_and_ends_by_turns() {
        let door = SocketAddr::from(([127, 0, 0, 1], 5_311));
        let doors = BTreeMap::from([("east".to_owned(), door), ("west".to_owned(), door)]);
        let calm = Wanted { delay: vec![("east".to_owned(), Duration::ZERO)], dark: Vec::new(), reset: Vec::new() };
        let mut network = Network::start(&calm, &doors).await.expect("free ports");
        assert_eq!((network.turn(), network.addresses().len()), (None, 1));
        let bad = Wanted { delay: Vec::new(), dark: vec!["east".to_owned()], reset: vec!["west".to_owned()] };
        let mut network = Network::start(&bad, &doors).await.expect("free ports");
        assert_eq!(network.turn().as_deref(), Some("east is dark, west resets every connection"));
        assert_eq!(network.turn().as_deref(), Some("east is back, west is calm"));
    }
}
