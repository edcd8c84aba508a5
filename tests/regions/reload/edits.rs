//! An edit of any file shows in the answers, however the file is replaced: in place, renamed over, or as the kubelet
//! swaps a ConfigMap.

use hickory_proto::rr::RecordType;

use super::making::{ConfigMap, Edited, address, answering, until_address};
use crate::support::client::ask_udp;
use crate::support::region::{CONFIG, Region};
use crate::support::regions::demo_region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{secs, yaml};

fn objects(address: &str) -> String {
    yaml::join(&[yaml::namespace("shop"), yaml::service("shop/web", &[address], &["http:80"])])
}

#[tokio::test]
async fn the_peer_table() {
    let folder = tempfile::tempdir().unwrap();
    let servers =
        ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| answering("west.svc.cluster.local", address, 0));
    let table = |server: &ScriptServer| format!("regions:\n  west:\n    endpoints: [\"{}\"]\n", server.address());
    for mut file in Edited::all_kinds(folder.path(), "peers.yaml", &table(&servers[0])) {
        let region = Region::new("east").key("peers", &format!("{{file: {}}}", file.path().display())).start().await;
        until_address(&region, "*.b.west.svc.cluster.local", "192.0.2.1").await;
        for (server, wanted) in [(&servers[1], "192.0.2.2"), (&servers[2], "192.0.2.3")] {
            file.edit(&table(server));
            until_address(&region, "*.b.west.svc.cluster.local", wanted).await;
        }
        file.edit("regions: {}\n");
        let gone = eventually(secs(20), || async { address(&region, "x.b.west.svc.cluster.local").await.is_none() });
        assert!(gone.await, "the row is gone and the region still answers");
        // A row that comes back.
        file.edit(&table(&servers[0]));
        until_address(&region, "*.c.west.svc.cluster.local", "192.0.2.1").await;
    }
}

#[tokio::test]
async fn the_configuration() {
    let servers = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| answering("example", address, 0));
    let rows = |server: &ScriptServer| format!("[{{zone: example, to: [\"{}\"]}}]", server.address());
    let region = Region::new("east").forward(&rows(&servers[0])).start().await;
    until_address(&region, "*.example", "192.0.2.1").await;
    region.rewrite_key("forward", &rows(&servers[1]));
    until_address(&region, "*.example", "192.0.2.2").await;
    // In place.
    let text = std::fs::read_to_string(region.path(CONFIG)).unwrap();
    let port = |server: &ScriptServer| server.address().to_string();
    std::fs::write(region.path(CONFIG), text.replace(&port(&servers[1]), &port(&servers[2]))).unwrap();
    until_address(&region, "*.example", "192.0.2.3").await;
    // The regular file becomes a mounted ConfigMap, which is swapped then.
    let mut map = ConfigMap::mount(&region.path("mounted"), &[(CONFIG, &text)]);
    std::os::unix::fs::symlink("mounted/interlocal.yaml", region.path("link~")).unwrap();
    std::fs::rename(region.path("link~"), region.path(CONFIG)).unwrap();
    until_address(&region, "*.example", "192.0.2.2").await;
    map.swap(&[(CONFIG, &text.replace(&port(&servers[1]), &port(&servers[0])))]);
    until_address(&region, "*.example", "192.0.2.1").await;
    assert_eq!(region.metric("interlocal_restart_required").await.unwrap_or(0.0), 0.0);
}

/// What is applied in place besides `forward`: the TTL of local names, and how pods' names are answered.
#[tokio::test]
async fn settings_of_the_zone() {
    let region = demo_region("east").start().await;
    let pod = "10-0-1-144.default.pod.cluster.local";
    assert_eq!(address(&region, pod).await.as_deref(), Some("10.0.1.144"));
    region.rewrite_key("kubernetes", "{source: manifests, pods: disabled, ttl: 9s}");
    let applied = eventually(secs(20), || async { address(&region, pod).await.is_none() });
    assert!(applied.await, "pods: disabled");
    let reply = ask_udp(region.dns(), "web.default.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.answers[0].ttl, 9);
}

#[tokio::test]
async fn manifests_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for mut file in Edited::all_kinds(folder.path(), "objects.yaml", &objects("10.96.0.1")) {
        let source = format!("{{source: {}}}", file.path().display());
        let region = Region::new("east").key("kubernetes", &source).start().await;
        for wanted in ["10.96.0.1", "10.96.0.2", "10.96.0.3"] {
            file.edit(&objects(wanted));
            until_address(&region, "web.shop.svc.cluster.local", wanted).await;
        }
    }
}

