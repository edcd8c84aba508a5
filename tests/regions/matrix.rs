//! Every region asked for every other region's names, judged by hickory's own client: nothing here is decided by the
//! code that serves, and every expected value stands here as text.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::hickory::{hickory_tcp, hickory_udp};
use crate::support::ip;
use crate::support::read::addresses;
use crate::support::regions;
use crate::support::running::Running;

const PODS: [(&str, &str); 3] = [("central", "10.0.1.144"), ("east", "10.0.102.90"), ("west", "10.0.115.11")];

/// The answer, over UDP and then over TCP, to the same question.
async fn both(region: &Running, asked: &str, rtype: RecordType) -> [Message; 2] {
    let udp = hickory_udp(region.dns(), asked, rtype).await;
    let tcp = hickory_tcp(region.dns(), asked, rtype).await;
    [udp, tcp].map(|reply| reply.unwrap_or_else(|error| panic!("{} asked for {asked}: {error}", region.label())))
}

#[tokio::test]
async fn all_six_pairs_over_udp_and_tcp() {
    let regions = regions::three().await;
    for from in &regions.running {
        for (to, address) in PODS {
            let name = format!("busybox-0.busybox.{to}.svc.cluster.local");
            for reply in both(from, &name, RecordType::A).await {
                assert_eq!(reply.response_code, ResponseCode::NoError, "{} asks for {to}", from.label());
                assert_eq!(addresses(&reply), [ip(address)], "{} asks for {to}", from.label());
                assert_eq!(reply.authoritative, from.label() == to, "{} asks for {to}", from.label());
            }
        }
    }
    for region in regions.running {
        region.shutdown().await;
    }
}
