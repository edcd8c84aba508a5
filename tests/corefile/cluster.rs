//! Options that say what of the cluster is answered, and how the cluster is reached: the same Corefile and the same API server for
//! CoreDNS and for us. Each row of a wanted difference has its reason.

use hickory_proto::rr::RecordType::{self, A, AAAA, NS, PTR, SRV, TXT};

use crate::answers::{answer, upstream};
use crate::setup::{Folder, Served};
use crate::support::apiserver::ApiServer;
use crate::support::certificates::Authority;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::wait::eventually;
use crate::support::{secs, yaml};
use interlocal::config::Overrides;

/// A Corefile with `PORT`, `BIND`, `KUBECONFIG` and the upstream `ONE`, and what is asked of it.
pub struct Case<'a> {
    pub name: &'a str,
    pub corefile: &'a str,
    /// There once CoreDNS has read the cluster.
    pub known: &'a str,
    pub questions: &'a [(&'a str, RecordType)],
    /// The name, and why our answer is another one.
    pub wanted: &'a [(&'a str, &'a str)],
}

/// Asks both, and says how many answers were compared; none on a machine without CoreDNS.
pub async fn compare(test: &str, cluster: &ApiServer, cases: &[Case<'_>]) -> Option<usize> {
    let one = upstream("192.0.2.1");
    let kubeconfig = format!("kubeconfig {}", cluster.kubeconfig().display());
    let (mut compared, mut wrong) = (0, Vec::new());
    for case in cases {
        let text = case.corefile.replace("KUBECONFIG", &kubeconfig).replace("BIND", "bind 127.0.0.1");
        let text = text.replace("ONE", &one.address().to_string());
        let port = free_block(1);
        let theirs = CoreDns::start_with(test, port, &text.replace("PORT", &port.to_string()))?;
        let ours = Served::start_with(Folder::new(&text.replace("PORT", "0")), Overrides::default()).await;
        theirs.answers(case.known).await;
        let mut seen = vec![false; case.wanted.len()];
        for (asked, rtype) in case.questions {
            let (ours, theirs) =
                (answer(ours.dns(), asked, *rtype).await, answer(theirs.address(), asked, *rtype).await);
            compared += 1;
            match case.wanted.iter().position(|(name, _)| name == asked) {
                _ if ours == theirs => {}
                Some(row) => seen[row] = true,
                None => wrong.push(format!("{}: {asked} {rtype}\n  ours:   {ours}\n  theirs: {theirs}", case.name)),
            }
        }
        let unseen = case.wanted.iter().zip(&seen).filter(|(_, seen)| !**seen);
        wrong.extend(unseen.map(|((name, _), _)| format!("{}: no difference any more: {name}", case.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("compared {compared} answers with CoreDNS");
    Some(compared)
}

fn objects() -> String {
    yaml::join(&[
        yaml::namespace("shop"),
        yaml::service("shop/web", &["10.96.0.80"], &["http:80"]),
        yaml::slice("shop/web", &["10.1.0.5=web-0"], &["http:80"]),
        yaml::service("shop/empty", &["10.96.0.81"], &["http:80"]),
        yaml::slice("shop/empty", &["10.1.0.6!"], &["http:80"]),
        yaml::headless("shop/db", &["sql:5432"]),
        yaml::slice("shop/db", &["10.1.0.7=db-0"], &["sql:5432"]),
        yaml::external("shop/out", "www.example.net"),
    ])
}

const QUESTIONS: &[(&str, RecordType)] = &[
    ("web.shop.svc.cluster.local", A),
    ("web.shop.svc.cluster.local", AAAA),
    ("web.shop.svc.cluster.local", SRV),
    ("_http._tcp.web.shop.svc.cluster.local", SRV),
    ("web-0.web.shop.svc.cluster.local", A),
    ("empty.shop.svc.cluster.local", A),
    ("empty.shop.svc.cluster.local", AAAA),
    ("_http._tcp.empty.shop.svc.cluster.local", SRV),
    ("db.shop.svc.cluster.local", A),
    ("db.shop.svc.cluster.local", SRV),
    ("db-0.db.shop.svc.cluster.local", A),
    ("out.shop.svc.cluster.local", A),
    ("none.shop.svc.cluster.local", A),
    ("80.0.96.10.in-addr.arpa", PTR),
    ("81.0.96.10.in-addr.arpa", PTR),
    ("5.0.1.10.in-addr.arpa", PTR),
    ("7.0.1.10.in-addr.arpa", PTR),
];

#[tokio::test]
async fn what_of_the_cluster_is_answered_and_who_asks_it_is_as_with_coredns() {
    let test = "what_of_the_cluster_is_answered_and_who_asks_it_is_as_with_coredns";
    let folder = Folder::new("");
    let authority = Authority::new("people");
    let person = authority.sign_person("dns", "system:masters");
    let name = |of: &str| folder.path(of).display().to_string();
    [("people.crt", authority.pem()), ("dns.crt", &person.cert), ("dns.key", &person.key)]
        .iter()
        .for_each(|(name, text)| folder.put(name, text));
    let flag = format!("--client-ca-file={}", name("people.crt"));
    let Some(cluster) = ApiServer::start(test, &[&flag]).await else { return };
    cluster.apply(&objects()).await;
    let certified = format!(
        ".:PORT {{\n    BIND\n    kubernetes cluster.local in-addr.arpa {{\n        endpoint {}\n        tls {} {} {}\n    }}\n    forward . ONE\n}}\n",
        cluster.url(),
        name("dns.crt"),
        name("dns.key"),
        cluster.ca().display()
    );
    let known = "web.shop.svc.cluster.local";
    let cases = [
        Case {
            name: "noendpoints",
            corefile: ".:PORT {\n    BIND\n    kubernetes cluster.local in-addr.arpa {\n        KUBECONFIG\n        noendpoints\n    }\n    forward . ONE\n}\n",
            known,
            questions: QUESTIONS,
            wanted: &[],
        },
        Case {
            name: "ignore empty_service",
            corefile: ".:PORT {\n    BIND\n    kubernetes cluster.local in-addr.arpa {\n        KUBECONFIG\n        ignore empty_service\n    }\n    forward . ONE\n}\n",
            known,
            questions: QUESTIONS,
            wanted: &[("81.0.96.10.in-addr.arpa", "a name that does not exist is no address's name")],
        },
        Case { name: "tls", corefile: &certified, known, questions: QUESTIONS, wanted: &[] },
    ];
    let Some(compared) = compare(test, &cluster, &cases).await else { return };
    assert_eq!(compared, cases.len() * QUESTIONS.len());
}

/// The questions come from 127.0.0.1, so that is where a pod of `shop` is.
#[tokio::test]
async fn search_paths_are_walked_as_with_coredns() {
    let test = "search_paths_are_walked_as_with_coredns";
    let Some(cluster) = ApiServer::start(test, &[]).await else { return };
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: node-a}\n".to_owned();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: asker, namespace: shop}\n\
               spec: {nodeName: node-a, containers: [{name: it, image: none}]}\n";
    let back = [yaml::namespace("back"), yaml::service("back/web", &["10.96.0.90"], &["http:80"])];
    cluster.apply(&yaml::join(&[node, objects(), back.join("---\n"), pod.to_owned()])).await;
    let status =
        "{\"status\": {\"phase\": \"Running\", \"podIP\": \"127.0.0.1\", \"podIPs\": [{\"ip\": \"127.0.0.1\"}]}}";
    cluster.patch_status("shop", "pod/asker", status).await;
    let folder = Folder::new("");
    folder.put("search.conf", "search shop.svc.cluster.local svc.cluster.local other.example\n");
    let by_file = format!(
        ".:PORT {{\n    BIND\n    kubernetes cluster.local {{\n        KUBECONFIG\n    }}\n    autopath cluster.local {}\n    forward . ONE\n}}\n",
        folder.path("search.conf").display()
    );
    // There once it knows the pod.
    let known = "127-0-0-1.shop.pod.cluster.local";
    let questions = &[
        ("web.shop.svc.cluster.local", A),
        ("www.example.net.shop.svc.cluster.local", A),
        ("WWW.Example.Net.shop.svc.cluster.local", A),
        ("web.back.shop.svc.cluster.local", A),
        ("web.back.shop.svc.cluster.local", AAAA),
        ("web.back.svc.shop.svc.cluster.local", A),
        ("none.shop.svc.cluster.local", AAAA),
        ("none.shop.svc.cluster.local", SRV),
        ("out.shop.svc.cluster.local", A),
        ("web.back.svc.cluster.local", A),
        ("none.back.svc.cluster.local", A),
        ("shop.svc.cluster.local", A),
        ("www.example.net", A),
    ];
    let wanted = &[
        ("out.shop.svc.cluster.local", "a name has one CNAME"),
        ("WWW.Example.Net.shop.svc.cluster.local", "the target of the CNAME is in lower case"),
        ("shop.svc.cluster.local", "the first domain itself is not walked for, and does not fail"),
    ];
    let cases = [
        Case {
            name: "autopath @kubernetes",
            corefile: ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        KUBECONFIG\n        pods verified\n    }\n    autopath @kubernetes\n    forward . ONE\n}\n",
            known,
            questions,
            wanted,
        },
        Case { name: "autopath FILE", corefile: &by_file, known: "web.shop.svc.cluster.local", questions, wanted },
        Case {
            name: "autopath without pods",
            corefile: ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        KUBECONFIG\n    }\n    autopath @kubernetes\n    forward . ONE\n}\n",
            known: "web.shop.svc.cluster.local",
            questions,
            wanted: &[],
        },
    ];
    let Some(compared) = compare(test, &cluster, &cases).await else { return };
    assert_eq!(compared, cases.len() * questions.len());
}

