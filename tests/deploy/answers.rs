//! The pods as they are applied answer: with exactly the rights, the user, the files and the ports of the manifests, at port 53 in
//! each way in which it can be had. Each test has a network of its own.

use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::network::{inside, run, service, unprivileged_from};
use crate::pod::Pod;
use crate::rendered::Rendered;
use crate::support::apiserver::ApiServer;
use crate::support::client::{ask_tcp, ask_udp};
use crate::support::read::addresses;
use crate::support::wait::eventually;
use crate::support::{http, secs};

/// Objects of the cluster, and what only this cluster's operator writes: its label.
const CLUSTER: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n\
    apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n\
    spec: {clusterIP: 10.96.7.1, ports: [{name: http, port: 80}]}\n---\n\
    apiVersion: v1\nkind: Namespace\nmetadata: {name: east}\n---\n\
    apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: east}\n\
    spec: {clusterIP: 10.96.7.2, ports: [{name: http, port: 80}]}\n---\n\
    apiVersion: v1\nkind: ConfigMap\nmetadata: {name: interlocal-region, namespace: kube-system}\n\
    data: {region: east}\n";

const TABLE: &str = "regions: {east: {endpoints: [192.0.2.1]}, west: {endpoints: [192.0.2.2]}}";

/// An API server with the objects of a folder.
async fn cluster(test: &str, folder: &str) -> Option<(ApiServer, Rendered)> {
    let api = ApiServer::start(test, &[]).await?;
    let rendered = Rendered::of(test, folder).await?;
    api.apply(CLUSTER).await;
    api.apply(&rendered.yaml).await;
    Some((api, rendered))
}

/// Names of the cluster, over UDP and TCP.
async fn answers(server: SocketAddr) {
    for (name, expected) in
        [("web.shop.svc.cluster.local", "10.96.7.1"), ("kubernetes.default.svc.cluster.local", "10.96.0.1")]
    {
        for reply in [ask_udp(server, name, RecordType::A).await, ask_tcp(server, name, RecordType::A).await] {
            let found: Vec<String> = addresses(&reply).iter().map(ToString::to_string).collect();
            assert_eq!(found, [expected], "{server}: {reply:?}");
        }
    }
}

/// The address of the Service kube-dns, which leads to the pod as kube-proxy would have it.
fn cluster_dns(rendered: &Rendered, pod: &Pod) -> SocketAddr {
    let spec = &rendered.get("Service", "kube-dns")["spec"];
    let address = spec["clusterIP"].as_str().unwrap();
    let of = |port: &Value| {
        let protocol = port["protocol"].as_str().unwrap().to_owned();
        (protocol, port["port"].as_u64().unwrap(), u64::from(pod.port(&port["targetPort"])))
    };
    service(address, &spec["ports"].as_array().unwrap().iter().map(of).collect::<Vec<_>>());
    SocketAddr::new(address.parse().unwrap(), 53)
}

