//! Access: who may ask what.

use super::pair::{Case, compare};
use crate::support::side_by_side::Part::{Authority, Ede, Rcode};

const CASES: &[Case] = &[
    Case {
        corefile: "acl secret.example {\n block net 127.0.0.0/8\n}\nacl quiet.example {\n drop net *\n}\nacl empty.example {\n filter\n}\nacl typed.example {\n allow type A net 127.0.0.1\n block\n}\nacl other.example {\n block net 10.0.0.0/8 fd00::/8\n}",
        policy: "[{zones: [secret.example], acl: [{action: block, nets: [127.0.0.0/8]}]}, {zones: [quiet.example], acl: [{action: drop}]}, {zones: [empty.example], acl: [{action: filter}]}, {zones: [typed.example], acl: [{action: allow, types: [A], nets: [127.0.0.1]}, {action: block}]}, {zones: [other.example], acl: [{action: block, nets: [10.0.0.0/8, 'fd00::/8']}]}]",
        asked: &[
            "secret.example A",
            "a.secret.example TXT",
            "a.quiet.example A",
            "a.empty.example A",
            "a.typed.example A",
            "a.typed.example AAAA",
            "a.other.example A",
            "web.example A",
        ],
        wanted: &[],
    },
    Case {
        corefile: "acl {\n allow net 127.0.0.1\n}\nacl web.example {\n block\n}",
        policy: "[{acl: [{action: allow, nets: [127.0.0.1]}]}, {zones: [web.example], acl: [{action: block}]}]",
        asked: &["web.example A", "both.example A"],
        wanted: &[],
    },
    Case {
        corefile: "rewrite name open.test web.example\nrewrite name both.example shut.test\nacl web.example {\n block\n}\nacl both.example {\n block\n}",
        policy: "[{rewrite: {from: open.test, to: web.example}}, {rewrite: {from: both.example, to: shut.test}}, {zones: [web.example], acl: [{action: block}]}, {zones: [both.example], acl: [{action: block}]}]",
        asked: &["open.test A", "both.example A", "x.y.test A"],
        wanted: &[("both.example A", &[Rcode, Authority, Ede], "a rewrite is no way around a rule")],
    },
];

#[tokio::test]
async fn access_is_as_in_coredns() {
    let compared = compare("access_is_as_in_coredns", CASES).await;
    assert!(compared == 0 || compared == 13, "{compared}");
}
