//! The same Corefile, the same cluster, the same upstreams: what the real CoreDNS answers is what we answer, but for what is listed
//! with its reason. Here are zones, blocks, `forward`, `fallthrough` and `cache`; rules of the policy stage are compared beside it.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;

use crate::setup::{Folder, Served};
use crate::support::apiserver::ApiServer;
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::server::ScriptServer;
use crate::support::{secs, yaml};
use interlocal::config::Overrides;

/// `PORT`, `KUBECONFIG`, and the upstreams `ONE` and `TWO`, which give other addresses for every name.
const COREFILES: [(&str, &str); 10] = [
    (
        "fallthrough of reverse zones",
        ".:PORT {\n    BIND\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n        KUBECONFIG\n        pods insecure\n        fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }\n    forward . ONE\n}\n",
    ),
    (
        "fallthrough of everything",
        ".:PORT {\n    BIND\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n        KUBECONFIG\n        fallthrough\n    }\n    forward . ONE\n}\n",
    ),
    (
        "no fallthrough",
        ".:PORT {\n    BIND\n    kubernetes cluster.local in-addr.arpa {\n        KUBECONFIG\n        pods verified\n        endpoint_pod_names\n        namespaces shop\n    }\n    forward . ONE\n}\n",
    ),
    (
        "zones and upstreams",
        ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        KUBECONFIG\n    }\n    forward corp.example TWO\n    forward . ONE {\n        except out.example\n    }\n    cache 30\n}\na.corp.example:PORT other.example:PORT {\n    BIND\n    forward . ONE {\n        force_tcp\n    }\n}\nnobody.example:PORT {\n    BIND\n    errors\n}\n",
    ),
    (
        "two zones of one cluster",
        ".:PORT {\n    BIND\n    kubernetes cluster.local other.local {\n        KUBECONFIG\n        labels tier=front\n    }\n    forward . ONE\n}\n",
    ),
    (
        "a block for a network",
        "10.7.0.0/16:PORT {\n    BIND\n    forward . TWO\n}\n.:PORT {\n    BIND\n    forward . ONE\n}\n",
    ),
    (
        "rules",
        ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        KUBECONFIG\n    }\n    rewrite name exact old.example web.shop.svc.cluster.local\n    template IN A made.example {\n        match \"^([0-9]+)\\.made\\.example\\.$\"\n        answer \"{{ .Name }} 60 IN A 10.0.0.{{ index .Match 1 }}\"\n        fallthrough\n    }\n    hosts {\n        192.0.2.99 host.example\n        fallthrough\n    }\n    acl blocked.example {\n        block\n    }\n    forward . ONE\n}\nrules.example:PORT {\n    BIND\n    template IN ANY {\n        rcode NXDOMAIN\n    }\n    forward . ONE\n}\n",
    ),
    (
        "namespaces by label",
        ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        KUBECONFIG\n        namespace_labels team=shop\n        ttl 60\n    }\n    forward . ONE\n}\n",
    ),
    (
        "endpoint",
        ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        endpoint ENDPOINT\n    }\n    forward . ONE\n}\n",
    ),
    (
        "no cluster",
        "cluster.local:PORT {\n    BIND\n    forward . TWO {\n        force_tcp\n    }\n    cache {\n        success 9984 30\n        denial 9984 5\n    }\n}\n.:PORT {\n    BIND\n    forward . ONE\n    cache 30\n}\n",
    ),
];

const QUESTIONS: [(&str, RecordType); 32] = [
    ("web.shop.svc.cluster.local", RecordType::A),
    ("web.shop.svc.cluster.local", RecordType::AAAA),
    ("_http._tcp.web.shop.svc.cluster.local", RecordType::SRV),
    ("db.shop.svc.cluster.local", RecordType::A),
    ("none.shop.svc.cluster.local", RecordType::A),
    ("web.back.svc.cluster.local", RecordType::A),
    ("web.none.svc.cluster.local", RecordType::A),
    ("none.cluster.local", RecordType::A),
    ("10-0-0-1.shop.pod.cluster.local", RecordType::A),
    ("web.shop.svc.other.local", RecordType::A),
    ("none.shop.svc.other.local", RecordType::A),
    ("www.example.net", RecordType::A),
    ("corp.example", RecordType::A),
    ("x.corp.example", RecordType::A),
    ("a.corp.example", RecordType::A),
    ("x.a.corp.example", RecordType::A),
    ("X.Other.Example", RecordType::A),
    ("out.example", RecordType::A),
    ("x.out.example", RecordType::A),
    ("nobody.example", RecordType::A),
    ("x.nobody.example", RecordType::A),
    ("80.0.96.10.in-addr.arpa", RecordType::PTR),
    ("1.0.7.10.in-addr.arpa", RecordType::PTR),
    ("1.0.9.10.in-addr.arpa", RecordType::PTR),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", RecordType::PTR),
    ("old.example", RecordType::A),
    ("7.made.example", RecordType::A),
    ("x.made.example", RecordType::A),
    ("host.example", RecordType::A),
    ("x.blocked.example", RecordType::A),
    ("rules.example", RecordType::A),
    ("x.rules.example", RecordType::A),
];

