//! A real Kubernetes API server of one's own: etcd, kube-apiserver and the EndpointSlice and namespace controllers in one
//! process on loopback, in a temporary folder (`tests/apiserver`). It can be killed, started again in the same folder and on the
//! same port, and made to hang. It starts in 2 to 8 seconds, so tests that can, share one: [`ApiServer::shared`].
//!
//! ```ignore
//! let Some(mut api) = ApiServer::start("the_test", &[]).await else { return };
//! api.apply(SERVICES).await;
//! let kubeconfig = api.kubeconfig_of("reader", &api.token("kube-system", "reader").await);
//! api.kill();
//! api.start_again().await;
//! ```

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::ports::free_block;
use super::tool;

/// Where to find the program, if not where `tests/apiserver/build` puts it.
const PROGRAM: &str = "INTERLOCAL_APISERVER";
const BUILT: &str = "apiserver-1.37.1/apiserver";

/// The token of [`ApiServer::kubeconfig`].
pub const ADMIN: &str = "admin";

/// Dropping it kills the server that it started, and removes its folder. A test process that is killed takes it along.
pub struct ApiServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    flags: Vec<String>,
    /// None while it is killed. The server ends when the other end of its standard input does.
    running: Option<(Child, ChildStdin)>,
    /// While it is paused: the process that will make it go on, once the other end of its standard input is gone.
    paused: Option<Child>,
}

/// A command that ended.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

/// A program that runs beside; dropping it kills that one.
pub struct Beside(Child);

impl ApiServer {
    /// A new server without objects, ready; `flags` are for kube-apiserver and win over its own. None, said aloud, on a
    /// machine without the program; under `INTERLOCAL_CI=1` that is a failure.
    pub async fn start(test: &str, flags: &[&str]) -> Option<Self> {
        let mut server = Self::stopped(test, flags)?;
        server.start_again().await;
        Some(server)
    }

    /// It has a port, and nobody listens there.
    pub fn stopped(test: &str, flags: &[&str]) -> Option<Self> {
        let program = tool::find(test, PROGRAM, BUILT, "tests/apiserver/build")?;
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        Some(Self {
            program,
            folder: tempfile::tempdir().unwrap(),
            port: free_block(1),
            flags,
            running: None,
            paused: None,
        })
    }

    /// One for all tests of this process that only add objects in namespaces of their own.
    pub async fn shared(test: &str) -> Option<Arc<Self>> {
        static SHARED: OnceCell<Option<Arc<ApiServer>>> = OnceCell::const_new();
        let shared = SHARED.get_or_init(|| async { Self::start(test, &[]).await.map(Arc::new) }).await.clone();
        if shared.is_none() {
            // Only the first one has said so.
            tool::find(test, PROGRAM, BUILT, "tests/apiserver/build");
        }
        shared
    }

