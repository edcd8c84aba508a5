//! A Corefile that changes while it is served: taken whole or not at all, and no question is lost.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::setup::{Folder, Served};
use crate::support::client::ask_udp;
use crate::support::read::addresses;
use crate::support::server::ScriptServer;
use crate::support::steady::{Clients, Known, Steady};
use crate::support::wait::eventually;
use crate::support::{http, ip, secs, yaml};

fn corefile(upstream: &ScriptServer, more: &str) -> String {
    format!(
        ".:0 {{\n    bind 127.0.0.1\n    kubernetes cluster.local\n    forward . {}\n    cache 30\n    import custom/*.override\n{more}}}\n",
        upstream.address()
    )
}

fn objects() -> String {
    yaml::join(&[yaml::namespace("default"), yaml::service("default/web", &["10.96.0.80"], &["http:80"])])
}

async fn until(served: &Served, asked: &str, rcode: ResponseCode) {
    let seen =
        eventually(secs(60), || async { ask_udp(served.dns(), asked, RecordType::A).await.response_code == rcode });
    assert!(seen.await, "{asked} is not {rcode}: {}", ask_udp(served.dns(), asked, RecordType::A).await);
}

const TEMPLATE: &str = "template ANY ANY blocked.example {\n    rcode NXDOMAIN\n}\n";

#[tokio::test]
async fn the_file_and_its_imports_are_taken_or_kept() {
    let upstream = ScriptServer::start();
    upstream.on("a.blocked.example", RecordType::A).answer_a("192.0.2.1", 60);
    upstream.on("b.blocked.example", RecordType::A).answer_a("192.0.2.1", 60);
    let folder = Folder::new(&corefile(&upstream, ""));
    std::fs::create_dir(folder.path("custom")).unwrap();
    let served = Served::start(folder, &objects()).await;
    until(&served, "a.blocked.example", ResponseCode::NoError).await;
    // A file that comes to the pattern's folder.
    served.folder.put("custom/block.override", TEMPLATE);
    until(&served, "a.blocked.example", ResponseCode::NXDomain).await;
    // One that is wrong: what was taken stays.
    served.folder.put("custom/block.override", "nonsense\n");
    served.folder.put("Corefile", &corefile(&upstream, "    more nonsense\n"));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    until(&served, "b.blocked.example", ResponseCode::NXDomain).await;
    // And mended.
    served.folder.put("custom/block.override", "errors\n");
    served.folder.put("Corefile", &corefile(&upstream, ""));
    until(&served, "b.blocked.example", ResponseCode::NoError).await;
}

/// Changes of an imported file; so many that whatever is lost at one in a hundred would show.
const CHANGES: usize = 300;
/// One in so many is a file that is wrong.
const WRONG: usize = 10;
/// One in so many is the Corefile itself.
const WHOLE: usize = 7;

/// A name that is answered differently after each change, so that nobody has to guess when one was taken.
fn round(number: usize) -> (String, String) {
    let address = format!("10.99.{}.{}", number / 250, number % 250 + 1);
    (format!("template IN A round.example {{\n    answer \"{{{{ .Name }}}} 0 IN A {address}\"\n}}\n"), address)
}

/// As many questions as the machine gives, over UDP and TCP, while the file and its imports change hundreds of times: each one is
/// answered, and right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_lose_no_question() {
    let upstream = ScriptServer::start();
    upstream.on("www.example.net", RecordType::A).answer_a("192.0.2.80", 86_400);
    upstream.on("www.stub.example", RecordType::A).answer_a("192.0.2.81", 86_400);
    let rules = "    prometheus 127.0.0.1:0\n    hosts {\n        192.0.2.82 fixed.example\n        fallthrough\n    }\n    forward stub.example UP {\n        force_tcp\n    }\n";
    let rules = rules.replace("UP", &upstream.address().to_string());
    let folder = Folder::new(&corefile(&upstream, &rules));
    folder.put("custom/round.override", &round(0).0);
    let served = Served::start(folder, &objects()).await;
    let dns = served.dns();
    let known = [
        ("web.default.svc.cluster.local", "10.96.0.80"),
        ("www.example.net", "192.0.2.80"),
        ("www.stub.example", "192.0.2.81"),
        ("fixed.example", "192.0.2.82"),
    ];
    for (name, address) in known {
        assert_eq!(addresses(&ask_udp(dns, name, RecordType::A).await), [ip(address)], "{name} is kept from here on");
    }
    let asked_for =
        [upstream.count("www.example.net", RecordType::A), upstream.count("www.stub.example", RecordType::A)];
    let known = known.map(|(name, address)| Known { name: name.into(), address: ip(address) });
    let clients = Clients { udp: 8, tcp: 2, pause: std::time::Duration::ZERO };
    let steady = Steady::start(dns, known.to_vec(), clients);

    let mut wrong = 0.0;
    for number in 1..=CHANGES {
        if number % WRONG == 0 {
            // What was taken stays, and nobody who asks notices.
            served.folder.put("custom/round.override", "nonsense\n");
            wrong += 1.0;
            let refused = eventually(secs(60), || async { reloads(&served, "error").await >= wrong });
            assert!(refused.await, "{wrong} files that are wrong were not refused");
        }
        let (text, address) = round(number);
        if number % WHOLE == 0 {
            let block = format!("n{number}.example:0 {{\n    bind 127.0.0.1\n    whoami\n}}\n");
            served.folder.put("Corefile", &(corefile(&upstream, &rules) + &block));
        }
        served.folder.put("custom/round.override", &text);
        let taken = eventually(secs(60), || async {
            addresses(&ask_udp(dns, "round.example", RecordType::A).await) == [ip(&address)]
        });
        assert!(taken.await, "change {number} was not taken");
    }
    let done = reloads(&served, "ok").await;
    assert!(done >= CHANGES as f64, "{done} reloads");
    let tally = steady.stop().await;
    println!("{CHANGES} changes, {done} reloads, {wrong} refused: {tally}");
    assert_eq!(
        (tally.failed, tally.silent.len(), tally.resets, tally.crossed),
        (0, 0, 0, 0),
        "{tally}\n{:?}",
        tally.why
    );
    assert!(tally.answered == tally.asked && tally.asked > 10 * CHANGES, "{tally}");
    // What was kept of the upstream's answers outlived every reload.
    let again = [upstream.count("www.example.net", RecordType::A), upstream.count("www.stub.example", RecordType::A)];
    assert_eq!(again, asked_for);
}

/// How often the file was read, with this result.
async fn reloads(served: &Served, result: &str) -> f64 {
    let page = served.app().addresses().metrics.expect("the Corefile has `prometheus`");
    let (_, text) = http::get(page, "/metrics").await.expect("metrics");
    let series = format!("interlocal_config_reload_total{{file=\"config\",result=\"{result}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0.0, |value| value.parse().unwrap())
}
