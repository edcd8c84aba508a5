//! What each folder changes of the base, and that it changes nothing else.

use serde_json::{Value, json};

use crate::rendered::{Rendered, texts};

fn kinds(rendered: &Rendered) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |object: &Value| format!("{} {}", word(&object["kind"]), word(&object["metadata"]["name"]));
    let mut all: Vec<String> = rendered.objects.iter().map(of).collect();
    all.sort();
    all
}

/// What is in `one` and not in `other`.
fn beyond(one: &Rendered, other: &Rendered) -> Vec<String> {
    let known = kinds(other);
    kinds(one).into_iter().filter(|object| !known.contains(object)).collect()
}

async fn pair(test: &str, folder: &str) -> Option<(Rendered, Rendered)> {
    Some((Rendered::of(test, "base").await?, Rendered::of(test, folder).await?))
}

#[tokio::test]
async fn keep_service_leaves_the_clusters_service_alone() {
    let Some((base, kept)) = pair("keep_service_leaves_the_clusters_service_alone", "keep-service").await else {
        return;
    };
    assert_eq!(beyond(&base, &kept), ["Service kube-dns"]);
    let rest: Vec<&Value> = base.objects.iter().filter(|object| object["kind"] != "Service").collect();
    assert_eq!(rest, kept.objects.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_daemonset_has_the_same_pods_and_no_count_of_them() {
    let Some((base, every)) = pair("a_daemonset_has_the_same_pods_and_no_count_of_them", "daemonset").await else {
        return;
    };
    assert_eq!(beyond(&every, &base), ["DaemonSet interlocal"]);
    // A budget cannot count the pods of a DaemonSet, and would let nobody drain.
    assert_eq!(
        beyond(&base, &every),
        ["ConfigMap interlocal-autoscaler", "Deployment interlocal", "PodDisruptionBudget interlocal"]
    );
    assert_eq!(every.container(), base.container());
    let spec = &every.workload()["spec"];
    assert!(spec.get("replicas").is_none() && spec.get("strategy").is_none(), "{spec}");
    assert_eq!(spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"], 0);
    assert_eq!(every.pod()["tolerations"], json!([{"operator": "Exists"}]));
}

/// Beside the base, so nothing of it may have a name of the base, or be found by what looks for the base.
#[tokio::test]
async fn node_local_stands_beside_the_base() {
    let Some((base, local)) = pair("node_local_stands_beside_the_base", "node-local").await else { return };
    let shared: Vec<String> = kinds(&local).into_iter().filter(|object| kinds(&base).contains(object)).collect();
    assert!(shared.is_empty(), "{shared:?}");
    let labels = &local.workload()["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["k8s-app"], "node-local-dns");
    assert_eq!(local.find("Service", "kube-dns"), None);
    // The account is its own, with the same rights.
    let account = local.pod()["serviceAccountName"].as_str().unwrap();
    local.get("ServiceAccount", account);
    let binding = local.get("ClusterRoleBinding", account);
    assert_eq!((&binding["subjects"][0]["name"], &binding["roleRef"]["name"]), (&account.into(), &account.into()));
    assert_eq!(local.get("ClusterRole", account)["rules"], base.get("ClusterRole", "interlocal")["rules"]);
    // The table and the region are those of the base.
    let sources = &local.pod()["volumes"][0]["projected"]["sources"];
    assert_eq!(sources[1]["configMap"]["name"], "interlocal-peers");
    // One address can be had once.
    assert_eq!(local.workload()["spec"]["updateStrategy"]["rollingUpdate"], json!({"maxUnavailable": "10%"}));
}

/// The one foreign image, in one place, with the one right that it needs.
#[tokio::test]
async fn the_interface_is_made_with_one_capability() {
    let Some(local) = Rendered::of("the_interface_is_made_with_one_capability", "node-local").await else { return };
    let first = &local.pod()["initContainers"];
    assert_eq!(first.as_array().unwrap().len(), 1);
    let security = &first[0]["securityContext"];
    assert_eq!(security["capabilities"], json!({"drop": ["ALL"], "add": ["NET_ADMIN"]}));
    assert_eq!(security["allowPrivilegeEscalation"], false);
    let image = first[0]["image"].as_str().unwrap();
    assert_eq!(local.yaml.matches(image).count(), 1);
    let files = ["interface.yaml", "pod.yaml", "config.yaml", "kustomization.yaml"];
    let named = files.iter().filter(|file| {
        let path = format!("{}/deploy/node-local/{file}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap().contains(image)
    });
    assert_eq!(named.count(), 1);
    // Who answers, who is probed, and what is made, are one address.
    let config = local.get("ConfigMap", "interlocal-node-local")["data"]["interlocal.yaml"].as_str().unwrap();
    let script = texts(&first[0]["command"]).join(" ");
    assert!(config.contains("dns: [\"169.254.20.10:53\"]") && config.contains("peers: []"), "{config}");
    assert!(script.contains("ip addr add 169.254.20.10/32"), "{script}");
    for (probe, port) in [("livenessProbe", 8080), ("readinessProbe", 8181)] {
        let get = &local.container()[probe]["httpGet"];
        assert_eq!((&get["host"], &get["port"]), (&"169.254.20.10".into(), &port.into()));
        assert!(config.contains(&format!("169.254.20.10:{port}")), "{config}");
    }
}

#[tokio::test]
async fn the_policy_lets_in_what_is_asked_and_nothing_else() {
    let Some((base, policed)) = pair("the_policy_lets_in_what_is_asked_and_nothing_else", "network-policy").await
    else {
        return;
    };
    assert_eq!(beyond(&policed, &base), ["NetworkPolicy interlocal"]);
    let spec = &policed.get("NetworkPolicy", "interlocal")["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    let rules = spec["ingress"].as_array().unwrap();
    let ports = |rule: &Value| -> Vec<String> {
        rule["ports"].as_array().unwrap().iter().map(|port| format!("{}/{}", port["port"], port["protocol"])).collect()
    };
    let allowed: Vec<String> = rules.iter().flat_map(ports).map(|port| port.replace('"', "")).collect();
    // Every port of the pod has its rule, and each name is a port of the pod: a name that is none lets nobody in.
    let declared = policed.container()["ports"].as_array().unwrap();
    let mut declared: Vec<String> =
        declared.iter().map(|port| format!("{}/{}", port["name"], port["protocol"]).replace('"', "")).collect();
    let mut sorted = allowed.clone();
    sorted.sort();
    declared.sort();
    assert_eq!(sorted, declared);
    // The pods' door is for every namespace; the others are not.
    let for_all: Vec<&Value> = rules
        .iter()
        .filter(|rule| rule["from"].as_array().unwrap().contains(&json!({"namespaceSelector": {}})))
        .collect();
    assert_eq!(for_all.len(), 1);
    assert_eq!(ports(for_all[0]).join(" "), "\"dns\"/\"UDP\" \"dns-tcp\"/\"TCP\"");
    for rule in rules {
        for from in rule["from"].as_array().unwrap() {
            assert_ne!(from["ipBlock"]["cidr"], "0.0.0.0/0");
        }
    }
    let leaving: Vec<String> = spec["egress"].as_array().unwrap().iter().flat_map(ports).collect();
    assert_eq!(leaving.join(" ").replace('"', ""), "53/UDP 53/TCP 853/TCP 443/TCP 6443/TCP");
}

#[tokio::test]
async fn verified_pods_are_the_only_further_right() {
    let Some((base, verified)) = pair("verified_pods_are_the_only_further_right", "pods-verified").await else {
        return;
    };
    let rules = |rendered: &Rendered| rendered.get("ClusterRole", "interlocal")["rules"].as_array().unwrap().clone();
    let (few, more) = (rules(&base), rules(&verified));
    assert_eq!(more[..few.len()], few[..]);
    assert_eq!(more[few.len()..], [json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]})]);
    assert_eq!(beyond(&verified, &base), [""; 0]);
}

/// It scales what the autoscaler's ConfigMap of the base is about, may touch nothing else, and `apply` does not undo it.
#[tokio::test]
async fn the_autoscaler_scales_our_deployment_alone() {
    let Some((base, scaled)) = pair("the_autoscaler_scales_our_deployment_alone", "autoscaler").await else { return };
    assert_eq!(scaled.workload()["spec"].get("replicas"), None);
    let autoscaler = &scaled.get("Deployment", "interlocal-autoscaler")["spec"]["template"]["spec"];
    let command = texts(&autoscaler["containers"][0]["command"]).join(" ");
    assert!(command.contains("--configmap=interlocal-autoscaler --target=deployment/interlocal"), "{command}");
    base.get("ConfigMap", "interlocal-autoscaler");
    let role = scaled.get("Role", "interlocal-autoscaler")["rules"].as_array().unwrap();
    assert!(role.iter().all(|rule| rule.get("resourceNames").is_some()), "{role:?}");
    let rules = &scaled.get("ClusterRole", "interlocal-autoscaler")["rules"];
    assert_eq!(rules, &json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]}]));
}