/// Corefile, name, and why our answer is another one.
const WANTED: [(&str, &str, &str); 8] = [
    ("zones and upstreams", "out.example", "REFUSED in place of SERVFAIL: nobody is to be asked, and nothing failed"),
    ("zones and upstreams", "x.out.example", "REFUSED in place of SERVFAIL"),
    ("zones and upstreams", "nobody.example", "REFUSED in place of SERVFAIL: the block asks nobody"),
    ("zones and upstreams", "x.nobody.example", "REFUSED in place of SERVFAIL: the block asks nobody"),
    ("zones and upstreams", "80.0.96.10.in-addr.arpa", "own reverse names are answered whatever zones are listed"),
    ("namespaces by label", "80.0.96.10.in-addr.arpa", "own reverse names are answered whatever zones are listed"),
    ("endpoint", "80.0.96.10.in-addr.arpa", "own reverse names are answered whatever zones are listed"),
    ("rules", "80.0.96.10.in-addr.arpa", "own reverse names are answered whatever zones are listed"),
];

fn objects() -> String {
    yaml::join(&[
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: shop}}\n".to_owned(),
        yaml::namespace("back"),
        yaml::service("shop/web", &["10.96.0.80"], &["http:80"]),
        yaml::service("back/web", &["10.96.0.81"], &["http:80"]),
        yaml::headless("shop/db", &["sql:5432"]),
        yaml::slice("shop/db", &["10.1.0.7=db-0", "10.1.0.8=db-1"], &["sql:5432"]),
    ])
}

pub fn upstream(address: &'static str) -> ScriptServer {
    use hickory_proto::rr::rdata::{A, PTR};
    use hickory_proto::rr::{RData, Record};
    let server = ScriptServer::start();
    server.on_any().edit(move |query, reply| {
        let asked = &query.queries[0];
        let data = match asked.query_type() {
            RecordType::A => RData::A(A(address.parse().unwrap())),
            RecordType::PTR => RData::PTR(PTR(crate::support::name(&format!("{address}.ptr.example")))),
            _ => return,
        };
        reply.add_answer(Record::from_rdata(asked.name().clone(), 600, data));
    });
    server
}

/// What is compared: the rcode, and the answers without their order.
pub async fn answer(server: SocketAddr, asked: &str, rtype: RecordType) -> String {
    let reply = Ask::new(asked, rtype).patience(secs(20)).udp(server).await;
    let mut records: Vec<String> = reply
        .answers
        .iter()
        .map(|record| format!("{} {} {} {}", record.name.to_lowercase(), record.ttl, record.record_type(), record.data))
        .collect();
    records.sort();
    format!("{} [{}]", reply.response_code, records.join(", "))
}

#[tokio::test]
async fn the_same_corefile_gets_the_same_answers() {
    let test = "the_same_corefile_gets_the_same_answers";
    let Some(cluster) = ApiServer::start(test, &[]).await else { return };
    cluster.apply(&objects()).await;
    let (one, two) = (upstream("192.0.2.1"), upstream("192.0.2.2"));
    let kubeconfig = format!("kubeconfig {}", cluster.kubeconfig().display());
    // Without credentials, as `endpoint` alone has it.
    let (_proxy, endpoint) = cluster.proxy().await;
    let (mut compared, mut wrong, mut seen) = (0, Vec::new(), Vec::new());
    for (name, text) in COREFILES {
        let text = text
            .replace("KUBECONFIG", &kubeconfig)
            .replace("ENDPOINT", &endpoint)
            .replace("BIND", "bind 127.0.0.1")
            .replace("ONE", &one.address().to_string())
            .replace("TWO", &two.address().to_string());
        let port = free_block(1);
        let Some(theirs) = CoreDns::start_with(test, port, &text.replace("PORT", &port.to_string())) else { return };
        let ours = Served::start_with(Folder::new(&text.replace("PORT", "0")), Overrides::default()).await;
        theirs
            .answers(if text.contains("kubernetes") && !text.contains("tier=front") {
                "web.shop.svc.cluster.local"
            } else {
                "www.example.net"
            })
            .await;
        for (asked, rtype) in QUESTIONS {
            let (ours, theirs) = (answer(ours.dns(), asked, rtype).await, answer(theirs.address(), asked, rtype).await);
            compared += 1;
            if ours == theirs {
                continue;
            }
            match WANTED.iter().position(|(corefile, wanted, _)| (*corefile, *wanted) == (name, asked)) {
                Some(row) => seen.push(row),
                None => wrong.push(format!("{name}: {asked} {rtype}\n  ours:   {ours}\n  theirs: {theirs}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<&str> = (0..WANTED.len()).filter(|row| !seen.contains(row)).map(|row| WANTED[row].1).collect();
    assert!(unseen.is_empty(), "no difference any more: {unseen:?}");
    assert_eq!(compared, COREFILES.len() * QUESTIONS.len());
    println!("compared {compared} answers with CoreDNS");
}
