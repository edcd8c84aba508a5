//! The `limits` section. Zero is no limit that a program can live with, so the least is one of each.

use std::time::Duration;

use crate::config::error::Report;
use crate::config::range::{number, size, time};
use crate::config::spec::LimitsSpec;
use crate::limits::Limits;

/// Above this a limit is none.
const MOST: u64 = 1 << 20;
/// A file is read into memory as a whole.
const MOST_BYTES: u64 = 1 << 30;
const LEAST_BUFFERS: u64 = 256 << 10;
const LEAST_TIME: Duration = Duration::from_millis(10);
const MOST_TIME: Duration = Duration::from_secs(3_600);
/// Stubs give up after 5 s (resolv.conf(5), `timeout`), or later if they are told to.
const MOST_DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn limits(spec: &LimitsSpec, report: &Report<'_>) -> Limits {
    let default = Limits::default();
    let count = |field, otherwise| number(field, 1..=MOST, otherwise, report);
    let times = |field, otherwise| time(field, LEAST_TIME..=MOST_TIME, otherwise, report);
    let bytes = |field, otherwise| size(field, 1_024..=MOST_BYTES, otherwise, report);
    Limits {
        in_flight: count(&spec.in_flight, default.in_flight),
        tcp_connections: count(&spec.tcp_connections, default.tcp_connections),
        tcp_in_flight: count(&spec.tcp_in_flight, default.tcp_in_flight),
        // The largest answer of one connection has to fit.
        tcp_buffers: size(&spec.tcp_buffers, LEAST_BUFFERS..=MOST_BYTES, default.tcp_buffers, report),
        tcp_idle: times(&spec.tcp_idle, default.tcp_idle),
        peers_idle: times(&spec.peers_idle, default.peers_idle),
        tcp_write: times(&spec.tcp_write, default.tcp_write),
        tls_handshake: times(&spec.tls_handshake, default.tls_handshake),
        // Each has an id of 16 bits, chosen at random among those that are free.
        peer_in_flight: number(&spec.peer_in_flight, 1..=16_384, default.peer_in_flight, report),
        refreshes: count(&spec.refreshes, default.refreshes),
        peer_addresses: count(&spec.peer_addresses, default.peer_addresses),
        regions: count(&spec.regions, default.regions),
        forward_deadline: time(&spec.forward_deadline, LEAST_TIME..=MOST_DEADLINE, default.forward_deadline, report),
        forward_tries: number(&spec.forward_tries, 1..=32, default.forward_tries, report),
        cname_links: number(&spec.cname_links, 1..=64, default.cname_links, report),
        manifest_bytes: bytes(&spec.manifest_bytes, default.manifest_bytes),
        config_bytes: bytes(&spec.config_bytes, default.config_bytes),
        watch_line_bytes: bytes(&spec.watch_line_bytes, default.watch_line_bytes),
        list_page_bytes: bytes(&spec.list_page_bytes, default.list_page_bytes),
        query_log_lines: count(&spec.query_log_lines, default.query_log_lines),
        query_log_queue: count(&spec.query_log_queue, default.query_log_queue),
    }
}
