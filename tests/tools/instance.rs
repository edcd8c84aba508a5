//! `status`, `cache` and `zone`: a running instance looked at, and its cache flushed.

use hickory_proto::rr::RecordType;
use interlocal::server::admin::cache::Kept;
use interlocal::server::admin::json;
use interlocal::server::admin::status::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::golden;
use crate::support::client::ask_udp;
use crate::support::process::{self, Ended};
use crate::support::region::{Region, listen};
use crate::support::regions::{self, demo_region};
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{secs, yaml};

async fn run(region: &Running, args: &[&str]) -> Ended {
    let admin = region.app().addresses().admin.unwrap().to_string();
    let mut all = args.to_vec();
    all.extend(["--admin", &admin]);
    process::run(&std::env::temp_dir(), &all).await
}

fn shop() -> Region {
    Region::new("east").manifests(&yaml::join(&[
        yaml::namespace("shop"),
        yaml::namespace("bank"),
        yaml::service("shop/web", &["10.0.0.7"], &["http:80", "dns:53/UDP"]),
        yaml::slice("shop/web", &["10.0.96.4", "10.0.96.5=first", "10.0.96.6!"], &["http:8080"]),
        yaml::headless("shop/db", &["pg:5432"]),
        yaml::slice("shop/db", &["10.0.96.9=db-0"], &["pg:5432"]),
        yaml::external("bank/outside", "www.example.com"),
    ]))
}

#[tokio::test]
async fn the_zone_is_listed_as_it_was_read() {
    let region = shop().start().await;
    let serial = region.app().core().zone.load().serial.to_string();
    let redact = [(serial.as_str(), "SERIAL")];
    for (golden, args) in [
        ("zone/list.txt", &["zone", "list"][..]),
        ("zone/list-namespace.txt", &["zone", "list", "bank"]),
        ("zone/get.txt", &["zone", "get", "shop/web"]),
        ("zone/get.json", &["zone", "get", "shop/db", "-o", "json"]),
    ] {
        let ended = run(&region, args).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        golden::check(golden, &ended.stdout, &redact);
    }
    for (service, why) in
        [("shop/wep", "no such Service `wep` in namespace `shop`"), ("shoop/web", "no such namespace `shoop`")]
    {
        let ended = run(&region, &["zone", "get", service]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(&format!("HTTP status 404 Not Found: {why}")), "{ended:?}");
    }
}

#[tokio::test]
async fn what_is_kept_is_shown_and_forgotten() {
    let upstream = ScriptServer::start();
    for name in ["www.example.com", "api.example.com"] {
        drop(upstream.on(name, RecordType::A).answer_a("192.0.2.1", 300));
    }
    let region = Region::new("east").forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address())).start().await;
    let ask = async |name| drop(ask_udp(region.dns(), name, RecordType::A).await);
    ask("www.example.com").await;
    ask("api.example.com").await;
    let ended = run(&region, &["cache", "get", "www.example.com", "-o", "json"]).await;
    let kept: Kept = json::read(&ended.stdout).unwrap();
    assert_eq!((ended.code, kept.entries.len()), (Some(0), 1), "{kept:?}");
    let entry = &kept.entries[0];
    assert_eq!((entry.from.as_deref(), entry.state.as_str(), entry.qtype.as_str()), (Some("upstream ."), "fresh", "A"));
    assert!(entry.answers[0].starts_with("www.example.com. ") && entry.answers[0].ends_with(" IN A 192.0.2.1"));
    golden::check(
        "cache/get.txt",
        &run(&region, &["cache", "get", "www.example.com"]).await.stdout,
        &[(" 30 IN", " TTL IN"), (" 29 IN", " TTL IN")],
    );

    let flushed = run(&region, &["cache", "flush", "www.example.com"]).await;
    assert_eq!((flushed.code, flushed.stdout.as_str()), (Some(0), "forgotten: 1\n"));
    let gone = run(&region, &["cache", "get", "www.example.com"]).await;
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(1), "nothing is kept for www.example.com\n"));
    ask("api.example.com").await;
    assert_eq!(upstream.count("api.example.com", RecordType::A), 1, "another name stays");
    ask("www.example.com").await;
    assert_eq!(upstream.count("www.example.com", RecordType::A), 2, "it is asked anew");

    let flushed = run(&region, &["cache", "flush", "-o", "json"]).await;
    assert_eq!(flushed.stdout.split_whitespace().collect::<String>(), "{\"flushed\":2}");
    assert!(region.app().core().cache.is_empty());
}

