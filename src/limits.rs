//! Every bound of the program that an operator may change, with its default. Bounds that follow from a protocol stand
//! beside the RFC sentence they come from, in the file that enforces them.

use std::time::Duration;

/// The `limits` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Questions that wait for a peer or an upstream at one time, over all doors. Beyond it: SERVFAIL and EDE at once.
    pub in_flight: usize,
    /// TCP connections open at one time on each door.
    pub tcp_connections: usize,
    /// Questions that one TCP connection may have waiting.
    pub tcp_in_flight: usize,
    /// Octets that all TCP connections together hold for their clients: answers that are not read, messages that are not whole.
    pub tcp_buffers: u64,
    /// A TCP connection without a question is closed after this (RFC 7766 6.2.3 wants "of the order of a few seconds").
    pub tcp_idle: Duration,
    /// The same for a connection at the peers' door that has brought one: no shorter than a peer keeps it (`peers.max_age`).
    pub peers_idle: Duration,
    /// A client that does not read its answers for this long is cut off.
    pub tcp_write: Duration,
    /// A connection to the DNS over TLS door that has not shaken hands after this is cut off.
    pub tls_handshake: Duration,
    /// Questions on one connection to a peer that wait for their answer.
    pub peer_in_flight: usize,
    /// Answers of one region or upstream zone that are to be asked for again before they expire, or are being asked for.
    pub refreshes: usize,
    /// Addresses that one region may have.
    pub peer_addresses: usize,
    /// Rows of the peer table.
    pub regions: usize,
    /// From the first try at an upstream to SERVFAIL.
    pub forward_deadline: Duration,
    /// Tries at upstreams for one question.
    pub forward_tries: usize,
    /// CNAME records followed for one question.
    pub cname_links: usize,
    /// Bytes of one manifest file.
    pub manifest_bytes: u64,
    /// Bytes of one configuration file.
    pub config_bytes: u64,
    /// Bytes of one object in a watch of the Kubernetes API: etcd takes 1.5 MiB.
    pub watch_line_bytes: u64,
    /// Bytes of one page of a list of the Kubernetes API.
    pub list_page_bytes: u64,
    /// Lines a second of the log of questions.
    pub query_log_lines: usize,
    /// Lines of it that wait to be written.
    pub query_log_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 4_096,
            tcp_connections: 1_024,
            tcp_in_flight: 256,
            tcp_buffers: 16 << 20,
            tcp_idle: Duration::from_secs(10),
            peers_idle: Duration::from_secs(360),
            tcp_write: Duration::from_secs(5),
            tls_handshake: Duration::from_secs(5),
            peer_in_flight: 512,
            refreshes: 1_024,
            peer_addresses: 16,
            regions: 256,
            forward_deadline: Duration::from_secs(4),
            forward_tries: 4,
            cname_links: 10,
            manifest_bytes: 64 << 20,
            config_bytes: 1 << 20,
            watch_line_bytes: 16 << 20,
            list_page_bytes: 128 << 20,
            query_log_lines: 1_000,
            query_log_queue: 1_024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_a_row_for_every_limit() {
        let page = include_str!("../docs/limits.md");
        let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let debug = format!("{:#?}", Limits::default());
        let fields = debug.lines().filter_map(|line| line.strip_prefix("    ")?.split(':').next());
        assert_eq!(rows, fields.collect::<Vec<_>>());
    }
}
