//! Every key of every rule, and every mistake.

use std::path::Path;

use crate::config::error::UnknownKeys;
use crate::config::policy::{HostsRule, PolicyRule, Rewrite};
use crate::config::{Config, Overrides, file};

const PAGE: &str = include_str!("../../../../docs/policy.md");
/// One of each, with every key.
const EVERY_RULE: &str = "
policy:
  - {zones: [secret.x], acl: [{action: block, nets: [10.0.0.0/8], types: [A, TYPE65]}, {action: allow}]}
  - rewrite: {match: regex, from: '(.*)-(us)\\.x\\.', to: '{1}.{2}.y', answer_auto: false, answer: [{part: value, from: '(.*)', to: '{1}.z'}], then: continue}
  - rewrite: {field: ttl, match: suffix, name: .x, to: 30-60}
  - rewrite: {field: rcode, name: a.x, from: SERVFAIL, to: NOERROR}
  - rewrite: {field: type, from: ANY, to: HINFO}
  - rewrite: {field: class, from: CH, to: IN}
  - rewrite: {field: cname, match: suffix, from: .cdn.net., to: .other.net.}
  - hosts: {file: hosts, inline: '10.0.0.1 a.x', ttl: 1m, reverse: false, fallthrough: [.], fallthrough_unsupported: true}
  - template: {class: ANY, type: A, match: ['^ip-(?P<a>\\d+)\\.x\\.$'], answer: ['{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}'],
      authority: ['x. 60 IN NS ns.x.'], additional: ['ns.x. 60 IN A 10.0.0.1'], rcode: NXDOMAIN, ede_code: 15, ede_text: no, fallthrough: [.]}
  - any: true
  - local: {localhost_prefix: false}
  - minimal: true
  - header: {query_set: [rd], query_clear: [aa], reply_set: [aa, ra], reply_clear: [rd]}
  - autopath: {pods: false, file: search.conf}
  - dns64: {prefix: '64:ff9b::/96', translate_all: true, allow_ipv4: true}
  - whoami: true
  - chaos: {version: v, hostname: h, authors: [a, b]}
  - nsid: east-1
";

fn load(text: &str) -> Result<Config, Vec<String>> {
    let parsed = file::parse(text, Path::new("/etc/i/interlocal.yaml"), UnknownKeys::Refuse, &Overrides::default());
    parsed.map(|parsed| parsed.value).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn every_rule_is_read() {
    let config = load(EVERY_RULE).unwrap();
    let rules: Vec<&PolicyRule> = config.servers[0].policy.iter().map(|config| &config.rule).collect();
    assert_eq!(rules.len(), 18);
    let PolicyRule::Acl(entries) = rules[0] else { panic!("{:?}", rules[0]) };
    assert_eq!((entries.len(), entries[0].types.as_slice()), (2, &[1, 65][..]));
    assert_eq!(config.servers[0].policy[0].zones, ["secret.x".parse().unwrap()]);
    let PolicyRule::Rewrite(rewrite) = rules[2] else { panic!("{:?}", rules[2]) };
    assert!(matches!(rewrite.what, Rewrite::Ttl { least: 30, most: 60, .. }) && !rewrite.proceed);
    let PolicyRule::Hosts(HostsRule { file, ttl: 60, reverse: false, .. }) = rules[7] else { panic!("{:?}", rules[7]) };
    assert_eq!(file.as_deref(), Some(Path::new("/etc/i/hosts")));
}

#[test]
fn page_names_every_key() {
    let keys = EVERY_RULE.split(['{', ',', ' ', '\n', '[']).filter_map(|word| word.strip_suffix(':'));
    let keys: Vec<&str> =
        keys.filter(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).collect();
    assert!(keys.len() > 60, "{keys:?}");
    for key in keys.into_iter().chain(["dns64", "allow_ipv4"]) {
        assert!(PAGE.contains(&format!("`{key}`")), "docs/policy.md does not name `{key}`");
    }
}

#[test]
fn mistakes_are_named_with_place_and_help() {
    for (row, message) in [
        ("{}", "the row has no rule\n   1 | policy: [{}]\n     |          ^\n  help: known: acl, rewrite"),
        ("{any: true, minimal: true}", "the row has two rules"),
        ("{acl: [{nets: [10.0.0.0/8]}]}", "the entry has no `action`"),
        ("{acl: [{action: blok}]}", "found `blok`"),
        ("{acl: [{action: block, types: [AA]}]}", "`AA` is no type"),
        ("{acl: [{action: block, nets: [10.0.0.1/8]}]}", "`10.0.0.1/8` has bits set behind its prefix"),
        ("{rewrite: {from: a}}", "the rewrite has no `to`"),
        ("{rewrite: {match: regex, from: '(a', to: b}}", "`(a` is not a pattern: unclosed group"),
        ("{rewrite: {match: regex, from: 'a', to: '{1}'}}", "names group 1"),
        ("{rewrite: {field: ttl, name: a, to: 60-30}}", "`60-30` is no range of TTLs"),
        ("{rewrite: {field: type, from: A, to: AAAA, answer_auto: true}}", "`answer_auto` is for `field: name` only"),
        ("{hosts: {}}", "the hosts table is empty"),
        ("{hosts: {file: h, fallthrough_unsupported: true}}", "`fallthrough_unsupported` without `fallthrough`"),
        ("{template: {answer: ['{{ .Nam }}']}}", "`{{ .Nam }}` is not understood"),
        ("{template: {answer: ['a.x. 60 IN A 1.2.3']}}", "`a.x. 60 IN A 1.2.3` is no record"),
        ("{template: {rcode: NX}}", "`NX` is no rcode"),
        ("{dns64: {prefix: '64:ff9b::/97'}}", "is no prefix for DNS64"),
        ("{header: {reply_set: [tc]}}", "found `tc`"),
        ("{hosst: {}}", "unknown key `hosst`"),
    ] {
        let errors = load(&format!("policy: [{row}]\n")).unwrap_err();
        assert!(errors.iter().any(|error| error.contains(message)), "{row}: {errors:?}");
        assert!(errors[0].starts_with("/etc/i/interlocal.yaml:1:"), "{}", errors[0]);
    }
    let both = load("policy: [{any: true}]\nservers: [{listen: [':53']}]\n").unwrap_err();
    assert!(both[0].contains("`policy` and `servers` cannot both be given"), "{}", both[0]);
    assert_eq!(load("policy: [{any: false}]\n").unwrap().servers[0].policy, []);
}