/// A Service with load balancers, which the API server takes from `status`.
async fn balanced(cluster: &ApiServer, name: &str, ingress: &str) {
    let service = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{type: LoadBalancer, ports: [{{name: http, port: 80}}]}}\n"
    );
    cluster.apply(&service).await;
    let status = format!("{{\"status\": {{\"loadBalancer\": {{\"ingress\": [{ingress}]}}}}}}");
    cluster.patch_status("shop", &format!("service/{name}"), &status).await;
}

#[tokio::test]
async fn load_balancers_have_names_as_with_coredns() {
    let test = "load_balancers_have_names_as_with_coredns";
    let Some(cluster) = ApiServer::start(test, &[]).await else { return };
    let outside = "apiVersion: v1\nkind: Service\nmetadata: {name: outside, namespace: shop}\n\
                   spec: {externalIPs: [192.0.2.30], ports: [{name: http, port: 80}]}\n";
    cluster.apply(&yaml::join(&[objects(), outside.to_owned()])).await;
    balanced(&cluster, "front", "{\"ip\": \"192.0.2.20\"}, {\"ip\": \"192.0.2.21\"}").await;
    balanced(&cluster, "named", "{\"hostname\": \"lb.example.net\"}").await;
    let questions = &[
        ("front.shop.lb.example", A),
        ("Front.Shop.LB.example", A),
        ("front.shop.lb.example", AAAA),
        ("front.shop.lb.example", TXT),
        ("front.shop.lb.example", SRV),
        ("_http._tcp.front.shop.lb.example", SRV),
        ("_http._tcp.front.shop.lb.example", A),
        ("_none._tcp.front.shop.lb.example", A),
        ("x.front.shop.lb.example", A),
        ("a.b.c.front.shop.lb.example", A),
        ("named.shop.lb.example", A),
        ("named.shop.lb.example", SRV),
        ("outside.shop.lb.example", A),
        ("web.shop.lb.example", A),
        ("web-0.web.shop.lb.example", A),
        ("db.shop.lb.example", A),
        ("db.shop.lb.example", SRV),
        ("_sql._tcp.db.shop.lb.example", SRV),
        ("db-0.db.shop.lb.example", A),
        ("none.shop.lb.example", A),
        ("shop.lb.example", A),
        ("none.lb.example", A),
        ("lb.example", A),
        ("lb.example", NS),
        ("dns.lb.example", A),
        ("x.dns.lb.example", A),
        ("x.out.lb.example", A),
        ("front.shop.svc.cluster.local", AAAA),
        ("www.example.net", A),
    ];
    let label = ("x.front.shop.lb.example", "no endpoint is called so: CoreDNS takes any label");
    let (known, head) = (
        "front.shop.lb.example",
        ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        KUBECONFIG\n    }\n    forward . ONE\n",
    );
    let plain = format!("{head}    k8s_external lb.example\n}}\n");
    let all = format!(
        "{head}    k8s_external lb.example {{\n        apex out\n        headless\n        ttl 5\n    }}\n}}\n"
    );
    let falls = format!("{head}    k8s_external lb.example {{\n        fallthrough\n        ttl 60\n    }}\n}}\n");
    let own_block = format!(
        "{head}}}\nlb.example:PORT {{\n    BIND\n    kubernetes cluster.local {{\n        KUBECONFIG\n    }}\n    k8s_external\n}}\n"
    );
    let cases = [
        Case { name: "k8s_external", corefile: &plain, known, questions, wanted: &[label] },
        Case { name: "headless and apex", corefile: &all, known, questions, wanted: &[label] },
        Case {
            name: "fallthrough and ttl",
            corefile: &falls,
            known,
            questions,
            wanted: &[
                label,
                ("x.dns.lb.example", "names below the apex fall through as others do"),
                ("front.shop.lb.example", "SRV records have the TTL of the zone"),
                ("_http._tcp.front.shop.lb.example", "SRV records have the TTL of the zone"),
                ("named.shop.lb.example", "a CNAME has the TTL of the zone"),
            ],
        },
        Case { name: "a block of its own", corefile: &own_block, known, questions, wanted: &[label] },
    ];
    let Some(compared) = compare(test, &cluster, &cases).await else { return };
    assert_eq!(compared, cases.len() * questions.len());
}

