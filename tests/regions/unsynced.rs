//! Before the zone has been read once nothing is said of it, neither yes nor no; peers and upstreams are asked all the same.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::support::client::ask_udp;
use crate::support::read::{addresses, extended_errors};
use crate::support::regions::demo_region;
use crate::support::server::ScriptServer;
use crate::support::{ip, yaml};

/// Not Ready (RFC 8914 4.15).
const NOT_READY: u16 = 14;

#[tokio::test]
async fn local_names_fail_until_the_manifests_are_there_and_nothing_else_waits() {
    let upstream = ScriptServer::start();
    upstream.on("www.example", RecordType::A).answer_a("192.0.2.1", 60);
    upstream.on_zone("in-addr.arpa").nxdomain("in-addr.arpa", 60);
    let west = demo_region("west").bind();
    let west_row = west.table_row();
    west.table(&format!("regions:\n{west_row}"));
    let west = west.start();
    west.ready().await;
    let east = demo_region("east")
        .key("kubernetes", "{source: later.yaml}")
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .bind();
    east.table(&format!("regions:\n{}{west_row}", east.table_row()));
    let east = east.start();

    let (status, missing) = east.get("/ready").await;
    assert_eq!(status, 503);
    assert!(missing.starts_with("zone: waiting for manifests in ") && missing.ends_with("later.yaml\n"), "{missing}");
    assert_eq!(east.get("/health").await.0, 200);
    for asked in
        ["web.default.svc.cluster.local", "nothing.cluster.local", "cluster.local", "db.east.svc.cluster.local"]
    {
        for door in [east.dns(), east.peers_door()] {
            if door == east.peers_door() && !asked.contains("east") {
                continue;
            }
            let reply = ask_udp(door, asked, RecordType::A).await;
            assert_eq!(reply.response_code, ResponseCode::ServFail, "{asked}");
            assert_eq!(extended_errors(&reply)[0].0, NOT_READY, "{asked}");
        }
    }
    // Whose address it is is not known yet: it may be ours, so the upstream is not asked.
    let reply = ask_udp(east.dns(), "1.0.96.10.in-addr.arpa", RecordType::PTR).await;
    assert_eq!((reply.response_code, extended_errors(&reply)[0].0), (ResponseCode::ServFail, NOT_READY));
    // One that a peer claims.
    let reply = ask_udp(east.dns(), "11.115.0.10.in-addr.arpa", RecordType::PTR).await;
    assert_eq!((reply.response_code, reply.answers.len()), (ResponseCode::NoError, 1));
    let reply = ask_udp(east.dns(), "busybox-0.busybox.west.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.0.115.11")]);
    assert_eq!(addresses(&ask_udp(east.dns(), "www.example", RecordType::A).await), [ip("192.0.2.1")]);

    let objects = [yaml::namespace("default"), yaml::service("default/web", &["10.96.0.1"], &["http:80"])];
    east.write("later.yaml", &yaml::join(&objects));
    east.ready().await;
    assert_eq!(east.get("/ready").await, (200, "OK".to_owned()));
    let reply = ask_udp(east.dns(), "web.default.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("10.96.0.1")], "no failure was kept");
    let reply = ask_udp(east.dns(), "1.0.96.10.in-addr.arpa", RecordType::PTR).await;
    assert_eq!(reply.answers.len(), 1, "{reply}");
}
