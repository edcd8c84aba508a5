//! `import` and `validate` as an operator runs them.

use crate::setup::{Folder, shape, shapes};
use crate::support::process::run;

#[tokio::test]
async fn every_shape_is_imported_and_what_is_written_is_valid() {
    let mut imported = 0;
    for name in shapes() {
        let folder = Folder::new(&shape(&name));
        let ended = run(&folder.path(""), &["import", "Corefile", "--out", "new"]).await;
        assert_eq!(ended.code, Some(0), "{name}: {}{}", ended.stdout, ended.stderr);
        let mut arguments = vec!["validate", "new/interlocal.yaml"];
        if folder.path("new/peers.yaml").exists() {
            arguments.push("new/peers.yaml");
        }
        let ended = run(&folder.path(""), &arguments).await;
        assert_eq!(ended.code, Some(0), "{name}: {}{}", ended.stdout, ended.stderr);
        imported += 1;
    }
    assert!(imported >= 15, "{imported} imported");
}

#[tokio::test]
async fn import_lists_what_it_cannot_carry_and_writes_over_nothing() {
    let folder = Folder::new(".:53 {\n    forward . 10.0.0.1\n    file db.example example.org\n}\n");
    let ended = run(&folder.path(""), &["import", "Corefile"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for part in ["interlocal.yaml", "Not carried over:", "Corefile:3:5: error: `file` is not supported", "help: "] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let written = std::fs::read_to_string(folder.path("interlocal.yaml")).unwrap();
    assert!(written.contains("10.0.0.1:53"), "{written}");
    let again = run(&folder.path(""), &["import", "Corefile"]).await;
    assert_eq!(again.code, Some(2), "{}", again.stdout);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
}

#[tokio::test]
async fn validate_says_what_a_corefile_becomes() {
    let folder = Folder::new(&shape("camunda"));
    let ended = run(&folder.path(""), &["validate", "Corefile"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for part in [
        "Corefile:2: errors: better",
        "server 0.0.0.0:53 [::]:53",
        "cluster: cluster.local",
        "region camunda-paris: 10.202.19.54:53 10.202.53.21:53 10.202.84.222:53",
        "is an address of `camunda-paris` and of `camunda-paris-failover`",
        "Corefile: Corefile, 1 server(s): fine",
    ] {
        assert!(ended.stdout.contains(part), "{part}:\n{}", ended.stdout);
    }
    let folder = Folder::new(
        ".:53 {\n    kubernetes cluster.local {\n        endpoint https://10.0.0.1\n        tls a b c\n        pods verified\n    }\n    autopath @kubernetes\n    k8s_external lb.example\n    forward . 10.0.0.1\n}\nb.example {\n    autopath @kubernetes\n    k8s_external\n}\n",
    );
    let ended = run(&folder.path(""), &["validate", "Corefile"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for part in [
        "Corefile:7: autopath: the same: by the pod that asks",
        "  load balancers: lb.example",
        "autopath: but it does nothing without `kubernetes`",
        "Corefile:13: k8s_external: it does nothing without `kubernetes`",
    ] {
        assert!(ended.stdout.contains(part), "{part}:\n{}", ended.stdout);
    }
    let folder = Folder::new(".:53 {\n    view a {\n        expr true\n    }\n}\n");
    let ended = run(&folder.path(""), &["validate", "Corefile"]).await;
    assert_eq!(ended.code, Some(1));
    let ended = run(&folder.path(""), &["serve", "--corefile", "Corefile"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("`view` is not supported"), "{}", ended.stderr);
}

#[tokio::test]
async fn validate_says_who_is_asked_over_tls_and_behind_whom() {
    let folder = Folder::new(
        ".:53 {\n    forward . tls://9.9.9.9%dns.quad9.net {\n        next NXDOMAIN\n        next_on_nodata\n        failover NXDOMAIN REFUSED\n    }\n    forward . 10.0.0.1 dns.example.com {\n        next SERVFAIL\n        tls_servername a\n    }\n}\n",
    );
    let ended = run(&folder.path(""), &["validate", "Corefile"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for part in [
        "Corefile:2: forward: asked over TLS; without a CA file the system's certificates count, and our image has none",
        "Corefile:5: failover: the same: ",
        "Corefile:7: next: no `forward` behind it takes `.`",
        "Corefile:9: tls_servername: not needed: no upstream of it is asked over TLS",
        "forward: . to 9.9.9.9%dns.quad9.net:853 over TLS",
        "    behind NXDOMAIN NODATA: 10.0.0.1:53 dns.example.com:53",
    ] {
        assert!(ended.stdout.contains(part), "{part}:\n{}", ended.stdout);
    }
    let ended = run(&folder.path(""), &["import", "Corefile"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let written = std::fs::read_to_string(folder.path("interlocal.yaml")).unwrap();
    for part in
        ["tls: {}", "failover: [\"NXDOMAIN\"]", "- on: [\"NXDOMAIN\", \"NODATA\"]", "resolver: [\"/etc/resolv.conf\"]"]
    {
        assert!(written.contains(part), "{part}:\n{written}");
    }
}
