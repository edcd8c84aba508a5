//! Instances as processes in one folder with one peer table, and `interlocal check` as an operator runs it there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::ports::free_block;
use crate::support::process::{Ended, Process, binary};
use crate::support::wait::eventually;
use crate::support::{http, secs};

/// Lines of a terminal.
const SCREEN: usize = 24;

/// A folder with the files of some regions.
pub struct World {
    folder: TempDir,
    pub kubeconfig: Option<PathBuf>,
}

/// One region: its label and the first of its ports.
#[derive(Clone)]
pub struct Place {
    pub label: &'static str,
    port: u16,
    keys: Vec<(&'static str, String)>,
}

impl Place {
    pub fn new(label: &'static str) -> Self {
        let place = Self { label, port: free_block(4), keys: Vec::new() };
        let listen = place.listen(&place.dns().to_string(), "");
        place
            .key("listen", &listen)
            .key("kubernetes", &format!("{{source: {label}-objects.yaml}}"))
            .key("forward", "[]")
            .key("peers", "{file: peers.yaml}")
    }

    /// A top-level key in place of the one that is there.
    pub fn key(mut self, key: &'static str, value: &str) -> Self {
        self.keys.retain(|(old, _)| *old != key);
        self.keys.push((key, value.to_owned()));
        self
    }

    /// The pods' door elsewhere.
    pub fn dns_at(self, dns: &str) -> Self {
        let listen = self.listen(dns, "");
        self.key("listen", &listen)
    }

    /// And a peers' door over TLS, with these files.
    pub fn tls(self) -> Self {
        let more = format!(", peers_tls: {{listen: [\"{}\"], cert: tls/tls.crt, key: tls/tls.key}}", self.tls_door());
        let listen = self.listen(&self.dns().to_string(), &more);
        self.key("listen", &listen)
    }

    fn listen(&self, dns: &str, more: &str) -> String {
        let (peers, admin) = (self.peers(), self.admin());
        format!(
            "{{dns: [\"{dns}\"], peers: [\"{peers}\"], health: \"\", ready: \"\", metrics: \"\", admin: \"{admin}\"{more}}}"
        )
    }

    pub fn dns(&self) -> SocketAddr {
        self.at(0)
    }

    pub fn peers(&self) -> SocketAddr {
        self.at(1)
    }

    pub fn admin(&self) -> SocketAddr {
        self.at(2)
    }

    pub fn tls_door(&self) -> SocketAddr {
        self.at(3)
    }