    /// Starts it, again or for the first time, in its folder and on its port, and waits until it is ready.
    pub async fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs");
        let log = self.folder.path().join("log");
        let mut command = Command::new(&self.program);
        command.args(["serve", "-tied", "-port", &self.port.to_string(), "-dir"]).arg(self.folder.path()).arg("--");
        command.args(&self.flags).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().expect("piped");
        let stdout = child.stdout.take().expect("piped");
        self.running = Some((child, stdin));
        // The server itself gives up after a minute.
        let first = tokio::task::spawn_blocking(move || first_line(stdout)).await.unwrap();
        let end = || last_lines(&std::fs::read_to_string(&log).unwrap_or_default());
        assert!(first.starts_with("ready "), "the API server said {first:?} and ended:\n{}", end());
    }

    /// Ends it as a crash would. What it stored stays.
    pub fn kill(&mut self) {
        self.resume();
        if let Some((mut child, _stdin)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// It stays there with all its connections, and does nothing.
    pub fn pause(&mut self) {
        let (child, _) = self.running.as_ref().expect("it runs");
        let id = child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -STOP $0", &id]).status().unwrap().success());
        // What hangs does not see that we are gone: somebody has to wake it up.
        let waker = Command::new("sh").args(["-c", "read -r _; kill -CONT $0", &id]).stdin(Stdio::piped()).spawn();
        self.paused = Some(waker.unwrap());
    }

    /// It goes on.
    pub fn resume(&mut self) {
        if let Some(mut waker) = self.paused.take() {
            drop(waker.stdin.take());
            waker.wait().unwrap();
        }
    }

    /// Makes it forget all history before now.
    pub async fn compact(&self) {
        self.run(&["compact", "-dir", &self.folder.path().to_string_lossy()], "").await.good();
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Where all its files are; one's own may lie beside them.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// For the administrator, who may do anything. There once it was started.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("pki/ca.crt")
    }

    /// New certificates, by a new authority, from its next start on. ServiceAccounts need new tokens then.
    pub fn renew_certificates(&self) {
        assert!(self.running.is_none(), "it runs");
        // It makes what it needs when it finds no tokens.
        std::fs::remove_file(self.folder.path().join("pki/tokens.csv")).unwrap();
    }

    /// Writes a kubeconfig for whoever has this token.
    pub fn kubeconfig_of(&self, name: &str, token: &str) -> PathBuf {
        self.write_kubeconfig(name, self.port, &format!("token: {token}"))
    }

    /// Writes a kubeconfig with this `user`, such as `token: TOKEN` or `tokenFile: PATH`, that leads to another port of loopback,
    /// where a relay of the test's listens.
    pub fn write_kubeconfig(&self, name: &str, port: u16, user: &str) -> PathBuf {
        let path = self.folder.path().join(format!("kubeconfig-{name}"));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: test, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority: {}}}}}]\n\
             users: [{{name: test, user: {{{user}}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
            self.ca().display()
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A new token of a ServiceAccount, good for ten minutes.
    pub async fn token(&self, namespace: &str, account: &str) -> String {
        self.kubectl(&["create", "token", account, "-n", namespace, "--duration=10m"]).await.trim().to_owned()
    }

    /// Runs `kubectl` as the administrator; what it says on standard output. It has to succeed.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args, "").await.good()
    }

    /// The same, with this on standard input, whatever comes of it.
    pub async fn try_kubectl(&self, args: &[&str], stdin: &str) -> Said {
        let mut all = vec!["kubectl"];
        all.extend(args);
        self.run(&all, stdin).await
    }

    /// Makes or changes the objects of this text.
    pub async fn apply(&self, yaml: &str) {
        // The server checks it; asking it for its schema first costs twice the time.
        self.try_kubectl(&["apply", "--validate=false", "-f", "-"], yaml).await.good();
    }

    pub async fn delete(&self, namespace: &str, objects: &[&str]) {
        let mut args = vec!["delete", "-n", namespace, "--grace-period=0", "--force", "--wait=false"];
        args.extend(objects);
        self.kubectl(&args).await;
    }

    /// Merges this into an object: `patch("shop", "service/web", "{spec: {…}}")`.
    pub async fn patch(&self, namespace: &str, object: &str, patch: &str) {
        self.kubectl(&["patch", "-n", namespace, object, "--type=merge", "-p", patch]).await;
    }

    /// Merges this into an object's `status`, as a kubelet would.
    pub async fn patch_status(&self, namespace: &str, object: &str, patch: &str) {
        self.kubectl(&["patch", "-n", namespace, object, "--subresource=status", "--type=merge", "-p", patch]).await;
    }

    /// An object as the server has it.
    pub async fn get(&self, namespace: &str, object: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", "-n", namespace, object, "-o", "json"]).await).unwrap()
    }

    /// `kubectl proxy` on a port of its own, and its URL: the API without TLS and credentials.
    pub async fn proxy(&self) -> (Beside, String) {
        let mut command = self.command(&["kubectl", "proxy", "--port=0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().expect("piped");
        let beside = Beside(child);
        let first = tokio::task::spawn_blocking(move || first_line(stdout)).await.unwrap();
        let address = first.trim().rsplit(' ').next().expect("`Starting to serve on ADDRESS`");
        (beside, format!("http://{address}"))
    }

    async fn run(&self, args: &[&str], stdin: &str) -> Said {
        let mut command = self.command(args);
        let (stdin, shown) = (stdin.to_owned(), args.join(" "));
        let ended = tokio::task::spawn_blocking(move || {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn()?;
            // One that ends without reading it says why itself.
            let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
            child.wait_with_output()
        });
        let output = ended.await.unwrap().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { ok: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Nobody's own kubeconfig, and a cache that goes with the folder.
        command.args(args).env("KUBECONFIG", self.kubeconfig()).env("HOME", self.folder.path());
        command
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Said {
    /// What it said, if it succeeded; else the test ends with what it complained of.
    pub fn good(self) -> String {
        assert!(self.ok, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads one line, and goes on reading so that the program never waits for us; empty if it ended without one.
fn first_line(stdout: ChildStdout) -> String {
    let mut reader = BufReader::new(stdout);
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    std::thread::spawn(move || std::io::copy(&mut reader.by_ref(), &mut std::io::sink()));
    line
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
