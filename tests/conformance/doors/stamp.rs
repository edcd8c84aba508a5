//! The stamp: what it looks like on the wire, on which questions it is, what the reply to it says, and that pods never see it.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::setup::{NORTH, STAMP, UID, World, both, ede, is_refused, stamp, world, world_with};
use crate::support::client::Ask;
use crate::support::ip;
use crate::support::read::{addresses, options};
use crate::support::server::ScriptServer;

/// The stamps of the questions for this name.
fn stamps(server: &ScriptServer, asked: &str) -> Vec<Vec<Vec<u8>>> {
    let asked = crate::support::name(asked);
    let messages = server.received().into_iter().filter_map(|query| query.message);
    let about = messages.filter(|message| *message.queries[0].name() == asked);
    about.map(|message| options(&message, STAMP)).collect()
}

/// The octets that other versions know: the id is made of the uid of `kube-system`, and must stay what it is.
#[tokio::test]
async fn a_question_to_a_peer_bears_the_own_cluster() {
    let world = world().await;
    let asked = "app.west.svc.cluster.local";
    both(world.east.dns(), &Ask::new(asked, RecordType::A)).await;
    let golden = b"ilc1\x87\x34\x63\xf7\x5d\xe5\x32\x60\x04east".to_vec();
    assert_eq!(stamps(&world.west, asked), [[golden]], "of {UID}");
}

/// On questions to stub zones, but not where the row says no, and never to `.`.
#[tokio::test]
async fn stub_zones_are_stamped_unless_they_say_no_and_the_root_never() {
    let (stub, quiet, upstream) = (ScriptServer::start(), ScriptServer::start(), ScriptServer::start());
    let rows = format!(
        "[{{zone: ., to: [\"{}\"]}}, {{zone: stub.example.com, to: [\"{}\"]}}, \
         {{zone: quiet.example.com, to: [\"{}\"], stamp: false}}]",
        upstream.address(),
        stub.address(),
        quiet.address()
    );
    let world = world_with(|region| region.forward(&rows)).await;
    let passed = stamp(&[NORTH]);
    for (asked, option) in [("a", None), ("b", Some(&passed))] {
        for zone in ["stub.example.com", "quiet.example.com", "example.com"] {
            let ask = Ask::new(&format!("{asked}.{zone}"), RecordType::A);
            let ask = option.map_or(ask.clone(), |data| ask.option(STAMP, data));
            ask.udp(world.east.dns()).await;
        }
    }
    let east = (world.east_id(), "east");
    assert_eq!(stamps(&stub, "a.stub.example.com"), [[stamp(&[east])]]);
    assert_eq!(stamps(&stub, "b.stub.example.com"), [[stamp(&[NORTH, east])]], "the path grows");
    for (server, zone) in [(&quiet, "quiet.example.com"), (&upstream, "example.com")] {
        for asked in ["a", "b"] {
            let seen = stamps(server, &format!("{asked}.{zone}"));
            assert_eq!(seen, [Vec::<Vec<u8>>::new()], "{asked}.{zone}");
        }
    }
}

#[tokio::test]
async fn a_stamped_question_for_a_peers_name_is_refused() {
    let world = world().await;
    for asked in ["app.west.svc.cluster.local", "app.default.svc.west.mesh"] {
        let ask = Ask::new(asked, RecordType::A).option(STAMP, &stamp(&[NORTH]));
        is_refused(&both(world.east.dns(), &ask).await, 18, "came from a cluster");
        is_refused(&both(world.east.peers_door(), &ask).await, 18, "came from a cluster");
    }
    assert_eq!(world.west.count("app.west.svc.cluster.local", RecordType::A), 0);
    let local = Ask::new("web.default.svc.cluster.local", RecordType::A).option(STAMP, &stamp(&[NORTH]));
    assert_eq!(addresses(&both(world.east.dns(), &local).await), [ip("10.100.0.1")], "own names are answered");
}

