//! What an operator is told of files that are wrong, word by word; what is lost by them, and what is not.

use std::fs;
use std::path::Path;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::support::client::ask_udp;
use crate::support::ip;
use crate::support::process::{self, Ended};
use crate::support::read::addresses;
use crate::support::region::Region;
use crate::support::yaml;

/// `validate` on files with these names and texts, in this order.
async fn validate(files: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["validate"];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
        args.push(name);
    }
    process::run(folder.path(), &args).await
}

/// It finds exactly this in them.
async fn assert_found(files: &[(&str, &str)], expected: &str) {
    let ended = validate(files).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(1), expected, ""));
}

#[tokio::test]
async fn good_files_are_exit_0_whatever_their_order() {
    let files = [
        ("objects.yaml", &*yaml::join(&[yaml::namespace("shop"), yaml::external("shop/out", "example.com")])),
        ("peers.yaml", "regions: {east: {}, west: {endpoints: [10.0.118.91]}}\n"),
        ("interlocal.yaml", "region: east\n"),
    ];
    let ended = validate(&files).await;
    let fine = "interlocal.yaml: configuration, 1 server(s): fine
peers.yaml: peer table, 2 region(s): fine
objects.yaml: manifests, 2 object(s): fine
";
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), fine, ""));

    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for args in [
        &["validate", "demo/peers.yaml", "demo/east/interlocal.yaml", "demo/east/manifests"][..],
        &["validate", "interlocal.yaml", "peers.yaml", "--region", "west"],
    ] {
        let ended = process::run(&demo, args).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn usage_and_files_that_cannot_be_read_are_exit_2() {
    let here = std::env::temp_dir();
    let ended = process::run(&here, &["validate", "no-such-file.yaml"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(ended.stderr, "error: cannot read no-such-file.yaml: No such file or directory (os error 2)\n");
    for args in [&["validate"][..], &["serve", "--prot", "53"], &["sreve"], &[]] {
        assert_eq!(process::run(&here, args).await.code, Some(2), "{args:?}");
    }
}

#[tokio::test]
async fn unknown_keys_and_wrong_types_of_a_configuration() {
    let text = "region: east\nlisten:\n  dsn: [\":53\"]\ncache: {size: lots}\nkubernetes: [api]\nzzz: 1\n";
    assert_found(
        &[("interlocal.yaml", text)],
        "\
interlocal.yaml:3:3: error: unknown key `dsn`
   3 |   dsn: [\":53\"]
     |   ^^^
  help: did you mean `dns`?

interlocal.yaml:4:15: error: `lots` is not a size
   4 | cache: {size: lots}
     |               ^^^^
  help: write a whole number of bytes, or one with `KiB`, `MiB` or `GiB`

interlocal.yaml:5:13: error: expected a mapping, found a list
   5 | kubernetes: [api]
     |             ^
  help: its keys are: source, pods, ttl, namespaces, namespace_labels, labels, endpoint_pod_names, noendpoints, ignore_empty_service, kubeconfig, context, tls

interlocal.yaml:6:1: error: unknown key `zzz`
   6 | zzz: 1
     | ^^^
  help: known: region, cluster_domain, listen, kubernetes, peers, forward, policy, external, cache, shutdown, limits, state_dir, workers, metrics, log, stamp_option, sockets, servers

",
    )
    .await;
}

#[tokio::test]
async fn a_table_that_takes_what_it_may_not() {
    let table = "regions:
  east:
    endpoints: [\"127.0.0.1:1\"]
  west:
    endpoint: [\"127.0.0.1:2\"]
    zones: [east.svc.cluster.local]
  kube-system:
    endpoints: [10.0.0.1]
  de:
    endpoints: [10.0.0.2]
  north:
    endpoints: 10.0.0.3
    zones: [svc.cluster.local]
";
    assert_found(
        &[("peers.yaml", table), ("interlocal.yaml", "region: east\n")],
        "\
interlocal.yaml: configuration, 1 server(s): fine
peers.yaml:4:3: error: region `west` has no `endpoints`
   4 |   west:
     |   ^^^^
  help: write the host or address of its resolver: `endpoints: [10.0.118.91]`

peers.yaml:5:5: error: unknown key `endpoint`
   5 |     endpoint: [\"127.0.0.1:2\"]
     |     ^^^^^^^^
  help: did you mean `endpoints`?

peers.yaml:6:13: error: zone `east.svc.cluster.local` belongs to two regions, `east` and `west`
   6 |     zones: [east.svc.cluster.local]
     |             ^^^^^^^^^^^^^^^^^^^^^^
  help: the other is in line 2; one region can own it

peers.yaml:7:3: error: zone `kube-system.svc.cluster.local` takes the namespace `kube-system` of the cluster itself
   7 |   kube-system:
     |   ^^^^^^^^^^^
  help: `default` and `kube-*` are in every cluster; name the region otherwise

peers.yaml:9:3: error: `de` is a top-level domain
   9 |   de:
     |   ^^
  help: search paths would send `example.de` to this region; choose another label, or write `allow_tld: true`

peers.yaml:12:16: error: expected a list, found `10.0.0.3`
  12 |     endpoints: 10.0.0.3
     |                ^^^^^^^^
  help: write `[10.0.0.3]`

peers.yaml:13:13: error: `svc.cluster.local` holds every Service of the cluster
  13 |     zones: [svc.cluster.local]
     |             ^^^^^^^^^^^^^^^^^
  help: a region takes names below `svc.cluster.local`

",
    )
    .await;
}

#[tokio::test]
async fn broken_documents_of_manifests() {
    let text = "apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: 80}
---
apiVersion: v1
kind: Service
 metadata: {}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
";
    assert_found(
        &[("objects.yaml", text)],
        "\
objects.yaml:1:1: Service shop/web: spec.ports: expected a list, found a number

objects.yaml:8:10: mapping values are not allowed in this context

",
    )
    .await;
}

#[tokio::test]
async fn serve_does_not_start_with_a_broken_configuration() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("interlocal.yaml"), "cache: {size: lots}\n").unwrap();
    let ended = process::run(folder.path(), &["serve", "--config", "interlocal.yaml"]).await;
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.stderr,
        "\
interlocal.yaml:1:15: error: `lots` is not a size
   1 | cache: {size: lots}
     |               ^^^^
  help: write a whole number of bytes, or one with `KiB`, `MiB` or `GiB`

"
    );
    fs::write(folder.path().join("interlocal.yaml"), "region: [\n").unwrap();
    let ended = process::run(folder.path(), &["serve", "--config", "interlocal.yaml"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.starts_with("interlocal.yaml:1:9: error: unclosed bracket '['\n"), "{}", ended.stderr);
    let ended = process::run(folder.path(), &["serve", "--config", "other.yaml"]).await;
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.stderr, "error: cannot read other.yaml: No such file or directory (os error 2)\n");
}

#[tokio::test]
async fn a_broken_document_loses_itself_and_nothing_else() {
    let service = |name: &str, address: &str| yaml::service(&format!("shop/{name}"), &[address], &["http:80"]);
    let objects = [
        yaml::namespace("shop"),
        service("first", "10.96.0.1"),
        "apiVersion: v1\nkind: Service\n metadata: {}\n".to_owned(),
        "apiVersion: v1\nkind: Service\nmetadata: {name: lost, namespace: shop}\nspec: {clusterIP: 10.96.0.9, ports: 80}\n".to_owned(),
        service("second", "10.96.0.2"),
    ];
    let region = Region::new("east")
        .manifests(&yaml::join(&objects))
        .file("manifests/other.yaml", "kind: [\n")
        .file("manifests/third.yaml", &service("third", "10.96.0.3"))
        .start()
        .await;
    for (name, address) in [("first", "10.96.0.1"), ("second", "10.96.0.2"), ("third", "10.96.0.3")] {
        let reply = ask_udp(region.dns(), &format!("{name}.shop.svc.cluster.local"), RecordType::A).await;
        assert_eq!(addresses(&reply), [ip(address)], "{name}");
    }
    let reply = ask_udp(region.dns(), "lost.shop.svc.cluster.local", RecordType::A).await;
    assert_eq!(reply.response_code, ResponseCode::NXDomain);
    assert_eq!(region.metric("interlocal_zone_broken_documents").await, Some(3.0));
    assert_eq!(region.get("/ready").await.0, 200);
}
