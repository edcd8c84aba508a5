//! A real API server takes what is rendered, and its controllers make of it what is meant.

use serde_json::{Value, json};

use crate::monitoring::operators_kinds;
use crate::rendered::{FOLDERS, Rendered};
use crate::support::apiserver::ApiServer;
use crate::support::secs;
use crate::support::wait::eventually;

/// CoreDNS's pod, as far as a Service looks at it.
const COREDNS: &str = "apiVersion: v1\nkind: Pod\n\
    metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}\n\
    spec: {nodeName: node-a, containers: [{name: coredns, image: none, ports: [\
    {name: dns, containerPort: 53, protocol: UDP}, {name: dns-tcp, containerPort: 53, protocol: TCP}, \
    {name: metrics, containerPort: 9153, protocol: TCP}]}]}\n";

const NODE: &str = "apiVersion: v1\nkind: Node\nmetadata: {name: node-a}\n";

/// Each folder, with unknown fields refused: first as a question, then for real, then gone again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_folder_is_taken_as_it_is() {
    const TEST: &str = "every_folder_is_taken_as_it_is";
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    operators_kinds(&api).await;
    let mut objects = 0;
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of(TEST, folder).await else { return };
        for args in [&["--dry-run=server"][..], &[]] {
            let mut all = vec!["apply", "--validate=strict"];
            all.extend(args);
            all.extend(["-f", "-"]);
            let said = api.try_kubectl(&all, &rendered.yaml).await;
            // A warning is a field that the server would rather not have.
            assert!(said.ok && !said.stderr.contains("Warning"), "{folder}: {}{}", said.stdout, said.stderr);
            assert_eq!(said.stdout.lines().count(), rendered.objects.len(), "{folder}: {}", said.stdout);
        }
        let (kind, metadata) = (&rendered.workload()["kind"], &rendered.workload()["metadata"]);
        let object = format!("{}/{}", kind.as_str().unwrap(), metadata["name"].as_str().unwrap());
        let stored = api.get("kube-system", &object).await;
        // What was said is what is stored; defaults come beside it.
        includes(&stored["spec"], &rendered.workload()["spec"], folder);
        objects += rendered.objects.len();
        api.try_kubectl(&["delete", "--wait=false", "-f", "-"], &rendered.yaml).await.good();
    }
    println!("{objects} objects of {} folders", FOLDERS.len());
    assert!(objects > 8 * FOLDERS.len() - 10);
}

/// Every value of `part` stands in `whole`.
fn includes(whole: &Value, part: &Value, place: &str) {
    match (whole, part) {
        (Value::Object(all), Value::Object(some)) => {
            for (key, value) in some {
                includes(all.get(key).unwrap_or(&Value::Null), value, &format!("{place}.{key}"));
            }
        }
        (Value::Array(all), Value::Array(some)) => {
            assert_eq!(all.len(), some.len(), "{place}");
            for (at, (one, other)) in all.iter().zip(some).enumerate() {
                includes(one, other, &format!("{place}[{at}]"));
            }
        }
        _ => assert_eq!(whole, part, "{place}"),
    }
}

/// The pod that a workload would make, on a node, ready, with this address.
async fn run_pod(api: &ApiServer, rendered: &Rendered, name: &str, address: &str) {
    let template = &rendered.workload()["spec"]["template"];
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": template["metadata"]});
    pod["metadata"]["name"] = name.into();
    pod["metadata"]["namespace"] = "kube-system".into();
    pod["spec"]["nodeName"] = "node-a".into();
    api.apply(&pod.to_string()).await;
    is_ready(api, name, address).await;
}

async fn is_ready(api: &ApiServer, name: &str, address: &str) {
    let status = json!({"status": {
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}]
    }});
    api.patch_status("kube-system", &format!("pod/{name}"), &status.to_string()).await;
}

/// Waits until a Service of kube-system leads to these, written `address name=number/protocol`, and to nothing else.
async fn leads_to(api: &ApiServer, service: &str, expected: &[&str]) {
    let label = format!("kubernetes.io/service-name={service}");
    let mut expected: Vec<String> = expected.iter().map(|&target| target.to_owned()).collect();
    expected.sort();
    let same = eventually(secs(60), || async { targets(api, &label).await == expected }).await;
    assert!(same, "{service} leads to {:?} and not {expected:?}", targets(api, &label).await);
}

async fn targets(api: &ApiServer, label: &str) -> Vec<String> {
    let text = api.kubectl(&["get", "endpointslices", "-n", "kube-system", "-l", label, "-o", "json"]).await;
    let list: Value = serde_json::from_str(&text).unwrap();
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for slice in items(&list["items"]) {
        for endpoint in items(&slice["endpoints"]).iter().filter(|endpoint| endpoint["conditions"]["ready"] == true) {
            for port in items(&slice["ports"]) {
                let (name, protocol) = (port["name"].as_str().unwrap(), port["protocol"].as_str().unwrap());
                all.push(format!("{} {name}={}/{protocol}", endpoint["addresses"][0].as_str().unwrap(), port["port"]));
            }
        }
    }
    all.sort();
    all
}

