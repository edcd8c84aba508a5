//! What a machine does to a process: a log that nobody reads, a full disk, no more file descriptors, standing still. It answers on, and
//! is as before when it is over.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use crate::support::client::{Ask, Conversation};
use crate::support::ports::free_block;
use crate::support::process::{Process, binary};
use crate::support::read::addresses;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{http, ip, ms, secs, yaml};

const WEB: &str = "web.default.svc.cluster.local";

/// Files of one instance: pods' door, `/ready` and `/metrics` on three ports in a row.
pub struct Files {
    pub folder: TempDir,
    port: u16,
}

impl Files {
    pub fn new(keys: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_block(3));
        let objects = [yaml::namespace("default"), yaml::service("default/web", &["10.96.0.1"], &["http:80"])];
        fs::write(folder.path().join("objects.yaml"), yaml::join(&objects)).unwrap();
        let config = format!(
            "region: east\nlisten: {{dns: [\"127.0.0.1:{port}\"], peers: [], health: \"\", ready: \"127.0.0.1:{}\", \
             metrics: \"127.0.0.1:{}\", admin: \"\"}}\nkubernetes: {{source: objects.yaml}}\nworkers: 2\n\
             shutdown: {{lameduck: 0s}}\n{keys}\n",
            port + 1,
            port + 2
        );
        fs::write(folder.path().join("interlocal.yaml"), config).unwrap();
        Self { folder, port }
    }

    /// Runs the binary by this line of the shell, in which it is `$0` and its arguments are `"$@"`.
    pub fn start(&self, line: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", line, binary()]);
        Process::of(command, self.folder.path(), &["serve", "--config", "interlocal.yaml"])
    }

    pub fn at(&self, offset: u16) -> SocketAddr {
        ([127, 0, 0, 1], self.port + offset).into()
    }

    pub async fn answers(&self) -> bool {
        let ask = Ask::new(WEB, RecordType::A).patience(secs(2));
        ask.try_udp(self.at(0)).await.is_some_and(|reply| addresses(&reply) == [ip("10.96.0.1")])
    }

    pub async fn until_answers(&self) {
        assert!(eventually(secs(30), || self.answers()).await);
    }

    pub async fn metric(&self, series: &str) -> f64 {
        let (_, text) = http::get(self.at(2), "/metrics").await.expect("metrics");
        http::series(&text, series).unwrap_or(0.0)
    }
}

/// Every reload is logged: if that could end it, or make it wait, it would.
async fn survives_reloads(files: &Files, process: &Process) {
    files.until_answers().await;
    for _ in 0..5 {
        process.signal("HUP");
        tokio::time::sleep(ms(50)).await;
        assert!(files.answers().await);
    }
}

#[tokio::test]
async fn a_log_that_is_closed_ends_nothing() {
    let files = Files::new("forward: []\npeers: {file: \"\"}");
    let mut process = files.start("exec \"$0\" \"$@\" >&- 2>&-");
    survives_reloads(&files, &process).await;
    assert!(process.is_running());
}

#[tokio::test]
async fn a_log_on_a_full_disk_ends_nothing() {
    let files = Files::new("forward: []\npeers: {file: \"\"}");
    let mut process = files.start("exec \"$0\" \"$@\" >/dev/full 2>/dev/full");
    survives_reloads(&files, &process).await;
    assert!(process.is_running());
}