/// What of the objects is kept is another thing then, so they are read again.
#[tokio::test]
async fn a_reload_takes_these_options_and_gives_them_back() {
    let balanced = "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: shop}\n\
                    spec: {type: LoadBalancer, clusterIP: 10.96.0.70, ports: [{name: http, port: 80}]}\n\
                    status: {loadBalancer: {ingress: [{ip: 192.0.2.20}]}}\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: asker, namespace: shop}\nstatus: {podIP: 127.0.0.1}\n";
    let corefile = |options: &str, more: &str| {
        format!(".:0 {{\n    bind 127.0.0.1\n    kubernetes cluster.local {{\n{options}\n    }}\n{more}\n}}\n")
    };
    let plain = corefile("        pods insecure", "    errors");
    let objects = yaml::join(&[objects(), balanced.to_owned(), pod.to_owned()]);
    let served = Served::start(Folder::new(&plain), &objects).await;
    let names = [
        ("front.shop.lb.example", "REFUSED", "192.0.2.20"),
        ("front.shop.svc.shop.svc.cluster.local", "Domain", "10.96.0.70"),
        ("db.shop.svc.cluster.local", "10.1.0.7", "Domain"),
        ("web.shop.svc.cluster.local", "10.96.0.80", "10.96.0.80"),
    ];
    let more =
        corefile("        pods verified\n        noendpoints", "    autopath @kubernetes\n    k8s_external lb.example");
    for (text, changed) in [(&plain, false), (&more, true), (&plain, false)] {
        served.folder.put("Corefile", text);
        for (name, before, after) in names {
            let wanted = if changed { after } else { before };
            let found = eventually(secs(60), || async {
                answer(served.dns(), name, A).await.to_lowercase().contains(&wanted.to_lowercase())
            });
            assert!(found.await, "{name} is {}, not {wanted}", answer(served.dns(), name, A).await);
        }
    }
}
