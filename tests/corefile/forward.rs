//! `forward` with TLS, `failover`, `next` and host names: the same Corefile gets the same answers from CoreDNS, but for what is
//! listed with its reason.

use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use interlocal::config::Overrides;
use interlocal::tls::ServerFiles;

use crate::answers::answer;
use crate::setup::{Folder, Served};
use crate::support::certificates::{Authority, Files};
use crate::support::client::{Ask, ask_udp};
use crate::support::coredns::CoreDns;
use crate::support::http::get;
use crate::support::ports::free_block;
use crate::support::read::{addresses, extended_errors};
use crate::support::server::ScriptServer;
use crate::support::tls_front::TlsFront;
use crate::support::wait::eventually;
use crate::support::{ip, secs};

/// `ONE`, `TWO` and `THREE` answer as `upstream` says, `TLS` is `ONE` over TLS, `MUTUAL` too, and wants a certificate. `HOSTS` knows
/// `up.test`. CoreDNS is asked first: what it does not wait for is not warm.
const COREFILES: [(&str, &str); 15] = [
    ("tls by name", "forward . tls://TLS {\n        tls FOLDER/tls/ca.crt\n        tls_servername dns.test\n    }"),
    ("tls by address", "forward . tls://TLS {\n        tls FOLDER/tls/ca.crt\n        force_tcp\n    }"),
    ("tls, a name each", "forward . tls://127.0.0.1%dns.test:TLSPORT {\n        tls FOLDER/tls/ca.crt\n    }"),
    (
        "tls with a certificate",
        "forward . tls://MUTUAL {\n        tls FOLDER/tls/tls.crt FOLDER/tls/tls.key FOLDER/tls/ca.crt\n        tls_servername dns.test\n    }",
    ),
    (
        "tls without a certificate",
        "forward . tls://MUTUAL {\n        tls FOLDER/tls/ca.crt\n        tls_servername dns.test\n    }",
    ),
    (
        "tls of another name",
        "forward . tls://TLS {\n        tls FOLDER/tls/ca.crt\n        tls_servername other.test\n    }",
    ),
    (
        "tls of another authority",
        "forward . tls://TLS {\n        tls FOLDER/tls/other.crt\n        tls_servername dns.test\n    }",
    ),
    (
        "failover",
        "forward . ONE TWO THREE {\n        policy sequential\n        failover NXDOMAIN SERVFAIL NOTAUTH\n    }",
    ),
    (
        "failover over TCP",
        "forward . ONE TWO THREE {\n        force_tcp\n        policy sequential\n        failover nxdomain NOTAUTH\n    }",
    ),
    (
        "next",
        "forward . ONE {\n        next NXDOMAIN REFUSED\n    }\n    forward . TWO {\n        next NXDOMAIN\n    }\n    forward . THREE",
    ),
    ("next behind nothing", "forward . ONE {\n        next_on_nodata\n    }\n    forward . TWO"),
    (
        "next of other zones",
        "forward . ONE {\n        next NXDOMAIN\n    }\n    forward two.example TWO\n    forward three.example THREE",
    ),
    ("host names", "forward . up.test:ONEPORT {\n        resolver HOSTS\n    }"),
    (
        "host names over TLS",
        "forward . tls://up.test:TLSPORT {\n        tls FOLDER/tls/ca.crt\n        tls_servername dns.test\n        resolver HOSTS\n    }",
    ),
    (
        "next over TLS",
        "forward . TWO {\n        next NOERROR\n    }\n    forward . tls://TLS {\n        tls FOLDER/tls/ca.crt\n    }",
    ),
];

/// The first is for what all of them know.
const QUESTIONS: [&str; 9] = [
    "same.example",
    "only.two.example",
    "who.two.example",
    "only.three.example",
    "nobody.example",
    "empty.one.example",
    "refused.one.example",
    "notauth.one.example",
    "fails.one.example",
];

