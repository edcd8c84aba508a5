//! Rules for every reply: `minimal`, `header`, `dns64`.

use super::pair::{Case, compare};
use crate::support::side_by_side::Part::Ede;

const CASES: &[Case] = &[
    Case {
        corefile: "minimal\nheader {\n response set aa\n response clear rd\n}",
        policy: "[{minimal: true}, {header: {reply_set: [aa], reply_clear: [rd]}}]",
        asked: &["mail.example MX", "web.example A", "web.example AAAA", "nope.example A"],
        wanted: &[],
    },
    Case {
        corefile: "dns64 {\n allow_ipv4\n}",
        policy: "[{dns64: {allow_ipv4: true}}]",
        asked: &[
            "web.example AAAA",
            "both.example AAAA",
            "alias.example AAAA",
            "nope.example AAAA",
            "web.example A",
            "a.broken.example AAAA",
        ],
        wanted: &[("a.broken.example AAAA", &[Ede], "who failed is said")],
    },
    Case {
        corefile: "header {\n query clear rd\n response set ra aa\n}\nrewrite name via.test alias.example\nhosts {\n 10.0.0.1 table.test\n fallthrough\n}",
        policy: "[{header: {query_clear: [rd], reply_set: [ra, aa]}}, {rewrite: {from: via.test, to: alias.example}}, {hosts: {file: /etc/hosts, inline: 10.0.0.1 table.test, fallthrough: [.]}}]",
        asked: &["table.test A", "table.test MX"],
        wanted: &[],
    },
    Case {
        corefile: "dns64 {\n allow_ipv4\n}\nrewrite name v4.test alias.example\nhosts {\n 10.0.0.1 table.test\n fallthrough\n}\nacl {\n block type AAAA net 10.0.0.0/8\n}",
        policy: "[{dns64: {allow_ipv4: true}}, {rewrite: {from: v4.test, to: alias.example}}, {hosts: {file: /etc/hosts, inline: 10.0.0.1 table.test, fallthrough: [.]}}, {acl: [{action: block, types: [AAAA], nets: [10.0.0.0/8]}]}]",
        asked: &["table.test AAAA", "v4.test A", "x.y.test AAAA"],
        wanted: &[],
    },
    Case {
        corefile: "dns64 {\n prefix 2001:db8:64::/64\n translate_all\n allow_ipv4\n}",
        policy: "[{dns64: {prefix: '2001:db8:64::/64', translate_all: true, allow_ipv4: true}}]",
        asked: &["both.example AAAA", "web.example AAAA"],
        wanted: &[],
    },
    Case { corefile: "dns64", policy: "[{dns64: {}}]", asked: &["web.example AAAA"], wanted: &[] },
];

#[tokio::test]
async fn replies_are_changed_as_in_coredns() {
    let compared = compare("replies_are_changed_as_in_coredns", CASES).await;
    assert!(compared == 0 || compared == 18, "{compared}");
}
