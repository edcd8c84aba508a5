//! Rules that answer by themselves: `any`, `local`, `chaos`, `whoami`, `nsid`.

use super::pair::{Case, compare};

const CASES: &[Case] = &[
    Case {
        corefile: "any\nchaos Version-1 b-author a-author\nnsid east one",
        policy: "[{any: true}, {chaos: {version: Version-1, authors: [b-author, a-author]}}, {nsid: east one}]",
        asked: &[
            "both.example ANY",
            "both.example A",
            "version.bind TXT CH",
            "version.server TXT CH",
            "authors.bind TXT CH",
            "hostname.bind TXT CH",
            "id.server TXT CH",
            "both.example A +nsid",
            "both.example ANY +nsid",
        ],
        wanted: &[],
    },
    Case {
        corefile: "local",
        policy: "[{local: {}}]",
        asked: &[
            "localhost A",
            "localhost AAAA",
            "localhost MX",
            "localhost SOA",
            "localhost NS",
            "a.localhost A",
            "a.localhost TXT",
            "localhost.cluster.example A",
            "localhost.cluster.example TXT",
            "127.in-addr.arpa SOA",
            "0.in-addr.arpa A",
            "1.0.0.127.in-addr.arpa PTR",
            "1.0.0.127.in-addr.arpa A",
            "2.0.0.127.in-addr.arpa PTR",
            "255.in-addr.arpa NS",
            "1.255.in-addr.arpa PTR",
            "web.example A",
        ],
        wanted: &[],
    },
    Case {
        corefile: "local {\n localhost_prefix off\n}",
        policy: "[{local: {localhost_prefix: false}}]",
        asked: &["localhost.cluster.example A", "localhost A"],
        wanted: &[],
    },
];

#[tokio::test]
async fn answers_that_need_nobody_are_as_in_coredns() {
    let compared = compare("answers_that_need_nobody_are_as_in_coredns", CASES).await;
    assert!(compared == 0 || compared == 28, "{compared}");
}