/// What the kernel knows of the process: this user, these capabilities (a mask), no way to more, and nothing to write to.
fn is_confined(pod: &Pod, user: u32, capabilities: &str) {
    let status = pod.kernel("status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(field("Uid"), format!("{user} {user} {user} {user}"));
    assert_eq!(field("Gid"), format!("{user} {user} {user} {user}"));
    assert_eq!(field("Groups"), "");
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(field(set), capabilities, "{set}");
    }
    assert_eq!((field("CapInh"), field("CapAmb")), ("0000000000000000".to_owned(), "0000000000000000".to_owned()));
    assert_eq!(field("NoNewPrivs"), "1");
    let mounts = pod.kernel("mountinfo");
    let options = |place: &str| {
        let line = mounts.lines().find(|line| line.split(' ').nth(4) == Some(place));
        line.unwrap_or_else(|| panic!("no {place} in {mounts}")).split(' ').nth(5).unwrap().to_owned()
    };
    for place in ["/", "/etc/interlocal", "/var/run/secrets/kubernetes.io/serviceaccount"] {
        assert!(options(place).split(',').any(|option| option == "ro"), "{place}: {}", options(place));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_of_the_base_answers_at_port_53_by_its_sysctl() {
    const TEST: &str = "answers::a_pod_of_the_base_answers_at_port_53_by_its_sysctl";
    if !inside(TEST) {
        return;
    }
    let Some((api, rendered)) = cluster(TEST, "base").await else { return };
    // Without it the port is not for everybody: that the next pod has it is the sysctl's doing.
    assert_eq!(unprivileged_from(), 1024);
    let refused = Pod::start_without_sysctls(&api, "deployment/interlocal").await.ended().await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("net.ipv4.ip_unprivileged_port_start"), "{refused:?}");

    let pod = Pod::start(&api, "deployment/interlocal").await;
    pod.until_ready().await;
    assert_eq!(unprivileged_from(), 53);
    is_confined(&pod, 65532, "0000000000000000");
    answers("127.0.0.1:53".parse().unwrap()).await;
    answers("[::1]:53".parse().unwrap()).await;
    answers(cluster_dns(&rendered, &pod)).await;
    assert!(!pod.log().contains("not allowed"), "{}", pod.log());

    // The other door, the other pages.
    let peers = SocketAddr::new([127, 0, 0, 1].into(), pod.port(&"peers-tcp".into()));
    let reply = ask_tcp(peers, "web.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.response_code, ResponseCode::Refused, "{reply:?}");
    assert_eq!(pod.probe("livenessProbe").await.unwrap().0, 200);
    let metrics = SocketAddr::new([127, 0, 0, 1].into(), pod.port(&"metrics".into()));
    let text = http::get(metrics, "/metrics").await.unwrap().1;
    assert_eq!(http::series(&text, "interlocal_peers_table_ok"), Some(1.0), "{text}");

    // A table is filled in while it runs. Its own row makes the region's names known at the peers' door.
    let refused = ask_tcp(peers, "web.east.svc.cluster.local", RecordType::A).await;
    assert_eq!(refused.response_code, ResponseCode::Refused, "{refused:?}");
    let table = serde_json::json!({"data": {"peers.yaml": TABLE}});
    api.patch("kube-system", "configmap/interlocal-peers", &table.to_string()).await;
    pod.refresh_files(&api, "second").await;
    let known = || async {
        let reply = ask_tcp(peers, "web.east.svc.cluster.local", RecordType::A).await;
        addresses(&reply).iter().any(|address| address.to_string() == "10.96.7.2")
    };
    assert!(eventually(secs(60), known).await, "{}", pod.log());

    let ended = pod.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_at_a_high_port_answers_at_port_53_of_the_service() {
    const TEST: &str = "answers::a_pod_at_a_high_port_answers_at_port_53_of_the_service";
    if !inside(TEST) {
        return;
    }
    let Some((api, rendered)) = cluster(TEST, "high-port").await else { return };
    let pod = Pod::start(&api, "deployment/interlocal").await;
    pod.until_ready().await;
    assert_eq!(unprivileged_from(), 1024, "it needs nothing of the kernel");
    is_confined(&pod, 65532, "0000000000000000");
    answers("127.0.0.1:5353".parse().unwrap()).await;
    answers(cluster_dns(&rendered, &pod)).await;
    // The other listeners are where they were.
    let peers = SocketAddr::new([127, 0, 0, 1].into(), pod.port(&"peers-tcp".into()));
    assert_eq!(ask_tcp(peers, "web.shop.svc.cluster.local", RecordType::A).await.response_code, ResponseCode::Refused);
    assert_eq!(pod.probe("livenessProbe").await.unwrap().0, 200);
}

/// Root, but with one capability of root's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_on_its_node_answers_at_an_address_that_only_the_node_has() {
    const TEST: &str = "answers::a_pod_on_its_node_answers_at_an_address_that_only_the_node_has";
    if !inside(TEST) {
        return;
    }
    let Some((api, _)) = cluster(TEST, "node-local").await else { return };
    // A kernel without that kind of interface gets another kind; the init container finds it there.
    let made = std::process::Command::new("ip").args(["link", "add", "probe", "type", "dummy"]).output().unwrap();
    if made.status.success() {
        run("ip", &["link", "del", "probe"]);
    } else {
        println!("no dummy interfaces here: a bridge stands for one");
        run("ip", &["link", "add", "interlocal0", "type", "bridge"]);
    }
    let pod = Pod::start(&api, "daemonset/interlocal-node-local").await;
    pod.until_ready().await;
    assert_eq!(unprivileged_from(), 1024);
    // CAP_NET_BIND_SERVICE is 10.
    is_confined(&pod, 0, "0000000000000400");
    answers("169.254.20.10:53".parse().unwrap()).await;
    assert!(http::get("127.0.0.1:8181".parse().unwrap(), "/ready").await.is_none(), "the node's own ports stay free");
    assert_eq!(pod.terminate().await.code, Some(0));
    // The next pod finds the interface as it was left.
    let pod = Pod::start(&api, "daemonset/interlocal-node-local").await;
    pod.until_ready().await;
    answers("169.254.20.10:53".parse().unwrap()).await;
}