    fn at(&self, offset: u16) -> SocketAddr {
        ([127, 0, 0, 1], self.port + offset).into()
    }
}

/// A row of the table.
pub fn row(label: &str, address: impl std::fmt::Display) -> String {
    format!("  {label}: {{endpoints: [\"{address}\"]}}\n")
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), kubeconfig: None }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, text: &str) {
        let beside = self.folder.path().join("new~");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, self.folder.path().join(name)).unwrap();
    }

    /// The rows of the peer table.
    pub fn table(&self, rows: &[String]) {
        self.file("peers.yaml", &format!("version: 1\nregions:\n{}", rows.concat()));
    }

    /// Writes the region's files: a cluster with a namespace of the region's name, and `web` in it.
    pub fn configure(&self, place: &Place) {
        let Place { label, keys, .. } = place;
        let keys: String = keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        // So small that every machine has enough for it.
        let small = "limits: {in_flight: 64, tcp_connections: 16}\ncache: {size: 1MiB}\nworkers: 1\n\
                     shutdown: {lameduck: 0s}\nlog: {format: text, level: info}\n";
        let region = if label.is_empty() { String::new() } else { format!("region: {label}\n") };
        self.file(&format!("{label}.yaml"), &format!("{region}{keys}{small}"));
        if !self.folder.path().join(format!("{label}-objects.yaml")).exists() {
            self.objects(label, &[]);
        }
        if !self.folder.path().join("resolv.conf").exists() {
            self.file("resolv.conf", "search node.internal\n");
        }
    }

    /// The cluster of a region, with more namespaces.
    pub fn objects(&self, label: &str, namespaces: &[&str]) {
        let mut objects = vec![
            crate::support::yaml::cluster(&format!("{label}-0000")),
            crate::support::yaml::namespace(label),
            crate::support::yaml::service(&format!("{label}/web"), &["10.96.0.7"], &["http:80"]),
        ];
        objects.extend(namespaces.iter().map(|name| crate::support::yaml::namespace(name)));
        self.file(&format!("{label}-objects.yaml"), &crate::support::yaml::join(&objects));
    }

    /// Starts a region, whose files are there, and waits until its admin listener answers.
    pub async fn serve(&self, place: &Place) -> Process {
        self.configure(place);
        let process =
            Process::of(self.command(), self.folder(), &["serve", "--config", &format!("{}.yaml", place.label)]);
        let there = eventually(secs(60), || async { http::get(place.admin(), "/health").await.is_some() }).await;
        assert!(there, "{} does not start:\n{}", place.label, process.stderr());
        process
    }

    /// The same, and waits until it is ready.
    pub async fn serve_ready(&self, place: &Place) -> Process {
        let process = self.serve(place).await;
        let ready =
            eventually(secs(60), || async { matches!(http::get(place.admin(), "/ready").await, Some((200, _))) });
        assert!(ready.await, "{} is not ready:\n{}", place.label, process.stderr());
        process
    }

    /// `interlocal check` beside a region.
    pub async fn check(&self, place: &Place, more: &[&str]) -> Ended {
        self.configure(place);
        let config = format!("{}.yaml", place.label);
        let mut args = vec!["check", "--config", &config, "--resolv-conf", "resolv.conf"];
        args.extend(more);
        self.run(&args).await
    }

    /// The binary with these arguments, to its end.
    pub async fn run(&self, args: &[&str]) -> Ended {
        Process::of(self.command(), self.folder(), args).ended().await
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.env_remove("KUBERNETES_SERVICE_HOST").env("KUBECONFIG", "nowhere");
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command
    }
}

/// The check found a problem, and its first screen is that of the golden file, in which this cause is named.
pub fn found(ended: &Ended, golden: &str, cause: &str) {
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let screen: Vec<&str> = ended.stdout.lines().take(SCREEN).collect();
    let screen = redacted(&(screen.join("\n") + "\n"));
    assert!(screen.contains(cause), "no `{cause}` in:\n{screen}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/golden").join(format!("{golden}.txt"));
    if std::env::var_os("INTERLOCAL_BLESS").is_some() {
        std::fs::write(&path, &screen).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(screen, kept, "{}: INTERLOCAL_BLESS=1 writes it anew", path.display());
}

/// Addresses of loopback become `ADDRESS`, ports in sentences `PORT`, and times `TIME`: they are all that differs from run to run.
pub fn redacted(text: &str) -> String {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("127.0.0.") {
        out.push_str(&rest[..at]);
        rest = &rest[at + "127.0.0.".len()..];
        rest = &rest[digits(rest)..];
        if let Some(port) = rest.strip_prefix(':').filter(|port| digits(port) > 0) {
            rest = &port[digits(port)..];
        }
        out.push_str("ADDRESS");
    }
    out.push_str(rest);
    let mut text = String::new();
    let mut rest = out.as_str();
    while let Some(at) = rest.find(" port ") {
        let (before, after) = rest.split_at(at + " port ".len());
        text.push_str(before);
        text.push_str(if digits(after) > 0 { "PORT" } else { "" });
        rest = &after[digits(after)..];
    }
    text.push_str(rest);
    let lines = text.lines().map(|line| match line.strip_suffix(" ms") {
        Some(before) => {
            before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end().to_owned() + "  TIME"
        }
        None => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}
