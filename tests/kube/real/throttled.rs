//! A server that says 429: by its own fairness others are served, and we are not. It is asked again, no oftener than it says, and nobody sees
//! it in an answer. And very many that start together.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use interlocal::kube::Selection;
use interlocal::kube::api::{Settings, Target};
use tokio::time::Instant;

use super::Instance;
use super::instance::failures;
use super::objects::{account_by, cluster_ip, web};
use super::steady::Steady;
use crate::support::apiserver::ApiServer;
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone};

/// Our account shares one seat with another one: whatever it asks while that one is served is turned away.
const ONE_SEAT: &str = "apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: one-seat}
spec:
  type: Limited
  limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: one-seat}
spec:
  priorityLevelConfiguration: {name: one-seat}
  matchingPrecedence: 2
  rules:
  - subjects:
    - {kind: ServiceAccount, serviceAccount: {name: interlocal, namespace: kube-system}}
    - {kind: ServiceAccount, serviceAccount: {name: hog, namespace: kube-system}}
    resourceRules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*']}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: hog, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: hog}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: hog, namespace: kube-system}]
";

/// Somebody who asks for much and reads nothing of it: that one is served for as long as this is not dropped.
struct Hog(Child);

impl Hog {
    /// What is asked for: more than goes into buffers.
    async fn food(api: &ApiServer) {
        let text = "x".repeat(900_000);
        let maps = (0..12).map(|number| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m-{number}, namespace: busy}}\ndata: {{x: {text}}}\n---\n")
        });
        api.try_kubectl(&["create", "-f", "-"], &maps.collect::<String>()).await.good();
    }

    fn start(api: &ApiServer, kubeconfig: &Path) -> Self {
        let mut command = Command::new(api.program());
        command.args(["kubectl", "get", "--disable-compression", "--raw", "/api/v1/namespaces/busy/configmaps"]);
        command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_too_many_requests_is_asked_again_when_it_says() {
    const TEST: &str = "a_server_that_says_too_many_requests_is_asked_again_when_it_says";
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    let relay = super::relay::to(api.port()).await;
    let kubeconfig = account_by(&api, &relay, "interlocal").await;
    api.apply(&web("busy", "10.96.15.1")).await;
    let east = Instance::ready(&kubeconfig, "").await;
    let steady = Steady::watch(&east, "web.busy.svc.cluster.local", "10.96.15.1");

    api.apply(ONE_SEAT).await;
    Hog::food(&api).await;
    let kubeconfig = api.kubeconfig_of("hog", &api.token("kube-system", "hog").await);
    let throttled = failures("services", "throttled");
    // The server takes its own configuration up after a while.
    let mut hog = Hog::start(&api, &kubeconfig);
    for round in 1.. {
        tokio::time::sleep(secs(1)).await;
        super::relay::cut(&relay);
        tokio::time::sleep(secs(1)).await;
        if east.metric(&throttled).await >= 1.0 {
            break;
        }
        assert!(round < 30, "{}", east.metrics().await);
        drop(std::mem::replace(&mut hog, Hog::start(&api, &kubeconfig)));
    }
    api.apply(&cluster_ip("busy", "late", "10.96.15.2")).await;
    let (before, since) = (east.metric(&throttled).await, Instant::now());
    tokio::time::sleep(secs(5)).await;
    let asked = east.metric(&throttled).await - before;
    // It says one second, and the pauses grow besides.
    println!("asked {asked} times in {:?}", since.elapsed());
    assert!(asked <= since.elapsed().as_secs_f64() + 1.0, "{asked}");
    assert!(east.is("late.busy.svc.cluster.local", &[]).await, "nobody has told us");
    east.says(200, "services: 2 objects, no watch for ").await;

    drop(hog);
    east.resolves("late.busy.svc.cluster.local", &["10.96.15.2"]).await;
    steady.never_missing();
    assert_eq!(east.metric("interlocal_kube_relist_removed_total{resource=\"services\"}").await, 0.0);
}

/// As after an update of all of them: each one lists each resource once, however busy the server is with the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_together_list_once_each() {
    const TEST: &str = "instances_that_start_together_list_once_each";
    const INSTANCES: usize = 30;
    let Some(api) = ApiServer::start(TEST, &[]).await else { return };
    let (_proxy, url) = api.proxy().await;
    let services = (1..=100).map(|number| cluster_ip("default", &format!("s-{number}"), &format!("10.96.16.{number}")));
    api.apply(&services.collect::<String>()).await;
    let settings = Settings::default();
    let zones: Vec<Zone> =
        (0..INSTANCES).map(|_| Zone::of(Target::Url(url.clone()), &settings, &Selection::default())).collect();
    for zone in &zones {
        // With that of the server itself.
        let whole = eventually(LIMIT, || async { zone.snapshot().synced && zone.services() == 101 }).await;
        assert!(whole, "{}", zone.services());
        for resource in ["services", "endpointslices", "namespaces"] {
            let lists = format!("interlocal_kube_lists_total{{resource=\"{resource}\",way=\"stream\"}}");
            assert_eq!(zone.metric(&lists), 1.0, "{resource}");
        }
    }
    let hash = zones[0].snapshot().hash;
    assert!(zones.iter().all(|zone| zone.snapshot().hash == hash), "all have the same");
}
