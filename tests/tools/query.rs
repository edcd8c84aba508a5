//! `interlocal query`: it says what the doors say, and why.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;
use interlocal::server::explain::page::Explanation;

use crate::golden;
use crate::support::client::ask_udp;
use crate::support::process::{self, Ended};
use crate::support::read::{addresses, extended_errors};
use crate::support::region::{Region, listen};
use crate::support::regions::{self, demo_region};
use crate::support::running::Running;
use crate::support::wait::eventually;
use crate::support::{http, secs, yaml};

async fn query(region: &Running, args: &[&str]) -> Ended {
    let admin = region.app().addresses().admin.unwrap().to_string();
    let mut all = vec!["query", "--admin", &admin];
    all.extend(args);
    process::run(&std::env::temp_dir(), &all).await
}

async fn explained(region: &Running, name: &str, rtype: &str) -> Explanation {
    let (status, page) = region.get(&format!("/query?name={name}&type={rtype}")).await;
    assert_eq!(status, 200, "{page}");
    interlocal::server::admin::json::read(&page).unwrap()
}

fn objects() -> String {
    yaml::join(&[
        yaml::cluster("11111111-1111-1111-1111-111111111111"),
        yaml::namespace("shop"),
        yaml::service("shop/web", &["10.0.0.7"], &["http:80"]),
        yaml::slice("shop/web", &["10.0.96.4", "10.0.96.5=first"], &["http:8080"]),
        yaml::headless("shop/db", &["pg:5432"]),
        yaml::slice("shop/db", &["10.0.96.9!"], &["pg:5432"]),
        yaml::external("shop/alias", "web.shop.svc.cluster.local"),
        yaml::external("shop/outside", "www.example.com"),
        yaml::external("shop/abroad", "web.west.svc.cluster.local"),
    ])
}

const TABLE: &str = "version: 1\nregions:\n  east: {endpoints: [\"127.0.0.1:1\"], cidrs: [10.0.96.0/20], mesh: east.mesh}\n  west: {endpoints: [\"127.0.0.1:2\"], cidrs: [10.1.0.0/16]}\n";
const CONFIG: &str = "region: east\npeers: {file: peers.yaml}\nforward: [{zone: ., to: [\"127.0.0.1:9\"]}]\n";

/// What is asked of files alone, with the golden file that has the answer, and the exit code.
const OFFLINE: &[(&str, &[&str], i32)] = &[
    ("service", &["web.shop.svc.cluster.local."], 0),
    ("srv", &["_http._tcp.web.shop.svc.cluster.local.", "SRV"], 0),
    ("endpoint", &["first.web.shop.svc.cluster.local."], 0),
    ("chain", &["alias.shop.svc.cluster.local."], 0),
    ("chain-abroad", &["abroad.shop.svc.cluster.local."], 0),
    ("no-namespace", &["web.shoop.svc.cluster.local."], 1),
    ("no-service", &["wep.shop.svc.cluster.local."], 1),
    ("no-ready-endpoint", &["db.shop.svc.cluster.local."], 1),
    ("no-endpoint", &["second.web.shop.svc.cluster.local."], 1),
    ("no-port", &["_https._tcp.web.shop.svc.cluster.local.", "SRV"], 1),
    ("no-form", &["a.b.c.d.svc.cluster.local.", "A"], 1),
    ("no-type", &["web.shop.svc.cluster.local.", "AAAA"], 0),
    ("mistyped-region", &["web.wets.svc.cluster.local."], 1),
    ("pod", &["10-0-96-4.nowhere.pod.cluster.local."], 1),
    ("region", &["web.west.svc.cluster.local."], 0),
    ("mesh", &["web.shop.svc.east.mesh.", "A", "--door", "peers"], 0),
    ("refused-door", &["www.example.com.", "A", "--door", "peers", "--from", "10.1.2.3"], 1),
    ("refused-type", &["cluster.local.", "AXFR"], 1),
    ("reverse", &["7.0.0.10.in-addr.arpa.", "PTR"], 0),
    ("reverse-abroad", &["7.2.1.10.in-addr.arpa.", "PTR"], 0),
    ("relative", &["web.shop"], 0),
    ("relative-namespace", &["web", "A", "--namespace", "shop"], 0),
];

