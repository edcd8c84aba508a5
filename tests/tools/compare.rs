//! `interlocal compare` with a real CoreDNS in front of the same real API server: alike but for what is wanted, and every planted
//! difference found and named by its kind.

use hickory_proto::rr::RecordType;

use crate::faults::world::{Place, World, row};
use crate::support::apiserver::ApiServer;
use crate::support::client::ask_udp;
use crate::support::coredns::CoreDns;
use crate::support::process::{Ended, Process};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{secs, yaml};

/// A namespace with one of each kind; its slice is made by hand.
fn objects(namespace: &str) -> String {
    let path = |name: &str| format!("{namespace}/{name}");
    let service = |name: &str, spec: &str| {
        format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n")
    };
    yaml::join(&[
        yaml::namespace(namespace),
        service("web", "ports: [{name: http, port: 80}, {name: https, port: 443}]"),
        service("both", "ipFamilyPolicy: RequireDualStack, ports: [{name: http, port: 80}]"),
        service("db", "clusterIP: None, ports: [{name: sql, port: 5432}]"),
        yaml::slice(&path("db"), &["10.1.7.1=db-0", "10.1.7.2=db-1", "10.1.7.3!"], &["sql:5432"]),
        yaml::external(&path("out"), "nowhere.example"),
        yaml::external(&path("in"), &format!("web.{namespace}.svc.cluster.local")),
    ])
}

/// Both servers, which have read the namespace, and the folder with our configuration.
struct Both {
    world: World,
    east: Place,
    coredns: CoreDns,
    _running: Process,
    _upstream: ScriptServer,
}

impl Both {
    async fn start(test: &str, namespace: &str, plugins: &str) -> Option<Self> {
        let api = ApiServer::shared(test).await?;
        api.apply(&objects(namespace)).await;
        let block =
            "    kubernetes cluster.local in-addr.arpa ip6.arpa {\n        kubeconfig KUBECONFIG\n        KEYS\n    }";
        let (keys, more) = plugins.split_once('|').unwrap_or(("", plugins));
        let block = block.replace("KUBECONFIG", &api.kubeconfig().to_string_lossy()).replace("KEYS", keys);
        let upstream = ScriptServer::start();
        upstream.on_zone("example").nxdomain("example", 30);
        let upstreams = upstream.address();
        let coredns = CoreDns::start(test, &format!("{more}\n{block}\n    forward . {upstreams}"))?;
        let mut world = World::new();
        world.kubeconfig = Some(api.kubeconfig());
        let forward = format!("[{{zone: ., to: [\"{upstreams}\"]}}]");
        let east = Place::new("east").key("kubernetes", "{source: api}").key("forward", &forward);
        world.table(&[row("east", east.peers())]);
        let running = world.serve_ready(&east).await;
        let name = format!("db-1.db.{namespace}.svc.cluster.local");
        coredns.answers(&name).await;
        let there =
            eventually(secs(60), || async { !ask_udp(east.dns(), &name, RecordType::A).await.answers.is_empty() });
        assert!(there.await, "we do not read the namespace");
        Some(Self { world, east, coredns, _running: running, _upstream: upstream })
    }

    async fn compare(&self, more: &[&str]) -> Ended {
        let (ours, theirs) = (self.east.dns().to_string(), self.coredns.address().to_string());
        let mut args =
            vec!["compare", "--config", "east.yaml", "--ours", &ours, "--against", &theirs, "--rate", "2000"];
        args.extend(more);
        self.world.run(&args).await
    }
}

