//! `dig`, with every line that the demo tells a newcomer to try: over UDP and TCP, with and without EDNS.

use crate::support::dig::dig;
use crate::support::ports::free_block;
use crate::support::process::Process;

/// Each question that central is asked, as the demo prints it, and what has to be in dig's answer section, in order.
const RIGHT: &[(&str, &[&str])] = &[
    ("busybox-0.busybox.east.svc.cluster.local", &["busybox-0.busybox.east.svc.cluster.local. IN A 10.0.102.90"]),
    (
        "_http._tcp.busybox.east.svc.cluster.local SRV",
        &[
            "_http._tcp.busybox.east.svc.cluster.local. IN SRV 0 100 80 busybox-0.busybox.east.svc.cluster.local.",
            "busybox-0.busybox.east.svc.cluster.local. IN A 10.0.102.90",
        ],
    ),
    ("dual.east.svc.cluster.local AAAA", &["dual.east.svc.cluster.local. IN AAAA fd00:20::2:20"]),
    ("web.default.svc.cluster.local", &["web.default.svc.cluster.local. IN A 172.20.1.10"]),
    (
        "far.default.svc.cluster.local",
        &[
            "far.default.svc.cluster.local. IN CNAME busybox-0.busybox.east.svc.cluster.local.",
            "busybox-0.busybox.east.svc.cluster.local. IN A 10.0.102.90",
        ],
    ),
    ("web.default.svc.east.mesh", &["web.default.svc.east.mesh. IN A 172.20.2.10"]),
    ("10-0-1-144.default.pod.cluster.local", &["10-0-1-144.default.pod.cluster.local. IN A 10.0.1.144"]),
    ("-x 10.0.102.90", &["90.102.0.10.in-addr.arpa. IN PTR busybox-0.busybox.east.svc.cluster.local."]),
    ("dns-version.cluster.local TXT", &["dns-version.cluster.local. IN TXT \"1.1.0\""]),
    // The demo has no upstream.
    ("example.com", &[]),
];

/// The records that dig printed, in one spelling, without TTLs.
fn records(text: &str) -> Vec<String> {
    let records = text.lines().filter(|line| !line.is_empty() && !line.starts_with(';'));
    let mut found = Vec::new();
    for record in records {
        let mut words: Vec<&str> = record.split_whitespace().collect();
        let ttl: u32 = words.remove(1).parse().unwrap_or_else(|_| panic!("no TTL in {record}"));
        assert!(ttl <= 28_800, "{record}");
        found.push(words.join(" "));
    }
    found
}

#[tokio::test]
async fn every_line_that_the_demo_prints_gets_the_right_answer() {
    const TEST: &str = "every_line_that_the_demo_prints_gets_the_right_answer";
    let base = free_block(26).to_string();
    let demo = Process::start(&std::env::temp_dir(), &["demo", "--base-port", &base]);
    demo.printed("Ctrl-C ends.").await;
    let start = format!("  dig @127.0.0.1 -p {base} ");
    let stdout = demo.stdout();
    let lines: Vec<&str> = stdout.lines().filter_map(|line| line.strip_prefix(&start)).collect();
    let tried: Vec<&str> = lines.iter().map(|line| line.trim_start_matches("+tcp ")).collect();
    for (question, _) in RIGHT {
        assert!(tried.contains(question), "the demo does not print {question}");
    }
    let server = format!("127.0.0.1:{base}").parse().unwrap();
    for line in lines {
        let question = line.trim_start_matches("+tcp ");
        let known = RIGHT.iter().find(|(known, _)| *known == question);
        let (_, expected) = known.unwrap_or_else(|| panic!("what is the right answer to `{line}`?"));
        for transport in ["+notcp", "+tcp"] {
            for edns in ["+edns=0", "+noedns"] {
                let mut args: Vec<&str> = question.split(' ').collect();
                args.extend([transport, edns, "+nocmd", "+nostats", "+noquestion"]);
                let Some(text) = dig(TEST, server, &args).await else { return };
                assert_eq!(records(&text), *expected, "{line} {transport} {edns}:\n{text}");
                let status = if expected.is_empty() { "status: REFUSED" } else { "status: NOERROR" };
                assert!(text.contains(status), "{line} {transport} {edns}:\n{text}");
                assert_eq!(text.contains("; EDNS: version: 0"), edns == "+edns=0", "{line} {transport}:\n{text}");
                if expected.is_empty() && edns == "+edns=0" {
                    assert!(text.contains("; EDE: "), "nothing says why:\n{text}");
                }
            }
        }
    }
    demo.signal("INT");
    let ended = demo.ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), "stopping\n"));
}