#[tokio::test]
async fn files_alone_say_which_part_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("objects.yaml", objects().as_str()), ("peers.yaml", TABLE), ("interlocal.yaml", CONFIG)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (golden, args, code) in OFFLINE {
        let mut all = vec!["query", "--manifests", "objects.yaml", "--config", "interlocal.yaml"];
        all.extend(*args);
        let ended = process::run(folder.path(), &all).await;
        assert_eq!(ended.code, Some(*code), "{golden}: {ended:?}");
        golden::check(&format!("query/{golden}.txt"), &ended.stdout, &[]);
    }
    let all = ["query", "--manifests", "objects.yaml", "--config", "interlocal.yaml", "-o", "json", "alias.shop"];
    let ended = process::run(folder.path(), &all).await;
    golden::check("query/relative.json", &ended.stdout, &[]);
}

/// The tool is believed at three in the morning, so it has to say what the door says: for every name here, both are asked.
#[tokio::test]
async fn it_says_what_the_door_says() {
    let region = Region::new("east").manifests(&objects()).table(TABLE).start().await;
    let names = [
        "web.shop.svc.cluster.local",
        "alias.shop.svc.cluster.local",
        "db.shop.svc.cluster.local",
        "first.web.shop.svc.cluster.local",
        "10-0-96-4.web.shop.svc.cluster.local",
        "shop.svc.cluster.local",
        "svc.cluster.local",
        "cluster.local",
        "dns-version.cluster.local",
        "web.shop.svc.east.mesh",
        "shop.east.svc.cluster.local",
        "web.wets.svc.cluster.local",
        "www.example.com",
        "outside.shop.svc.cluster.local",
        "7.0.0.10.in-addr.arpa",
        "4.96.0.10.in-addr.arpa",
        "1.9.9.10.in-addr.arpa",
    ];
    let mut compared = 0;
    for name in names {
        for rtype in
            [RecordType::A, RecordType::AAAA, RecordType::SRV, RecordType::PTR, RecordType::TXT, RecordType::SOA]
        {
            let said = explained(&region, name, &rtype.to_string()).await.answer;
            let reply = ask_udp(region.dns(), name, rtype).await;
            let what = format!("{name} {rtype}");
            let rcode = interlocal::wire::Rcode(reply.metadata.response_code.into()).to_text().into_owned();
            assert_eq!(said.rcode, Some(rcode), "{what}: {said:?}");
            assert_eq!(said.answers.len(), reply.answers.len(), "{what}: {said:?}");
            let shown: BTreeSet<String> =
                said.answers.iter().filter_map(|line| line.split(" IN A ").nth(1)).map(str::to_owned).collect();
            let given: BTreeSet<String> =
                addresses(&reply).iter().filter(|it| it.is_ipv4()).map(ToString::to_string).collect();
            assert_eq!(shown, given, "{what}");
            let ede = said.ede.map(|ede| (ede.code, ede.text));
            assert_eq!(Vec::from_iter(ede), extended_errors(&reply), "{what}");
            assert_eq!(said.authoritative, reply.metadata.authoritative, "{what}");
            compared += 1;
        }
    }
    assert_eq!(compared, names.len() * 6);
}

