//! What a Corefile comes to, from texts in memory; how it runs is for `tests/corefile`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::*;
use crate::config::file;
use crate::config::peers::{self, TableContext};
use crate::config::{KubernetesSource, PeersSource, PodMode, UnknownKeys};

/// Files and variables in memory.
#[derive(Default)]
struct Memory(HashMap<PathBuf, String>);

impl Memory {
    fn with(mut self, file: &str, text: &str) -> Self {
        self.0.insert(Path::new("/etc/coredns").join(file), text.to_owned());
        self
    }
}

impl Inputs for Memory {
    fn read(&self, file: &Path) -> io::Result<String> {
        self.0.get(file).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "IP").then(|| "10.0.0.53".to_owned())
    }
}

fn read(text: &str) -> Result<Corefile, Vec<String>> {
    read_with(Memory::default().with("Corefile", text))
}

fn read_with(memory: Memory) -> Result<Corefile, Vec<String>> {
    let parsed = parse(Path::new("/etc/coredns/Corefile"), &memory, &Overrides::default());
    parsed.map(|parsed| parsed.value).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn config(text: &str) -> Config {
    read(text).unwrap_or_else(|problems| panic!("{}", problems.join("\n"))).config
}

/// The routes of a server, one text each.
fn routes(config: &Config, server: usize) -> Vec<String> {
    let server = &config.servers[server];
    let of =
        |kind: &str, zones: &[crate::wire::Name]| zones.iter().map(|zone| format!("{kind} {zone}")).collect::<Vec<_>>();
    let mut routes = of("cluster", &server.zones);
    routes.extend(server.forward.iter().map(|row| {
        let to: Vec<String> = row.to.iter().map(ToString::to_string).collect();
        let caps = row.cache.map_or((0, 0), |caps| (caps.max_ttl.as_secs(), caps.max_negative_ttl.as_secs()));
        format!("{} to {} for {}/{}", row.zone, to.join(" "), caps.0, caps.1)
    }));
    routes.extend(of("refuse", &server.routes.refuse));
    routes.extend(of("fallthrough", &server.routes.fallthrough));
    routes.extend(of("closed", &server.routes.closed));
    routes
}

#[test]
fn one_block_without_braces_is_a_block() {
    let config = config("example.org\nforward . 10.0.0.1 10.0.0.2:54\ncache 60\n");
    assert_eq!(routes(&config, 0), ["example.org to 10.0.0.1:53 10.0.0.2:54 for 60/60"]);
    assert_eq!(config.kubernetes.source, KubernetesSource::None);
}

#[test]
fn zones_go_to_whom_their_chain_comes_to() {
    let config = config(
        ".:53 {
    forward a.example 10.0.0.1
    forward . 10.0.0.2 {
        except x.example in.a.example
    }
    cache 30 example
    kubernetes cluster.local 10.0.0.0/16 {
        fallthrough
    }
}
b.example:53 {
    forward c.b.example 10.0.0.3
}
",
    );
    assert_eq!(
        routes(&config, 0),
        [
            "cluster cluster.local",
            ". to 10.0.0.2:53 for 0/0",
            "example to 10.0.0.2:53 for 30/30",
            "a.example to 10.0.0.1:53 for 30/30",
            "c.b.example to 10.0.0.3:53 for 0/0",
            "refuse x.example",
            "refuse b.example",
            "fallthrough cluster.local",
        ]
    );
}

#[test]
fn the_cluster_is_what_its_plugin_says() {
    let config = config(
        "cluster.local:5300 10.0.0.0/8:5300 {
    bind {$IP}
    kubernetes {
        pods verified
        ttl 60
        namespaces a b
        kubeconfig sub/../kubeconfig other
    }
    health 10.0.0.53:9000 {
        lameduck 7s
    }
}
",
    );
    assert_eq!(routes(&config, 0), ["cluster cluster.local", "refuse 10.in-addr.arpa", "closed 10.in-addr.arpa"]);
    assert_eq!(config.servers[0].listen, ["10.0.0.53:5300".parse().unwrap()]);
    assert_eq!((config.kubernetes.pods, config.kubernetes.ttl.as_secs()), (PodMode::Verified, 60));
    assert_eq!(config.listen.health, Some("10.0.0.53:9000".parse().unwrap()));
    assert_eq!(config.shutdown.lameduck.as_secs(), 7);
    assert!(
        matches!(&config.kubernetes.source, KubernetesSource::Kubeconfig { context: Some(context), .. } if context == "other")
    );
}

