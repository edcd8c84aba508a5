//! Questions of class CH: who answers (RFC 4892), how the regions stand and what the zone holds, so that `dig` alone can compare two
//! replicas. Nothing of this class is ever asked of others or kept.

use std::fmt::Write;

use super::asking::Asking;
use crate::answer::Failure;
use crate::peer::RegionClient;
use crate::peer::health::Health;
use crate::wire::reply::{Owner, Section};
use crate::wire::{Query, ReplyWriter, class, rtype};

/// Octets of one TXT string (RFC 1035 3.3).
const MAX_STRING: usize = 255;
/// Octets of a record between the first one of its class and its data: class, TTL, length.
const CLASS_BEFORE_DATA: usize = 8;

/// What a name of class CH is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Version,
    Host,
    /// A record for each region.
    Peers,
    Zone,
}

impl Topic {
    /// The topic of a question; none if there is no such name.
    pub(super) fn of(query: &Query<'_>) -> Option<Self> {
        if query.qclass != class::CH || query.name.label_count() != 2 {
            return None;
        }
        match (query.name.label(0), query.name.label(1)) {
            (b"version", b"bind" | b"server") => Some(Self::Version),
            (b"hostname", b"bind") | (b"id", b"server") => Some(Self::Host),
            (b"peers", b"interlocal") => Some(Self::Peers),
            (b"zone", b"interlocal") => Some(Self::Zone),
            _ => None,
        }
    }
}

impl Asking<'_> {
    /// Writes the records, or says why there are none.
    pub(super) fn chaos(&self, query: &Query<'_>, topic: Topic, writer: &mut ReplyWriter<'_>) -> Result<(), Failure> {
        if !self.tells_who() {
            return Err(Failure::NotTold);
        }
        if !matches!(query.qtype, rtype::TXT | rtype::ANY) {
            return Ok(());
        }
        let identity = &self.core.identity;
        let texts = match topic {
            Topic::Version => vec![identity.version.clone()],
            Topic::Host => vec![identity.host.clone()],
            Topic::Peers => self.peers(),
            Topic::Zone => vec![self.zone()],
        };
        for text in texts {
            push(writer, &text);
        }
        Ok(())
    }

    /// `west up, 2 of 3 addresses, 71.3 ms, synced; 4 stale answers`.
    fn peers(&self) -> Vec<String> {
        let routing = &self.view.routing;
        let own = routing.config.region.as_ref().map(|label| label.as_str());
        let text = |client: &std::sync::Arc<RegionClient>| match own == Some(client.label()) {
            true => format!("{} own", client.label()),
            false => region(client),
        };
        routing.regions.iter().map(text).collect()
    }

    /// `hash 29fb127b55bef27d, serial 1795295828, synced; 12 services, 40 endpoints; table 81e378901e38c7b3`.
    fn zone(&self) -> String {
        let (zone, table) = (&self.view.zone, &self.view.routing.table);
        format!(
            "hash {:016x}, serial {}, {}; {} services, {} endpoints; table {:016x}",
            zone.hash,
            zone.serial,
            if zone.synced { "synced" } else { "not synced" },
            zone.counts.services,
            zone.counts.endpoints,
            table.hash
        )
    }
}

fn region(client: &RegionClient) -> String {
    let snapshot = client.snapshot();
    let up = snapshot.addresses.iter().filter(|address| address.health == Health::Closed);
    let nearest = up.clone().filter_map(|address| address.rtt).min();
    let state = if client.is_dark() { "dark" } else { "up" };
    let mut text =
        format!("{} {state}, {} of {} addresses", snapshot.label, up.clone().count(), snapshot.addresses.len());
    // Writing into a text cannot fail.
    if let Some(rtt) = nearest {
        let _ = write!(text, ", {:.1} ms", rtt.as_secs_f64() * 1e3);
    }
    if up.clone().any(|address| address.synced > 0) {
        text.push_str(", synced");
    }
    if snapshot.stale_answers > 0 {
        let _ = write!(text, "; {} stale answers", snapshot.stale_answers);
    }
    if let Some(cause) = snapshot.addresses.iter().find_map(|address| address.cause) {
        let _ = write!(text, "; {cause}");
    }
    text
}

/// One record with a TTL of 0; the writer knows class IN only, so the class is put in its place.
fn push(writer: &mut ReplyWriter<'_>, text: &str) {
    let text = &text.as_bytes()[..text.len().min(MAX_STRING)];
    let data: [&[u8]; 2] = [&[text.len() as u8], text];
    if let Some(place) = writer.push(Section::Answer, Owner::Question, rtype::TXT, 0, &data) {
        let at = place - CLASS_BEFORE_DATA;
        writer.written()[at..at + 2].copy_from_slice(&class::CH.to_be_bytes());
    }
}