/// While CoreDNS's pods and ours stand side by side, one Service leads to all of them, each at the port where it listens; the load
/// balancer between regions never gets CoreDNS's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_services_lead_to_each_pod_where_it_listens() {
    const TEST: &str = "the_services_lead_to_each_pod_where_it_listens";
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    api.apply(NODE).await;
    api.apply(COREDNS).await;
    is_ready(&api, "coredns", "10.1.0.1").await;
    for (folder, address) in [("base", "10.1.0.2"), ("high-port", "10.1.0.3"), ("peers-nlb", "10.1.0.4")] {
        let Some(rendered) = Rendered::of(TEST, folder).await else { return };
        api.apply(&rendered.yaml).await;
        run_pod(&api, &rendered, folder, address).await;
    }
    let mut all = Vec::new();
    for (address, port) in [("10.1.0.1", 53), ("10.1.0.2", 53), ("10.1.0.3", 5353), ("10.1.0.4", 53)] {
        all.push(format!("{address} dns={port}/UDP"));
        all.push(format!("{address} dns-tcp={port}/TCP"));
        all.push(format!("{address} metrics=9153/TCP"));
    }
    leads_to(&api, "kube-dns", &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let peers = ["10.1.0.2", "10.1.0.3", "10.1.0.4"].map(|address| format!("{address} peers-tcp=8053/TCP"));
    leads_to(&api, "interlocal-peers", &peers.each_ref().map(String::as_str)).await;
}

/// A cluster that has CoreDNS has the Service, at an address that kubelets hand out. It stays as it is, and leads to us as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_that_is_there_stays_and_leads_to_us() {
    const TEST: &str = "the_service_that_is_there_stays_and_leads_to_us";
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    api.apply(NODE).await;
    api.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: kube-dns, namespace: kube-system}\n\
         spec: {clusterIP: 10.96.99.10, selector: {k8s-app: kube-dns}, ports: [\
         {name: dns, port: 53, protocol: UDP, targetPort: 53}, {name: dns-tcp, port: 53, protocol: TCP, targetPort: 53}]}\n",
    )
    .await;
    let before = api.get("kube-system", "service/kube-dns").await;
    let Some(rendered) = Rendered::of(TEST, "keep-service").await else { return };
    api.apply(&rendered.yaml).await;
    run_pod(&api, &rendered, "ours", "10.1.0.5").await;
    leads_to(&api, "kube-dns", &["10.1.0.5 dns=53/UDP", "10.1.0.5 dns-tcp=53/TCP"]).await;
    assert_eq!(api.get("kube-system", "service/kube-dns").await, before);
    // The base would want another address for it, which cannot be had: that is what keep-service is for.
    let base = Rendered::of(TEST, "base").await.unwrap();
    let said = api.try_kubectl(&["apply", "-f", "-"], &base.yaml).await;
    assert!(!said.ok && said.stderr.contains("may not change once set"), "{}{}", said.stdout, said.stderr);
}

/// The standard `restricted` of Pod Security, in its newest version, as the server's own admission reads it. A pod on its node's
/// network is outside of it, and no more than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pods_keep_to_the_restricted_standard() {
    const TEST: &str = "the_pods_keep_to_the_restricted_standard";
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    for standard in ["restricted", "privileged"] {
        let labels = json!({"pod-security.kubernetes.io/enforce": standard});
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": standard, "labels": labels}});
        api.apply(&namespace.to_string()).await;
    }
    let mut pods = 0;
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of(TEST, folder).await else { return };
        let workloads = rendered.objects.iter().filter(|object| object["spec"].get("template").is_some());
        for workload in workloads {
            let name = workload["metadata"]["name"].as_str().unwrap();
            let spec = &workload["spec"]["template"]["spec"];
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}).to_string();
            let create = |namespace: &'static str| ["create", "--dry-run=server", "-f", "-", "-n", namespace];
            let said = api.try_kubectl(&create("restricted"), &pod).await;
            if *folder == "node-local" {
                assert!(!said.ok && said.stderr.contains("violates PodSecurity"), "{said:?}");
                api.try_kubectl(&create("privileged"), &pod).await.good();
            } else {
                assert!(said.ok, "{folder}: {}", said.stderr);
            }
            pods += 1;
        }
    }
    assert_eq!(pods, FOLDERS.len() + 1, "each folder has one, and one has the autoscaler's too");
}
