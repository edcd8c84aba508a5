//! Every refusal as an operator reads it, in one golden file: what, where, why, and what to do instead. `INTERLOCAL_BLESS=1` writes
//! the file anew; the diff is for a person to read.

use std::collections::BTreeSet;
use std::path::Path;

use interlocal::config::corefile::directives;

use crate::setup::problems;

const GOLDEN: &str = "tests/corefile/golden/refusals.txt";

/// Directives that mean something here; the others are refused, and all of those are in the file.
const MEAN_SOMETHING: [&str; 39] = [
    "acl",
    "any",
    "autopath",
    "bind",
    "bufsize",
    "cache",
    "cancel",
    "chaos",
    "debug",
    "dns64",
    "dnstap",
    "errors",
    "forward",
    "geoip",
    "header",
    "health",
    "hosts",
    "import",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "local",
    "log",
    "loop",
    "metadata",
    "minimal",
    "multisocket",
    "nsid",
    "pprof",
    "prometheus",
    "proxyproto",
    "ready",
    "reload",
    "rewrite",
    "shed",
    "template",
    "timeouts",
    "trace",
    "whoami",
];

/// Texts that are refused, beside the directives that always are.
const TEXTS: &[&str] = &[
    ".:53 {\n    errors {\n        consolidate 5m x loud\n        consolidate 5m x show_first warning\n        consolidate 5m\n    }\n}\n",
    ".:53 {\n    log {combined}\n}\n",
    ".:53 {\n    log . \"{name} {local}\"\n    log . {/log/class}\n    log {\n        class\n        class none\n        format x\n    }\n}\n",
    "",
    ".:53 {\n    cache 30#comment\n}\n",
    ".:53 {\n    chaos \"open\n}\n",
    ".:53 {\n    errors\n",
    ".:53 {\n}\n}\n",
    ".:53 {\n    errors }\n",
    ".:53 {\n    forward . 10.0.0.1 { force_tcp }\n}\n",
    ".:53 {\n    forward . 10.0.0.1 {\n        force_tcp\n    } cache\n}\n",
    ".:53 {\n    forward . 10.0.0.1 {\n        except {\n        }\n    }\n}\n",
    "a.example, {\n}\n",
    "(s) {\n    errors\n}\n(s) {\n}\n",
    "(s)\n",
    "{\n}\n",
    ".:53 {\n    import\n}\n",
    ".:53 {\n    import a b\n}\n",
    ".:53 {\n    import {$NOBODY_SET_THIS}\n}\n",
    ".:53 {\n    import *.a*\n}\n",
    ".:53 {\n    import */a\n}\n",
    ".:53 {\n    import missing\n}\n",
    "a..b {\n}\n",
    ".:99999 {\n}\n",
    "10.0.0.0/33 {\n}\n",
    "tls://.:853 {\n}\n",
    "ftp://. {\n}\n",
    "a.example {\n}\na.example {\n}\n",
    "a.example {\n    bind 10.0.0.1\n}\nb.example {\n}\n",
    ".:53 {\n    forwrad . 10.0.0.1\n}\n",
    ".:53 {\n    nonsense\n}\n",
    ".:53 {\n    cache 30\n    cache 60\n}\n",
    ".:53 {\n    bind\n}\n",
    ".:53 {\n    bind eth0\n}\n",
    ".:53 {\n    bind 10.0.0.1 {\n        except 10.0.0.2\n    }\n}\n",
    ".:53 {\n    cache 0\n    health :1 :2\n    loop x\n    reload 1s 0.5s\n    bufsize 511\n    loadbalance weighted file\n}\n",
    ".:53 {\n    bufsize 100\n    loadbalance best\n    errors {\n        consolidate 5m\n    }\n    log {\n        class some\n    }\n}\n",
    ".:53 {\n    cache {\n        serve_stale_policy prefer_positive\n    }\n}\n",
    ".:53 {\n    cache {\n        serve_stale\n        serve_stale_policy prefer_positive\n        serve_stale_policy prefer_positive\n    }\n}\n",
    ".:53 {\n    rewrite edns0 local set 0xffee AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n}\n",
    ".:53 {\n    cache {\n        success\n        denial 10 0\n        disable\n        disable all\n        serve_stale x\n        serve_stale 1h sometimes\n        serve_stale 1h immediate 1s 1s 1s\n        serve_stale 1h verify 1s 1.5s 6m\n        serve_stale_policy\n        serve_stale_policy newest\n        keepttl x\n        sucess 1\n        servfail\n    }\n}\n",
    ".:53 {\n    forward\n    forward .\n    forward a/b 10.0.0.1\n    forward . 10.0.0.1:0 https://dns.example\n    forward . tls://9.9.9.9 10.0.0.1\n    forward . tls:///etc/resolv.conf 10.0.0.1%a a%b\n}\n",
    ".:53 {\n    forward . 10.0.0.1 {\n        next\n        next NONE\n        next_on_nodata x\n        source_address 10.0.0.1\n        doh_method GET\n        failover NOERROR\n        tls a b c d\n        tls_servername\n        tls_servername a..b\n        resolver\n        resolver dns.example /etc/resolv.conf\n        policy best\n        max_fails x\n        expire 1\n        except\n        force_udp\n    }\n}\n",
    ".:53 {\n    forward . tls://9.9.9.9%dns.quad9.net {\n        tls_servername dns.quad9.net\n    }\n}\n",
    ".:53 {\n    kubernetes cluster.local {\n        noendpoints\n        ignore empty_service\n        multicluster clusterset.local\n        zonal\n        tls a b\n        pods some\n        ttl 9999\n        namespaces a B\n        namespace_labels a=b\n        labels a in\n        endpoint\n        kubeconfig\n        upstream\n    }\n}\n",
    ".:53 {\n    autopath\n}\n",
    ".:53 {\n    autopath @erratic\n}\n",
    "a.example {\n    kubernetes cluster.local a.example\n    k8s_external b.a.example a.example . {\n        apex a.b\n        ttl 9999\n        headless x\n        nonsense\n    }\n}\n",
    ".:53 {\n    kubernetes cluster.local\n    k8s_external . cluster.local {\n        ttl\n    }\n}\n",
    "a.example {\n    kubernetes a.example\n    k8s_external example\n}\n",
    ".:53 {\n    kubernetes in-addr.arpa\n}\n",
    ".:53 {\n    kubernetes\n}\n",
    "a.local {\n    kubernetes\n}\nb.local {\n    kubernetes {\n        pods insecure\n    }\n}\n",
    "svc.cluster.local {\n    kubernetes cluster.local\n}\n",
    "a.example {\n    health :8080\n}\nb.example {\n    health :8081\n}\n",
    ".:53 {\n    health {\n        lameduck 1h\n    }\n    ready {\n        monitor sometimes\n    }\n    prometheus x\n}\n",
    ".:53 {\n    hosts {\n        ttl 0\n        nonsense\n    }\n}\n",
    ".:53 {\n    template IN\n}\n",
    ".:53 {\n    template XX A\n}\n",
    ".:53 {\n    template IN A {\n        match (\n        rcode NONE\n        answer\n        answer \"{{ .Nonsense }}\"\n        nonsense x\n    }\n}\n",
    ".:53 {\n    rewrite\n    rewrite name a\n    rewrite type A\n    rewrite edns0\n    rewrite edns0 local put 0xffee x\n    rewrite edns0 local set 0xffee\n    rewrite edns0 local set nonsense x\n    rewrite edns0 local set 8 x\n    rewrite edns0 local set 65313 x\n    rewrite edns0 local set 0xffee 0x6\n    rewrite edns0 local set 0xffee {server_ip}\n    rewrite edns0 local set 0xffee {some/label}\n    rewrite edns0 subnet set 33 0\n    rewrite edns0 subnet unset revert\n    rewrite edns0 cookie set\n    rewrite nonsense a b\n    rewrite name a b other\n    rewrite ttl a x\n    rewrite rcode a b\n}\n",
    ".:53 {\n    acl {\n        refuse net *\n        block net 10.0.0.0/99\n        block type NONE\n        block 10.0.0.1\n    }\n}\n",
    ".:53 {\n    {\n    }\n}\n",
    ".:53\nerrors\n}\n",
    "a.example,\n",
    ".:53 {\n    any {\n        x\n    }\n    reload 10s 5s 1s\n    local {\n        localhost_prefix perhaps\n        prefix\n    }\n    rewrite ttl a 9-1\n}\n",
    ".:53 {\n    forward . 1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9 1.1.1.10 1.1.1.11 1.1.1.12 1.1.1.13 1.1.1.14 1.1.1.15 1.1.1.16\n}\n",
    "import Corefile\n",
    ".:53 {\n    kubernetes cluster.local\n    nonsense\n}\nwest.svc.cluster.local {\n    forward . 10.0.0.1 {\n        force_tcp\n    }\n}\n",
    ".:53 {\n    kubernetes cluster.local {\n        labels -a=b\n    }\n}\n",
    ".:53 {\n    kubernetes cluster.local {\n        labels a=-b\n    }\n}\n",
    ".:53 {\n    rewrite name regex (a) {2}\n    template IN A {\n        match (?P<a>x)\n        answer \"{{ .Name\"\n        answer \"{{ index .Match x }}\"\n        answer \"{{ index .Match 3 }}\"\n        answer \"{{ .Group.b }}\"\n        answer \"{{ parseInt .Group.a 1 8 }}\"\n        answer \"{{ parseInt .Group.a 99 8 }}\"\n    }\n}\n",
    ".:53 {\n    import none/*.override\n    nonsense\n}\n",
    ".:53 {\n    kubernetes cluster.local\n    nonsense\n}\neast.svc.cluster.local {\n    forward . 10.0.0.1 {\n        force_tcp\n    }\n}\nwest.svc.cluster.local {\n    forward . 10.0.0.1 {\n        force_tcp\n    }\n}\n",
    ".:53 {\n    header {\n        response set xx\n        response put aa\n        response set\n        query\n        nonsense\n    }\n    dns64 64:ff9b::/95\n    minimal x\n}\n",
];

