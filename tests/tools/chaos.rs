//! Who answers, asked by plain DNS: NSID and class CH. What `dig` shows is what two replicas are compared by.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};

use crate::support::client::Ask;
use crate::support::process::{Process, binary};
use crate::support::read::{extended_errors, options, texts};
use crate::support::region::{Region, listen};
use crate::support::regions::{self, demo_region};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ports, secs};

const NSID: u16 = 3;

fn chaos(name: &str) -> Ask {
    Ask::new(name, RecordType::TXT).class(DNSClass::CH)
}

fn refused(reply: &Message, text: &str) {
    assert_eq!(reply.metadata.response_code, ResponseCode::Refused, "{reply:?}");
    assert_eq!(extended_errors(reply), [(18, text.to_owned())]);
}

#[tokio::test]
async fn regions_and_zone_are_told_in_class_chaos() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rows = format!("  dark:\n    endpoints: [\"{closed}\"]\n");
    let regions = regions::together_with(["east", "west"].map(demo_region), &rows).await;
    let east = regions.of("east");
    // What its probes say first is by chance: the two start side by side.
    let met = || async { texts(&chaos("peers.interlocal").udp(east.dns()).await)[2].ends_with(", synced") };
    assert!(eventually(secs(20), met).await, "{:?}", chaos("peers.interlocal").udp(east.dns()).await);
    Ask::new("web.dark.svc.cluster.local", RecordType::A).udp(east.dns()).await;
    for reply in [chaos("PEERS.interlocal").udp(east.dns()).await, chaos("peers.interlocal").tcp(east.dns()).await] {
        let said = texts(&reply);
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(said[0], "dark dark, 0 of 1 addresses; connection refused");
        assert_eq!(said[1], "east own");
        assert!(said[2].starts_with("west up, 1 of 1 addresses, ") && said[2].ends_with(" ms, synced"), "{said:?}");
        for record in &reply.answers {
            assert_eq!((record.dns_class, record.ttl), (DNSClass::CH, 0));
        }
    }
    let zone = texts(&chaos("zone.interlocal").udp(east.dns()).await).remove(0);
    let now = east.app().core().zone.load();
    let hash = format!("hash {:016x}, serial {}, synced; ", now.hash, now.serial);
    assert!(zone.starts_with(&hash) && zone.contains(" endpoints; table "), "{zone}");
    // The same records in another replica are the same hash.
    let west = texts(&chaos("zone.interlocal").udp(regions.of("west").dns()).await).remove(0);
    assert_ne!(zone.split(',').next(), west.split(',').next(), "other records");
}

#[tokio::test]
async fn version_and_host_are_told_and_other_names_are_not() {
    let region = Region::new("east").start().await;
    let version = texts(&chaos("version.bind").udp(region.dns()).await);
    assert_eq!(version, [format!("interlocal {}", env!("CARGO_PKG_VERSION"))]);
    assert_eq!(texts(&chaos("version.server").udp(region.dns()).await), version);
    let host = texts(&chaos("hostname.bind").udp(region.dns()).await);
    assert_eq!((host.len(), &host), (1, &texts(&chaos("id.server").udp(region.dns()).await)));
    let empty = Ask::new("version.bind", RecordType::A).class(DNSClass::CH).udp(region.dns()).await;
    assert_eq!((empty.metadata.response_code, empty.answers.len()), (ResponseCode::NoError, 0));
    for name in ["authors.bind", "bind", "a.version.bind", "web.shop.svc.cluster.local"] {
        let reply = chaos(name).udp(region.dns()).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::Refused, "{name}");
        assert_eq!(extended_errors(&reply)[0].1, "a class other than IN is not answered", "{name}");
    }
}

