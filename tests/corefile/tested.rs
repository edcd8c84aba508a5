//! Every option that docs/corefile.md calls *same* or *better* has a test that fails when it is not so; this is the list of them.
//! A test is the path of its file and its function, or the name of one of that file's cases, which is compared with the real CoreDNS.

use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/corefile.md");

const ANSWERS: &str = "tests/corefile/answers.rs";
const CLUSTER: &str = "tests/corefile/cluster.rs";
const FORWARDS: &str = "tests/corefile/forward.rs";
const BLOCKS: &str = "tests/corefile/options/blocks.rs";
const CACHE: &str = "tests/corefile/options/cache.rs";
const EDNS: &str = "tests/corefile/edns.rs";
const LOGGING: &str = "tests/corefile/logging.rs";
const STALE: &str = "tests/corefile/stale.rs";
const FORWARD: &str = "tests/corefile/options/forward.rs";
const PAGES: &str = "tests/corefile/options/pages.rs";
const RELOADS: &str = "tests/corefile/reloads.rs";

/// Directive, option (a word of the table's second cell), file, and function or case.
const TESTED: &[(&str, &str, &str, &str)] = &[
    ("acl", "all", "tests/conformance/policy/stage.rs", "access_is_as_in_coredns"),
    ("acl", "all", "tests/conformance/policy/order.rs", "access_is_decided_by_both_names_and_before_the_cache"),
    ("any", "", "tests/conformance/policy/fixed.rs", "answers_that_need_nobody_are_as_in_coredns"),
    ("autopath", "@kubernetes", CLUSTER, "autopath @kubernetes"),
    ("autopath", "file", CLUSTER, "autopath FILE"),
    ("bind", "addresses", BLOCKS, "bind"),
    ("bufsize", "all", BLOCKS, "bufsize 1232"),
    ("bufsize", "all", EDNS, "replies_are_as_long_as_bufsize_says"),
    ("cache", "TTL", CACHE, "a TTL for everything"),
    ("cache", "TTL", CACHE, "no cache keeps nothing"),
    ("cache", "TTL", CACHE, "cache without words keeps for an hour"),
    ("cache", "zones", CACHE, "zones"),
    ("cache", "success", CACHE, "success and denial have TTLs of their own"),
    ("cache", "denial", CACHE, "success and denial have TTLs of their own"),
    ("cache", "disable", CACHE, "disable"),
    ("cache", "prefetch", "tests/regions/refresh.rs", "f23_upstreams_are_asked_ahead_too"),
    ("cache", "serve_stale", STALE, "answers_past_their_ttl_are_those_of_coredns"),
    ("cache", "serve_stale_policy", STALE, "answers_past_their_ttl_are_those_of_coredns"),
    ("cache", "keepttl", STALE, "ttls_that_do_not_count_down_are_those_of_coredns"),
    ("cancel", "", "tests/clients/upstreams.rs", "both_dark_fails_at_the_deadline_after_four_tries"),
    ("chaos", "all", "tests/conformance/policy/fixed.rs", "answers_that_need_nobody_are_as_in_coredns"),
    ("dns64", "all", "tests/conformance/policy/reply.rs", "replies_are_changed_as_in_coredns"),
    ("errors", "stacktrace", "tests/conformance/transparency.rs", "rcodes_pass_and_failures_are_not_hidden"),
    ("errors", "stacktrace", FORWARD, "failover"),
    ("forward", "addresses", FORWARD, "several stanzas and except"),
    ("forward", "files", FORWARD, "upstreams_of_a_file_are_asked_as_by_coredns"),
    ("forward", "files", "tests/clients/upstreams.rs", "a_resolv_conf_is_read_again_and_kept_while_it_is_broken"),
    ("forward", "several", FORWARD, "several stanzas and except"),
    ("forward", "several", ANSWERS, "zones and upstreams"),
    ("forward", "host names", FORWARD, "a_regions_host_name_is_looked_up_by_whom_the_file_forwards_to"),
    ("forward", "except", FORWARD, "several stanzas and except"),
    ("forward", "except", ANSWERS, "zones and upstreams"),
    ("forward", "force_tcp", FORWARD, "force_tcp"),
    ("forward", "prefer_udp", FORWARD, "one upstream over UDP, whatever the client asks over with prefer_udp"),
    ("forward", "policy", "tests/clients/upstreams.rs", "a_silent_first_server_costs_a_question_nothing_but_a_pause"),
    ("forward", "policy", FORWARD, "what says how upstreams are asked changes no answer"),
    (
        "forward",
        "max_concurrent",
        "tests/conformance/doors/bounds.rs",
        "beyond_the_limit_of_questions_in_flight_the_answer_comes_at_once",
    ),
    ("forward", "failover", FORWARD, "failover"),
    ("forward", "resolver", FORWARDS, "host names over TLS"),
    ("forward", "next", FORWARDS, "next"),
    ("forward", "next_on_nodata", FORWARDS, "next behind nothing"),
    ("forward", "tls://", FORWARDS, "tls with a certificate"),
    ("forward", "tls", FORWARDS, "tls without a certificate"),
    ("forward", "tls_servername", FORWARDS, "tls of another name"),
    ("forward", "tls://ADDRESS%NAME", FORWARDS, "tls, a name each"),
    ("kubernetes", "tls", CLUSTER, "tls"),
    ("kubernetes", "noendpoints", CLUSTER, "noendpoints"),
    ("kubernetes", "ignore empty_service", CLUSTER, "ignore empty_service"),
    ("header", "all", "tests/conformance/policy/reply.rs", "replies_are_changed_as_in_coredns"),
    ("health", "address", PAGES, "pages_are_where_coredns_has_them"),
    ("health", "lameduck", "tests/regions/processes.rs", "sigterm_is_not_ready_at_once_then_lameduck_then_exit_0"),
    ("hosts", "all", "tests/conformance/policy/hosts.rs", "tables_are_as_in_coredns"),
    ("import", "all", BLOCKS, "import of snippets and files"),
    ("import", "all", RELOADS, "the_file_and_its_imports_are_taken_or_kept"),
    ("k8s_external", "zones", CLUSTER, "k8s_external"),
    ("k8s_external", "apex", CLUSTER, "headless and apex"),
    ("k8s_external", "ttl", CLUSTER, "fallthrough and ttl"),
    ("k8s_external", "headless", CLUSTER, "headless and apex"),
    ("k8s_external", "fallthrough", CLUSTER, "fallthrough and ttl"),
    ("kubernetes", "zones", ANSWERS, "two zones of one cluster"),
    ("kubernetes", "kubeconfig", ANSWERS, "no fallthrough"),
    ("kubernetes", "endpoint", ANSWERS, "endpoint"),
    ("kubernetes", "endpoint", "tests/kube/program.rs", "another_source_and_other_pods_are_taken_by_a_reload"),
    ("kubernetes", "namespaces", ANSWERS, "no fallthrough"),
    ("kubernetes", "namespace_labels", ANSWERS, "namespaces by label"),
    ("kubernetes", "labels", ANSWERS, "two zones of one cluster"),
    ("kubernetes", "pods", ANSWERS, "fallthrough of reverse zones"),
    ("kubernetes", "endpoint_pod_names", ANSWERS, "no fallthrough"),
    ("kubernetes", "ttl", ANSWERS, "fallthrough of reverse zones"),
    ("kubernetes", "fallthrough", ANSWERS, "fallthrough of reverse zones"),
    ("kubernetes", "fallthrough", ANSWERS, "fallthrough of everything"),
    ("loadbalance", "round_robin", BLOCKS, "addresses_take_turns_as_with_loadbalance_of_coredns"),
    ("local", "all", "tests/conformance/policy/fixed.rs", "answers_that_need_nobody_are_as_in_coredns"),
    ("log", "names", LOGGING, "the_log_of_a_corefile_is_that_of_coredns"),
    ("log", "class", LOGGING, "the_log_of_a_corefile_is_that_of_coredns"),
    ("log", "formats", LOGGING, "the_log_of_a_corefile_is_that_of_coredns"),
    ("loop", "", "tests/conformance/doors/loops_probed.rs", "a_loop_that_forms_at_run_time_is_found"),
    ("minimal", "", "tests/conformance/policy/reply.rs", "replies_are_changed_as_in_coredns"),
    ("multisocket", "", BLOCKS, "each_address_has_as_many_sockets_as_workers"),
    ("nsid", "", "tests/conformance/policy/fixed.rs", "answers_that_need_nobody_are_as_in_coredns"),
    ("prometheus", "address", PAGES, "pages_are_where_coredns_has_them"),
    (
        "prometheus",
        "address",
        "tests/deploy/monitoring/coredns.rs",
        "what_both_have_has_the_same_type_labels_and_buckets",
    ),
    ("ready", "address", PAGES, "pages_are_where_coredns_has_them"),
    ("ready", "monitor", "tests/regions/processes.rs", "sigterm_is_not_ready_at_once_then_lameduck_then_exit_0"),
    ("reload", "all", RELOADS, "the_file_and_its_imports_are_taken_or_kept"),
    ("reload", "all", RELOADS, "reloads_lose_no_question"),
    ("rewrite", "name", "tests/conformance/policy/rewrite.rs", "rewriting_is_as_in_coredns"),
    ("rewrite", "type", "tests/conformance/policy/rewrite.rs", "rewriting_is_as_in_coredns"),
    ("rewrite", "class", "tests/conformance/policy/rewrite.rs", "rewriting_is_as_in_coredns"),
    ("rewrite", "ttl", "tests/conformance/policy/rewrite.rs", "rewriting_is_as_in_coredns"),
    ("rewrite", "rcode", "tests/conformance/policy/rewrite.rs", "rewriting_is_as_in_coredns"),
    ("rewrite", "cname", "tests/conformance/policy/rewrite.rs", "rewriting_is_as_in_coredns"),
    ("rewrite", "edns0 local", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "nsid", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "subnet", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "set", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "append", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "replace", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "unset", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    ("rewrite", "revert", EDNS, "upstreams_are_asked_with_the_options_of_coredns"),
    (
        "shed",
        "",
        "tests/conformance/doors/bounds.rs",
        "beyond_the_limit_of_questions_in_flight_the_answer_comes_at_once",
    ),
    ("template", "match", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("template", "answer", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("template", "additional", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("template", "authority", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("template", "rcode", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("template", "ederror", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("template", "fallthrough", "tests/conformance/policy/template.rs", "templates_are_as_in_coredns"),
    ("whoami", "", "tests/conformance/policy/order.rs", "whoami_tells_who_asked"),
];

/// Directive and option of each that is *same* or *better*, with the line of the page.
fn promised() -> Vec<(String, String, usize)> {
    let mut all = Vec::new();
    let table = PAGE.lines().enumerate().skip_while(|(_, line)| !line.starts_with("| directive | option |"));
    for (number, line) in table {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [directive, options, here, ..] = cells.as_slice() else { continue };
        let Some(directive) = directive.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else { continue };
        if !(here.contains("same") || here.contains("better")) {
            continue;
        }
        // What follows "with" are values of one option, but for the names of others.
        let (options, values) = options.split_once(" with ").unwrap_or((options, ""));
        let named = values.split('`').skip(1).step_by(2);
        let options = options.split(", ").chain(named).map(|option| option.replace('`', ""));
        all.extend(options.map(|option| (directive.to_owned(), option, number + 1)));
    }
    all
}

#[test]
fn every_same_and_better_has_a_test() {
    let promised = promised();
    assert!(promised.len() > 50, "{promised:?}");
    let mut wrong = Vec::new();
    for (directive, option, line) in &promised {
        if !TESTED.iter().any(|(of, name, ..)| of == directive && name == option) {
            wrong.push(format!(
                "docs/corefile.md:{line} promises `{directive}` `{option}`, and no test holds it. Compare it with CoreDNS in a case \
                 of tests/corefile/options (or answers.rs), and add a row for it to TESTED of tests/corefile/tested.rs: \
                 (\"{directive}\", \"{option}\", \"the test's file\", \"its function or case\")"
            ));
        }
    }
    for (directive, option, ..) in TESTED {
        if !promised.iter().any(|(of, name, _)| of == directive && name == option) {
            wrong.push(format!(
                "docs/corefile.md promises no `{directive}` `{option}` any more: remove its row of TESTED"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_test_of_the_list_is_there() {
    let mut wrong = BTreeSet::new();
    for (directive, option, file, test) in TESTED {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default();
        let function = text.split(&format!("fn {test}(")).next().filter(|before| before.len() < text.len());
        let is_test = function.is_some_and(|before| {
            let attribute = before.trim_end_matches("async ").trim_end().rsplit('\n').next().unwrap_or_default();
            attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test")
        });
        if !is_test && !text.contains(&format!("\"{test}\"")) {
            wrong.insert(format!("`{directive}` `{option}`: {file} has no test and no case {test}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}
