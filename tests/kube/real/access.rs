//! What the API server lets us see: the role of the repository is enough, and a missing right is named with the line that gives
//! it, while everything else goes on.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::Instance;
use super::instance::failures;
use super::objects::{account, account_by, cluster_ip, namespace, rbac, web};
use super::relay;
use crate::support::apiserver::ApiServer;
use crate::support::read::extended_errors;

const NAMESPACES: &str = "- {apiGroups: [\"\"], resources: [namespaces], verbs: [list, watch]}\n";
const SERVICES: &str = "- {apiGroups: [\"\"], resources: [services], verbs: [list, watch]}\n";
const SLICES: &str = "- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}\n";

/// The role without one of its lines.
fn role_without(name: &str, line: &str) -> String {
    let role = rbac(name);
    assert!(role.contains(line), "{role}");
    role.replace(line, "")
}

/// And it is read by streamed lists, as a server of today offers them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_of_the_repository_is_enough() {
    let Some(api) = ApiServer::shared("the_role_of_the_repository_is_enough").await else { return };
    let kubeconfig = account(&api, "interlocal").await;
    api.apply(&web("role", "10.96.3.1")).await;
    let east = Instance::ready(&kubeconfig, "").await;
    east.resolves("web.role.svc.cluster.local", &["10.96.3.1"]).await;
    let said = east.ask("1.3.96.10.in-addr.arpa", RecordType::PTR).await;
    assert_eq!(said.answers.len(), 1, "{said:?}");
    for resource in ["namespaces", "services", "endpointslices"] {
        let lists = |way: &str| format!("interlocal_kube_lists_total{{resource=\"{resource}\",way=\"{way}\"}}");
        let read = (east.metric(&lists("stream")).await, east.metric(&lists("pages")).await);
        assert_eq!(read, (1.0, 0.0), "{resource}");
    }
    assert!(!east.log().contains("not allowed"), "{}", east.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_from_the_start_is_named_until_it_is_there() {
    let Some(api) = ApiServer::shared("a_right_that_is_missing_from_the_start_is_named").await else { return };
    api.apply(&role_without("newcomer", SLICES)).await;
    api.apply(&web("newcomer", "10.96.3.2")).await;
    let kubeconfig = api.kubeconfig_of("newcomer", &api.token("kube-system", "newcomer").await);
    let east = Instance::start(&kubeconfig, "");
    east.logged("not allowed to list and watch endpointslices.discovery.k8s.io").await;
    east.until_metric(&failures("endpointslices", "forbidden"), 2.0).await;
    east.says(503, SLICES[2..].trim_end()).await;
    assert_eq!(east.failures("services", "forbidden").await, 0.0);
    let reply = east.ask("web.newcomer.svc.cluster.local", RecordType::A).await;
    assert_eq!((reply.response_code, extended_errors(&reply)[0].0), (ResponseCode::ServFail, 14));
    api.apply(&rbac("newcomer")).await;
    east.until_ready().await;
    east.resolves("web.newcomer.svc.cluster.local", &["10.96.3.2"]).await;
}

/// Namespaces only tell which empty names exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_to_namespaces_the_zone_is_served() {
    let Some(api) = ApiServer::shared("without_the_right_to_namespaces_the_zone_is_served").await else { return };
    api.apply(&role_without("nameless", NAMESPACES)).await;
    api.apply(&web("nameless", "10.96.3.3")).await;
    let kubeconfig = api.kubeconfig_of("nameless", &api.token("kube-system", "nameless").await);
    let east = Instance::ready(&kubeconfig, "").await;
    east.resolves("web.nameless.svc.cluster.local", &["10.96.3.3"]).await;
    east.says(200, NAMESPACES[2..].trim_end()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_is_named_and_the_rest_goes_on() {
    let Some(api) = ApiServer::shared("a_right_that_is_taken_away_is_named_and_the_rest_goes_on").await else { return };
    let relay = relay::to(api.port()).await;
    let kubeconfig = account_by(&api, &relay, "reduced").await;
    api.apply(&web("reduced", "10.96.3.4")).await;
    let east = Instance::ready(&kubeconfig, "").await;
    east.resolves("web.reduced.svc.cluster.local", &["10.96.3.4"]).await;
    api.apply(&role_without("reduced", SERVICES)).await;
    // The server looks at the role when a watch begins.
    relay::cut(&relay);
    east.logged(SERVICES[2..].trim_end()).await;
    east.until_metric(&failures("services", "forbidden"), 2.0).await;
    api.apply(&cluster_ip("reduced", "late", "10.96.3.5")).await;
    // Namespaces are still watched; the Service that came with this one is not known, and the old one stays.
    api.apply(&namespace("reduced-2")).await;
    let exists = "10-1-1-1.reduced-2.pod.cluster.local";
    east.resolves(exists, &["10.1.1.1"]).await;
    assert!(east.is("web.reduced.svc.cluster.local", &["10.96.3.4"]).await);
    assert!(east.is("late.reduced.svc.cluster.local", &[]).await);
    east.says(200, "not allowed to list and watch services").await;
    api.apply(&rbac("reduced")).await;
    east.resolves("late.reduced.svc.cluster.local", &["10.96.3.5"]).await;
    east.logged("watching the API server again").await;
    assert_eq!(east.page().await.unwrap().0, 200);
}