#[tokio::test]
async fn manifests_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for mut file in Edited::all_kinds(folder.path(), "objects.yaml", &objects("10.96.0.1")) {
        let mounted = file.path().parent().unwrap().to_owned();
        let region = Region::new("east").key("kubernetes", &format!("{{source: {}}}", mounted.display())).start().await;
        for wanted in ["10.96.0.1", "10.96.0.2"] {
            file.edit(&objects(wanted));
            until_address(&region, "web.shop.svc.cluster.local", wanted).await;
        }
        // One more file, and its end.
        let more = yaml::service("shop/more", &["10.96.0.9"], &["http:80"]);
        std::fs::write(mounted.join("more.yaml"), more).unwrap();
        until_address(&region, "more.shop.svc.cluster.local", "10.96.0.9").await;
        std::fs::remove_file(mounted.join("more.yaml")).unwrap();
        let gone = eventually(secs(20), || async { address(&region, "more.shop.svc.cluster.local").await.is_none() });
        assert!(gone.await, "the file is gone and its Service is not");
        assert_eq!(address(&region, "web.shop.svc.cluster.local").await.as_deref(), Some("10.96.0.2"));
    }
}

/// resolv.conf knows no port but 53, which few tests may have: here it is only asked whom the program asks.
#[tokio::test]
async fn a_resolv_conf() {
    let folder = tempfile::tempdir().unwrap();
    for mut file in Edited::all_kinds(folder.path(), "resolv.conf", "nameserver 127.53.0.1\n") {
        let row = format!("[{{zone: ., to: [\"{}\"]}}]", file.path().display());
        let region = Region::new("east").forward(&row).start().await;
        for server in ["127.53.0.1", "127.53.0.2", "127.53.0.3"] {
            file.edit(&format!("search example.com\nnameserver {server}\n"));
            let listed = eventually(secs(20), || async { upstreams(&region) == [format!("{server}:53")] });
            assert!(listed.await, "{:?} and not {server}", upstreams(&region));
        }
        // One without servers changes nothing.
        file.edit("search example.com\n");
        file.edit("nameserver 127.53.0.4\n");
        let listed = eventually(secs(20), || async { upstreams(&region) == ["127.53.0.4:53"] });
        assert!(listed.await, "{:?}", upstreams(&region));
    }
}

fn upstreams(region: &Running) -> Vec<String> {
    let routing = region.app().core().routing.load();
    let servers = routing.upstreams.iter().flat_map(|upstream| upstream.snapshot().udp);
    servers.map(|server| server.address.to_string()).collect()
}

#[tokio::test]
async fn other_files_in_place_of_these() {
    let west = answering("west.svc.cluster.local", "192.0.2.1", 0);
    let region = Region::new("east")
        .manifests(&objects("10.96.0.1"))
        .file("others/objects.yaml", &yaml::join(&[yaml::namespace("shop"), yaml::external("shop/out", "a.example")]))
        .file("others.yaml", &format!("regions: {{west: {{endpoints: [\"{}\"]}}}}\n", west.address()))
        .start()
        .await;
    assert_eq!(address(&region, "web.shop.svc.cluster.local").await.as_deref(), Some("10.96.0.1"));
    region.rewrite_key("peers", "{file: others.yaml}");
    until_address(&region, "*.a.west.svc.cluster.local", "192.0.2.1").await;
    region.rewrite_key("kubernetes", "{source: others}");
    // What is only in the old folder goes, what is only in the new one comes.
    let moved = eventually(secs(20), || async {
        let reply = ask_udp(region.dns(), "out.shop.svc.cluster.local", RecordType::CNAME).await;
        !reply.answers.is_empty() && address(&region, "web.shop.svc.cluster.local").await.is_none()
    });
    assert!(moved.await, "web is {:?}", address(&region, "web.shop.svc.cluster.local").await);
    // The new ones are watched.
    region.write("others/objects.yaml", &objects("10.96.0.2"));
    until_address(&region, "web.shop.svc.cluster.local", "10.96.0.2").await;
    region.write("others.yaml", "regions: {}\n");
    let gone = eventually(secs(20), || async { address(&region, "x.b.west.svc.cluster.local").await.is_none() });
    assert!(gone.await);
}
