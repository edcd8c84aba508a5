//! The peer table in a ConfigMap: read and watched by its name alone, with the file and the last good copy standing in while
//! the API server was never reached, and under the rules of a file once it was.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::double::{Double, Fault, Wanted};
use crate::objects::{many, table};
use crate::support::client::ask_udp;
use crate::support::ip;
use crate::support::read::addresses;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::zone::LIMIT;

const OK: &str = "interlocal_peers_table_ok";

/// East with the ConfigMap `kube-system/peers`, and no other table unless one is written.
fn region(double: &Double) -> Region {
    let region = Region::new("east").key("kubernetes", &format!("{{source: \"{}\"}}", double.url()));
    region.key("peers", "{configmap: kube-system/peers, file: stand-in.yaml}")
}

/// A region that has this address for every name.
fn west(address: &str) -> ScriptServer {
    let server = ScriptServer::start();
    drop(server.on_any().answer_a(address, 0));
    server
}

fn row(server: &ScriptServer) -> String {
    format!("regions: {{east: {{}}, west: {{endpoints: [\"{}\"]}}}}\n", server.address())
}

async fn until_west_is(east: &Running, address: &str) {
    let seen = eventually(LIMIT, || async {
        addresses(&ask_udp(east.dns(), "web.west.svc.cluster.local", RecordType::A).await) == [ip(address)]
    });
    assert!(seen.await, "{}", ask_udp(east.dns(), "web.west.svc.cluster.local", RecordType::A).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_read_from_the_configmap_and_each_change_is_taken() {
    let (one, two) = (west("192.0.2.1"), west("192.0.2.2"));
    let double = Double::start().await;
    double.fill(many(1));
    double.fill([table("other", "regions: ["), table("peers", &row(&one))]);
    let east = region(&double).start().await;
    // Ready means that the table was read: no question before it was wrong.
    assert_eq!(east.metric(OK).await, Some(1.0));
    assert!(!east.app().core().routing.load().table.regions.is_empty());
    until_west_is(&east, "192.0.2.1").await;
    double.apply(table("other", "regions: {}"));
    double.apply(table("peers", &row(&two)));
    until_west_is(&east, "192.0.2.2").await;
    let asked: Vec<_> = double.asked().into_iter().filter(|asked| asked.resource == "configmaps").collect();
    assert!(asked.iter().all(|asked| asked.parameter("fieldSelector") == Some("metadata.name=peers")), "{asked:?}");
    assert_eq!(double.count(Wanted::Lists("configmaps")), 1, "and then it was watched");
    // A watch that breaks, and one from a version that is gone: what changed meanwhile is found.
    double.close_connections();
    double.apply(table("peers", &row(&one)));
    until_west_is(&east, "192.0.2.1").await;
    double.change(|state| {
        state.compact();
        state.apply(table("peers", &row(&two)));
        state.compact();
    });
    double.close_connections();
    until_west_is(&east, "192.0.2.2").await;
    east.until_metric("interlocal_peers_configmap_watching", 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_table_or_none_keeps_the_old_one() {
    let (one, two) = (west("192.0.2.1"), west("192.0.2.2"));
    let double = Double::start().await;
    double.fill(many(1));
    double.apply(table("peers", &row(&one)));
    let east = region(&double).start().await;
    until_west_is(&east, "192.0.2.1").await;
    for bad in ["regions: [", "regions: {west: {endpoints: []}}"] {
        double.apply(table("peers", bad));
        east.until_metric(OK, 0.0).await;
        until_west_is(&east, "192.0.2.1").await;
        double.apply(table("peers", &row(&one)));
        east.until_metric(OK, 1.0).await;
    }
    double.delete("configmaps", "kube-system/peers");
    east.until_metric(OK, 0.0).await;
    until_west_is(&east, "192.0.2.1").await;
    double.apply(table("peers", &row(&two)));
    until_west_is(&east, "192.0.2.2").await;
    assert_eq!(east.metric(OK).await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_stands_in_until_the_configmap_may_be_read() {
    let (one, two, three) = (west("192.0.2.1"), west("192.0.2.2"), west("192.0.2.3"));
    let double = Double::start().await;
    double.fill(many(1));
    double.apply(table("peers", &row(&two)));
    double.plan(Wanted::Of("configmaps"), Fault::refuse(403, "Forbidden"), usize::MAX);
    let east = region(&double).file("stand-in.yaml", &row(&one)).start().await;
    until_west_is(&east, "192.0.2.1").await;
    assert_eq!(east.metric(OK).await, Some(0.0));
    assert!(east.counter("interlocal_peers_configmap_failures_total{reason=\"forbidden\"}").await > 0.0);
    east.write("stand-in.yaml", &row(&three));
    until_west_is(&east, "192.0.2.3").await;
    double.behave();
    until_west_is(&east, "192.0.2.2").await;
    east.until_metric(OK, 1.0).await;
    // From then on it does not count.
    let reloads = "interlocal_config_reload_total{file=\"peers\",result=\"ok\"}";
    let before = east.counter(reloads).await;
    east.write("stand-in.yaml", &row(&one));
    east.until_metric(reloads, before + 1.0).await;
    until_west_is(&east, "192.0.2.2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_configmap_and_without_a_file_everything_else_works() {
    let double = Double::start().await;
    double.fill(many(1));
    let east = region(&double).start().await;
    assert_eq!(east.metric(OK).await, Some(0.0));
    let reply = ask_udp(east.dns(), "web-0.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.1.0.0")]);
    // The first table of all is as one at the start: what is valid of it is used.
    let one = west("192.0.2.1");
    double.apply(table("peers", &row(&one).replace("east: {}", "east: {}, north: {endpoints: []}")));
    until_west_is(&east, "192.0.2.1").await;
    assert_eq!(east.metric(OK).await, Some(0.0));
    let reply = ask_udp(east.dns(), "a.north.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.response_code, ResponseCode::ServFail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_good_table_is_there_after_a_restart_without_the_configmap() {
    let one = west("192.0.2.1");
    let double = Double::start().await;
    double.fill(many(1));
    double.apply(table("peers", &row(&one)));
    let east = region(&double).key("state_dir", "state").file("state/.keep", "").start().await;
    until_west_is(&east, "192.0.2.1").await;
    double.plan(Wanted::Of("configmaps"), Fault::refuse(503, "ServiceUnavailable"), usize::MAX);
    double.close_connections();
    let east = east.stop().file("stand-in.yaml", "regions: {}\n").start_again().await;
    until_west_is(&east, "192.0.2.1").await;
    assert_eq!(east.metric(OK).await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_names_another_configmap() {
    let (one, two) = (west("192.0.2.1"), west("192.0.2.2"));
    let double = Double::start().await;
    double.fill(many(1));
    double.fill([table("peers", &row(&one)), table("others", &row(&two))]);
    let east = region(&double).start().await;
    until_west_is(&east, "192.0.2.1").await;
    east.rewrite_key("peers", "{configmap: kube-system/others, file: stand-in.yaml}");
    until_west_is(&east, "192.0.2.2").await;
    east.until_metric(OK, 1.0).await;
}