#[test]
fn blocks_are_grouped_by_where_they_listen() {
    let text = "a.example {\nbind 10.0.0.1 10.0.0.2\nforward . 10.1.0.1\n}\n\
                b.example {\nbind 10.0.0.2\nforward . 10.1.0.1\n}\n\
                c.example:54 {\nforward . 10.1.0.1\n}\n";
    let config = config(text);
    let listens: Vec<String> = config
        .servers
        .iter()
        .map(|server| server.listen.iter().map(|l| l.to_string()).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(listens, ["10.0.0.1:53", "10.0.0.2:53", "0.0.0.0:54 [::]:54"]);
    assert_eq!(config.servers[1].forward.len(), 2);
}

/// A region is for every listener, so a stanza is one only where the cluster is too.
#[test]
fn a_bound_stanza_is_a_region_unless_it_is_bound_elsewhere() {
    let stanza = |bind: &str| {
        format!(
            ". {{\nbind 10.0.0.1 10.0.0.2\nkubernetes cluster.local\n}}\n\
             east.svc.cluster.local {{\nbind {bind}\nforward . 10.2.0.1 {{\nforce_tcp\n}}\n}}\n"
        )
    };
    let regions = |text: &str| matches!(config(text).peers.source, PeersSource::Table(_));
    assert!(regions(&stanza("10.0.0.1 10.0.0.2").replace(" 10.0.0.2", "")));
    assert!(!regions(&stanza("10.0.0.1 10.0.0.3")), "what listens at 10.0.0.3 has no cluster");
    assert!(!regions(&stanza("10.0.0.3")));
}

#[test]
fn snippets_and_imports_stand_for_what_is_in_them() {
    let memory = Memory::default()
        .with("Corefile", "(upstream) {\n    forward . 10.0.0.1\n    cache 10\n}\nimport custom/*.server\n. {\n    import upstream\n    import custom/*.override\n}\n")
        .with("custom/b.override", "loop\n")
        .with("custom/a.server", "a.example {\n    import ../more\n}\n")
        .with("more", "forward . 10.0.0.9\n");
    let corefile = read_with(memory).unwrap();
    assert_eq!(routes(&corefile.config, 0), ["a.example to 10.0.0.9:53 for 0/0", ". to 10.0.0.1:53 for 10/10"]);
    let paths: Vec<String> = corefile.read.iter().map(|path| path.display().to_string()).collect();
    for path in ["Corefile", "custom", "custom/a.server", "custom/b.override", "more"] {
        assert!(paths.contains(&format!("/etc/coredns/{path}")), "{path} of {paths:?}");
    }
    let endless = read(". {\n    import Corefile\n}\n");
    assert!(endless.is_err());
    let itself = Memory::default().with("Corefile", "import other\n").with("other", "import other\n");
    let problems = read_with(itself).unwrap_err();
    assert!(problems.iter().any(|problem| problem.contains("does a file or a snippet import itself?")), "{problems:?}");
}

#[test]
fn problems_of_imports_name_their_file() {
    let memory =
        Memory::default().with("Corefile", ". {\n    import bad\n}\n").with("bad", "# fine\nforwrad . 10.0.0.1\n");
    assert_eq!(
        read_with(memory).unwrap_err(),
        [
            "/etc/coredns/bad:2:1: error: `forwrad` is no directive\n   2 | forwrad . 10.0.0.1\n     | ^^^^^^^\n  help: did you mean `forward`?"
        ]
    );
}

/// What `import` writes is the same configuration.
#[test]
fn a_stanza_over_tls_is_a_region_over_tls() {
    let tls = |options: &str| {
        let text = format!(
            ".:53 {{\n    kubernetes cluster.local\n}}\nwest.svc.cluster.local:53 {{\n    forward . tls://lb.example {{\n        {options}\n    }}\n}}\n"
        );
        match config(&text).peers.source {
            PeersSource::Table(table) => Some((table.regions[0].endpoints[0].port, table.regions[0].tls.clone())),
            _ => None,
        }
    };
    let (port, row) = tls("tls ca.pem").unwrap();
    assert_eq!((port, row.unwrap().files().collect::<Vec<_>>()), (853, vec![Path::new("/etc/coredns/ca.pem")]));
    let name = tls("tls_servername a.example").unwrap().1.unwrap().server_name;
    assert_eq!(name.map(|name| name.to_string()), Some("a.example".into()));
    assert_eq!(tls("failover NXDOMAIN"), None, "a region's denial is an answer");
}

#[test]
fn what_is_written_reads_back_as_it_was() {
    let texts = [
        ".:53 {\n    kubernetes cluster.local in-addr.arpa {\n        pods insecure\n        ttl 30\n        labels app=web,tier in (a,b)\n        namespaces x y\n        endpoint_pod_names\n    }\n    forward . /etc/resolv.conf\n    cache 30\n    health {\n        lameduck 5s\n    }\n    prometheus :9153\n}\n",
        ".:53 {\n    kubernetes cluster.local {\n        tls a /b c\n        endpoint 10.0.0.1:6443\n        noendpoints\n    }\n}\n",
        ".:53 {\n    kubernetes cluster.local {\n        ignore empty_service\n    }\n}\n",
        ".:53 {\n    kubernetes cluster.local {\n        pods verified\n    }\n    autopath @kubernetes\n}\n",
        ".:53 {\n    kubernetes cluster.local\n    k8s_external lb.example b.example {\n        apex ns\n        ttl 30\n        headless\n        fallthrough b.example\n    }\n    forward . 10.0.0.1\n}\n",
        ".:53 {\n    autopath a.x b.x search.conf\n    forward . 10.0.0.1\n}\n",
        "cluster.local {\n    forward . 10.0.0.1 {\n        force_tcp\n    }\n}\na.cluster.local:54 {\n    kubernetes\n    ready\n}\n",
        ".:53 {\n    log\n    forward . 10.0.0.1\n    cache {\n        serve_stale\n    }\n}\na:53 {\n    log x.a b \"{common} \\\"{>opcode}\\\" {x}\" {\n        class denial error\n    }\n    log . {combined}\n    forward . 10.0.0.1\n    cache 30 {\n        serve_stale 2h verify 100ms 9s 7s\n        serve_stale_policy prefer_positive\n        keepttl\n    }\n}\nb:53 {\n    forward . 10.0.0.1\n    cache {\n        serve_stale 3h immediate 5s\n    }\n}\n",
        ".:53 {\n    kubernetes cluster.local {\n        fallthrough\n    }\n    forward . 10.0.0.1\n}\neast.svc.cluster.local:53 {\n    cache 10\n    forward . 10.0.0.5 lb.example.com {\n        force_tcp\n    }\n}\n",
        ".:53 {\n    forward . tls://9.9.9.9%dns.quad9.net tls://[2620:fe::fe]:8853 {\n        tls cert.pem key.pem /etc/ca.pem\n        failover NXDOMAIN NOTAUTH\n        next NXDOMAIN\n        next_on_nodata\n    }\n    forward . tls://dns.example.com {\n        tls\n        tls_servername other.example.com\n        resolver 10.0.0.1 10.0.0.2:5353\n        next SERVFAIL\n    }\n    forward . dns.example.com:5353 10.0.0.1\n    kubernetes cluster.local\n}\nwest.svc.cluster.local:53 {\n    forward . tls://10.0.0.5 {\n        tls /etc/ca.pem\n    }\n}\n",
        ".:53 {\n    acl {\n        block type A net 10.0.0.0/8\n        allow\n    }\n    rewrite continue name regex (.*)\\.a {1}.b answer name (.*)\\.b {1}.a\n    rewrite ttl example.org 30-300\n    rewrite rcode suffix .x SERVFAIL NXDOMAIN\n    rewrite type ANY HINFO\n    rewrite cname exact a. b.\n    rewrite edns0 local set 0xffee abcd\n    rewrite edns0 local append 65001 {client_ip} revert\n    rewrite edns0 local unset 0xffee\n    rewrite edns0 nsid replace\n    rewrite continue edns0 subnet set 24 56\n    bufsize 900\n    template IN A example.org x {\n        match (?P<a>[0-9]+)\\.x\\.$\n        answer \"{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}\"\n        fallthrough\n    }\n    hosts hosts.txt example.org {\n        10.0.0.1 a.example.org\n        ttl 60\n        fallthrough\n    }\n    header {\n        response set ra\n        response clear aa\n    }\n    dns64 64:ff9b::/96\n    nsid \"a \\\"b\\\"\"\n    chaos v1 me\n    any\n    minimal\n    local\n    whoami\n    forward . 10.0.0.1\n}\n",
    ];
    for text in texts {
        let corefile = read(text).unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
        let written = write::files(&corefile.config, &corefile.notes, "Corefile");
        assert_eq!(written.left_out, Vec::<String>::new());
        let place = Path::new("/etc/coredns/interlocal.yaml");
        let parsed = file::parse(&written.config, place, UnknownKeys::Refuse, &Overrides::default());
        let parsed = parsed.unwrap_or_else(|problems| panic!("{}\n{}", problems[0], written.config));
        assert_eq!(parsed.warnings, []);
        let mut again = parsed.value;
        if let PeersSource::Table(table) = &corefile.config.peers.source {
            let context = TableContext {
                cluster_domain: &again.cluster_domain,
                region: None,
                stub_zones: &[],
                limits: &again.limits,
                folder: None,
            };
            let peers = peers::parse(&written.peers.unwrap(), Path::new("peers.yaml"), &context, UnknownKeys::Refuse);
            assert_eq!((peers.errors, &peers.table), (Vec::new(), &**table));
        }
        again.peers.source = corefile.config.peers.source.clone();
        assert_eq!(again, corefile.config, "{}", written.config);
    }
}
