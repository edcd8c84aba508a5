//! The grammar, held against the real CoreDNS: each text is given to both, and both take it or both refuse it. Where we differ on
//! purpose, the row says why.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::setup::Folder;
use crate::support::ports::free_block;
use crate::support::tool;
use interlocal::config::Overrides;

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Taken,
    Refused,
}

use Verdict::{Refused, Taken};

/// `PORT` is a free one. Ours if it is not CoreDNS's, with the reason.
struct Row {
    text: &'static str,
    coredns: Verdict,
    ours: Option<(Verdict, &'static str)>,
}

const fn row(coredns: Verdict, text: &'static str) -> Row {
    Row { text, coredns, ours: None }
}

const fn differs(coredns: Verdict, text: &'static str, ours: Verdict, why: &'static str) -> Row {
    Row { text, coredns, ours: Some((ours, why)) }
}

const B: &str = "bind 127.0.0.1";

const ROWS: &[Row] = &[
    // Words.
    row(Taken, ".:PORT {\n    BIND\n    errors\n}\n"),
    row(Taken, "\u{feff}.:PORT {\n    BIND\n}\n"),
    row(Taken, ".:PORT {\r\n    BIND\r\n    errors\r\n}\r\n"),
    row(Taken, "# a comment\n.:PORT { # behind a brace\n    BIND # behind words\n}\n# at the end"),
    row(Taken, ".:PORT {\n    BIND\n    chaos \"a b\" \"c\\\"d\"\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    chaos \"two\nlines\" x\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    chaos a\"b\n}\n"),
    differs(
        Taken,
        ".:PORT {\n    BIND\n    cache 30#glued and more\n}\n",
        Refused,
        "it caches for the zones `and` and `more` only, which nobody meant",
    ),
    differs(
        Taken,
        ".:PORT {\n    BIND\n    cache 30#glued\n}\n",
        Refused,
        "the next word of that comment would be an argument",
    ),
    row(Refused, ".:PORT {\n    BIND\n    chaos \"never closed\n}\n"),
    // Blocks.
    row(Taken, ".:PORT\nBIND\nerrors\n"),
    row(Taken, "a.example:PORT b.example:PORT {\n    BIND\n}\n"),
    row(Taken, "a.example:PORT, b.example:PORT {\n    BIND\n}\n"),
    row(Taken, "a.example:PORT,\nb.example:PORT {\n    BIND\n}\n"),
    row(Refused, "a.example:PORT, {\n    BIND\n}\n"),
    row(Refused, "a.example:PORT\nb.example:PORT {\n    BIND\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n"),
    differs(Taken, ".:PORT {\n    BIND\n}\n}\n", Refused, "it is taken for a zone called `}`"),
    row(Refused, ".:PORT {\n    BIND }\n"),
    differs(Taken, "{\n    BIND\n}\n", Refused, "the block is passed over without a word"),
    row(Refused, ".:PORT {\n    BIND\n    nonsense\n}\n"),
    differs(Taken, ".:PORT {\n    BIND\n    errors {\n}\n", Refused, "one of the two braces is missing"),
    row(Taken, ".:PORT {\n    BIND\n    errors {\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 { force_tcp }\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        force_tcp\n    }\n}\n"),
    row(Taken, "a.example:PORT {\n    BIND\n}\nb.example:PORT {\n    BIND\n}\n"),
    row(Refused, "a.example:PORT {\n    BIND\n}\na.example:PORT {\n    BIND\n}\n"),
    // Keys.
    row(Taken, "dns://.:PORT {\n    BIND\n}\n"),
    row(Taken, "10.0.0.0/8:PORT {\n    BIND\n}\n"),
    row(Taken, "10.0.0.0/27:PORT {\n    BIND\n}\n"),
    row(Taken, "2001:db8::/31:PORT {\n    BIND\n}\n"),
    row(Taken, "EXAMPLE.org.:PORT {\n    BIND\n}\n"),
    row(Refused, "a..b:PORT {\n    BIND\n}\n"),
    row(Refused, ".:99999 {\n    BIND\n}\n"),
    // Environment.
    row(Taken, ".:PORT {\n    BIND\n    chaos {$NOBODY_SET_THIS} x\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    chaos {%HOME%} {$HOME}x\n}\n"),
    // Snippets and imports.
    row(Taken, "(s) {\n    errors\n    cache 10\n}\n.:PORT {\n    BIND\n    import s\n}\n"),
    row(Refused, "(s) {\n    errors\n}\n(s) {\n    errors\n}\n.:PORT {\n    BIND\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    import s\n}\n(s) {\n    errors\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    import nothing\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    import none/*.override\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    import some/*.override\n}\n"),
    row(Taken, "import some/*.server\n"),
    row(Refused, ".:PORT {\n    BIND\n    import some/*.*\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    import some/a.override b\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    import\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    import Corefile\n}\n"),
    // Directives.
    row(Refused, ".:PORT {\n    BIND\n    cache 30\n    cache 40\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    cache 0\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    cache 30 example.org\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    cache {\n        sucess 10\n    }\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    cache {\n        success 5000 30\n        denial 5000 5 1\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    cache {\n        success\n    }\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1\n    forward example.org 127.0.0.1:1\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward .\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        nonsense\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        max_fails x\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        policy best\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        failover NOERROR\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        next\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        next NONE\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        next_on_nodata x\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . tls://127.0.0.1:1 {\n        tls a b c d\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . tls://127.0.0.1%a:1 {\n        tls_servername b\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        resolver dns.example\n    }\n}\n"),
    row(
        Taken,
        ".:PORT {\n    BIND\n    forward . tls://127.0.0.1%a.example:1 tls://127.0.0.2 {\n        tls\n        failover nxdomain\n        next NXDOMAIN SERVFAIL\n        next_on_nodata\n        resolver 127.0.0.1:5353 ::1\n    }\n}\n",
    ),
    row(
        Taken,
        ".:PORT {\n    BIND\n    forward . 127.0.0.1:1 {\n        except a.example b.example\n        max_fails 3\n        expire 20s\n        policy sequential\n        health_check 5s\n        max_concurrent 10\n    }\n}\n",
    ),
    row(
        Refused,
        ".:PORT {\n    BIND\n    forward . 1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9 1.1.1.10 1.1.1.11 1.1.1.12 1.1.1.13 1.1.1.14 1.1.1.15 1.1.1.16\n}\n",
    ),
    row(Refused, ".:PORT {\n    BIND\n    health 127.0.0.1:0 {\n        lameduck soon\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    reload 1s\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    reload 10s 5s\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    loop x\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    bufsize 100\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    bufsize\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    loadbalance best\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    log {\n        class some\n    }\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    log . {\n        class error denial\n    }\n    log example.org\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    errors {\n        consolidate 5m\n    }\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    errors {\n        consolidate 5m \".* timeout$\" warning\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    hosts {\n        ttl -1\n    }\n}\n"),
    row(Taken, ".:PORT {\n    BIND\n    hosts {\n        10.0.0.1 a.example.org\n        fallthrough\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    template IN\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    template IN A {\n        match (\n    }\n}\n"),
    row(
        Taken,
        ".:PORT {\n    BIND\n    template IN A example.org {\n        answer \"{{ .Name }} 60 IN A 10.0.0.1\"\n    }\n}\n",
    ),
    row(Refused, ".:PORT {\n    BIND\n    rewrite name a.example\n}\n"),
    row(
        Taken,
        ".:PORT {\n    BIND\n    rewrite name a.example b.example\n    rewrite continue name regex (.*)\\.c {1}.d answer auto\n}\n",
    ),
    row(Refused, ".:PORT {\n    BIND\n    acl {\n        refuse net *\n    }\n}\n"),
    row(
        Taken,
        ".:PORT {\n    BIND\n    acl example.org {\n        block type A AAAA net 10.0.0.0/8 192.0.2.1\n        allow\n    }\n}\n",
    ),
    row(Refused, ".:PORT {\n    BIND\n    dns64 64:ff9b::/95\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    header {\n        response set xx\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        nonsense\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        pods some\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        ttl 3601\n    }\n}\n"),
    row(Refused, ".:PORT {\n    BIND\n    kubernetes in-addr.arpa\n}\n"),
    row(
        Refused,
        ".:PORT {\n    BIND\n    kubernetes cluster.local {\n        namespaces a\n        namespace_labels b=c\n    }\n}\n",
    ),
    row(Refused, ".:PORT {\n    BIND\n    kubernetes a.local\n    kubernetes b.local\n}\n"),
    differs(Taken, ".:PORT {\n    BIND\n    bufsize 600\n}\n", Refused, "replies have up to 1232 octets"),
    differs(Taken, ".:PORT {\n    BIND\n    any\n    view v {\n        expr true\n    }\n}\n", Refused, "no views"),
];

#[test]
fn what_coredns_takes_and_refuses_we_take_and_refuse() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for Row { text, coredns, ours } in ROWS {
        let port = free_block(1);
        let text = text.replace("PORT", &port.to_string()).replace("BIND", B);
        let folder = Folder::new(&text);
        folder.put("some/a.override", "errors\n");
        folder.put("some/a.server", &format!("other.example:{port} {{\n    {B}\n}}\n"));
        let found = match folder.parse(&Overrides::default()) {
            Ok(_) => Taken,
            Err(_) => Refused,
        };
        let expected = ours.map_or(*coredns, |(verdict, _)| verdict);
        if found != expected {
            wrong.push(format!("ours is {found:?} and not {expected:?}:\n{text}"));
        }
        match real(&folder) {
            None => {}
            Some(found) => {
                compared += 1;
                if found != *coredns {
                    wrong.push(format!("CoreDNS's is {found:?} and not {coredns:?}:\n{text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared == ROWS.len() || compared == 0, "{compared} compared");
    println!("compared {compared} texts with CoreDNS");
}

/// What the real CoreDNS makes of the Corefile in this folder; none without one.
fn real(folder: &Folder) -> Option<Verdict> {
    let program = tool::find("grammar", "INTERLOCAL_COREDNS", "coredns-1.15.0/bin/coredns", ".ci/run")?;
    let log = folder.path("log");
    let file = std::fs::File::create(&log).unwrap();
    let mut command = Command::new(program);
    command.args(["-conf", "Corefile"]).current_dir(folder.path("")).stdin(Stdio::null());
    let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
    let verdict = loop {
        // It says its name when it serves, and ends when it does not.
        if std::fs::read_to_string(&log).unwrap().contains("CoreDNS-") {
            break Taken;
        }
        if child.try_wait().unwrap().is_some() {
            let serves = std::fs::read_to_string(&log).unwrap().contains("CoreDNS-");
            break if serves { Taken } else { Refused };
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let _ = child.kill();
    let _ = child.wait();
    Some(verdict)
}
