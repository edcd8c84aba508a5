//! No value is there for show: another one than the default changes what the chart makes.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::Value;

use super::table::values;
use super::{RELEASE, template};
use crate::support::helm::Helm;

/// What has to be so for the values below a path to mean anything; the first that fits.
const WITH: &[(&str, &str)] = &[
    ("autoscaler.livenessProbe.", "autoscaler.enabled=true,autoscaler.livenessProbe.enabled=true"),
    ("autoscaler.", "autoscaler.enabled=true"),
    ("hpa.", "hpa.enabled=true"),
    ("daemonset.", "daemonset.enabled=true"),
    ("networkPolicy.", "networkPolicy.enabled=true"),
    ("peersService.", "peersService.enabled=true,ports.peersTls=8853"),
    ("prometheus.service.", "prometheus.service.enabled=true"),
    ("prometheus.monitor.", "prometheus.monitor.enabled=true"),
    ("prometheus.rules.", "prometheus.rules.enabled=true"),
    ("prometheus.dashboard.", "prometheus.dashboard.enabled=true"),
];

/// Values that cannot be made up: what is behind a path's last part, or a whole path.
const OTHER: &[(&str, &str)] = &[
    ("enabled", "false"),
    ("pullPolicy", "\"Always\""),
    ("pullSecrets", "[{\"name\": \"mine\"}]"),
    ("selector", "{\"a\": \"b\"}"),
    ("affinity", "{\"nodeAffinity\": {}}"),
    ("tolerations", "[{\"key\": \"a\"}]"),
    ("httpGet", "{\"port\": 1}"),
    ("dnsConfig", "{\"nameservers\": [\"192.0.2.1\"]}"),
    ("annotations", "{\"a\": \"b\"}"),
    ("extraContainers", "[{\"name\": \"a\", \"image\": \"b\"}]"),
    ("extraIngress", "[{\"ports\": [{\"port\": 1}]}]"),
    ("extraEgress", "[{\"ports\": [{\"port\": 1}]}]"),
    ("additionalLabels", "{\"a\": \"b\"}"),
    ("metrics", "[{\"type\": \"Resource\"}]"),
    ("behavior", "{\"scaleDown\": {}}"),
    ("minReadySeconds", "7"),
    ("terminationGracePeriodSeconds", "70"),
    ("priorityClassName", "\"mine\""),
    ("tlsPort", "853"),
    ("topologySpreadConstraints", "[]"),
    ("rollingUpdate", "{\"maxSurge\": 2}"),
    ("podAnnotations", "{\"a\": \"b\"}"),
    ("podLabels", "{\"a\": \"b\"}"),
    ("customLabels", "{\"a\": \"b\"}"),
    ("customAnnotations", "{\"a\": \"b\"}"),
    ("env", "[{\"name\": \"A\"}]"),
    ("extraArgs", "[\"--listen\"]"),
    ("customFlags", "[\"--a\"]"),
    ("initContainers", "[{\"name\": \"a\"}]"),
    ("extraVolumes", "[{\"name\": \"a\"}]"),
    ("extraVolumeMounts", "[{\"name\": \"a\"}]"),
    ("extraSecrets", "[{\"name\": \"a\", \"mountPath\": \"/a\"}]"),
    ("drop", "[]"),
    ("unhealthyPodEvictionPolicy", "\"IfHealthyBudget\""),
    ("dnsPolicy", "\"ClusterFirst\""),
    ("serviceType", "\"NodePort\""),
    ("peersService.type", "\"NodePort\""),
    ("clusterIPs", "[\"10.96.0.10\"]"),
    ("ipFamilies", "[\"IPv4\"]"),
    ("ipFamilyPolicy", "\"SingleStack\""),
    ("externalIPs", "[\"192.0.2.1\"]"),
    ("externalTrafficPolicy", "\"Local\""),
    ("loadBalancerSourceRanges", "[\"192.0.2.0/24\"]"),
    ("ranges", "[\"192.0.2.0/24\"]"),
    ("ports.metrics", "9999"),
    ("prometheus.monitor.interval", "\"1m\""),
    ("prometheus.monitor.scrapeTimeout", "\"5s\""),
    ("ports.peersTls", "8853"),
    ("peers.regions", "{\"east\": {}}"),
];

fn changed(path: &str, default: &Value) -> String {
    let last = path.rsplit('.').next().unwrap();
    let own = OTHER.iter().find(|(name, _)| *name == path);
    let own = own.or_else(|| OTHER.iter().find(|(name, _)| *name == last && default.as_bool().is_none()));
    match (own, default) {
        (Some((_, value)), _) => (*value).to_owned(),
        (None, Value::Bool(yes)) => (!yes).to_string(),
        (None, Value::Number(number)) => (number.as_u64().unwrap() + 1).to_string(),
        (None, Value::String(_)) => "\"changed\"".to_owned(),
        (None, _) => panic!("{path} needs a value of its own in OTHER"),
    }
}

/// The switches themselves are switched as they are by default.
fn needs(path: &str) -> &'static str {
    let own = |with: &str| with.split(',').any(|one| one.split('=').next() == Some(path));
    WITH.iter().find(|(start, with)| path.starts_with(start) && !own(with)).map_or("", |(_, with)| with)
}

#[test]
fn each_value_changes_what_is_made() {
    let Some(helm) = Helm::find("each_value_changes_what_is_made") else { return };
    let values = values();
    let made = |arguments: &[&str]| template(&helm, RELEASE, arguments);
    let contexts: BTreeMap<&str, String> =
        values.iter().map(|(path, _)| needs(path)).map(|with| (with, String::new())).collect();
    let usual: BTreeMap<&str, String> =
        contexts.into_keys().map(|with| (with, made(&["--set", with]).good())).collect();
    let idle = Mutex::new(Vec::new());
    let queue = Mutex::new(values.iter());
    // Helm is a process of its own each time: two at once.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((path, default)) = queue.lock().next() else { break };
                    let setting = format!("{path}={}", changed(path, default));
                    let said = made(&["--set", needs(path), "--set-json", &setting]);
                    if !said.ok || said.stdout == usual[needs(path)] {
                        idle.lock().push(format!("{setting} (with {:?}): {}", needs(path), said.stderr));
                    }
                }
            });
        }
    });
    let idle = idle.into_inner();
    assert!(idle.is_empty(), "{} of {} change nothing:\n{}", idle.len(), values.len(), idle.join("\n"));
}
