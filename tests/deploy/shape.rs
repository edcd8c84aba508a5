//! What is like kubeadm's CoreDNS, so that whatever selects `k8s-app: kube-dns` finds our pods in place of CoreDNS's and needs no
//! change; and what is stricter.

use serde_json::{Value, json};

use crate::rendered::{FOLDERS, Rendered};

/// The folders whose pods stand where CoreDNS's stood. The caches of nodes are somebody else's place.
fn in_place() -> impl Iterator<Item = &'static &'static str> {
    FOLDERS.iter().filter(|folder| **folder != "node-local")
}

fn port<'a>(container: &'a Value, name: &str) -> &'a Value {
    let ports = container["ports"].as_array().unwrap();
    ports.iter().find(|port| port["name"] == name).unwrap_or_else(|| panic!("no port {name}: {ports:?}"))
}

#[tokio::test]
async fn the_service_is_the_one_of_kubeadm() {
    let Some(base) = Rendered::of("the_service_is_the_one_of_kubeadm", "base").await else { return };
    let service = base.get("Service", "kube-dns");
    let expected = json!({
        "name": "kube-dns",
        "namespace": "kube-system",
        "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
        "labels": {
            "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"
        },
    });
    assert_eq!(service["metadata"], expected);
    assert_eq!(service["spec"]["selector"], json!({"k8s-app": "kube-dns"}));
    assert_eq!(service["spec"]["clusterIP"], "10.96.0.10");
    let ports = service["spec"]["ports"].as_array().unwrap();
    let ports: Vec<_> = ports.iter().map(|port| json!([port["name"], port["port"], port["protocol"]])).collect();
    assert_eq!(ports, [json!(["dns", 53, "UDP"]), json!(["dns-tcp", 53, "TCP"]), json!(["metrics", 9153, "TCP"])]);
}

/// By label, by port name and by port number: Services, PodMonitors, NetworkPolicies and scrape annotations find us.
#[tokio::test]
async fn who_looks_for_corednss_pods_finds_ours() {
    let mut folders = 0;
    for folder in in_place() {
        let Some(rendered) = Rendered::of("who_looks_for_corednss_pods_finds_ours", folder).await else { return };
        let template = &rendered.workload()["spec"]["template"];
        assert_eq!(template["metadata"]["labels"]["k8s-app"], "kube-dns", "{folder}");
        assert_eq!(rendered.workload()["metadata"]["namespace"], "kube-system", "{folder}");
        let container = rendered.container();
        let dns = if *folder == "high-port" { 5353 } else { 53 };
        for (name, number, protocol) in [
            ("dns", dns, "UDP"),
            ("dns-tcp", dns, "TCP"),
            ("metrics", 9153, "TCP"),
            ("liveness-probe", 8080, "TCP"),
            ("readiness-probe", 8181, "TCP"),
        ] {
            let port = port(container, name);
            assert_eq!((&port["containerPort"], &port["protocol"]), (&number.into(), &protocol.into()), "{folder}");
        }
        for (probe, path) in [("livenessProbe", "/health"), ("readinessProbe", "/ready")] {
            assert_eq!(container[probe]["httpGet"]["path"], path, "{folder}");
            port(container, container[probe]["httpGet"]["port"].as_str().unwrap());
        }
        folders += 1;
    }
    assert!(folders > 5);
}

/// The selector of CoreDNS's Deployment is the label that we share: ours has one label more, so that neither takes the other's pods,
/// and a budget that counts only ours does not count CoreDNS's.
#[tokio::test]
async fn nothing_of_ours_selects_corednss_pods_but_the_service() {
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("nothing_of_ours_selects_corednss_pods_but_the_service", folder).await else {
            return;
        };
        let labels = &rendered.workload()["spec"]["template"]["metadata"]["labels"];
        let ours = json!({"k8s-app": labels["k8s-app"], "app.kubernetes.io/name": "interlocal"});
        assert_eq!(rendered.workload()["spec"]["selector"]["matchLabels"], ours, "{folder}");
        for object in &rendered.objects {
            let selector = match object["kind"].as_str().unwrap() {
                "PodDisruptionBudget" => &object["spec"]["selector"]["matchLabels"],
                "NetworkPolicy" => &object["spec"]["podSelector"]["matchLabels"],
                _ => continue,
            };
            assert_eq!(selector, &ours, "{folder}");
        }
    }
}

