//! What is wrong is said before anything reaches the cluster, with the value's place: typing errors, values of a wrong kind, and
//! values that contradict each other.

use super::{CHART, RELEASE, template};
use crate::support::helm::Helm;

/// Values, and the words of the refusal.
const WRONG: &[(&[&str], &str)] = &[
    // Typing errors, at every depth.
    (&["replicaCout=3"], "at '': additional properties 'replicaCout' not allowed"),
    (&["image.tagg=1"], "at '/image': additional properties 'tagg' not allowed"),
    (&["ports.dnss=53"], "at '/ports': additional properties 'dnss' not allowed"),
    (&["config.forwards=1"], "at '/config': additional properties 'forwards' not allowed"),
    (&["peers.region.east.mesh=east.mesh"], "at '/peers': additional properties 'region' not allowed"),
    (&["peers.regions.east.endpoint=a"], "at '/peers/regions/east': additional properties 'endpoint' not allowed"),
    (&["peers.regions.east.tls.cacert=a"], "at '/peers/regions/east/tls': additional properties 'cacert' not allowed"),
    (&["autoscaler.livenessProbe.on=true"], "at '/autoscaler/livenessProbe': additional properties 'on' not allowed"),
    (&["prometheus.monitor.enable=true"], "at '/prometheus/monitor': additional properties 'enable' not allowed"),
    // Wrong kinds.
    (&["replicaCount=many"], "at '/replicaCount': got string, want integer"),
    (&["ports.dns=70000"], "at '/ports/dns': maximum"),
    (&["peers.regions.East.mesh=a"], "invalid propertyName 'East'"),
    (&["rollingUpdate.maxSurge=some"], "at '/rollingUpdate/maxSurge': 'some' does not match pattern"),
    (&["networkPolicy.ranges={10.0.0.1}"], "at '/networkPolicy/ranges/0': '10.0.0.1' does not match pattern"),
    (&["serviceType=Loadbalancer"], "at '/serviceType': value must be one of"),
    // Contradictions.
    (&["terminationGracePeriodSeconds=10"], "pods would be killed within their config.shutdown.lameduck of 10s"),
    (
        &["peersService.enabled=true", "terminationGracePeriodSeconds=30"],
        "pods would be killed within their config.shutdown.lameduck of 150s",
    ),
    (&["hpa.enabled=true", "autoscaler.enabled=true"], "would undo each other's work"),
    (&["daemonset.enabled=true", "autoscaler.enabled=true"], "have nothing to say there"),
    (&["daemonset.enabled=true", "hpa.enabled=true"], "have nothing to say there"),
    (&["peersService.enabled=true", "ports.peers=null"], "peersService.enabled needs ports.peers"),
    (&["peersService.enabled=true", "peersService.tlsPort=853"], "peersService.tlsPort needs ports.peersTls"),
    (&["ports.ready=null"], "readinessProbe needs its port of `ports`"),
    (&["ports.health=null"], "livenessProbe needs its port of `ports`"),
];

#[test]
fn a_wrong_value_is_refused_with_its_place() {
    let Some(helm) = Helm::find("a_wrong_value_is_refused_with_its_place") else { return };
    let mut missed = Vec::new();
    for (values, words) in WRONG {
        let arguments: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
        let said = template(&helm, RELEASE, &arguments);
        if said.ok || !said.stderr.contains(words) {
            missed.push(format!("{values:?}: wanted {words:?}, got {:?}", said.stderr));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// A key of interlocal.yaml that the schema does not know could not be set, and one that is gone would do nothing.
#[test]
fn the_keys_of_config_are_those_of_the_program() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).unwrap();
    let known: Vec<&String> = schema["properties"]["config"]["properties"].as_object().unwrap().keys().collect();
    let file = read(concat!(env!("CARGO_MANIFEST_DIR"), "/config/interlocal.yaml"));
    let whole: serde_json::Value = serde_saphyr::from_str(&file).unwrap();
    let keys: Vec<&String> = whole.as_object().unwrap().keys().collect();
    assert_eq!(known, keys, "add the key to `config` in values.schema.json");
}

/// A mapping whose keys the schema names has no others: a typing error is one wherever it is.
#[test]
fn no_mapping_of_the_schema_is_left_open() {
    fn closed(place: &str, value: &serde_json::Value, count: &mut usize) {
        if let Some(object) = value.as_object() {
            if object.get("type").is_some_and(|kind| kind == "object") && object.contains_key("properties") {
                assert_eq!(object.get("additionalProperties"), Some(&false.into()), "{place}");
                *count += 1;
            }
            for (key, inner) in object {
                closed(&format!("{place}/{key}"), inner, count);
            }
        }
    }
    let text = std::fs::read_to_string(format!("{CHART}/values.schema.json")).unwrap();
    let mut count = 0;
    closed("", &serde_json::from_str(&text).unwrap(), &mut count);
    assert_eq!(count, 31);
}
