//! The log of questions of the binary: every door and protocol, lines as a real CoreDNS writes them, changed by a reload, and no
//! line lost at the end.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::process::Process;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{http, secs, yaml};

struct Instance {
    process: Process,
    folder: TempDir,
    port: u16,
    upstream: SocketAddr,
}

impl Instance {
    async fn start(upstream: SocketAddr, log: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_block(3));
        let web = yaml::service("shop/web", &["10.96.0.1"], &["http:80"]);
        std::fs::write(folder.path().join("objects.yaml"), yaml::join(&[yaml::namespace("shop"), web])).unwrap();
        write(&folder, port, upstream, log);
        let process = Process::start(folder.path(), &["serve", "--config", "interlocal.yaml"]);
        let instance = Self { process, folder, port, upstream };
        let ready =
            eventually(secs(60), || async { instance.page("/ready").await.is_some_and(|(status, _)| status == 200) });
        assert!(ready.await, "{}", instance.process.stderr());
        instance
    }

    fn dns(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    fn peers(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port + 1).into()
    }

    async fn page(&self, page: &str) -> Option<(u16, String)> {
        http::get(([127, 0, 0, 1], self.port + 2).into(), page).await
    }

    async fn reload(&self, log: &str) {
        let before = self.reloads().await;
        write(&self.folder, self.port, self.upstream, log);
        let read = eventually(secs(60), || async { self.reloads().await > before });
        assert!(read.await, "{}", self.process.stderr());
    }

    async fn reloads(&self) -> f64 {
        let (_, text) = self.page("/metrics").await.unwrap();
        http::series(&text, "interlocal_config_reload_total{file=\"config\",result=\"ok\"}").unwrap_or_default()
    }

    fn lines(&self) -> Vec<String> {
        self.process.stdout().lines().map(ToOwned::to_owned).collect()
    }

    /// Waits until there are so many lines.
    async fn wrote(&self, count: usize) -> Vec<String> {
        let there = eventually(secs(30), || async { self.lines().len() >= count });
        assert!(there.await, "{:?}\n{}", self.lines(), self.process.stderr());
        self.lines()
    }
}

fn write(folder: &TempDir, port: u16, upstream: SocketAddr, log: &str) {
    let config = format!(
        "region: east\nlisten: {{dns: [\"127.0.0.1:{port}\"], peers: [\"127.0.0.1:{}\"], health: \"\", ready: \"\", \
         metrics: \"\", admin: \"127.0.0.1:{}\"}}\nkubernetes: {{source: objects.yaml}}\npeers: {{file: \"\"}}\n\
         forward: [{{zone: ., to: [\"{upstream}\"]}}]\nshutdown: {{lameduck: 0s}}\nworkers: 2\nlog: {{{log}}}\n",
        port + 1,
        port + 2,
    );
    let beside = folder.path().join("new~");
    std::fs::write(&beside, config).unwrap();
    std::fs::rename(&beside, folder.path().join("interlocal.yaml")).unwrap();
}

fn upstream() -> ScriptServer {
    let server = ScriptServer::start();
    drop(server.on_zone("example").nxdomain("example", 30));
    drop(server.on("www.example", RecordType::A).answer_a("192.0.2.1", 30));
    server
}

/// The line without what differs from run to run: port, id, sizes of what each server writes in its own way, time.
fn shape(line: &str) -> String {
    let (head, tail) = line.split_once(" - ").unwrap();
    let (remote, _port) = head.rsplit_once(':').unwrap();
    let (_id, rest) = tail.split_once(' ').unwrap();
    let (question, answer) = rest.rsplit_once("\" ").unwrap();
    let words: Vec<&str> = answer.split(' ').collect();
    let [rcode, flags, size, time] = words[..] else { panic!("{line}") };
    let seconds = time.strip_suffix('s').unwrap();
    assert!(seconds.parse::<f64>().unwrap() >= 0.0 && size.parse::<usize>().unwrap() >= 12, "{line}");
    // What AA and RA are is each server's own affair.
    let flags: Vec<&str> = flags.split(',').filter(|flag| !["aa", "ra"].contains(flag)).collect();
    format!("{remote} {question} {rcode} {}", flags.join(","))
}