/// Corefile, name, and why our answer is another one.
const WANTED: [(&str, &str, &str); 4] = [
    ("failover", "refused.one.example", "another server is asked where one refuses, named or not"),
    ("failover over TCP", "refused.one.example", "another server is asked where one refuses, named or not"),
    ("failover over TCP", "fails.one.example", "another server is asked where one fails, named or not"),
    ("next of other zones", "nobody.example", "NXDOMAIN, as it came, in place of SERVFAIL: nobody else takes the name"),
];

/// Knows everything under its own address, but what its number says.
fn upstream(number: u8) -> ScriptServer {
    let server = ScriptServer::start();
    server.on_any().edit(move |query, reply| {
        let asked = &query.queries[0];
        let name = asked.name().to_ascii().to_lowercase();
        let first = number == 1;
        let rcode = match name.trim_end_matches('.') {
            "nobody.example" => ResponseCode::NXDomain,
            "only.two.example" if number != 2 => ResponseCode::NXDomain,
            "only.three.example" if number != 3 => ResponseCode::NXDomain,
            "refused.one.example" if first => ResponseCode::Refused,
            "notauth.one.example" if first => ResponseCode::NotAuth,
            "fails.one.example" if first => ResponseCode::ServFail,
            "empty.one.example" if first => return,
            "up.test" if asked.query_type() == RecordType::A => {
                reply.add_answer(Record::from_rdata(asked.name().clone(), 60, RData::A(A([127, 0, 0, 1].into()))));
                return;
            }
            _ if asked.query_type() != RecordType::A => return,
            // The one that may be asked of any of them.
            "same.example" => {
                let data = RData::A(A([192, 0, 2, 9].into()));
                reply.add_answer(Record::from_rdata(asked.name().clone(), 600, data));
                return;
            }
            // Nor do those that the first one alone does not answer say who did.
            name if !first && name.ends_with("one.example") => {
                let data = RData::A(A([192, 0, 2, 9].into()));
                reply.add_answer(Record::from_rdata(asked.name().clone(), 600, data));
                return;
            }
            _ => {
                let data = RData::A(A([192, 0, 2, number].into()));
                reply.add_answer(Record::from_rdata(asked.name().clone(), 600, data));
                return;
            }
        };
        reply.metadata.response_code = rcode;
    });
    server
}

fn server_files(folder: &Folder, client_ca: bool) -> ServerFiles {
    ServerFiles {
        certificate: folder.path("tls/tls.crt"),
        key: folder.path("tls/tls.key"),
        client_ca: client_ca.then(|| folder.path("tls/ca.crt")),
    }
}

/// Certificates for `dns.test`, `up.test` and 127.0.0.1, in a folder.
fn certificates() -> (Folder, Authority) {
    let (folder, authority) = (Folder::new(""), Authority::new("one"));
    let files = Files::in_folder(&folder.path(""));
    files.ca(authority.pem());
    files.put("other.crt", Authority::new("two").pem());
    files.pair(&authority.sign(&["dns.test", "up.test", "127.0.0.1"]));
    (folder, authority)
}

async fn page(metrics: SocketAddr) -> String {
    get(metrics, "/metrics").await.unwrap().1
}

async fn until_it_answers(server: SocketAddr) {
    let asked = Ask::new("same.example", RecordType::A).patience(secs(10));
    assert!(eventually(secs(60), || async { asked.clone().try_tcp(server).await.is_some() }).await);
}