/// Our own id in the path: the question has been here before, by whatever way it comes back.
#[tokio::test]
async fn a_question_that_comes_back_is_a_loop() {
    let world = world().await;
    let (east, west) = ((world.east_id(), "east"), ([2; 8], "west"));
    for (hops, text) in [
        (vec![east], "loop: east > east"),
        (vec![east, west], "loop: east > west > east"),
        (vec![NORTH, east, west], "loop: north > east > west > east"),
    ] {
        for asked in ["app.west.svc.cluster.local", "www.example.com"] {
            let ask = Ask::new(asked, RecordType::A).option(STAMP, &stamp(&hops));
            let reply = both(world.east.dns(), &ask).await;
            assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "{asked} {text}");
            assert_eq!(ede(&reply).1, text, "{asked}");
        }
        let ask = Ask::new("app.west.svc.cluster.local", RecordType::A).option(STAMP, &stamp(&hops));
        let reply = both(world.east.peers_door(), &ask).await;
        assert_eq!((reply.metadata.response_code, ede(&reply).1), (ResponseCode::ServFail, text.to_owned()));
    }
    // The label alone says nothing as long as both ids are known: two clusters may have been given one label.
    let namesake = Ask::new("www.example.com", RecordType::A).option(STAMP, &stamp(&[([3; 8], "east")]));
    let reply = both(world.east.dns(), &namesake).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain, "as the upstream says");
    let unknown = Ask::new("www.example.com", RecordType::A).option(STAMP, &stamp(&[([0; 8], "east")]));
    assert_eq!(ede(&both(world.east.dns(), &unknown).await).1, "loop: east > east", "an unknown id goes by its label");
}

/// Options of another magic, and ones that are cut, are nobody's stamp.
#[tokio::test]
async fn what_is_no_stamp_concludes_nothing() {
    let world = world().await;
    drop(world.west.on("app.west.svc.cluster.local", RecordType::A).answer_a("192.0.2.2", 5));
    for data in [&b""[..], b"il", b"ilr1", b"xxxxyyyyzzzz"] {
        let ask = Ask::new("app.west.svc.cluster.local", RecordType::A).option(STAMP, data);
        let reply = both(world.east.dns(), &ask).await;
        assert_eq!(addresses(&reply), [ip("192.0.2.2")], "{data:02x?}");
        assert!(options(&reply, STAMP).is_empty());
    }
}

/// {cluster id, label, synced, door, table hash}
#[tokio::test]
async fn the_reply_says_who_answered() {
    let world = world().await;
    let table = world.east.app().core().routing.load().table.hash;
    for (door, number) in [(world.east.dns(), 1), (world.east.peers_door(), 2)] {
        let ask = Ask::new("app.east.svc.cluster.local", RecordType::A);
        let reply = both(door, &ask.clone().option(STAMP, &stamp(&[NORTH]))).await;
        let mut expected = b"ilr1".to_vec();
        expected.extend_from_slice(&world.east_id());
        expected.extend_from_slice(b"\x04east");
        expected.extend_from_slice(&[1, number]);
        expected.extend_from_slice(&table.to_be_bytes());
        assert_eq!(options(&reply, STAMP), [expected]);
        assert!(options(&both(door, &ask).await, STAMP).is_empty(), "only to those who say who they are");
    }
}

/// Whatever a peer or a stub zone puts into its reply, pods see none of it: not from the wire and not from memory.
#[tokio::test]
async fn pods_see_neither_stamp_nor_reply_option() {
    let world = world().await;
    let reply_option = b"ilr1\x02\x02\x02\x02\x02\x02\x02\x02\x04west\x01\x02\0\0\0\0\0\0\0\x07".to_vec();
    let rule = world.west.on("app.west.svc.cluster.local", RecordType::A).echo_options();
    drop(rule.option(STAMP, reply_option).answer_a("192.0.2.2", 30));
    for _ in ["asked", "from memory"] {
        for ask in [
            Ask::new("app.west.svc.cluster.local", RecordType::A),
            Ask::new("far.default.svc.cluster.local", RecordType::A),
        ] {
            let reply = both(world.east.dns(), &ask).await;
            assert_eq!(addresses(&reply), [ip("192.0.2.2")]);
            assert!(options(&reply, STAMP).is_empty());
        }
    }
}

/// A stamped question never joins, reads or fills what pods share.
#[tokio::test]
async fn stamped_questions_have_no_part_in_the_cache() {
    let stub = ScriptServer::start();
    drop(stub.on("web.stub.example.com", RecordType::A).answer_a("192.0.2.3", 300));
    let rows = format!("[{{zone: stub.example.com, to: [\"{}\"]}}]", stub.address());
    let world: World = world_with(|region| region.forward(&rows)).await;
    let plain = Ask::new("web.stub.example.com", RecordType::A);
    let stamped = plain.clone().option(STAMP, &stamp(&[NORTH]));
    for count in 1..=3 {
        stamped.udp(world.east.dns()).await;
        assert_eq!(stub.count("web.stub.example.com", RecordType::A), count, "asked each time");
    }
    plain.udp(world.east.dns()).await;
    plain.udp(world.east.dns()).await;
    assert_eq!(stub.count("web.stub.example.com", RecordType::A), 4, "filled by a pod's question only");
}