#[tokio::test]
async fn lines_are_as_a_real_corednss() {
    let upstream = upstream();
    let plugins = format!("    log\n    forward . {}", upstream.address());
    let Some(theirs) = CoreDns::start("lines_are_as_a_real_corednss", &plugins) else { return };
    theirs.answers("www.example").await;
    let ours = Instance::start(upstream.address(), "queries: {}").await;
    let ask = |name: &str, rtype| Ask::new(name, rtype);
    let questions = [
        (ask("WWW.example", RecordType::A), false),
        (ask("www.example", RecordType::A), true),
        (ask("www.example", RecordType::A).dnssec_ok().edns(4096), false),
        (ask("gone.example", RecordType::AAAA).no_edns(), false),
        (ask("gone.example", RecordType::AAAA).dnssec_ok(), true),
        (ask("_x.*.example", RecordType::HTTPS), false),
        (ask("gone.example", RecordType::Unknown(65_280)).cd().ad(), false),
    ];
    let start = theirs.log().matches("[INFO] 127.0.0.1").count();
    for (question, tcp) in &questions {
        for server in [ours.dns(), theirs.address()] {
            if *tcp {
                question.tcp(server).await
            } else {
                question.udp(server).await
            };
        }
    }
    let mine = ours.wrote(questions.len()).await;
    let said = || -> Vec<String> {
        let log = theirs.log();
        log.lines().filter(|line| line.starts_with("[INFO] 127.0.0.1")).skip(start).map(ToOwned::to_owned).collect()
    };
    assert!(eventually(secs(30), || async { said().len() >= questions.len() }).await, "{}", theirs.log());
    let shapes = |lines: &[String]| lines.iter().map(|line| shape(line)).collect::<Vec<_>>();
    assert_eq!(shapes(&mine), shapes(&said()));
    assert_eq!(mine.len(), questions.len());
}

#[tokio::test]
async fn every_door_and_protocol_is_logged_and_a_reload_changes_it() {
    let upstream = upstream();
    let ours = Instance::start(upstream.address(), "level: info").await;
    let web = Ask::new("web.shop.svc.cluster.local", RecordType::A);
    web.udp(ours.dns()).await;
    ours.reload("queries: {format: json}").await;
    let (cached, denied) =
        (Ask::new("www.example", RecordType::A), Ask::new("no.shop.svc.cluster.local", RecordType::A));
    // Local, from an upstream, out of the cache, and at the peers' door; each over both.
    for question in [&web, &cached, &cached, &denied] {
        question.udp(ours.dns()).await;
        question.tcp(ours.dns()).await;
    }
    web.udp(ours.peers()).await;
    web.tcp(ours.peers()).await;
    let lines = ours.wrote(10).await;
    let read: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |key: &str, value: &str| read.iter().filter(|line| line[key] == value).count();
    assert_eq!((read.len(), count("proto", "udp"), count("proto", "tcp")), (10, 5, 5), "{lines:?}");
    assert_eq!(
        (count("rcode", "NOERROR"), count("rcode", "NXDOMAIN"), count("rcode", "REFUSED")),
        (6, 2, 2),
        "{lines:?}"
    );
    ours.reload("queries: {class: [error], format: coredns}").await;
    for question in [&web, &denied] {
        question.udp(ours.dns()).await;
    }
    web.udp(ours.peers()).await;
    let lines = ours.wrote(11).await;
    assert!(lines[10].starts_with("[INFO] 127.0.0.1:") && lines[10].contains(" REFUSED "), "{lines:?}");
    ours.reload("level: info").await;
    web.udp(ours.peers()).await;
    let (_, text) = ours.page("/metrics").await.unwrap();
    assert_eq!(http::series(&text, "interlocal_query_log_lines_total"), Some(11.0));
    ours.reload("queries: {}").await;
    for _ in 0..20 {
        web.udp(ours.dns()).await;
    }
    // What was answered before the end is written before the end.
    ours.process.signal("TERM");
    let ended = ours.process.ended().await;
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 31), "{}", ended.stdout);
}
