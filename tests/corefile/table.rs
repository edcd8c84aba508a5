//! The table of plugins in the docs: every directive that CoreDNS 1.15 knows, and every one that we know, has a row.

use std::collections::BTreeSet;
use std::process::Command;

use interlocal::config::corefile::directives;

use crate::support::tool;

const PAGE: &str = include_str!("../../docs/corefile.md");

/// Those of `plugin.cfg` of CoreDNS 1.15, and `import`.
const COREDNS: [&str; 60] = [
    "acl",
    "any",
    "auto",
    "autopath",
    "azure",
    "bind",
    "bufsize",
    "cache",
    "cancel",
    "chaos",
    "clouddns",
    "debug",
    "dns64",
    "dnssec",
    "dnstap",
    "dynupdate",
    "erratic",
    "errors",
    "etcd",
    "file",
    "forward",
    "geoip",
    "grpc",
    "grpc_server",
    "header",
    "health",
    "hosts",
    "https",
    "https3",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "local",
    "log",
    "loop",
    "metadata",
    "minimal",
    "multisocket",
    "nomad",
    "nsid",
    "pprof",
    "prometheus",
    "proxyproto",
    "quic",
    "ready",
    "reload",
    "rewrite",
    "root",
    "route53",
    "secondary",
    "shed",
    "sign",
    "siit",
    "template",
    "timeouts",
    "tls",
    "trace",
    "transfer",
    "tsig",
    "view",
];

#[test]
fn every_directive_has_a_row() {
    let rows: BTreeSet<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: BTreeSet<&str> = directives().into_iter().collect();
    let all = COREDNS.iter().copied().chain(["import", "on", "whoami"]);
    for directive in all {
        assert!(rows.contains(directive), "`{directive}` has no row in docs/corefile.md");
        assert!(known.contains(directive), "`{directive}` is unknown to us");
    }
    for directive in known {
        assert!(PAGE.contains(&format!("`{directive}`")), "`{directive}` is not in docs/corefile.md");
    }
}

#[test]
fn the_list_is_that_of_the_real_coredns() {
    let program = tool::find("the_list_is_coredns's", "INTERLOCAL_COREDNS", "coredns-1.15.0/bin/coredns", ".ci/run");
    let Some(program) = program else { return };
    let output = Command::new(program).arg("-plugins").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words = text.split_whitespace().map(|word| word.trim_start_matches("dns.")).collect::<BTreeSet<_>>();
    let listed: BTreeSet<&str> = COREDNS.iter().copied().chain(["on", "whoami"]).collect();
    let missing: Vec<&&str> = listed.iter().filter(|name| !words.contains(**name)).collect();
    assert!(missing.is_empty(), "CoreDNS has no {missing:?}");
    let known: BTreeSet<&str> = directives().into_iter().collect();
    let talk = ["Server", "types:", "dns", "Caddyfile", "loaders:", "flag", "default", "Other", "plugins:", "short"];
    let new: Vec<&&str> = words.iter().filter(|word| !known.contains(**word) && !talk.contains(word)).collect();
    assert!(new.is_empty(), "CoreDNS has {new:?}");
}
