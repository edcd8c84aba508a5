//! Who we are for the API server, and what it lets us see: the role of the repository, and what is said when it is not there.

use hickory_proto::rr::RecordType;

use super::Instance;
use super::objects::{account, web};
use crate::support::apiserver::ApiServer;

/// The role of the repository is all that the zone needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_of_the_repository_is_enough() {
    let Some(api) = ApiServer::shared("the_role_of_the_repository_is_enough").await else { return };
    let kubeconfig = account(&api).await;
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
