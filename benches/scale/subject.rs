//! What is measured: the binary, or CoreDNS, as a process with a configuration of its own, and its memory as the kernel
//! counts it.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use interlocal::clock;
use tempfile::TempDir;

use crate::ask;

/// More than any start takes, or it does not come up at all.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    Own,
    CoreDns(PathBuf),
}

/// A running one. Dropping it kills it.
pub struct Subject {
    child: Child,
    pub dns: SocketAddr,
    http: SocketAddr,
    pub started: Instant,
    _folder: TempDir,
}

impl Program {
    /// CoreDNS, if it is there: `INTERLOCAL_COREDNS`, else where `.ci/run` keeps it.
    pub fn coredns() -> Option<Self> {
        let named = std::env::var_os("INTERLOCAL_COREDNS").map(PathBuf::from);
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let kept = || Some(cache.or_else(home)?.join("interlocal-ci/coredns-1.15.0/bin/coredns"));
        let path = named.or_else(kept)?;
        path.is_file().then_some(Self::CoreDns(path))
    }

    /// Starts it against this API server; whatever is not of the cluster goes to `upstream`.
    pub fn start(&self, api: &str, upstream: SocketAddr) -> Subject {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (dns, http) = (free_port(), free_port());
        let mut command = match self {
            Self::Own => {
                let config = folder.path().join("interlocal.yaml");
                let text = format!(
                    "listen: {{dns: ['{dns}'], peers: [], health: '', ready: '{http}', metrics: '', admin: ''}}\n\
                     kubernetes: {{source: '{api}'}}\npeers: {{file: ''}}\n\
                     forward: [{{zone: ., to: ['{upstream}']}}]\n"
                );
                fs::write(&config, text).expect("a folder of our own");
                let mut command = Command::new(env!("CARGO_BIN_EXE_interlocal"));
                command.args(["serve", "--config"]).arg(config);
                command
            }
            Self::CoreDns(path) => {
                let config = folder.path().join("Corefile");
                let text = format!(
                    ".:{} {{\n  bind {}\n  kubernetes cluster.local {{\n    endpoint {api}\n  }}\n  ready {http}\n  \
                     forward . {upstream}\n}}\n",
                    dns.port(),
                    dns.ip()
                );
                fs::write(&config, text).expect("a folder of our own");
                let mut command = Command::new(path);
                command.arg("-conf").arg(config);
                command
            }
        };
        for name in ["REGION", "MANIFESTS", "LISTEN", "WORKERS", "PLAIN_SOCKETS"] {
            command.env_remove(format!("INTERLOCAL_{name}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = clock::now();
        let child = command.spawn().expect("it can be started");
        Subject { child, dns, http, started, _folder: folder }
    }
}

impl Subject {
    /// Waits for `/ready`; says how long after the start it was.
    pub fn ready(&self) -> Duration {
        let is_ready = || ask::page(self.http, "/ready").is_some_and(|(status, _)| status == 200);
        ask::until(LIMIT, self.started, is_ready).expect("it gets ready")
    }

    /// Resident memory now, in MiB.
    pub fn resident(&self) -> f64 {
        self.status("VmRSS")
    }

    /// The most that it ever was, or was since the last reset.
    pub fn peak(&self) -> f64 {
        self.status("VmHWM")
    }

    pub fn reset_peak(&self) {
        // "5: Resets the peak resident set size ("high water mark") to the current value" (proc_pid_clear_refs(5)).
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").expect("a process of ours");
    }

    fn status(&self, row: &str) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let value = text.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
        value.and_then(|value| value.parse::<f64>().ok()).expect("Linux says it") / 1_024.0
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Free for UDP and TCP, a moment ago.
fn free_port() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = tcp.local_addr().expect("it is bound");
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}
