//! What clients can make the server remember: measured on the real program in a process of its own, because this one has many
//! servers.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::support::client::Conversation;
use crate::support::lab::{WEB, Way, ask, objects, udp};
use crate::support::raw::{A, Raw};
use crate::support::wait::eventually_some;
use crate::support::{ms, secs};

/// `interlocal serve`, killed on drop.
struct Served {
    child: Child,
    dns: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (manifests, config) = (folder.path().join("objects.yaml"), folder.path().join("interlocal.yaml"));
        std::fs::write(&manifests, objects()).unwrap();
        std::fs::write(&config, "forward: []\npeers: {file: \"\"}\nlog: {format: text, level: info}\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_interlocal"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config).arg("--manifests").arg(&manifests);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let dns =
            lines.by_ref().map_while(Result::ok).find_map(|line| address(&line)).expect("it says where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        let served = Self { child, dns, _folder: folder };
        let ready = eventually_some(secs(20), || async {
            let asked = tokio::time::timeout(ms(500), ask(Way::Udp(dns), &Raw::new(WEB, A))).await;
            asked.ok().filter(|reply| reply.answers() == 1)
        });
        ready.await.expect("it answers");
        served
    }

    /// Octets of resident memory; nothing where the system does not tell.
    fn resident(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").trim().parse::<usize>().unwrap() * 1_024)
    }
}

/// `… dns=[127.0.0.1:41234] …`, colours left out.
fn address(line: &str) -> Option<SocketAddr> {
    let at = line.find("127.0.0.1:")?;
    let end = line[at..].find(']')?;
    line[at..at + end].parse().ok()
}

/// CVE-2026-82399: a header that promises 65,535 of everything costs nothing.
#[tokio::test]
async fn counts_take_no_memory() {
    let served = Served::start().await;
    let socket = udp(served.dns).await;
    let message = Raw::of(Vec::new(), A).counts([65_535; 4]).bytes();
    let mut buffer = [0; 512];
    let mut flood = async |times: usize| {
        for _ in 0..times {
            socket.send(&message[..12]).await.unwrap();
            // A datagram that is lost is no matter here.
            let _ = tokio::time::timeout(ms(200), socket.recv(&mut buffer)).await;
        }
    };
    flood(1_000).await;
    let Some(before) = served.resident() else { return };
    flood(30_000).await;
    let grown = served.resident().unwrap().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} octets for 30,000 headers");
}

/// A promise of 65,535 octets and silence, on many connections: room is made for what arrives.
#[tokio::test]
async fn promised_lengths_take_no_memory() {
    const CONNECTIONS: usize = 400;
    let served = Served::start().await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(promise(served.dns).await);
    }
    let Some(before) = served.resident() else { return };
    while silent.len() < CONNECTIONS {
        silent.push(promise(served.dns).await);
    }
    // All have been read once the newest connection is answered.
    assert_eq!(ask(Way::Tcp(served.dns), &Raw::new(WEB, A)).await.answers(), 1);
    let grown = served.resident().unwrap().saturating_sub(before);
    let each = grown / CONNECTIONS;
    assert!(each < 24 << 10, "{each} octets for each of {CONNECTIONS} connections");
}

async fn promise(server: SocketAddr) -> Conversation {
    let mut conversation = Conversation::open(server).await.expect("somebody listens");
    conversation.send_bytes(&[0xff, 0xff]).await;
    conversation
}
