//! `template`: the examples of CoreDNS's documentation, and their edges.

use super::pair::{Case, compare};
use crate::support::side_by_side::Part::Ede;

const CASES: &[Case] = &[
    Case {
        corefile: "template ANY ANY invalid {\n rcode NXDOMAIN\n authority \"invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)\"\n ederror 21 \"Blocked according to RFC2606\"\n}",
        policy: "[{zones: [invalid], template: {class: ANY, type: ANY, rcode: NXDOMAIN, authority: ['invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)'], ede_code: 21, ede_text: Blocked according to RFC2606}}]",
        asked: &["a.invalid A", "invalid TXT", "a.invalid TXT CH", "web.example A"],
        wanted: &[],
    },
    Case {
        corefile: "template IN A test {\n match (^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]test[.]$\n answer \"{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}\"\n fallthrough\n}\ntemplate IN PTR in-addr.arpa {\n match ^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$\n answer \"{{ .Name }} 60 IN PTR ip-{{ .Group.a }}-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.test.\"\n}",
        policy: "[{zones: [test], template: {class: IN, type: A, match: ['(^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]test[.]$'], answer: ['{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}'], fallthrough: [.]}}, {zones: [in-addr.arpa], template: {class: IN, type: PTR, match: ['^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$'], answer: ['{{ .Name }} 60 IN PTR ip-{{ .Group.a }}-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.test.']}}]",
        asked: &[
            "ip-10-0-0-1.test A",
            "x.ip-10-0-0-1.test A",
            "ip-999-0-0-1.test A",
            "ip-10-0-0-1.test AAAA",
            "x.y.test A",
            "4.3.2.1.in-addr.arpa PTR",
            "3.2.1.in-addr.arpa PTR",
        ],
        wanted: &[
            ("ip-999-0-0-1.test A", &[Ede], "the client is told why"),
            ("3.2.1.in-addr.arpa PTR", &[Ede], "the client is told why"),
        ],
    },
    Case {
        corefile: "template IN A test {\n match \"^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]test[.]$\"\n answer \"{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt .Group.d 16 8 }}\"\n fallthrough\n}\ntemplate IN ANY dc1.test {\n match \"test\\.(dc1\\.test\\.)$\"\n rcode NXDOMAIN\n authority \"{{ index .Match 1 }} 60 IN SOA ns.{{ index .Match 1 }} hostmaster.{{ index .Match 1 }} (1 60 60 60 60)\"\n fallthrough\n}",
        policy: "[{zones: [test], template: {type: A, match: ['^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]test[.]$'], answer: ['{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt .Group.d 16 8 }}'], fallthrough: [.]}}, {zones: [dc1.test], template: {type: ANY, match: ['test\\.(dc1\\.test\\.)$'], rcode: NXDOMAIN, authority: ['{{ index .Match 1 }} 60 IN SOA ns.{{ index .Match 1 }} hostmaster.{{ index .Match 1 }} (1 60 60 60 60)'], fallthrough: [.]}}]",
        asked: &["ip0a7b7b7b.test A", "ip0a7b7b7b.test TXT", "a.test.dc1.test A", "a.dc1.test A"],
        wanted: &[],
    },
    Case {
        corefile: "template IN MX test {\n match ^ip-10-(?P<b>[0-9]*)[.]test[.]$\n answer \"{{ .Name }} 60 IN MX 10 {{ .Name }}\"\n additional \"{{ .Name }} 60 IN A 10.0.0.{{ .Group.b }}\"\n authority \"test. 60 IN NS ns0.test.\"\n additional \"ns0.test. 60 IN A 203.0.113.8\"\n fallthrough\n}\ntemplate ANY ANY refused.test {\n rcode REFUSED\n}\ntemplate ANY ANY failed.test {\n rcode SERVFAIL\n}",
        policy: "[{zones: [test], template: {type: MX, match: ['^ip-10-(?P<b>[0-9]*)[.]test[.]$'], answer: ['{{ .Name }} 60 IN MX 10 {{ .Name }}'], additional: ['{{ .Name }} 60 IN A 10.0.0.{{ .Group.b }}', 'ns0.test. 60 IN A 203.0.113.8'], authority: ['test. 60 IN NS ns0.test.'], fallthrough: [.]}}, {zones: [refused.test], template: {class: ANY, rcode: REFUSED}}, {zones: [failed.test], template: {class: ANY, rcode: SERVFAIL}}]",
        asked: &["ip-10-7.test MX", "ip-10-7.test A", "a.refused.test A", "a.failed.test A", "ip-10-7.test ANY"],
        wanted: &[],
    },
    Case {
        corefile: "template IN ANY foogle.test {\n match ^foogle\\.test\\.$\n answer \"foogle.test 60 IN CNAME alias.example\"\n}\ntemplate IN ANY {\n match ^who[.]test[.]$\n answer \"{{ .Name }} 0 IN TXT \\\"{{ .Remote }} {{ .Type }} {{ .Zone }}\\\"\"\n fallthrough\n}",
        policy: "[{zones: [foogle.test], template: {match: ['^foogle\\.test\\.$'], answer: ['foogle.test 60 IN CNAME alias.example']}}, {template: {match: ['^who[.]test[.]$'], answer: ['{{ .Name }} 0 IN TXT \"{{ .Remote }} {{ .Type }} {{ .Zone }}\"'], fallthrough: [.]}}]",
        asked: &["foogle.test A", "foogle.test TXT", "foogle.test AAAA", "who.test TXT", "a.foogle.test A"],
        wanted: &[("a.foogle.test A", &[Ede], "the client is told why")],
    },
];

#[tokio::test]
async fn templates_are_as_in_coredns() {
    let compared = compare("templates_are_as_in_coredns", CASES).await;
    assert!(compared == 0 || compared == 25, "{compared}");
}