/// The reader is gone, as when a log collector restarts: EPIPE, and a signal by default.
#[tokio::test]
async fn a_log_whose_reader_is_gone_ends_nothing() {
    let files = Files::new("forward: []\npeers: {file: \"\"}");
    let mut child = Command::new(binary())
        .args(["serve", "--config", "interlocal.yaml"])
        .current_dir(files.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    files.until_answers().await;
    for _ in 0..3 {
        fs::write(files.folder.path().join("peers.yaml"), "not: [a table").unwrap();
        assert!(files.answers().await);
    }
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(running);
}

/// The last good table cannot be kept: it is used all the same, and said.
#[tokio::test]
async fn a_full_disk_costs_the_copy_of_the_table_only() {
    let files = Files::new("forward: []\npeers: {file: peers.yaml}\nstate_dir: state");
    // A folder that cannot be written stands for a disk that is full; for root it has to be no folder at all.
    fs::write(files.folder.path().join("state"), "in the way").unwrap();
    fs::write(files.folder.path().join("peers.yaml"), "regions: {east: {}}\n").unwrap();
    let process = files.start("exec \"$0\" \"$@\"");
    files.until_answers().await;
    let table = "interlocal_peers_table_generation_total";
    assert!(files.metric(table).await >= 1.0);
    fs::write(files.folder.path().join("peers.yaml"), "regions: {east: {}, west: {endpoints: [127.0.0.1]}}\n").unwrap();
    let taken = eventually(secs(20), || async { files.metric(table).await >= 2.0 });
    assert!(taken.await, "{}", process.stderr());
    assert!(files.answers().await);
    process.logged("state").await;
}

/// Connections beyond what the system allows are waited out, without a busy loop; names over UDP go on, and everything is as before
/// when they are gone.
#[tokio::test]
async fn without_file_descriptors_it_answers_on_and_recovers() {
    let upstream = ScriptServer::start();
    let forward = format!("forward: [{{zone: ., to: [\"{}\"]}}]\npeers: {{file: \"\"}}", upstream.address());
    let files = Files::new(&forward);
    // The hard limit too, or it would help itself.
    let process = files.start("ulimit -n 100; exec \"$0\" \"$@\"");
    files.until_answers().await;
    let mut open = Vec::new();
    for _ in 0..150 {
        // The kernel completes handshakes that nobody accepts.
        open.extend(Conversation::open(files.at(0)).await);
    }
    assert!(open.len() > 100, "{}", open.len());
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        let fields: Vec<u64> = stat.split(' ').skip(13).take(2).map(|field| field.parse().unwrap()).collect();
        fields[0] + fields[1]
    };
    let before = ticks();
    for _ in 0..20 {
        assert!(files.answers().await, "from memory");
        tokio::time::sleep(ms(50)).await;
    }
    // Of a second, in hundredths: a loop would use all of it.
    assert!(ticks() - before < 60, "{} ticks", ticks() - before);
    let miss = Ask::new("www.example.com", RecordType::A).patience(secs(10)).udp(files.at(0)).await;
    assert!(miss.answers.is_empty(), "no socket for it, and an answer all the same: {miss}");
    drop(open);
    let recovered = eventually(secs(20), || async {
        let asked = Ask::new("back.example.com", RecordType::A).patience(secs(2));
        let over_tcp = Ask::new(WEB, RecordType::A).patience(secs(2)).try_tcp(files.at(0)).await;
        over_tcp.is_some()
            && asked.try_udp(files.at(0)).await.is_some_and(|reply| reply.metadata.response_code.low() == 3)
    });
    assert!(recovered.await, "{}", process.stderr());
    assert!(files.metric("interlocal_tcp_accept_errors_total").await > 0.0);
}

/// The soft limit is no bound: what the system allows is taken at the start.
#[tokio::test]
async fn file_descriptors_up_to_the_hard_limit_are_taken() {
    let files = Files::new("forward: []\npeers: {file: \"\"}");
    let process = files.start("ulimit -Sn 100; ulimit -Hn 600; exec \"$0\" \"$@\"");
    files.until_answers().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["600", "600"]);
}

/// Stopped and continued, as when a machine is suspended or a container is frozen: what it says then is as good as before.
#[tokio::test]
async fn standing_still_for_a_while_changes_nothing() {
    let files = Files::new("forward: []\npeers: {file: \"\"}");
    let process = files.start("exec \"$0\" \"$@\"");
    files.until_answers().await;
    process.signal("STOP");
    tokio::time::sleep(secs(6)).await;
    process.signal("CONT");
    files.until_answers().await;
    let (status, text) = http::get(files.at(1), "/ready").await.unwrap();
    assert_eq!(status, 200, "{text}");
}