/// Folders that are put together keep what each of them says.
#[tokio::test]
async fn the_example_is_the_sum_of_its_parts() {
    let Some((base, example)) = pair("the_example_is_the_sum_of_its_parts", "example").await else { return };
    assert_eq!(
        beyond(&example, &base),
        ["ConfigMap interlocal-region", "NetworkPolicy interlocal", "Service interlocal-peers"]
    );
    assert_eq!(beyond(&base, &example), ["Service kube-dns"]);
    assert_eq!(example.pod()["terminationGracePeriodSeconds"], 180);
    assert_eq!(example.get("ConfigMap", "interlocal-region")["data"]["region"], "east");
    let table = example.get("ConfigMap", "interlocal-peers")["data"]["peers.yaml"].as_str().unwrap();
    assert_eq!(table, include_str!("../../deploy/example/peers.yaml"));
}

/// All components at once, in both orders: none undoes another.
#[tokio::test]
async fn components_go_with_each_other() {
    const TEST: &str = "components_go_with_each_other";
    let forth = ["keep-service", "high-port", "peers-nlb", "network-policy", "pods-verified"];
    let back = ["pods-verified", "network-policy", "peers-nlb", "high-port", "keep-service"];
    for components in
        [&forth[..], &back, &["daemonset", "high-port", "peers-nlb"], &["peers-nlb", "high-port", "daemonset"]]
    {
        let Some(all) = Rendered::put_together(TEST, components).await else { return };
        assert_eq!(all.container()["args"], json!(["serve", "--listen", ":5353"]), "{components:?}");
        assert_eq!(all.pod()["securityContext"].get("sysctls"), None, "{components:?}");
        assert_eq!(all.pod()["terminationGracePeriodSeconds"], 180, "{components:?}");
        assert_eq!(all.workload()["spec"]["minReadySeconds"], 180, "{components:?}");
        let config = all.get("ConfigMap", "interlocal")["data"]["interlocal.yaml"].as_str().unwrap();
        assert!(config.contains("lameduck: 150s"), "{components:?}: {config}");
        all.get("Service", "interlocal-peers");
        let (kind, service) = (&all.workload()["kind"], all.find("Service", "kube-dns"));
        if components.contains(&"daemonset") {
            assert_eq!((kind, service.is_some()), (&"DaemonSet".into(), true), "{components:?}");
        } else {
            assert_eq!((kind, service.is_some()), (&"Deployment".into(), false), "{components:?}");
            assert_eq!(all.get("ClusterRole", "interlocal")["rules"].as_array().unwrap().len(), 4, "{components:?}");
            all.get("NetworkPolicy", "interlocal");
        }
    }
}
