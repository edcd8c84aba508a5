//! The load balancer between regions, held to the failures of load balancers that are made by hand.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::rendered::{Rendered, seconds, texts};

const PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

async fn rendered(test: &str) -> Option<Rendered> {
    Rendered::of(test, "peers-nlb").await
}

fn annotation<'a>(service: &'a Value, name: &str) -> &'a str {
    let key = format!("{PREFIX}{name}");
    service["metadata"]["annotations"][&key].as_str().unwrap_or_else(|| panic!("no {key} in {service}"))
}

/// `a=b,c=d`, as the controller reads it.
fn attributes<'a>(service: &'a Value, name: &str) -> BTreeMap<&'a str, &'a str> {
    annotation(service, name).split(',').map(|pair| pair.trim().split_once('=').unwrap()).collect()
}

#[tokio::test]
async fn f16_the_peers_door_is_the_only_way_in_and_takes_tcp() {
    let Some(rendered) = rendered("f16").await else { return };
    let ports = rendered.get("Service", "interlocal-peers")["spec"]["ports"].as_array().unwrap();
    assert_eq!(ports.len(), 1, "{ports:?}");
    assert_eq!((&ports[0]["port"], &ports[0]["protocol"]), (&53.into(), &"TCP".into()));
    let target = &ports[0]["targetPort"];
    let doors = rendered.container()["ports"].as_array().unwrap();
    let door = doors.iter().find(|port| &port["name"] == target).unwrap();
    // Not the pods' door: it would lend the whole resolver to the other regions.
    assert_eq!((&door["containerPort"], &door["protocol"]), (&8053.into(), &"TCP".into()));
}

/// The idle time of the load balancer is AWS's own, which the client's keepalives are made for; and no connection is bound to
/// one target by its source.
#[tokio::test]
async fn f17_f18_connections_are_left_as_the_client_expects_them() {
    let Some(rendered) = rendered("f17").await else { return };
    let service = rendered.get("Service", "interlocal-peers");
    let of_group = attributes(service, "target-group-attributes");
    assert_eq!(of_group.get("stickiness.enabled"), None);
    assert!(!service.to_string().contains("idle_timeout"), "{service}");
    assert_eq!(service["spec"].get("sessionAffinity"), None);
}

/// A pod that asks through the load balancer and is itself the target would get its own address as the sender's.
#[tokio::test]
async fn f19_addresses_of_clients_are_not_preserved() {
    let Some(rendered) = rendered("f19").await else { return };
    let service = rendered.get("Service", "interlocal-peers");
    assert_eq!(attributes(service, "target-group-attributes")["preserve_client_ip.enabled"], "false");
    // For UDP it cannot be switched off.
    for port in service["spec"]["ports"].as_array().unwrap() {
        assert_eq!(port["protocol"], "TCP");
    }
    assert!(!service.to_string().contains("proxy-protocol"), "{service}");
}

/// Targets are pods: no port of every node, no second hop, no node without a pod.
#[tokio::test]
async fn f20_targets_are_pods_that_are_ready() {
    let Some(rendered) = rendered("f20").await else { return };
    let service = rendered.get("Service", "interlocal-peers");
    assert_eq!(annotation(service, "nlb-target-type"), "ip");
    assert_eq!(service["spec"]["loadBalancerClass"], "service.k8s.aws/nlb");
    assert_eq!(service["spec"]["allocateLoadBalancerNodePorts"], false);
    // A port that accepts says nothing about the zone: readiness does.
    let probe = &rendered.container()["readinessProbe"]["httpGet"];
    let port = rendered.container()["ports"].as_array().unwrap().iter().find(|port| port["name"] == probe["port"]);
    let ready = port.unwrap()["containerPort"].to_string();
    assert_eq!(annotation(service, "healthcheck-protocol"), "http");
    assert_eq!(annotation(service, "healthcheck-path"), probe["path"].as_str().unwrap());
    assert_eq!(annotation(service, "healthcheck-port"), ready);
    assert_eq!(attributes(service, "attributes")["load_balancing.cross_zone.enabled"], "true");
    // Its selector is that of our pods, and not of CoreDNS's as well.
    assert_eq!(service["spec"]["selector"], rendered.workload()["spec"]["selector"]["matchLabels"]);
}

/// A load balancer sends new connections for two minutes after it was told to stop, and finds new targets slowly.
#[tokio::test]
async fn f20_a_pod_that_ends_outlives_the_load_balancers_memory() {
    let Some(rendered) = rendered("f20").await else { return };
    let service = rendered.get("Service", "interlocal-peers");
    let of_group = attributes(service, "target-group-attributes");
    let number = |text: &str| text.parse::<u64>().unwrap();
    let drained = number(of_group["deregistration_delay.timeout_seconds"]);
    let noticed = number(annotation(service, "healthcheck-interval"))
        * number(annotation(service, "healthcheck-unhealthy-threshold"));
    let config = rendered.get("ConfigMap", "interlocal")["data"]["interlocal.yaml"].as_str().unwrap();
    let lameduck = seconds(config.split_once("lameduck: ").unwrap().1.split('}').next().unwrap());
    let grace = rendered.pod()["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(drained + noticed < lameduck, "{drained} + {noticed} s of draining, {lameduck} s of lameduck");
    assert!(lameduck + 10 < grace, "{lameduck} s of lameduck, {grace} s of grace");
    assert_eq!((lameduck, grace), (150, 180));
    // Nothing is cut off before the pod itself hangs up.
    assert_eq!(of_group["deregistration_delay.connection_termination.enabled"], "false");
    assert_eq!(of_group["target_health_state.unhealthy.connection_termination.enabled"], "false");
    let spec = &rendered.workload()["spec"];
    assert_eq!(spec["strategy"]["rollingUpdate"], serde_json::json!({"maxSurge": 1, "maxUnavailable": 0}));
    assert!(spec["minReadySeconds"].as_u64().unwrap() >= 120, "{spec}");
}

/// Internal by word, not by default, and every range that may come in is spelled out and private.
#[tokio::test]
async fn f33_nothing_is_open_to_the_internet() {
    let Some(rendered) = rendered("f33").await else { return };
    let service = rendered.get("Service", "interlocal-peers");
    assert_eq!(annotation(service, "scheme"), "internal");
    let ranges = texts(&service["spec"]["loadBalancerSourceRanges"]);
    assert_eq!(ranges, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]);
    // And nothing else of ours has a way in from outside the cluster, in any folder.
    let mut services = 0;
    for folder in crate::rendered::FOLDERS {
        let rendered = Rendered::of("f33", folder).await.unwrap();
        for service in rendered.objects.iter().filter(|object| object["kind"] == "Service") {
            services += 1;
            let kind = service["spec"].get("type").and_then(Value::as_str).unwrap_or("ClusterIP");
            match service["metadata"]["name"].as_str().unwrap() {
                "interlocal-peers" => assert_eq!((kind, annotation(service, "scheme")), ("LoadBalancer", "internal")),
                name => assert_eq!(kind, "ClusterIP", "{folder}: {name}"),
            }
            assert_eq!(service["spec"].get("externalIPs"), None, "{folder}");
        }
        assert_eq!(
            rendered.container()["ports"].as_array().unwrap().iter().find(|port| port.get("hostPort").is_some()),
            None
        );
    }
    assert!(services >= 8, "{services} Services looked at");
}
