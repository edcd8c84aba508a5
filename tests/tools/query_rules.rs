//! `interlocal query` for a server with rules: what they do is shown, is what the door does, and is not counted.

use hickory_proto::rr::RecordType;
use interlocal::server::admin::json;
use interlocal::server::explain::page::Explanation;

use crate::golden;
use crate::support::client::{Ask, ask_udp};
use crate::support::process;
use crate::support::read::extended_errors;
use crate::support::region::Region;
use crate::support::{secs, yaml};

const POLICY: &str = "[
  {acl: [{action: block, types: [TXT]}, {action: filter, types: [MX]}], zones: [secret.example]},
  {acl: [{action: drop}], zones: [hole.example]},
  {rewrite: {from: old.example, to: web.shop.svc.cluster.local}},
  {rewrite: {match: suffix, from: .shop.example, to: .shop.svc.cluster.local, answer_auto: true}},
  {rewrite: {from: sly.example, to: never.hole.example}},
  {hosts: {file: hosts, fallthrough: [.]}, zones: [hosts.example]},
  {template: {match: ['^(?P<n>[0-9]+)[.]made[.]example[.]$'], type: A, answer: ['{{ .Name }} 60 IN A 192.0.2.{{ .Group.n }}']}, zones: [made.example]},
  {any: true}]";
const HOSTS: &str = "# comment\n192.0.2.7 seven.hosts.example\n192.0.2.8 eight.hosts.example\n";

fn region() -> Region {
    let objects = yaml::join(&[
        yaml::namespace("shop"),
        yaml::service("shop/web", &["10.0.0.7"], &["http:80"]),
        yaml::external("shop/alias", "web.shop.svc.cluster.local"),
    ]);
    Region::new("east").manifests(&objects).file("hosts", HOSTS).key("policy", &POLICY.replace('\n', ""))
}

/// A name, its type, the verdict, and what is said of it.
const ASKED: &[(&str, RecordType, &str, &str)] = &[
    (
        "web.shop.svc.cluster.local",
        RecordType::A,
        "passed",
        "acl: web.shop.svc.cluster.local. from 127.0.0.1 is let through",
    ),
    (
        "x.secret.example",
        RecordType::TXT,
        "refused",
        "acl: x.secret.example. from 127.0.0.1 is blocked, by a rule for secret.example",
    ),
    (
        "x.secret.example",
        RecordType::MX,
        "refused",
        "acl: x.secret.example. from 127.0.0.1 is filtered, by a rule for secret.example",
    ),
    ("old.example", RecordType::A, "rewritten", "rewrite: asked on as web.shop.svc.cluster.local. A"),
    ("alias.shop.example", RecordType::A, "rewritten", "rewrite: asked on as alias.shop.svc.cluster.local. A"),
    ("nobody.shop.example", RecordType::A, "rewritten", "rewrite: asked on as nobody.shop.svc.cluster.local. A"),
    ("eight.hosts.example", RecordType::A, "answered", "hosts: FOLDER/hosts line 3"),
    ("8.2.0.192.in-addr.arpa", RecordType::PTR, "answered", "hosts: FOLDER/hosts line 3"),
    ("nine.hosts.example", RecordType::A, "passed", "acl: nine.hosts.example. from 127.0.0.1 is let through"),
    ("9.made.example", RecordType::A, "answered", "template for made.example: answers A"),
    ("999.made.example", RecordType::A, "answered", "template for made.example: could not be filled"),
    ("x.made.example", RecordType::A, "answered", "template: no pattern fits, and no fallthrough"),
    ("web.shop.svc.cluster.local", RecordType::ANY, "answered", "any: answered without a look-up"),
];

#[tokio::test]
async fn what_rules_do_is_shown_and_is_what_the_door_does() {
    let region = region().start().await;
    let folder = region.path("hosts").parent().unwrap().display().to_string();
    let explained = async |name: &str, rtype: &str| -> Explanation {
        let (status, page) = region.get(&format!("/query?name={name}.&type={rtype}")).await;
        assert_eq!(status, 200, "{page}");
        json::read(&page).unwrap()
    };
    let counted = async || -> Vec<String> {
        let (_, page) = region.get("/metrics").await;
        page.lines().filter(|line| line.contains("_policy_actions_total")).map(str::to_owned).collect()
    };
    for (name, rtype, verdict, note) in ASKED {
        let what = format!("{name} {rtype}");
        let said = explained(name, &rtype.to_string()).await;
        let policy = said.policy.unwrap();
        assert_eq!(policy.verdict, *verdict, "{what}: {policy:?}");
        let note = note.replace("FOLDER", &folder);
        assert!(policy.notes.contains(&note), "{what}: {policy:?}");
        let before = counted().await;
        explained(name, &rtype.to_string()).await;
        let after = counted().await;
        assert_eq!(before, after, "{what}: a look is not counted");

        let reply = ask_udp(region.dns(), name, *rtype).await;
        let rcode = interlocal::wire::Rcode(reply.metadata.response_code.into()).to_text().into_owned();
        assert_eq!(said.answer.rcode, Some(rcode), "{what}: {:?}", said.answer);
        assert_eq!(said.answer.answers.len(), reply.answers.len(), "{what}: {:?}", said.answer);
        for (shown, given) in said.answer.answers.iter().zip(&reply.answers) {
            assert!(shown.starts_with(&given.name.to_string()), "{what}: {shown}, {given}");
        }
        let ede = said.answer.ede.map(|ede| (ede.code, ede.text));
        assert_eq!(Vec::from_iter(ede), extended_errors(&reply), "{what}");
        assert_eq!(said.answer.authoritative, reply.metadata.authoritative, "{what}");
    }
    for name in ["x.hole.example", "sly.example"] {
        let dropped = explained(name, "A").await;
        assert_eq!(dropped.policy.unwrap().verdict, "dropped", "{name}");
        assert_eq!(dropped.answer.rcode.as_deref(), Some("no reply"), "{name}");
    }
    let unanswered = Ask::new("x.hole.example", RecordType::A).patience(secs(1)).try_udp(region.dns()).await;
    assert!(unanswered.is_none());
    assert!(explained("web.shop.svc.cluster.local", "A&door=peers").await.policy.is_none(), "rules are for pods");
}

/// The same on the screen, from files alone.
#[tokio::test]
async fn files_alone_say_what_the_rules_would_do() {
    let region = region();
    let config = format!("policy: {}\n", POLICY.replace('\n', ""));
    std::fs::write(region.folder().join("rules.yaml"), config).unwrap();
    let mut page = String::new();
    for name in ["alias.shop.example.", "eight.hosts.example.", "x.hole.example.", "www.example."] {
        let args = ["query", name, "--manifests", "manifests", "--config", "rules.yaml"];
        let ended = process::run(region.folder(), &args).await;
        assert_eq!(ended.code, Some(i32::from(name.starts_with("x."))), "{ended:?}");
        page += &ended.stdout;
    }
    golden::check("query/rules.txt", &page, &[(&region.folder().display().to_string(), "FOLDER")]);
}
