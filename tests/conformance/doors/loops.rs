//! Servers that point at each other, and at themselves: the stamp ends it with the path that it took.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::setup::ede;
use crate::support::client::Ask;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::wait::eventually_some;
use crate::support::{secs, yaml};

const ZONE: &str = "corp.example.com";

/// A cluster of its own, with nothing to forward yet.
async fn cluster(label: &str) -> Running {
    let uid = format!("00000000-0000-4000-8000-{:0>12}", label.len() + usize::from(label.as_bytes()[0]));
    let objects = yaml::join(&[yaml::cluster(&uid), yaml::namespace("default")]);
    let limits = "{forward_deadline: 1s, forward_tries: 2}";
    Region::new(label).manifests(&objects).key("limits", limits).start().await
}

/// Lets each of them forward the zone to the next one, and the last to the first.
async fn ring(regions: &[Running], more: &str) {
    for (at, region) in regions.iter().enumerate() {
        let next = regions[(at + 1) % regions.len()].dns();
        region.rewrite_key("forward", &format!("[{{zone: {ZONE}, to: [\"{next}\"]{more}}}]"));
        region.until_metric("interlocal_config_reload_total{file=\"config\",result=\"ok\"}", 1.0).await;
    }
}

/// Any of the tries: a first probe may not be answered yet, but no try is answered otherwise than by failing.
async fn failure(region: &Running, number: usize) -> (u16, String) {
    let asked = format!("name-{number}.{ZONE}");
    let reply = Ask::new(&asked, RecordType::A).udp(region.dns()).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    ede(&reply)
}

#[tokio::test]
async fn two_that_point_at_each_other_say_so() {
    let regions = [cluster("anna").await, cluster("bert").await];
    ring(&regions, "").await;
    assert_eq!(failure(&regions[0], 1).await.1, "loop: anna > bert > anna");
    assert_eq!(failure(&regions[1], 2).await.1, "loop: bert > anna > bert");
    alive(&regions).await;
}

#[tokio::test]
async fn three_in_a_ring_say_so() {
    let regions = [cluster("anna").await, cluster("bert").await, cluster("carl").await];
    ring(&regions, "").await;
    assert_eq!(failure(&regions[0], 1).await.1, "loop: anna > bert > carl > anna");
    assert_eq!(failure(&regions[2], 2).await.1, "loop: carl > anna > bert > carl");
    alive(&regions).await;
}

/// Over TCP it is the same.
#[tokio::test]
async fn two_over_tcp_say_so() {
    let regions = [cluster("anna").await, cluster("bert").await];
    ring(&regions, ", transport: tcp").await;
    assert_eq!(failure(&regions[0], 1).await.1, "loop: anna > bert > anna");
    alive(&regions).await;
}

/// With rows that say `stamp: false`, as behind a server that drops options, nothing can be said; but a question that comes back
/// waits for itself, so that it goes round once for each try and no more.
#[tokio::test]
async fn two_that_bear_no_stamp_go_round_once() {
    let regions = [cluster("anna").await, cluster("bert").await];
    ring(&regions, ", stamp: false").await;
    let started = async |region: &Running| region.counter(&queries(region, &regions)).await;
    let before = started(&regions[0]).await + started(&regions[1]).await;
    for number in 0..5 {
        let (_, text) = failure(&regions[0], number).await;
        assert!(text.contains(ZONE), "{text}");
    }
    let sent = started(&regions[0]).await + started(&regions[1]).await - before;
    assert!((5.0..=5.0 * 2.0 * 2.0).contains(&sent), "{sent} questions for 5, in a ring of two with two tries each");
    alive(&regions).await;
}

fn queries(region: &Running, regions: &[Running]) -> String {
    let next = regions.iter().find(|other| other.dns() != region.dns()).unwrap().dns();
    format!("interlocal_upstream_queries_total{{zone=\"{ZONE}\",address=\"{next}\"}}")
}

/// A stub zone that leads to ourselves: the first question already ends, and then the probe has found it.
#[tokio::test]
async fn one_that_points_at_itself_is_found_out() {
    let regions = [cluster("anna").await];
    ring(&regions, "").await;
    let (_, first) = failure(&regions[0], 1).await;
    assert!(first.starts_with("loop: "), "{first}");
    let series = format!("interlocal_upstream_loops{{zone=\"{ZONE}\",address=\"{}\"}}", regions[0].dns());
    regions[0].until_metric(&series, 1.0).await;
    assert_eq!(failure(&regions[0], 2).await.1, format!("loop: the route for {ZONE} leads back here"));
    alive(&regions).await;
}

/// Everything else goes on, and nothing is left going round.
async fn alive(regions: &[Running]) {
    for region in regions {
        let reply = Ask::new("cluster.local", RecordType::SOA).udp(region.dns()).await;
        assert_eq!(reply.answers.len(), 1, "{}", region.label());
        let idle = eventually_some(secs(20), || async { (region.app().core().in_flight.taken() == 0).then_some(()) });
        idle.await.expect("nothing goes round");
    }
}
