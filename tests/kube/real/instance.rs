//! The binary, serving from the API server of its environment, as an operator or a kubelet starts it; and what can be asked of
//! it. Credentials are found in the environment, so it cannot run inside the test's process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use crate::support::client::ask_udp;
use crate::support::http;
use crate::support::ports::free_block;
use crate::support::process::{Process, binary};
use crate::support::read::addresses;
use crate::support::secs;
use crate::support::wait::eventually;

/// Gives up on what happens by itself. The longest that is waited for is the end of a watch, 60 s.
pub const LIMIT: Duration = secs(150);

/// Dropping it kills it.
pub struct Instance {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Instance {
    /// With this kubeconfig; it may not be ready yet. `kubernetes` has more keys of that table: `pods: verified`.
    pub fn start(kubeconfig: &Path, kubernetes: &str) -> Self {
        let mut command = Command::new(binary());
        command.env("KUBECONFIG", kubeconfig).env_remove("KUBERNETES_SERVICE_HOST");
        Self::of(command, &format!("{{source: api, {kubernetes}}}"))
    }

    pub async fn ready(kubeconfig: &Path, kubernetes: &str) -> Self {
        let instance = Self::start(kubeconfig, kubernetes);
        instance.until_ready().await;
        instance
    }

    /// By this command, which ends in the binary, with this value of the key `kubernetes`.
    pub fn of(command: Command, kubernetes: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_block(3));
        let config = format!(
            "region: east\n\
             listen: {{dns: [\"127.0.0.1:{port}\"], peers: [], health: \"\", ready: \"127.0.0.1:{}\", \
             metrics: \"127.0.0.1:{}\", admin: \"\"}}\n\
             kubernetes: {kubernetes}\npeers: {{file: \"\"}}\nforward: []\nshutdown: {{lameduck: 0s}}\nworkers: 2\n\
             log: {{format: text, level: info}}\n",
            port + 1,
            port + 2,
        );
        std::fs::write(folder.path().join("interlocal.yaml"), config).unwrap();
        let process = Process::of(command, folder.path(), &["serve", "--config", "interlocal.yaml"]);
        Self { process, port, _folder: folder }
    }

    /// Where pods ask, UDP and TCP.
    pub fn dns(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// Waits for words in its log.
    pub async fn logged(&self, text: &str) {
        let seen = eventually(LIMIT, || async { self.log().contains(text) }).await;
        assert!(seen, "no `{text}` in:\n{}", self.log());
    }

    /// Status and body of `/ready`; none while nobody listens there.
    pub async fn page(&self) -> Option<(u16, String)> {
        http::get(([127, 0, 0, 1], self.port + 1).into(), "/ready").await
    }

    pub async fn until_ready(&self) {
        let ready = eventually(LIMIT, || async { self.page().await.is_some_and(|(status, _)| status == 200) }).await;
        assert!(ready, "{:?}\n{}", self.page().await, self.log());
    }

    /// Waits until `/ready` has this status and these words.
    pub async fn says(&self, status: u16, words: &str) {
        let right =
            |page: Option<(u16, String)>| page.is_some_and(|(code, text)| code == status && text.contains(words));
        let said = eventually(LIMIT, || async { right(self.page().await) }).await;
        assert!(said, "no {status} with `{words}`: {:?}\n{}", self.page().await, self.log());
    }

    pub async fn metrics(&self) -> String {
        http::get(([127, 0, 0, 1], self.port + 2).into(), "/metrics").await.map_or_else(String::new, |(_, text)| text)
    }

    /// The value of a series; 0 if it is not there.
    pub async fn metric(&self, series: &str) -> f64 {
        http::series(&self.metrics().await, series).unwrap_or(0.0)
    }

    pub async fn until_metric(&self, series: &str, least: f64) {
        let reached = eventually(LIMIT, || async { self.metric(series).await >= least }).await;
        assert!(reached, "{series} is not {least}\n{}\n{}", self.metrics().await, self.log());
    }

    /// How many watches and lists of a resource failed for this reason.
    pub async fn failures(&self, resource: &str, reason: &str) -> f64 {
        self.metric(&failures(resource, reason)).await
    }

    pub async fn ask(&self, name: &str, rtype: RecordType) -> Message {
        ask_udp(self.dns(), name, rtype).await
    }

    /// Waits until a name has these addresses; none is NXDOMAIN.
    pub async fn resolves(&self, name: &str, expected: &[&str]) {
        let same = eventually(LIMIT, || async { self.is(name, expected).await }).await;
        assert!(same, "{name} is {:?} and not {expected:?}\n{}", self.ask(name, RecordType::A).await, self.log());
    }

    /// Whether it has these addresses now.
    pub async fn is(&self, name: &str, expected: &[&str]) -> bool {
        // One after the other, while a change may come between: not an assertion.
        let mut found = Vec::new();
        for rtype in [RecordType::A, RecordType::AAAA] {
            let reply = self.ask(name, rtype).await;
            if expected.is_empty() != (reply.response_code == ResponseCode::NXDomain) {
                return false;
            }
            found.extend(sorted(&reply));
        }
        let mut expected: Vec<String> = expected.iter().map(|&address| address.to_owned()).collect();
        expected.sort();
        found.sort();
        found == expected
    }
}

pub fn failures(resource: &str, reason: &str) -> String {
    format!("interlocal_kube_failures_total{{resource=\"{resource}\",reason=\"{reason}\"}}")
}

fn sorted(reply: &Message) -> Vec<String> {
    let mut found: Vec<String> = addresses(reply).iter().map(ToString::to_string).collect();
    found.sort();
    found
}