fn number(json: &serde_json::Value, key: &str) -> u64 {
    json[key].as_u64().unwrap_or_else(|| panic!("no {key} in {json}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_name_of_the_cluster_is_alike_but_for_what_is_wanted() {
    let test = "every_name_of_the_cluster_is_alike_but_for_what_is_wanted";
    let Some(both) = Both::start(test, "alike", "ttl 5|").await else { return };
    let ended = both.compare(&["-o", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let (compared, same, wanted) = (number(&json, "compared"), number(&json, "same"), number(&json, "only_wanted"));
    assert!(compared > 40 && compared == same + wanted, "{json}");
    for row in ["RA", "NS and `ns.dns`", "End of a chain"] {
        assert!(json["wanted"][row].as_u64() > Some(0), "{row} is not seen: {json}");
    }
    // The instance itself knows all of it but the pods: the names are the same, and so is the result.
    let admin = both.east.admin().to_string();
    let read = both.compare(&["-o", "json", "--from-instance", &admin]).await;
    let read: serde_json::Value = serde_json::from_str(&read.stdout).unwrap_or_default();
    assert_eq!((number(&read, "compared"), &read["differences"]), (compared, &json["differences"]), "{read}");
    let text = both.compare(&[]).await;
    assert!(text.stdout.starts_with("✔ ") && text.stdout.contains("other because it is wanted"), "{}", text.stdout);
    assert!(text.stderr.is_empty(), "no bar where there is no terminal: {}", text.stderr);
}

/// An rcode, records, TTLs: each planted in CoreDNS, each found by its kind, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_differences_are_found_by_their_kind() {
    let plugins = "ttl 60|\
        \x20   template IN A both.planted.svc.cluster.local {\n        rcode NXDOMAIN\n    }\n\
        \x20   hosts {\n        192.0.2.7 db-0.db.planted.svc.cluster.local\n        ttl 60\n        no_reverse\n        fallthrough\n    }";
    let test = "planted_differences_are_found_by_their_kind";
    let Some(both) = Both::start(test, "planted", plugins).await else { return };
    let ended = both.compare(&["-o", "json", "--ignore", "ttl"]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let differences: Vec<(String, String)> = json["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (format!("{} {}", it["name"].as_str().unwrap(), it["type"].as_str().unwrap()), it["kinds"].to_string())
        })
        .collect();
    let expected = [
        ("both.planted.svc.cluster.local. A", "[\"rcode\",\"records\",\"flags\"]"),
        ("db-0.db.planted.svc.cluster.local. A", "[\"records\"]"),
    ];
    for (name, kinds) in expected {
        let found = differences.iter().find(|(it, _)| it == name).map(|(_, kinds)| kinds.as_str());
        // CoreDNS says AA of what a template makes, too.
        assert!(
            found.is_some_and(|found| found == kinds || kinds.starts_with(found.trim_end_matches(']'))),
            "{name}: {differences:?}"
        );
    }
    let others: Vec<_> = differences.iter().filter(|(name, _)| !expected.iter().any(|it| it.0 == name)).collect();
    // The same host's other type is answered by the planted `hosts` as well.
    assert!(others.iter().all(|(name, _)| name.starts_with("db-0.db.planted.")), "{others:?}");
    let text = both.compare(&[]).await;
    let ttl = text.stdout.lines().find(|line| line.starts_with("✖ ttl: ")).unwrap_or_default();
    assert!(ttl.trim_start_matches("✖ ttl: ").parse::<usize>().is_ok_and(|count| count > 20), "{}", text.stdout);
    let shown = "  both.planted.svc.cluster.local. A\n    ours    NOERROR A 10.96.";
    assert!(text.stdout.contains(shown), "{}", text.stdout);
}

/// What CoreDNS has logged is asked again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_coredns_is_a_list_of_questions() {
    let test = "the_log_of_coredns_is_a_list_of_questions";
    let Some(both) = Both::start(test, "logged", "ttl 5|    log").await else { return };
    for name in
        ["web.logged.svc.cluster.local", "_http._tcp.web.logged.svc.cluster.local", "nobody.logged.svc.cluster.local"]
    {
        ask_udp(both.coredns.address(), name, RecordType::SRV).await;
    }
    let logged = eventually(secs(60), || async { both.coredns.log().contains("SRV IN nobody.logged") }).await;
    assert!(logged, "{}", both.coredns.log());
    let only: String =
        both.coredns.log().lines().filter(|line| line.contains(" IN ")).map(|line| format!("{line}\n")).collect();
    both.world.file("queries.log", &only);
    let ended = both.compare(&["--file", "queries.log", "-o", "json"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!((3..=8).contains(&number(&json, "compared")), "{json}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_no_equal() {
    let (world, east) = (World::new(), Place::new("east"));
    world.table(&[row("east", east.peers())]);
    let _running = world.serve_ready(&east).await;
    world.file("names", "web.east.svc.cluster.local\n");
    let nobody = Place::new("nobody").dns().to_string();
    let ours = east.dns().to_string();
    let args = ["compare", "--config", "east.yaml", "--ours", &ours, "--against", &nobody, "--file", "names"];
    let ended = world.run(&args).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("1 not answered") && ended.stdout.contains("ours answered, theirs "),
        "{}",
        ended.stdout
    );
}
