//! The three forwarders, each in front of the same upstream: ours with its usual memory, Unbound with its own, dnsdist without
//! one. Dropping them ends the processes that were started here.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use super::world;
use crate::support::client::Ask;
use crate::support::dig::skip;
use crate::support::ports::free_block;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

pub struct Servers {
    pub upstream: ScriptServer,
    pub ours: Running,
    pub unbound: Process,
    pub dnsdist: Process,
}

pub struct Process {
    child: Child,
    folder: TempDir,
    pub address: SocketAddr,
}

impl Servers {
    /// None, said aloud, on a machine without one of the two.
    pub async fn start(test: &str) -> Option<Self> {
        let (unbound, dnsdist) = (program(test, "unbound")?, program(test, "dnsdist")?);
        let upstream = ScriptServer::start();
        drop(upstream.on_any().edit(world::fill));
        let cut = format!("{}.{}", world::CUT, world::ZONE);
        drop(upstream.on_zone(&cut).truncate_udp().edit(world::fill));
        let to = upstream.address();
        let forward = format!("[{{zone: ., to: [\"{to}\"]}}]");
        let ours = Region::new("east").forward(&forward).start().await;
        let unbound = Process::start(&unbound, &["-d", "-p", "-c"], |port, folder| unbound_file(port, to, folder));
        let dnsdist = Process::start(&dnsdist, &["--supervised", "--disable-syslog", "-C"], |port, _| {
            format!(
                "setSecurityPollSuffix(\"\")\nsetLocal(\"127.0.0.1:{port}\")\nsetACL({{\"127.0.0.0/8\"}})\n\
                 newServer({{address=\"{to}\", healthCheckMode=\"up\"}})\n"
            )
        });
        let servers = Self { upstream, ours, unbound, dnsdist };
        for process in [&servers.unbound, &servers.dnsdist] {
            process.answers().await;
        }
        Some(servers)
    }
}

/// It follows its own idea of what a forwarder should do, but for what would have it ask other questions than it was asked.
fn unbound_file(port: u16, to: SocketAddr, folder: &Path) -> String {
    format!(
        "server:\n  interface: 127.0.0.1@{port}\n  directory: \"{}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  \
         use-syslog: no\n  logfile: \"\"\n  verbosity: 0\n  num-threads: 1\n  do-ip6: no\n  do-not-query-localhost: no\n  \
         module-config: \"iterator\"\n  access-control: 127.0.0.0/8 allow\n  qname-minimisation: no\n  deny-any: no\n  \
         minimal-responses: no\n  harden-below-nxdomain: no\n  incoming-num-tcp: 100\n  local-zone: \"example.com.\" nodefault\n\
         remote-control:\n  control-enable: no\n\
         forward-zone:\n  name: \".\"\n  forward-addr: {}@{}\n",
        folder.display(),
        to.ip(),
        to.port()
    )
}

impl Process {
    fn start(program: &Path, arguments: &[&str], file: impl Fn(u16, &Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_block(1);
        std::fs::write(folder.path().join("conf"), file(port, folder.path())).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).arg(folder.path().join("conf")).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { child, folder, address: ([127, 0, 0, 1], port).into() }
    }

    async fn answers(&self) {
        let ask = Ask::new("n0.plain.example.com", RecordType::A).patience(secs(1));
        let there = eventually(secs(60), || async { ask.clone().try_udp(self.address).await.is_some() }).await;
        assert!(there, "{}", self.log());
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of the system, wherever Debian has it.
fn program(test: &str, name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skip(test, name);
    }
    found
}
