//! `rewrite`: what is asked in place of what, and what the client gets to see of it.

use super::pair::{Case, compare};
use crate::support::side_by_side::Part::Ede;

const CASES: &[Case] = &[
    Case {
        corefile: "rewrite name foo.test web.example\nrewrite name exact alias.test alias.example",
        policy: "[{rewrite: {from: foo.test, to: web.example}}, {rewrite: {match: exact, from: alias.test, to: alias.example}}]",
        asked: &[
            "foo.test A",
            "FoO.test A",
            "foo.test AAAA",
            "foo.test MX",
            "a.foo.test A",
            "alias.test A",
            "web.example A",
        ],
        wanted: &[],
    },
    Case {
        corefile: "rewrite name suffix .old.test .b.example answer auto\nrewrite name suffix .raw.test .b.example",
        policy: "[{rewrite: {match: suffix, from: .old.test, to: .b.example, answer_auto: true}}, {rewrite: {match: suffix, from: .raw.test, to: .b.example}}]",
        asked: &["a.old.test A", "old.test A", "a.raw.test A", "nope.old.test A"],
        wanted: &[],
    },
    Case {
        corefile: "rewrite name prefix web. both. answer auto\nrewrite name substring mid.test b.example answer auto",
        policy: "[{rewrite: {match: prefix, from: web., to: both., answer_auto: true}}, {rewrite: {match: substring, from: mid.test, to: b.example, answer_auto: true}}]",
        asked: &["web.example A", "web.example AAAA", "a.mid.test A", "both.example A"],
        wanted: &[],
    },
    Case {
        corefile: "rewrite stop {\n name regex (.*)-(one)\\.test {1}.b.example\n answer name (.*)\\.b\\.example {1}-one.test\n}\nrewrite name regex ^_http\\._tcp\\.(.*)\\.test\\.$ _http._tcp.{1}.test. answer auto answer value (.*)\\.in\\.test\\. {1}.out.test.",
        policy: "[{rewrite: {match: regex, from: '(.*)-(one)\\.test', to: '{1}.b.example', answer: [{part: name, from: '(.*)\\.b\\.example', to: '{1}-one.test'}]}}, {rewrite: {match: regex, from: '^_http\\._tcp\\.(.*)\\.test\\.$', to: '_http._tcp.{1}.test.', answer_auto: true, answer: [{part: value, from: '(.*)\\.in\\.test\\.', to: '{1}.out.test.'}]}}]",
        asked: &["a-one.test A", "b-two.test A", "_http._tcp.in.test SRV"],
        wanted: &[],
    },
    Case {
        corefile: "rewrite continue name exact step.test web.example\nrewrite continue ttl suffix .example. 5\nrewrite ttl exact x.y.test 10-60\nrewrite rcode suffix .broken.example. SERVFAIL NOERROR",
        policy: "[{rewrite: {from: step.test, to: web.example, then: continue}}, {rewrite: {field: ttl, match: suffix, name: .example., to: '5', then: continue}}, {rewrite: {field: ttl, name: x.y.test, to: 10-60}}, {rewrite: {field: rcode, match: suffix, name: .broken.example., from: SERVFAIL, to: NOERROR}}]",
        asked: &["step.test A", "web.example A", "x.y.test A", "a.broken.example A", "web.example AAAA"],
        wanted: &[("a.broken.example A", &[Ede], "who failed is said")],
    },
    Case {
        corefile: "rewrite type ANY A\nrewrite class CH IN",
        policy: "[{rewrite: {field: type, from: ANY, to: A}}, {rewrite: {field: class, from: CH, to: IN}}]",
        asked: &["both.example ANY", "both.example A CH", "both.example AAAA"],
        wanted: &[],
    },
    Case {
        corefile: "rewrite cname suffix .cdn.test. .other.test.",
        policy: "[{rewrite: {field: cname, match: suffix, from: .cdn.test., to: .other.test.}}]",
        asked: &["alias.example A", "web.example A"],
        wanted: &[],
    },
    Case {
        corefile: "rewrite name regex (.*)\\.value\\.test {1}.example answer auto answer value (.*)\\.in\\.test {1}.out.test\nrewrite name regex ^bad\\.test\\.$ a..b",
        policy: "[{rewrite: {match: regex, from: '(.*)\\.value\\.test', to: '{1}.example', answer_auto: true, answer: [{part: value, from: '(.*)\\.in\\.test', to: '{1}.out.test'}]}}, {rewrite: {match: regex, from: '^bad\\.test\\.$', to: a..b}}]",
        asked: &["mail.value.test MX", "bad.test A"],
        wanted: &[("bad.test A", &[Ede], "the client is told why")],
    },
];

#[tokio::test]
async fn rewriting_is_as_in_coredns() {
    let compared = compare("rewriting_is_as_in_coredns", CASES).await;
    assert!(compared == 0 || compared == 30, "{compared}");
}