/// Somebody may really have a zone `bind`: its names are of class IN, and one has nothing to do with the other.
#[tokio::test]
async fn nothing_of_class_chaos_is_kept_or_asked_of_others() {
    let upstream = ScriptServer::start();
    drop(upstream.on("version.bind", RecordType::TXT).answer_txt("of somebody else", 300));
    let region = Region::new("east").forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address())).start().await;
    let own = [format!("interlocal {}", env!("CARGO_PKG_VERSION"))];
    for _ in 0..2 {
        assert_eq!(texts(&chaos("version.bind").udp(region.dns()).await), own);
        assert_eq!(upstream.count("version.bind", RecordType::TXT), 0);
    }
    for _ in 0..2 {
        let theirs = Ask::new("version.bind", RecordType::TXT).udp(region.dns()).await;
        assert_eq!(texts(&theirs), ["of somebody else"]);
        assert_eq!(texts(&chaos("version.bind").udp(region.dns()).await), own);
    }
    assert_eq!(upstream.count("version.bind", RecordType::TXT), 1);
}

#[tokio::test]
async fn at_the_peers_door_only_listed_addresses_are_told() {
    let any = "\"127.0.0.1:0\"";
    let doors = listen([any; 6]);
    let doors = |more: &str| format!("{}, {more}}}", doors.trim_end_matches('}'));
    let why = "who answers is told to listed addresses only";
    for (listen, pods, peers) in [
        (doors("peers_allow: []"), true, false),
        (doors("peers_allow: [127.0.0.0/8]"), true, true),
        (doors("identify: false"), false, false),
    ] {
        let region = Region::new("east").key("listen", &listen).start().await;
        for (door, told) in [(region.dns(), pods), (region.peers_door(), peers)] {
            let reply = chaos("zone.interlocal").udp(door).await;
            match told {
                true => assert_eq!(texts(&reply).len(), 1, "{listen}: {reply:?}"),
                false => refused(&reply, why),
            }
            let reply = Ask::new("x.east.svc.cluster.local", RecordType::A).option(NSID, &[]).udp(door).await;
            assert_eq!(options(&reply, NSID).len(), usize::from(told), "{listen}");
        }
    }
}

#[tokio::test]
async fn nsid_is_in_every_kind_of_reply_that_asks_for_it_and_in_no_other() {
    let upstream = ScriptServer::start();
    drop(upstream.on("www.example.com", RecordType::A).answer_a("192.0.2.1", 300));
    let folder = tempfile::tempdir().unwrap();
    let port = ports::free_block(1);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let config = format!(
        "listen: {}\nkubernetes: {{source: objects.yaml}}\npeers: {{file: \"\"}}\nforward: [{{zone: ., to: [\"{}\"]}}]\nshutdown: {{lameduck: 0s}}\n",
        listen([&format!("\"{address}\""), "\"\"", "\"\"", "\"\"", "\"\"", "\"\""]),
        upstream.address()
    );
    std::fs::write(folder.path().join("interlocal.yaml"), config).unwrap();
    std::fs::write(folder.path().join("objects.yaml"), crate::support::yaml::service("shop/web", &["10.0.0.7"], &[]))
        .unwrap();
    let mut command = std::process::Command::new(binary());
    command.env("POD_NAME", "dns-7").env("NODE_NAME", "node-3");
    let process = Process::of(command, folder.path(), &["serve", "--config", "interlocal.yaml"]);
    process.logged("serving").await;
    let wanted = format!("dns-7 node-3 interlocal {}", env!("CARGO_PKG_VERSION"));
    // From the zone once it is read, refused, from the upstream, from the cache.
    let local = Ask::new("web.shop.svc.cluster.local", RecordType::A);
    let asked =
        async || local.clone().patience(secs(10)).udp(address).await.metadata.response_code == ResponseCode::NoError;
    assert!(eventually(secs(20), asked).await);
    let far = Ask::new("www.example.com", RecordType::A);
    let transfer = Ask::new("cluster.local", RecordType::AXFR);
    for (ask, what) in [(&local, "zone"), (&transfer, "refusal"), (&far, "upstream"), (&far, "cache")] {
        let reply = ask.clone().option(NSID, &[]).udp(address).await;
        assert_eq!(options(&reply, NSID), [wanted.as_bytes()], "{what}");
        let reply = ask.clone().option(NSID, &[]).tcp(address).await;
        assert_eq!(options(&reply, NSID), [wanted.as_bytes()], "{what} over TCP");
        assert_eq!(options(&ask.clone().udp(address).await, NSID).len(), 0, "{what}: nobody asked");
    }
}