#[test]
fn every_refusal_says_what_where_why_and_what_instead() {
    let mut texts: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    let refused: Vec<&str> = directives().into_iter().filter(|name| !MEAN_SOMETHING.contains(name)).collect();
    assert!(refused.len() > 25, "{refused:?}");
    texts.extend(refused.iter().map(|name| format!(".:53 {{\n    {name}\n}}\n")));
    let mut golden = String::new();
    let mut without_help = BTreeSet::new();
    for text in texts {
        let problems = problems(&text);
        assert!(!problems.is_empty(), "taken:\n{text}");
        for problem in problems {
            if !problem.contains("\n  help: ") {
                without_help.insert(problem.clone());
            }
            golden.push_str(&problem);
            golden.push_str("\n\n");
        }
    }
    // Some say it all in one sentence.
    let said = ["is not a zone", "is not a pattern", "error: expected `"];
    without_help.retain(|problem| !said.iter().any(|part| problem.contains(part)));
    assert!(without_help.is_empty(), "no help:\n{}", without_help.into_iter().collect::<Vec<_>>().join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    if std::env::var_os("INTERLOCAL_BLESS").is_some() {
        std::fs::write(&path, &golden).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let (mut ours, mut theirs) = (golden.lines(), expected.lines());
    let mut line = 0;
    loop {
        line += 1;
        match (ours.next(), theirs.next()) {
            (None, None) => break,
            (ours, theirs) => assert_eq!(ours, theirs, "line {line} of {GOLDEN}"),
        }
    }
}
