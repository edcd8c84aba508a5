//! Every metric that the program has, so that an operator finds them in one list, and no two parts give one name two
//! meanings.

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric's name and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
}

impl Metric {
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter }
    }
    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge }
    }
    pub(super) const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Histogram }
    }
}

/// One constant a metric, and a list of all of them.
macro_rules! metrics {
    ($($name:ident: $kind:ident($text:literal, $help:literal);)*) => {
        $(pub const $name: Metric = Metric::$kind($text, $help);)*
        /// All of them, as they stand here.
        pub const ALL: &[Metric] = &[$($name),*];
    };
}

metrics! {
    BUILD_INFO: gauge("interlocal_build_info", "1, with the version as a label.");
    PANICS: counter("interlocal_panics_total", "Questions that ended in a panic and were answered with SERVFAIL.");
    DNS_REQUESTS: counter("interlocal_dns_requests_total",
        "Questions answered, by server, zone, protocol, address family (1 is IPv4, 2 is IPv6) and type.");
    DNS_RESPONSES: counter("interlocal_dns_responses_total", "Answers, by server, zone and rcode.");
    DNS_DURATION: histogram("interlocal_dns_request_duration_seconds",
        "From reading a question to sending its answer, by server and zone.");
    DNS_DROPS: counter("interlocal_dns_drops_total", "Messages that got no answer, by server and reason.");
    CACHE_HITS: counter("interlocal_cache_hits_total", "Questions answered from memory.");
    CACHE_MISSES: counter("interlocal_cache_misses_total",
        "Questions for other regions and upstreams that were not in memory.");
    CACHE_INSERTS: counter("interlocal_cache_inserts_total", "Answers that were kept.");
    CACHE_EVICTIONS: counter("interlocal_cache_evictions_total", "Answers pushed out for want of room.");
    CACHE_STALE: counter("interlocal_cache_stale_hits_total",
        "Questions answered past the TTL because nothing better was to be had.");
    CACHE_REFRESHES: counter("interlocal_cache_refreshes_total",
        "Answers in use that were asked for again before they expired, by region or upstream zone.");
    CACHE_REFRESHES_REFUSED: counter("interlocal_cache_refreshes_refused_total",
        "Answers in use that were not, because limits.refreshes was reached.");
    CACHE_ENTRIES: gauge("interlocal_cache_entries", "Answers in memory.");
    CACHE_BYTES: gauge("interlocal_cache_bytes", "Octets that they take, keys and tables included.");
    CACHE_LIMIT: gauge("interlocal_cache_limit_bytes", "Octets that they may take: cache.size, or less while memory is short.");
    FETCHES: gauge("interlocal_fetches_in_flight", "Questions to other regions and upstreams that wait for an answer.");
    FETCHES_REFUSED: counter("interlocal_fetches_refused_total",
        "Questions answered with SERVFAIL because limits.in_flight was reached.");
    ZONE_SERVICES: gauge("interlocal_zone_services", "Services in the cluster's zone.");
    ZONE_ENDPOINTS: gauge("interlocal_zone_endpoints", "Endpoint addresses in the cluster's zone.");
    ZONE_SERIAL: gauge("interlocal_zone_serial", "SOA serial of the cluster's zone.");
    ZONE_SYNCED: gauge("interlocal_zone_synced", "1 once the zone has been read as a whole.");
    ZONE_BROKEN: gauge("interlocal_zone_broken_documents", "Manifest documents that could not be read.");
    ZONE_STALENESS: gauge("interlocal_zone_staleness_seconds",
        "For how long the API server has not been heard of by the watch that has waited longest; 0 while all is well.");
    ZONE_PROGRAMMING: histogram("interlocal_zone_programming_duration_seconds",
        "From a change of a headless Service's pods to its being answered, by the time that the cluster noted.");
    KUBE_OBJECTS: gauge("interlocal_kube_objects", "Objects that the zone is made of, by resource.");
    KUBE_WATCHING: gauge("interlocal_kube_watching", "1 while a watch of the resource is open.");
    KUBE_HELD: gauge("interlocal_kube_list_held_back",
        "1 while a list that takes most names of the resource away is held back.");
    KUBE_LAST_EVENT: gauge("interlocal_kube_last_event_timestamp_seconds",
        "When the API server last told something of the resource, bookmarks included.");
    KUBE_LAST_SYNC: gauge("interlocal_kube_last_sync_timestamp_seconds",
        "When the resource was last listed as a whole.");
    KUBE_EVENTS: counter("interlocal_kube_events_total", "Objects that a watch told of, by resource.");
    KUBE_LISTS: counter("interlocal_kube_lists_total", "Whole lists taken, by resource and way (stream, pages).");
    KUBE_WATCHES: counter("interlocal_kube_watches_total", "Watches opened, by resource.");
    KUBE_FAILURES: counter("interlocal_kube_failures_total", "Lists and watches that ended early, by resource and reason.");
    KUBE_SKIPPED: counter("interlocal_kube_objects_skipped_total",
        "Objects that were left out, or parts of them, because they make no sense.");
    KUBE_RELIST_REMOVED: counter("interlocal_kube_relist_removed_total",
        "Objects that went away between two lists, without an event.");
    POLICY_ACTIONS: counter("interlocal_policy_actions_total",
        "What policy rules did to questions, by server, zone of the rule and action.");
    POLICY_HOSTS: gauge("interlocal_policy_hosts_entries", "Addresses and names in hosts tables, by server and file.");
    PEERS_TABLE_OK: gauge("interlocal_peers_table_ok", "1 if the newest peer table is in use as it stands.");
    PEERS_TABLE_GENERATION: counter("interlocal_peers_table_generation_total", "Peer tables that have been in use since the start.");
    PEERS_TABLE_INFO: gauge("interlocal_peers_table_info", "1, with the hash of the peer table in use as a label.");
    PEERS_CONFIGMAP_WATCHING: gauge("interlocal_peers_configmap_watching", "1 while the ConfigMap of the peer table is watched.");
    PEERS_CONFIGMAP_FAILURES: counter("interlocal_peers_configmap_failures_total", "Questions for the ConfigMap of the peer table that failed, by reason.");
    PEER_UP: gauge("interlocal_peer_up", "1 if the address of the region answers.");
    PEER_RTT: gauge("interlocal_peer_rtt_seconds", "Smoothed round-trip time to the address.");
    PEER_IN_FLIGHT: gauge("interlocal_peer_in_flight", "Questions to the address that wait for an answer.");
    PEER_CONNECTIONS: gauge("interlocal_peer_connections", "Open connections to the address.");
    PEER_QUERIES: counter("interlocal_peer_queries_total", "Questions sent to the address.");
    PEER_FAILURES: counter("interlocal_peer_failures_total", "Connect errors and unanswered questions of the address.");
    PEER_CONNECTS: counter("interlocal_peer_connects_total", "Connections made to the address.");
    PEER_RESETS: counter("interlocal_peer_resets_total", "Connections to the address that the other side ended.");
    PEER_MISMATCHES: counter("interlocal_peer_mismatched_answers_total", "Answers of the address that matched no question by id and content.");
    PEER_STALE: counter("interlocal_peer_stale_answers_total", "Answers of the region that were given past their TTL because it gave none.");
    PEER_BREAKER: gauge("interlocal_peer_breaker", "0 while the address is asked, 1 while it is only probed, 2 while such a probe is out.");
    PEER_SYNCED: gauge("interlocal_peer_synced_connections", "Open connections to the address whose probe showed that the peer has read its zone.");
    PEER_USUAL: gauge("interlocal_peer_usual_seconds", "95 of 100 answers of the address come within this time.");
    PEER_PROBES: counter("interlocal_peer_probes_total", "Probes of the address.");
    PEER_PROBE_FAILURES: counter("interlocal_peer_probe_failures_total", "Probes without an answer, or whose answer showed that the address does not serve its region.");
    PEER_HEDGES: counter("interlocal_peer_hedges_total", "Questions asked elsewhere too because the answer of the address was later than usual.");
    PEER_STALLS: counter("interlocal_peer_stalls_total", "Questions asked elsewhere too because their connection to the address had stalled.");
    PEER_LOOPS: gauge("interlocal_peer_loops", "1 if the address was found to lead back to ourselves and is left out.");
    PEER_TLS_OK: gauge("interlocal_peer_tls_ok", "1 if the certificate files of the region's row are in use as they stand.");
    PEER_TLS_FAILURES: counter("interlocal_peer_tls_failures_total", "Connections to the region that TLS kept from being made, by cause.");
    PEER_TLS_NOT_AFTER: gauge("interlocal_peer_tls_not_after_timestamp_seconds", "When the certificates of the region's row end, in seconds since 1970, by file.");
    UPSTREAM_UP: gauge("interlocal_upstream_up", "1 if the upstream answers.");
    UPSTREAM_RTT: gauge("interlocal_upstream_rtt_seconds", "Smoothed round-trip time to the upstream.");
    UPSTREAM_QUERIES: counter("interlocal_upstream_queries_total", "Questions sent to the upstream.");
    UPSTREAM_FAILURES: counter("interlocal_upstream_failures_total", "Questions that the upstream did not answer.");
    UPSTREAM_MISMATCHES: counter("interlocal_upstream_mismatched_answers_total", "Answers of the upstream that matched no question by id and content.");
    UPSTREAM_LOOPS: gauge("interlocal_upstream_loops", "1 if the upstream was found to lead back to ourselves and is left out.");
    UPSTREAM_FAILOVERS: counter("interlocal_upstream_failovers_total", "Times that the other servers of a row were asked because of an answer in failover.");
    UPSTREAM_NEXT: counter("interlocal_upstream_next_total", "Times that the next servers of a row were asked because of an answer.");
    UPSTREAM_TLS_OK: gauge("interlocal_upstream_tls_ok", "1 if the certificate files of the row are in use as they stand.");
    UPSTREAM_TLS_FAILURES: counter("interlocal_upstream_tls_failures_total", "Connections to upstreams that TLS kept from being made, by cause.");
    UPSTREAM_TLS_NOT_AFTER: gauge("interlocal_upstream_tls_not_after_timestamp_seconds", "When the certificates of the row end, in seconds since 1970, by file.");
    TCP_REFUSED: counter("interlocal_tcp_refused_total", "Connections closed because limits.tcp_connections was reached.");
    CLIENT_REFUSED: counter("interlocal_client_refused_total",
        "Questions that would have to wait, and connections, turned away because their client had its share of them.");
    ACCEPT_ERRORS: counter("interlocal_tcp_accept_errors_total", "Connections that could not be accepted, for want of file descriptors for instance.");
    TLS_OK: gauge("interlocal_tls_ok", "1 if the certificate files of listen.peers_tls are in use as they stand.");
    TLS_NOT_AFTER: gauge("interlocal_tls_not_after_timestamp_seconds", "When the certificates of listen.peers_tls end, in seconds since 1970, by file.");
    TLS_HANDSHAKES: counter("interlocal_tls_handshakes_total", "Handshakes of the peers' door over TLS that ended well.");
    TLS_FAILURES: counter("interlocal_tls_handshake_failures_total", "Handshakes of the peers' door over TLS that did not, by cause.");
    HIDDEN_NAMESPACES: gauge("interlocal_hidden_namespaces", "Local namespaces with ready endpoints that a region of the same name hides.");
    CONFIG_RELOADS: counter("interlocal_config_reload_total", "Files read again, by file and result.");
    RESTART_REQUIRED: gauge("interlocal_restart_required",
        "1 if the configuration has a change that only a restart applies.");
    QUERY_LOG_LINES: counter("interlocal_query_log_lines_total", "Lines written to the log of questions.");
    QUERY_LOG_DROPPED: counter("interlocal_query_log_dropped_total",
        "Lines of the log of questions that were not written, by reason (rate, queue, write).");
    COREDNS_BUILD_INFO: gauge("coredns_build_info", "1, with the version as a label.");
    COREDNS_PANICS: counter("coredns_panics_total", "As interlocal_panics_total.");
    COREDNS_DNS_REQUESTS: counter("coredns_dns_requests_total", "As interlocal_dns_requests_total.");
    COREDNS_DNS_RESPONSES: counter("coredns_dns_responses_total",
        "As interlocal_dns_responses_total, with what answered.");
    COREDNS_DNS_DURATION: histogram("coredns_dns_request_duration_seconds",
        "As interlocal_dns_request_duration_seconds.");
    COREDNS_DNS_REQUEST_SIZE: histogram("coredns_dns_request_size_bytes", "Octets of questions.");
    COREDNS_DNS_RESPONSE_SIZE: histogram("coredns_dns_response_size_bytes", "Octets of answers.");
    COREDNS_DNS_DO: counter("coredns_dns_do_requests_total", "Questions with the DO bit.");
    COREDNS_ACL_ALLOWED: counter("coredns_acl_allowed_requests_total", "Questions that rules of access let through.");
    COREDNS_ACL_BLOCKED: counter("coredns_acl_blocked_requests_total", "Questions that they refused.");
    COREDNS_ACL_FILTERED: counter("coredns_acl_filtered_requests_total", "Questions that got an empty answer.");
    COREDNS_ACL_DROPPED: counter("coredns_acl_dropped_requests_total", "Questions that got none.");
    COREDNS_TEMPLATE_MATCHES: counter("coredns_template_matches_total", "Questions that a template was for.");
    COREDNS_TEMPLATE_FAILURES: counter("coredns_template_rr_failures_total", "Templates that made no record.");
    COREDNS_HOSTS_ENTRIES: gauge("coredns_hosts_entries", "Addresses and names in the hosts table.");
    COREDNS_HOSTS_RELOAD: gauge("coredns_hosts_reload_timestamp_seconds", "When the hosts file was last changed.");
    COREDNS_DNS64: counter("coredns_dns64_requests_translated_total", "Answers with translated addresses.");
    COREDNS_AUTOPATH: counter("coredns_autopath_success_total", "Search paths that were walked to a name that is there.");
    COREDNS_LOCAL: counter("coredns_local_localhost_requests_total", "Questions for this host's own names.");
    COREDNS_CACHE_REQUESTS: counter("coredns_cache_requests_total", "Questions for other regions and upstreams.");
    COREDNS_CACHE_HITS: counter("coredns_cache_hits_total",
        "Those answered from memory; denial is NXDOMAIN, NODATA counts as success.");
    COREDNS_KUBERNETES_PROGRAMMING: histogram("coredns_kubernetes_dns_programming_duration_seconds",
        "As interlocal_zone_programming_duration_seconds.");
    COREDNS_CACHE_MISSES: counter("coredns_cache_misses_total", "Those not in memory.");
    COREDNS_CACHE_STALE: counter("coredns_cache_served_stale_total", "As interlocal_peer_stale_answers_total.");
    COREDNS_CACHE_ENTRIES: gauge("coredns_cache_entries", "As interlocal_cache_entries, by type.");
    COREDNS_CACHE_EVICTIONS: counter("coredns_cache_evictions_total", "As interlocal_cache_evictions_total, by type.");
    COREDNS_CACHE_PREFETCH: counter("coredns_cache_prefetch_total", "As interlocal_cache_refreshes_total.");
    COREDNS_CACHE_DROPS: counter("coredns_cache_drops_total",
        "Answers of upstreams that were not kept because they are of another question.");
    COREDNS_PLUGIN_ENABLED: gauge("coredns_plugin_enabled",
        "1 for each plugin of CoreDNS whose work is done here, by server.");
    COREDNS_FORWARD_BROKEN: counter("coredns_forward_healthcheck_broken_total",
        "Questions for a zone all of whose upstreams were down.");
    COREDNS_FORWARD_REJECTS: counter("coredns_forward_max_concurrent_rejects_total", "As interlocal_fetches_refused_total.");
    COREDNS_PROXY_DURATION: histogram("coredns_proxy_request_duration_seconds",
        "From a question to an upstream or region to its answer, by address and rcode.");
    COREDNS_PROXY_FAILURES: counter("coredns_proxy_healthcheck_failures_total", "Probes that failed, by address.");
    COREDNS_PROXY_HITS: counter("coredns_proxy_conn_cache_hits_total",
        "Questions over a connection that was there, by address.");
    COREDNS_PROXY_MISSES: counter("coredns_proxy_conn_cache_misses_total",
        "Connections and sockets made for questions, by address.");
    COREDNS_FORWARD_REQUESTS: counter("coredns_forward_requests_total",
        "Questions sent, by address. CoreDNS had it until 1.11.");
    COREDNS_FORWARD_RESPONSES: counter("coredns_forward_responses_total",
        "Answers that came, by address and rcode. CoreDNS had it until 1.11.");
    COREDNS_FORWARD_DURATION: histogram("coredns_forward_request_duration_seconds",
        "As coredns_proxy_request_duration_seconds. CoreDNS had it until 1.11.");
    COREDNS_FORWARD_FAILURES: counter("coredns_forward_healthcheck_failures_total",
        "As coredns_proxy_healthcheck_failures_total. CoreDNS had it until 1.11.");
    COREDNS_REST_DURATION: histogram("coredns_kubernetes_rest_client_request_duration_seconds",
        "From a question to the Kubernetes API to the head of its reply, by verb and host.");
    COREDNS_REST_REQUESTS: counter("coredns_kubernetes_rest_client_requests_total",
        "Questions to the Kubernetes API, by status code, method and host.");
    COREDNS_HEALTH_DURATION: histogram("coredns_health_request_duration_seconds",
        "How long this process took for its own GET /health, once a second.");
    COREDNS_HEALTH_FAILURES: counter("coredns_health_request_failures_total", "Those that failed.");
    COREDNS_RELOAD_FAILED: counter("coredns_reload_failed_total", "Files read again that were not taken.");
    COREDNS_RELOAD_VERSION: gauge("coredns_reload_version_info",
        "1, with a hash of the configuration in use. It is the same wherever that is the same, for one version of the program.");
    PROCESS_CPU: counter("process_cpu_seconds_total", "Processor time of user and system.");
    PROCESS_RESIDENT: gauge("process_resident_memory_bytes", "Resident memory.");
    PROCESS_VIRTUAL: gauge("process_virtual_memory_bytes", "Virtual memory.");
    PROCESS_MAX_VIRTUAL: gauge("process_virtual_memory_max_bytes", "Its limit.");
    PROCESS_FDS: gauge("process_open_fds", "Open file descriptors.");
    PROCESS_MAX_FDS: gauge("process_max_fds", "Their limit.");
    PROCESS_START: gauge("process_start_time_seconds", "When the process started, in seconds since 1970.");
    PROCESS_RECEIVED: counter("process_network_receive_bytes_total", "Octets that its network namespace received.");
    PROCESS_SENT: counter("process_network_transmit_bytes_total", "Octets that its network namespace sent.");
    GO_GOROUTINES: gauge("go_goroutines",
        "Tasks and threads of this process, under the name that dashboards ask CoreDNS for. There is no Go here.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_and_are_given_once() {
        let mut seen = std::collections::HashSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} twice", metric.name);
            let known = ["interlocal_", "coredns_", "process_"].iter().any(|start| metric.name.starts_with(start));
            let ours = known || metric.name == GO_GOROUTINES.name;
            assert!(
                ours && metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()),
                "{}",
                metric.name
            );
            let total = metric.name.ends_with("_total");
            assert_eq!(total, metric.kind == Kind::Counter, "{}: counters end in _total, others do not", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    fn page_has_a_row_for_every_metric_and_no_other() {
        let page = include_str!("../../docs/metrics.md");
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let rows: Vec<Vec<&str>> = rows.map(|line| line.split('|').map(str::trim).collect()).collect();
        for metric in ALL {
            let name = format!("`{}`", metric.name);
            let row = rows.iter().find(|row| row[1] == name);
            let kind = format!("{:?}", metric.kind).to_lowercase();
            assert_eq!(row.map(|row| row[2]), Some(kind.as_str()), "{name}");
        }
        assert_eq!(rows.len(), ALL.len());
    }
}