#[tokio::test]
async fn status_says_first_what_is_wrong() {
    let regions = regions::together(["east", "west"].map(demo_region)).await;
    let east = regions.of("east");
    east.peers_up().await;
    let well = run(east, &["status"]).await;
    assert_eq!(well.code, Some(0), "{well:?}");
    let (zone, table) = (east.app().core().zone.load(), east.app().core().routing.load().table.hash);
    let host = east.app().core().identity.host.clone();
    let redact = [
        (format!("{:016x}", zone.hash), "HASH"),
        (format!("{table:016x}"), "TABLE"),
        (zone.serial.to_string(), "SERIAL"),
        (format!(" on {host},"), " on HOST,"),
    ];
    let redact: Vec<(&str, &str)> = redact.iter().map(|(what, with)| (what.as_str(), *with)).collect();
    // Columns are as wide as a time is long.
    let squeezed: Vec<String> =
        well.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    golden::check("status/well.txt", &(squeezed.join("\n") + "\n"), &redact);
    let status: Status = json::read(&run(east, &["status", "-o", "json"]).await.stdout).unwrap();
    assert_eq!((status.complaints(), status.regions.len()), (Vec::new(), 2));

    let text = std::fs::read_to_string(east.path("peers.yaml")).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    east.rewrite_peers(&format!("{text}  north:\n    endpoints: [\"{closed}\"]\n"));
    east.until_metric("interlocal_peers_table_generation_total", 2.0).await;
    ask_udp(east.dns(), "web.north.svc.cluster.local", RecordType::A).await;
    east.rewrite_peers("regions: 7\n");
    east.until_metric("interlocal_peers_table_ok", 0.0).await;
    let ill = run(east, &["status"]).await;
    assert_eq!(ill.code, Some(1), "{ill:?}");
    let first =
        "! the newest peer table is bad and not in use, see the log\n! region north is dark: connection refused\n";
    assert!(ill.stdout.starts_with(first), "{}", ill.stdout);
}

/// Flags and all; and a file that waits for something is not shown as if it were in use.
#[tokio::test]
async fn the_configuration_in_use_is_printed_whole() {
    let region = shop().start().await;
    let admin = region.app().addresses().admin.unwrap().to_string();
    let config = async || process::run(&std::env::temp_dir(), &["config", "--from-instance", &admin]).await;
    let ended = config().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.starts_with(&format!("# In use: {}\n", region.path("interlocal.yaml").display())),
        "{ended:?}"
    );
    let file = std::path::Path::new("x/interlocal.yaml");
    let overrides = interlocal::config::Overrides::default();
    let read =
        interlocal::config::file::parse(&ended.stdout, file, interlocal::config::UnknownKeys::Refuse, &overrides);
    assert_eq!(read.unwrap().value.workers, Some(2));
    assert!(ended.stdout.lines().any(|line| line.starts_with("  in_flight: 4096 ")), "with every default");
    region.rewrite_key("workers", "3");
    let told = eventually(secs(30), || async {
        let ended = config().await;
        ended.code == Some(2)
            && ended.stderr.contains("says something else than what is in use: it waits for a restart")
    });
    assert!(told.await, "{:?}", config().await);
}

/// The same pages on a socket, and what changes something too: only our own user gets there.
#[tokio::test]
async fn the_tools_reach_an_instance_through_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    // As a killed instance leaves it.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let admin = format!("unix:{}", path.display());
    let any = "\"127.0.0.1:0\"";
    let region = shop().key("listen", &listen([any, any, any, any, any, &format!("\"{admin}\"")])).start().await;
    assert_eq!(region.app().addresses().admin, None, "nothing on the network");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let run = async |args: &[&str]| process::run(folder.path(), &[args, &["--admin", &admin]].concat()).await;
    let listed = run(&["zone", "list"]).await;
    assert!(listed.code == Some(0) && listed.stdout.contains("web"), "{listed:?}");
    let flushed = run(&["cache", "flush"]).await;
    assert_eq!((flushed.code, flushed.stdout.as_str()), (Some(0), "forgotten: 0\n"));
    assert_eq!(run(&["query", "web.shop.svc.cluster.local.", "--trace"]).await.code, Some(0));
    drop(region);
    let gone = run(&["status"]).await;
    assert!(gone.code == Some(2) && gone.stderr.contains(&format!("cannot read /status of {admin}; ")), "{gone:?}");
    assert!(!path.exists(), "it goes with the instance");
    let odd = process::run(folder.path(), &["status", "--admin", "unix:here.sock"]).await;
    assert!(odd.code == Some(2) && odd.stderr.contains("has no absolute path of a file"), "{odd:?}");
}

/// "Nothing mutable listens on anything but loopback", and no page of a browser changes anything.
#[tokio::test]
async fn only_our_tools_on_loopback_change_anything() {
    let any = "\"127.0.0.1:0\"";
    let open = Region::new("east").key("listen", &listen([any, any, any, any, any, "\"0.0.0.0:0\""])).start().await;
    let port = open.app().addresses().admin.unwrap().port();
    let ended = process::run(&std::env::temp_dir(), &["cache", "flush", "--admin", &format!("127.0.0.1:{port}")]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("403 Forbidden: `listen.admin` is not on loopback"), "{ended:?}");
    let ended = process::run(&std::env::temp_dir(), &["status", "--admin", &format!("127.0.0.1:{port}")]).await;
    assert_eq!(ended.code, Some(0), "looking is for whoever reaches it: {ended:?}");

    let closed = Region::new("east").start().await;
    let admin = closed.app().addresses().admin.unwrap();
    let mut stream = tokio::net::TcpStream::connect(admin).await.unwrap();
    let request =
        format!("POST /cache/flush HTTP/1.1\r\nHost: {admin}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 403 ") && reply.contains("`interlocal-tool: 1` is missing"), "{reply}");
    assert_eq!(run(&closed, &["cache", "flush"]).await.code, Some(0));
}
