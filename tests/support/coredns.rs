//! A real CoreDNS as a process of its own, on a port of loopback, with a Corefile of the test's. It is what others run, so it is
//! what our answers are compared with; nothing here judges them.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use super::client::Ask;
use super::ports::free_block;
use super::wait::eventually;
use super::{secs, tool};

/// Where to find the program, if not where `.ci/run` puts it.
const PROGRAM: &str = "INTERLOCAL_COREDNS";
const BUILT: &str = "coredns-1.15.0/bin/coredns";

/// Dropping it kills the process that it started.
pub struct CoreDns {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl CoreDns {
    /// Starts it with one server block that has these plugins, one a line, such as
    /// `kubernetes cluster.local { kubeconfig FILE }`. It may not have read the cluster yet: [`CoreDns::answers`]. None, said
    /// aloud, on a machine without it.
    pub fn start(test: &str, plugins: &str) -> Option<Self> {
        let port = free_block(1);
        Self::start_with(test, port, &format!(".:{port} {{\n    bind 127.0.0.1\n{plugins}\n}}\n"))
    }

    /// Starts it with a whole Corefile, which makes it listen on this port of 127.0.0.1.
    pub fn start_with(test: &str, port: u16, corefile: &str) -> Option<Self> {
        let program = Self::program(test)?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Corefile"), corefile).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(["-conf", "Corefile"]).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Some(Self { child, folder, address: ([127, 0, 0, 1], port).into() })
    }

    /// The program, for whoever starts it in another way.
    pub fn program(test: &str) -> Option<PathBuf> {
        tool::find(test, PROGRAM, BUILT, ".ci/run")
    }

    /// UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until this name exists for it: then it has read the cluster.
    pub async fn answers(&self, name: &str) {
        let asked = Ask::new(name, RecordType::A).patience(secs(1));
        let there = eventually(secs(60), || async {
            asked.clone().try_tcp(self.address).await.is_some_and(|reply| reply.response_code == ResponseCode::NoError)
        });
        assert!(there.await, "CoreDNS does not answer {name}:\n{}", self.log());
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for CoreDns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
