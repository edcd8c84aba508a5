//! `cache`: what is kept, for which names, and for how long.

use super::{Case, compare};
use crate::support::side_by_side::Part::Ttl;

const CASES: &[Case] = &[
    Case {
        name: "a TTL for everything",
        corefile: ".:PORT {\n    BIND\n    forward . ONE\n    cache 30\n}\n",
        asked: &["a.example A", "A.Example A", "nope.example A", "a.example TXT"],
        wanted: &[],
    },
    Case {
        name: "no cache keeps nothing",
        corefile: ".:PORT {\n    BIND\n    forward . ONE\n}\n",
        asked: &["a.example A", "nope.example A"],
        wanted: &[],
    },
    Case {
        name: "cache without words keeps for an hour",
        corefile: ".:PORT {\n    BIND\n    forward . ONE\n    cache\n}\n",
        asked: &["a.example A", "nope.example A"],
        wanted: &[],
    },
    Case {
        name: "zones",
        corefile: ".:PORT {\n    BIND\n    forward . ONE\n    cache 60 kept.example\n}\nother.example:PORT {\n    BIND\n    forward . ONE\n    cache 20\n}\n",
        asked: &["a.kept.example A", "a.example A", "nope.kept.example A", "a.other.example A"],
        wanted: &[],
    },
    Case {
        name: "success and denial have TTLs of their own",
        corefile: ".:PORT {\n    BIND\n    forward . ONE\n    cache {\n        success 9984 120\n        denial 9984 40\n    }\n}\n",
        asked: &["a.example A", "nope.example A", "a.example TXT"],
        wanted: &[],
    },
    Case {
        name: "disable",
        corefile: ".:PORT {\n    BIND\n    forward . ONE\n    cache 30 {\n        disable success plain.example\n        disable denial plain.example\n    }\n}\nfresh.example:PORT {\n    BIND\n    forward . ONE\n    cache {\n        disable denial\n    }\n}\n",
        asked: &[
            "a.plain.example A",
            "nope.plain.example A",
            "a.example A",
            "nope.example A",
            "a.fresh.example A",
            "nope.fresh.example A",
        ],
        wanted: &[("a.plain.example A", &[Ttl], "what is not kept here has the TTL that its owner gave it")],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_coredns_keeps_we_keep_for_as_long() {
    let compared = compare("what_coredns_keeps_we_keep_for_as_long", CASES).await;
    println!("compared {compared} replies with CoreDNS");
}
