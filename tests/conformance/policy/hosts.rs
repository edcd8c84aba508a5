//! `hosts`: names and addresses of a table.

use super::pair::{Case, compare, region, reply, upstream};
use crate::support::secs;
use crate::support::side_by_side::Part::Ede;
use crate::support::wait::eventually;

const CASES: &[Case] = &[
    Case {
        corefile: "hosts {\n 10.0.0.1 one.test two.test\n 10.0.0.2 one.test\n fd00::1 one.test\n 10.0.0.3 *.apps.test\n fallthrough\n}",
        policy: "[{hosts: {file: /etc/hosts, inline: \"10.0.0.1 one.test two.test\\n10.0.0.2 one.test\\nfd00::1 one.test\\n10.0.0.3 *.apps.test\", fallthrough: [.]}}]",
        asked: &[
            "one.test A",
            "ONE.test A",
            "one.test AAAA",
            "two.test AAAA",
            "one.test MX",
            "a.apps.test A",
            "a.b.apps.test A",
            "apps.test A",
            "1.0.0.10.in-addr.arpa PTR",
            "9.0.0.10.in-addr.arpa PTR",
            "web.example A",
        ],
        wanted: &[],
    },
    Case {
        corefile: "hosts /dev/null test {\n 10.0.0.1 one.test one.other\n ttl 60\n no_reverse\n fallthrough through.test\n}",
        policy: "[{zones: [test], hosts: {file: /dev/null, inline: 10.0.0.1 one.test one.other, ttl: 60s, reverse: false, fallthrough: [through.test]}}]",
        asked: &[
            "one.test A",
            "one.other A",
            "1.0.0.10.in-addr.arpa PTR",
            "none.test A",
            "none.through.test A",
            "web.example A",
        ],
        wanted: &[("none.test A", &[Ede], "the client is told why")],
    },
    Case {
        corefile: "hosts /dev/null {\n 10.0.0.1 both.example\n fallthrough\n fallthrough_unsupported\n}",
        policy: "[{hosts: {file: /dev/null, inline: 10.0.0.1 both.example, fallthrough: [.], fallthrough_unsupported: true}}]",
        asked: &["both.example A", "both.example AAAA", "both.example HINFO", "mail.example MX"],
        wanted: &[],
    },
];

#[tokio::test]
async fn tables_are_as_in_coredns() {
    let compared = compare("tables_are_as_in_coredns", CASES).await;
    assert!(compared == 0 || compared == 21, "{compared}");
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let upstream = upstream();
    let ours = region("[{hosts: {file: table, ttl: 5s, fallthrough: [.]}}]", &upstream);
    let ours = ours.file("table", "10.0.0.1 one.test\n").start().await;
    assert_eq!(reply(&ours, "one.test A").await.answers[0].data.to_string(), "10.0.0.1");
    let file = ours.path("table");
    let series = format!("coredns_hosts_entries{{hostsfile=\"{}\"}}", file.display());
    assert_eq!(ours.metric(&series).await, Some(2.0), "the address, and its name");
    ours.write("table", "10.0.0.9 one.test\n10.0.0.9 two.test\n");
    let changed =
        eventually(secs(20), || async { reply(&ours, "one.test A").await.answers[0].data.to_string() == "10.0.0.9" });
    assert!(changed.await, "the old table stays");
    assert_eq!(ours.metric(&series).await, Some(4.0));
    std::fs::remove_file(&file).unwrap();
    ours.rewrite_key("policy", "[{any: true}, {hosts: {file: table, fallthrough: [.]}}]");
    let swapped = eventually(secs(20), || async {
        reply(&ours, "one.test ANY").await.answers.first().is_some_and(|record| record.ttl == 8_482)
    });
    assert!(swapped.await, "other rules");
    let kept = reply(&ours, "one.test A").await;
    assert_eq!(
        (kept.answers[0].data.to_string().as_str(), kept.answers[0].ttl),
        ("10.0.0.9", 3_600),
        "it keeps its names"
    );
}
