//! A block of numbers under its names: ours, and CoreDNS's for dashboards that exist.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::cells::{Cells, Row};
use super::labels::{Answerer, rcode_text, type_text};
use super::names;
use super::recorder::Block;
use super::sink::{Histogram, Sink};

pub(super) const NANOS: f64 = 1e9;
/// The zones of a server's cache: in CoreDNS those of its block, here all.
pub const CACHE_ZONES: (&str, &str) = ("zones", ".");

/// Adds the numbers of one door.
pub(super) fn report(block: &Block, zones: &[Arc<str>], sink: &mut Sink) {
    let server: &str = &block.door.server;
    for (reason, number) in block.drops() {
        if number > 0 {
            sink.count(names::DNS_DROPS, &[("server", server), ("reason", reason.text())], number);
        }
    }
    for (slot, row) in block.rows() {
        // A zone that came up during this scrape is in the next one.
        let Some(zone) = zones.get(slot) else { continue };
        ours(block, zone, row, sink);
        if sink.coredns() {
            coredns(block, zone, row, sink);
            coredns_cache(server, row, sink);
        }
    }
}

fn ours(block: &Block, zone: &str, row: &Row, sink: &mut Sink) {
    let server: &str = &block.door.server;
    let (proto, family) = (block.door.proto.text(), block.door.family.text());
    for (rtype, number) in requests(row) {
        let labels = [("server", server), ("zone", zone), ("proto", proto), ("family", family), ("type", rtype)];
        sink.count(names::DNS_REQUESTS, &labels, number);
    }
    for (_, rcode, number) in responses(row) {
        sink.count(names::DNS_RESPONSES, &[("server", server), ("zone", zone), ("rcode", rcode)], number);
    }
    sink.histogram(names::DNS_DURATION, &[("server", server), ("zone", zone)], &histogram(&row.durations, NANOS));
}

fn coredns(block: &Block, zone: &str, row: &Row, sink: &mut Sink) {
    let (proto, family) = (block.door.proto.text(), block.door.family.text());
    let [server, zone, view] = [("server", &*block.door.server), ("zone", zone), ("view", "")];
    for (rtype, number) in requests(row) {
        let labels = [server, zone, view, ("proto", proto), ("family", family), ("type", rtype)];
        sink.count(names::COREDNS_DNS_REQUESTS, &labels, number);
    }
    for (by, rcode, number) in responses(row) {
        let labels = [server, zone, view, ("rcode", rcode), ("plugin", by.plugin())];
        sink.count(names::COREDNS_DNS_RESPONSES, &labels, number);
    }
    sink.count(names::COREDNS_DNS_DO, &[server, zone, view], row.dnssec_ok.load(Relaxed));
    sink.histogram(names::COREDNS_DNS_DURATION, &[server, zone, view], &histogram(&row.durations, NANOS));
    let labels = [server, zone, view, ("proto", proto)];
    sink.histogram(names::COREDNS_DNS_REQUEST_SIZE, &labels, &histogram(&row.request_sizes, 1.0));
    sink.histogram(names::COREDNS_DNS_RESPONSE_SIZE, &labels, &histogram(&row.response_sizes, 1.0));
}

/// What CoreDNS counts in its cache follows from who answered.
fn coredns_cache(server: &str, row: &Row, sink: &mut Sink) {
    let [server, zones, view] = [("server", server), CACHE_ZONES, ("view", "")];
    for (by, rcode, number) in responses(row) {
        match by {
            Answerer::Cache | Answerer::CachedDenial | Answerer::Stale => {
                let denies = by == Answerer::CachedDenial || rcode != "NOERROR";
                let kind = if denies { "denial" } else { "success" };
                sink.count(names::COREDNS_CACHE_HITS, &[server, ("type", kind), zones, view], number);
                if by == Answerer::Stale {
                    sink.count(names::COREDNS_CACHE_STALE, &[server, zones, view], number);
                }
            }
            Answerer::Peer | Answerer::Forward => {
                sink.count(names::COREDNS_CACHE_MISSES, &[server, zones, view], number);
            }
            Answerer::Local | Answerer::Own => continue,
        }
        sink.count(names::COREDNS_CACHE_REQUESTS, &[server, zones, view], number);
    }
}

/// Types that were asked for.
fn requests(row: &Row) -> impl Iterator<Item = (&'static str, u64)> {
    let numbers = row.requests.iter().enumerate().map(|(slot, cell)| (type_text(slot), cell.load(Relaxed)));
    numbers.filter(|(_, number)| *number > 0)
}

/// Rcodes that were given, by who gave them.
fn responses(row: &Row) -> impl Iterator<Item = (Answerer, &'static str, u64)> {
    Answerer::ALL.into_iter().zip(&row.responses).flat_map(|(by, cells)| {
        let numbers = cells.iter().enumerate().map(move |(slot, cell)| (by, rcode_text(slot), cell.load(Relaxed)));
        numbers.filter(|(_, _, number)| *number > 0)
    })
}

pub(super) fn histogram<const BOUNDS: usize>(cells: &Cells<BOUNDS>, unit: f64) -> Histogram {
    let (buckets, count, sum) = cells.read();
    let buckets = buckets.into_iter().map(|(bound, count)| (bound as f64 / unit, count)).collect();
    Histogram { buckets, count, sum: sum as f64 / unit }
}