#[tokio::test]
async fn a_name_of_another_region_is_asked_for_only_in_a_trace() {
    let regions = regions::together(["east", "west"].map(demo_region)).await;
    let (east, west) = (regions.of("east"), regions.of("west"));
    east.peers_up().await;
    let door = west.peers_door().to_string();
    let name = "busybox-0.busybox.west.svc.cluster.local";
    let queries = format!("interlocal_peer_queries_total{{region=\"west\",address=\"{door}\"}}");

    let before = east.counter(&queries).await;
    let look = explained(east, name, "A").await;
    assert_eq!((look.answer.from.as_str(), look.answer.rcode.as_deref()), ("would ask region west", None));
    let link = &look.links[0];
    assert_eq!((link.route.to.as_str(), link.route.target.as_deref()), ("region", Some("west")));
    assert_eq!(link.route.by.as_deref(), Some("west.svc.cluster.local"));
    assert_eq!(link.cache.as_ref().unwrap().state, "none");
    let server = &link.peer.as_ref().unwrap().addresses[0];
    assert_eq!((server.address.to_string(), server.breaker.as_deref()), (door.clone(), Some("closed")));
    assert_eq!(east.counter(&queries).await, before, "a look sends nothing");

    let traced = query(east, &[name, "--trace"]).await;
    assert_eq!(traced.code, Some(0), "{traced:?}");
    for words in ["NOERROR from region west", "10.0.115.11", &format!("sent      {door} at "), "(first): NOERROR"] {
        assert!(traced.stdout.contains(words), "no `{words}` in\n{}", traced.stdout);
    }
    assert!(east.counter(&queries).await > before, "a trace sends");
    assert_eq!(explained(east, name, "A").await.links[0].cache.as_ref().unwrap().state, "none", "and keeps nothing");

    ask_udp(east.dns(), name, RecordType::A).await;
    let kept = explained(east, name, "A").await;
    let cache = kept.links[0].cache.clone().unwrap();
    assert_eq!((cache.state.as_str(), kept.answer.from.as_str()), ("fresh", "cache"));
    assert!(cache.ttl_left_s.unwrap() <= 5 && cache.age_s.is_some(), "{cache:?}");
    assert_eq!(kept.answer.answers.len(), 1);
}

#[tokio::test]
async fn a_dark_region_is_named_with_its_cause_and_nothing_is_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rows = format!("  dark:\n    endpoints: [\"{closed}\"]\n");
    let regions = regions::together_with([demo_region("east")], &rows).await;
    let east = regions.of("east");
    let name = "web.dark.svc.cluster.local.";
    // The question itself finds out; its failure is in the cache for a second.
    ask_udp(east.dns(), name, RecordType::A).await;
    let forgotten = || async { query(east, &[name]).await.stdout.contains("SERVFAIL from region dark") };
    assert!(eventually(secs(20), forgotten).await, "{:?}", query(east, &[name]).await);
    let ended = query(east, &[name]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in [
        "region dark dark: no address is worth asking",
        "connection refused",
        "SERVFAIL from region dark",
        "EDE       22: region dark does not answer",
    ] {
        assert!(ended.stdout.contains(words), "no `{words}` in\n{}", ended.stdout);
    }
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_named() {
    let region = Region::new("east").manifests(&objects()).start().await;
    for (args, words) in [
        (&["web..shop"][..], "`web..shop` is no domain name"),
        (&["web.shop", "NONSENSE"], "`NONSENSE` is no record type"),
        (&["web.shop", "A", "--server", "7"], "`server` is a number below 1"),
    ] {
        let ended = query(&region, args).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}

/// "Nothing mutable listens on anything but loopback": whatever the configuration says.
#[tokio::test]
async fn nothing_is_sent_for_who_is_not_on_loopback() {
    let any = "\"127.0.0.1:0\"";
    let region = Region::new("east").key("listen", &listen([any, any, any, any, any, "\"0.0.0.0:0\""])).start().await;
    let port = region.app().addresses().admin.unwrap().port();
    let admin = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let (status, _) = http::get(admin, "/query?name=x.shop").await.unwrap();
    assert_eq!(status, 200, "looking is for whoever reaches it");
    let admin = admin.to_string();
    let ended = process::run(&std::env::temp_dir(), &["query", "--admin", &admin, "x.shop", "--trace"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("HTTP status 403 Forbidden: `listen.admin` is not on loopback"), "{ended:?}");
}
