//! Values that were written for the CoreDNS chart are taken as they are; the few that cannot be are refused by name, with what takes
//! their place. The names are those of its version 1.45.

use super::{CHART, RELEASE, template};
use crate::support::helm::Helm;

/// A file of values as somebody has it for CoreDNS: each name that both charts have.
const VALUES: &str = r#"
nameOverride: ""
fullnameOverride: ""
image: {repository: registry.example.com/interlocal, tag: "1", pullPolicy: Always, pullSecrets: [{name: mine}]}
replicaCount: 3
resources: {limits: {cpu: 100m, memory: 128Mi}, requests: {cpu: 100m, memory: 128Mi}}
rollingUpdate: {maxUnavailable: 1, maxSurge: 25%}
terminationGracePeriodSeconds: 30
podAnnotations: {a/b: c}
podLabels: {d: e}
serviceType: ClusterIP
prometheus:
  service:
    enabled: true
    annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9153"}
    selector: {k8s-app: kube-dns}
  monitor: {enabled: true, additionalLabels: {release: prometheus}, namespace: monitoring, interval: 30s, selector: {matchLabels: {a: b}}}
service:
  name: kube-dns
  clusterIP: 172.20.0.10
  clusterIPs: [172.20.0.10, "fd00::a"]
  loadBalancerIP: ""
  externalIPs: []
  externalTrafficPolicy: ""
  ipFamilyPolicy: PreferDualStack
  annotations: {}
  selector: {k8s-app: kube-dns}
  trafficDistribution: PreferClose
serviceAccount: {create: true, name: coredns, annotations: {a: b}}
rbac: {create: true}
clusterRole: {nameOverride: coredns}
isClusterService: true
priorityClassName: system-cluster-critical
podSecurityContext: {}
securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}
livenessProbe: {enabled: true, initialDelaySeconds: 60, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 5, successThreshold: 1}
readinessProbe: {enabled: true, initialDelaySeconds: 30, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 1, successThreshold: 1}
affinity: {nodeAffinity: {}}
topologySpreadConstraints:
- {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {k8s-app: "{{ .Values.k8sAppLabelOverride }}"}}}
nodeSelector: {a: b}
tolerations: [{key: a, operator: Equal, value: b, effect: NoSchedule}]
podDisruptionBudget: {minAvailable: 1, maxUnavailable: null}
extraContainers: [{name: a, image: b}]
extraVolumes: [{name: v, emptyDir: {}}]
extraVolumeMounts: [{name: v, mountPath: /v}]
extraSecrets: [{name: s, mountPath: /s, defaultMode: 256}]
env: [{name: A, value: b}]
k8sAppLabelOverride: kube-dns
customLabels: {team: dns}
customAnnotations: {owner: us}
dnsConfig: {nameservers: [192.0.2.1]}
hpa: {enabled: false, minReplicas: 1, maxReplicas: 2, metrics: []}
autoscaler:
  enabled: true
  coresPerReplica: 256
  nodesPerReplica: 16
  min: 2
  max: 8
  includeUnschedulableNodes: false
  preventSinglePointFailure: true
  customFlags: ["--nodelabels=a=b"]
  image: {repository: registry.k8s.io/cpa/cluster-proportional-autoscaler, tag: v1.9.0, pullPolicy: IfNotPresent, pullSecrets: []}
  priorityClassName: ""
  affinity: {}
  nodeSelector: {}
  tolerations: []
  resources: {requests: {cpu: 20m, memory: 10Mi}, limits: {cpu: 20m, memory: 10Mi}}
  configmap: {annotations: {strategy.spinnaker.io/versioned: "false"}}
  livenessProbe: {enabled: true, initialDelaySeconds: 10, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3, successThreshold: 1}
  extraContainers: []
deployment: {enabled: true, name: coredns, annotations: {a: b}, selector: {matchLabels: {k8s-app: kube-dns}}, dnsPolicy: Default, dnsConfig: {}}
daemonset: {enabled: false, name: "", annotations: {}, selector: {}}
"#;

/// What cannot be had, a value for it, and the words that name what takes its place.
const INSTEAD: [(&str, &str, &str); 9] = [
    ("servers", "[{zones: [{zone: .}]}]", "config.forward"),
    ("extraConfig", "{import: {parameters: /opt/coredns/*.conf}}", "say it in config"),
    ("zoneFiles", "[]", "name it in config.forward"),
    ("preStopSleep", "5", "config.shutdown.lameduck"),
    ("autoscaling", "{minReplicas: 1}", "hpa"),
    ("keda", "{enabled: false}", "make the ScaledObject yourself"),
    ("cilium", "{localRedirectPolicy: {enabled: true}}", "make the CiliumLocalRedirectPolicy yourself"),
    ("rbac.pspEnable", "false", "no PodSecurityPolicy since 1.25"),
    ("rbac.multiclusterEnable", "true", "peers.regions"),
];

#[test]
fn values_for_coredns_are_taken_as_they_are() {
    let Some(helm) = Helm::find("values_for_coredns_are_taken_as_they_are") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, VALUES).unwrap();
    let yaml = template(&helm, RELEASE, &["--values", &file.to_string_lossy()]).good();
    // That each is used is another test; some of them, to see that the file was read.
    for part in ["172.20.0.10", "--nodelabels=a=b", "registry.example.com/interlocal:1", "maxSurge: 25%", "team: dns"] {
        assert!(yaml.contains(part), "{part} is nowhere");
    }
}

#[test]
fn a_value_that_cannot_be_is_refused_with_what_takes_its_place() {
    let Some(helm) = Helm::find("a_value_that_cannot_be_is_refused_with_what_takes_its_place") else { return };
    let readme = std::fs::read_to_string(format!("{CHART}/README.md")).unwrap();
    for (name, value, instead) in INSTEAD {
        // In YAML, as it would stand in a file.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.yaml");
        let text = match name.split_once('.') {
            Some((parent, key)) => format!("{parent}: {{{key}: {value}}}\n"),
            None => format!("{name}: {value}\n"),
        };
        std::fs::write(&file, text).unwrap();
        let said = template(&helm, RELEASE, &["--values", &file.to_string_lossy()]);
        assert!(!said.ok, "{name} was taken");
        assert!(said.stderr.contains(name) && said.stderr.contains(instead), "{name}: {}", said.stderr);
        assert!(readme.contains(&format!("`{name}`")), "the README does not say what takes the place of {name}");
    }
}
