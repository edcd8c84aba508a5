//! Objects that change in ways that are hard to follow: gone and back with another address, the same address in several slices, and
//! many slices in one moment.

use std::fmt::Write as _;

use super::Instance;
use super::objects::{account, cluster_ip, namespace, service, web};
use super::steady::Steady;
use crate::support::apiserver::ApiServer;

/// Slices of one Service, made in one request.
const SLICES: usize = 60;
const EACH: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_deleted_and_made_again_has_its_new_address_with_the_next_answer() {
    const TEST: &str = "a_service_that_is_deleted_and_made_again_has_its_new_address_with_the_next_answer";
    let Some(api) = ApiServer::shared(TEST).await else { return };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    api.apply(&web("again", "10.96.20.1")).await;
    east.resolves("web.again.svc.cluster.local", &["10.96.20.1"]).await;
    for round in 2..5 {
        let address = format!("10.96.20.{round}");
        api.delete("again", &["service/web"]).await;
        east.resolves("web.again.svc.cluster.local", &[]).await;
        api.apply(&cluster_ip("again", "web", &address)).await;
        east.resolves("web.again.svc.cluster.local", &[&address]).await;
        // Nothing remembers the denial, nor the address before.
        for _ in 0..50 {
            assert!(east.is("web.again.svc.cluster.local", &[&address]).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slices_at_once_are_one_answer_and_an_address_in_two_of_them_is_one_record() {
    const TEST: &str = "many_slices_at_once_are_one_answer_and_an_address_in_two_of_them_is_one_record";
    let Some(api) = ApiServer::shared(TEST).await else { return };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    api.apply(&format!("{}---\n{}", web("slices-at-once", "10.96.21.1"), namespace("slices-at-once"))).await;
    east.resolves("web.slices-at-once.svc.cluster.local", &["10.96.21.1"]).await;
    let steady = Steady::watch(&east, "web.slices-at-once.svc.cluster.local", "10.96.21.1");
    let ports = "clusterIP: None, ports: [{name: http, port: 80}]";
    api.apply(&service("slices-at-once", "few", ports)).await;
    let mut text = String::new();
    for slice in 0..SLICES {
        // Only five addresses in all: every slice has the same ones, and one of them is ready in the first slice only.
        let _ = write!(
            text,
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: few-{slice}, \
             namespace: slices-at-once, labels: {{kubernetes.io/service-name: few}}}}\naddressType: IPv4\n\
             ports: [{{name: http, port: 80}}]\nendpoints:\n"
        );
        for address in 0..EACH {
            let ready = address > 0 || slice == 0;
            let _ = writeln!(text, "- {{addresses: [192.0.2.{}], conditions: {{ready: {ready}}}}}", address + 10);
        }
        text.push_str("---\n");
    }
    api.apply(&text).await;
    let all: Vec<String> = (0..EACH).map(|address| format!("192.0.2.{}", address + 10)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    east.resolves("few.slices-at-once.svc.cluster.local", &all).await;
    api.delete("slices-at-once", &["endpointslice/few-0"]).await;
    east.resolves("few.slices-at-once.svc.cluster.local", &all[1..]).await;
    steady.never_missing();
}
