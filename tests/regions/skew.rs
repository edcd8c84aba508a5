//! Regions that are not all of one version, or not all interlocal: tables, stamps and reply options of a later version are read as
//! far as they are understood, and a region that runs CoreDNS with stanzas by hand is asked, and asks, like any other.

use std::net::SocketAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, ask_tcp, ask_udp};
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::read::addresses;
use crate::support::regions::{self, demo_region};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, secs};

/// The option's number unless configured.
const STAMP: u16 = 65_313;
const PODS: [(&str, &str); 3] = [("central", "10.0.1.144"), ("east", "10.0.102.90"), ("west", "10.0.115.11")];

fn pod(region: &str) -> String {
    format!("busybox-0.busybox.{region}.svc.cluster.local")
}

/// Each of these regions, asked at its pods' door for each of the others' pods, over UDP and TCP. Says how many answers it judged.
async fn all_pairs(doors: &[(&str, SocketAddr)]) -> usize {
    let mut judged = 0;
    for (from, door) in doors {
        for (to, address) in PODS.iter().filter(|(to, _)| to != from) {
            for reply in [ask_udp(*door, &pod(to), RecordType::A).await, ask_tcp(*door, &pod(to), RecordType::A).await]
            {
                assert_eq!(reply.response_code, ResponseCode::NoError, "{from} asks for {to}: {reply}");
                assert_eq!(addresses(&reply), [ip(address)], "{from} asks for {to}");
                judged += 1;
            }
        }
    }
    judged
}

#[tokio::test]
async fn a_table_of_a_later_version_is_read_as_far_as_it_is_understood() {
    let regions = regions::three().await;
    let newer = regions
        .table
        .replace("version: 1", "version: 2\nquantum: {entangled: true}")
        .replace("    endpoints:", "    weight: 7\n    endpoints:");
    assert_ne!(newer, regions.table);
    regions.rewrite_peers(&newer);
    for region in &regions.running {
        let reloads = "interlocal_config_reload_total{file=\"peers\",result=\"ok\"}";
        assert!(eventually(secs(20), || async { region.counter(reloads).await >= 1.0 }).await);
        assert_eq!(region.metric("interlocal_peers_table_ok").await, Some(1.0));
    }
    let doors: Vec<_> = regions.running.iter().map(|region| (region.label(), region.dns())).collect();
    assert_eq!(all_pairs(&doors).await, 12);
}

/// What interlocal says of itself in a reply, of an earlier version that said less, and of a later one that says more.
#[tokio::test]
async fn a_peer_of_another_version_is_understood_as_far_as_it_goes() {
    let reply = b"ilr1\x07\x07\x07\x07\x07\x07\x07\x07\x05later\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08";
    let longer = [&reply[..], b"of a later version"].concat();
    let other_magic = b"ilr2 and something else";
    let options = [&reply[..], &longer, &reply[..20], &reply[..18], &reply[..9], other_magic, b""];
    for (number, data) in options.into_iter().enumerate() {
        let later = ScriptServer::start();
        drop(later.on_any().nxdomain("later.svc.cluster.local", 2).aa().option(STAMP, data.to_vec()));
        let asked = "app.shop.later.svc.cluster.local";
        drop(later.on(asked, RecordType::A).answer_a("192.0.2.7", 5).aa().option(STAMP, data.to_vec()));
        let row = format!("  later:\n    endpoints: [\"{}\"]\n", later.address());
        let regions = regions::together_with([demo_region("east")], &row).await;
        for reply in both(regions.of("east").dns(), &Ask::new(asked, RecordType::A)).await {
            assert_eq!(addresses(&reply), [ip("192.0.2.7")], "option {number}");
        }
    }
}

/// A question that has passed a cluster of another version: what it says after what we know is no reason not to answer.
#[tokio::test]
async fn a_stamp_of_another_version_is_read_as_far_as_it_goes() {
    let regions = regions::together([demo_region("east")]).await;
    let east = regions.of("east");
    let stamp = b"ilc1\x09\x09\x09\x09\x09\x09\x09\x09\x05north";
    let longer = [&stamp[..], b"\x09\x09 and more"].concat();
    for data in [&stamp[..], &longer, &stamp[..10], &stamp[..4], b"ilc2\x09\x09"] {
        let ask = Ask::new(&pod("east"), RecordType::A).option(STAMP, data);
        for reply in both(east.peers_door(), &ask).await {
            assert_eq!(addresses(&reply), [ip("10.0.102.90")], "{data:02x?}");
        }
    }
}

async fn both(door: SocketAddr, ask: &Ask) -> [Message; 2] {
    [ask.udp(door).await, ask.tcp(door).await]
}

/// Two regions run interlocal, the third CoreDNS with a stanza for each of the others.
#[tokio::test]
async fn six_pairs_resolve_in_a_fleet_with_coredns() {
    let port = free_block(1);
    let row = format!("  west:\n    endpoints: [\"127.0.0.1:{port}\"]\n");
    let regions = regions::together_with(["central", "east"].map(demo_region), &row).await;
    let stanzas: String = regions
        .running
        .iter()
        .map(|region| {
            let (label, door) = (region.label(), region.peers_door());
            format!(
                "{label}.svc.cluster.local:{port} {{\n bind 127.0.0.1\n forward . {door} {{\n  force_tcp\n }}\n}}\n"
            )
        })
        .collect();
    // What does not exist is denied, as the plugin `kubernetes` does: `hosts` alone would say SERVFAIL.
    let own = format!(
        ".:{port} {{\n bind 127.0.0.1\n hosts {{\n  10.0.115.11 {}\n  fallthrough\n }}\n template ANY ANY {{\n  rcode NXDOMAIN\n }}\n}}\n",
        pod("west")
    );
    let Some(west) = CoreDns::start_with("six_pairs_resolve_in_a_fleet_with_coredns", port, &(stanzas + &own)) else {
        return;
    };
    west.answers(&pod("west")).await;
    let mut doors: Vec<_> = regions.running.iter().map(|region| (region.label(), region.dns())).collect();
    doors.push(("west", west.address()));
    for region in &regions.running {
        region.peers_up().await;
    }
    assert_eq!(all_pairs(&doors).await, 12);
}