#[tokio::test]
async fn the_same_forward_gets_the_same_answers() {
    let test = "the_same_forward_gets_the_same_answers";
    let [one, two, three] = [1, 2, 3].map(upstream);
    let (folder, _authority) = certificates();
    let tls = TlsFront::start(&server_files(&folder, false), one.address()).await;
    let mutual = TlsFront::start(&server_files(&folder, true), one.address()).await;
    let (mut compared, mut wrong, mut seen) = (0, Vec::new(), Vec::new());
    for (name, text) in COREFILES {
        let text = text
            .replace("TLSPORT", &tls.address().port().to_string())
            .replace("ONEPORT", &one.address().port().to_string())
            .replace("MUTUAL", &mutual.address().to_string())
            .replace("://TLS", &format!("://{}", tls.address()))
            .replace("FOLDER", folder.path("").to_str().unwrap().trim_end_matches('/'))
            .replace("HOSTS", &two.address().to_string())
            .replace("ONE", &one.address().to_string())
            .replace("TWO", &two.address().to_string())
            .replace("THREE", &three.address().to_string());
        let text = format!(".:PORT {{\n    bind 127.0.0.1\n    {text}\n}}\n");
        let port = free_block(1);
        let Some(theirs) = CoreDns::start_with(test, port, &text.replace("PORT", &port.to_string())) else { return };
        let ours = Served::start_with(Folder::new(&text.replace("PORT", "0")), Overrides::default()).await;
        until_it_answers(theirs.address()).await;
        for asked in QUESTIONS {
            compared += 1;
            if name.starts_with("failover") && ["empty.one.example", "who.two.example"].contains(&asked) {
                // The fastest is asked first, whatever the policy, and these are answered differently by each.
                continue;
            }
            let theirs = answer(theirs.address(), asked, RecordType::A).await;
            let ours = answer(ours.dns(), asked, RecordType::A).await;
            if ours == theirs {
                continue;
            }
            match WANTED.iter().position(|(corefile, wanted, _)| (*corefile, *wanted) == (name, asked)) {
                Some(row) => seen.push(row),
                None => wrong.push(format!("{name}: {asked}\n  ours:   {ours}\n  theirs: {theirs}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<_> = (0..WANTED.len()).filter(|row| !seen.contains(row)).map(|row| WANTED[row]).collect();
    assert!(unseen.is_empty(), "no difference any more: {unseen:?}");
    assert_eq!(compared, COREFILES.len() * QUESTIONS.len());
    // Theirs and ours, each Corefile that can.
    assert!(tls.accepted() >= 8 && mutual.accepted() >= 2, "{} {}", tls.accepted(), mutual.accepted());
    println!("compared {compared} answers with CoreDNS");
}

#[tokio::test]
async fn certificates_of_upstreams_are_read_again_and_what_is_wrong_is_told() {
    let (upstream, (folder, authority)) = (upstream(1), certificates());
    let tls = TlsFront::start(&server_files(&folder, false), upstream.address()).await;
    let corefile = format!(
        ".:0 {{\n    bind 127.0.0.1\n    prometheus 127.0.0.1:0\n    forward . tls://{} {{\n        tls ca.crt\n        tls_servername dns.test\n    }}\n}}\n",
        tls.address()
    );
    let own = Folder::new(&corefile);
    own.put("ca.crt", Authority::new("another").pem());
    let served = Served::start_with(own, Overrides::default()).await;
    let told = |text: &'static str| {
        let server = served.dns();
        async move {
            let reply = ask_udp(server, "www.example", RecordType::A).await;
            extended_errors(&reply).first().is_some_and(|(_, told)| told == text)
        }
    };
    let wanted = "no upstream of . answers: certificate not trusted";
    assert!(
        eventually(secs(30), || told(wanted)).await,
        "{:?}",
        ask_udp(served.dns(), "www.example", RecordType::A).await
    );
    let metrics = served.app().addresses().metrics.unwrap();
    let shown = page(metrics).await;
    assert!(shown.contains("interlocal_upstream_tls_ok{zone=\".\"} 1"), "{shown}");
    assert!(!shown.contains("interlocal_upstream_tls_failures_total{zone=\".\",cause=\"not_trusted\"} 0"), "{shown}");
    served.folder.put("ca.crt", authority.pem());
    let answered =
        || async { addresses(&ask_udp(served.dns(), "www.example", RecordType::A).await) == [ip("192.0.2.1")] };
    assert!(eventually(secs(60), answered).await, "{}", ask_udp(served.dns(), "www.example", RecordType::A).await);
    let shown = page(metrics).await;
    let address = tls.address();
    assert!(shown.contains(&format!("to=\"{address}\",proto=\"tcp-tls\"")), "{shown}");
    // Gone: what was read stays in use, and it is said.
    std::fs::remove_file(served.folder.path("ca.crt")).unwrap();
    let said = || async { page(metrics).await.contains("interlocal_upstream_tls_ok{zone=\".\"} 0") };
    assert!(eventually(secs(60), said).await);
    assert!(answered().await);
}