#[tokio::test]
async fn a_pod_may_do_nothing_but_answer() {
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("a_pod_may_do_nothing_but_answer", folder).await else { return };
        let (pod, container) = (rendered.pod(), rendered.container());
        let node_local = *folder == "node-local";
        let user = if node_local { 0 } else { 65532 };
        let security = &pod["securityContext"];
        assert_eq!((&security["runAsUser"], &security["runAsGroup"]), (&user.into(), &user.into()), "{folder}");
        assert_eq!(security["runAsNonRoot"], !node_local, "{folder}");
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{folder}");
        let own = &container["securityContext"];
        assert_eq!(own["allowPrivilegeEscalation"], false, "{folder}");
        assert_eq!(own["readOnlyRootFilesystem"], true, "{folder}");
        assert_eq!(own["capabilities"]["drop"], json!(["ALL"]), "{folder}");
        let added = if node_local { json!(["NET_BIND_SERVICE"]) } else { Value::Null };
        assert_eq!(own["capabilities"]["add"], added, "{folder}");
        assert!(own.get("privileged").is_none() && own.get("runAsUser").is_none(), "{folder}");
        for (key, wanted) in [("enableServiceLinks", json!(false)), ("dnsPolicy", json!("Default"))] {
            assert_eq!(pod[key], wanted, "{folder}: {key}");
        }
        for key in ["hostPID", "hostIPC", "shareProcessNamespace"] {
            assert!(pod.get(key).is_none(), "{folder}: {key}");
        }
        // Files come from ConfigMaps alone: no Secret, nothing of the node.
        let volumes = pod["volumes"].as_array().unwrap();
        assert!(volumes.len() == 1 && volumes[0].get("projected").is_some(), "{folder}: {volumes:?}");
        let resources = &container["resources"];
        assert_eq!(resources["limits"].get("cpu"), None, "{folder}: a throttled server is late for everybody");
        assert_eq!(resources["limits"]["memory"], "170Mi", "{folder}");
        assert_eq!(pod["automountServiceAccountToken"], true, "{folder}");
    }
}

/// Only what the kubelet lets everybody have, and only where the pod has a network of its own.
#[tokio::test]
async fn port_53_comes_from_a_safe_sysctl_a_high_port_or_one_capability() {
    for folder in FOLDERS {
        let test = "port_53_comes_from_a_safe_sysctl_a_high_port_or_one_capability";
        let Some(rendered) = Rendered::of(test, folder).await else { return };
        let sysctls = &rendered.pod()["securityContext"]["sysctls"];
        match *folder {
            "high-port" => assert_eq!(
                (sysctls, &rendered.container()["args"]),
                (&Value::Null, &json!(["serve", "--listen", ":5353"]))
            ),
            "node-local" => assert_eq!((sysctls, &rendered.pod()["hostNetwork"]), (&Value::Null, &json!(true))),
            _ => assert_eq!(
                sysctls,
                &json!([{"name": "net.ipv4.ip_unprivileged_port_start", "value": "53"}]),
                "{folder}"
            ),
        }
        if *folder != "node-local" {
            assert!(rendered.pod().get("hostNetwork").is_none(), "{folder}");
        }
    }
}

#[tokio::test]
async fn draining_and_rolling_out_leave_enough_pods() {
    let Some(base) = Rendered::of("draining_and_rolling_out_leave_enough_pods", "base").await else { return };
    let spec = &base.workload()["spec"];
    assert_eq!(spec["replicas"], 2);
    assert_eq!(spec["strategy"]["rollingUpdate"], json!({"maxSurge": 1, "maxUnavailable": 0}));
    let budget = &base.get("PodDisruptionBudget", "interlocal")["spec"];
    assert_eq!((&budget["maxUnavailable"], &budget["unhealthyPodEvictionPolicy"]), (&json!(1), &json!("AlwaysAllow")));
    let spread = base.pod()["topologySpreadConstraints"].as_array().unwrap();
    let keys: Vec<&Value> = spread.iter().map(|one| &one["topologyKey"]).collect();
    assert_eq!(keys, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
    for one in spread {
        // A cluster with one zone, or fewer nodes than pods, gets its pods all the same.
        assert_eq!(one["whenUnsatisfiable"], "ScheduleAnyway");
        assert_eq!(one["labelSelector"]["matchLabels"], spec["selector"]["matchLabels"]);
    }
    assert_eq!(base.pod()["priorityClassName"], "system-cluster-critical");
    assert!(
        base.pod()["tolerations"]
            .as_array()
            .unwrap()
            .contains(&json!({"key": "CriticalAddonsOnly", "operator": "Exists"}))
    );
    let linear: Value =
        serde_json::from_str(base.get("ConfigMap", "interlocal-autoscaler")["data"]["linear"].as_str().unwrap())
            .unwrap();
    assert_eq!((&linear["coresPerReplica"], &linear["nodesPerReplica"]), (&json!(256), &json!(16)));
    assert_eq!(linear["preventSinglePointFailure"], true);
}

/// One version, everywhere.
#[tokio::test]
async fn the_image_is_the_one_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("the_image_is_the_one_of_this_version", folder).await else { return };
        let image = rendered.container()["image"].as_str().unwrap();
        assert!(image.ends_with(&format!("interlocal:{version}")), "{folder}: {image}");
    }
    let dockerfile = include_str!("../../Dockerfile");
    assert!(dockerfile.contains(&format!("ARG VERSION={version}\n")), "Dockerfile");
    let user = dockerfile.lines().filter_map(|line| line.strip_prefix("USER ")).collect::<Vec<_>>();
    assert_eq!(user, ["65532:65532"]);
}
