//! The binary itself, as an operator runs it: arguments in; exit code, output and signals seen. Dropping a process kills
//! that one and no other.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::secs;
use super::wait::{eventually, eventually_some};

/// Longer than any command of ours may take.
const LIMIT: std::time::Duration = secs(60);

/// A process that ended.
#[derive(Debug)]
pub struct Ended {
    /// None if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A process that runs.
pub struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// What one stream said so far.
struct Output {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// The binary, for [`Process::of`].
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_interlocal")
}

/// Runs the binary to its end.
pub async fn run(folder: &Path, args: &[&str]) -> Ended {
    Process::start(folder, args).ended().await
}

impl Process {
    /// Starts the binary in this folder, with nothing of ours in its environment.
    pub fn start(folder: &Path, args: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_interlocal")), folder, args)
    }

    /// The same with another environment, which is kept, or under another program; see [`binary`].
    pub fn of(mut command: Command, folder: &Path, args: &[&str]) -> Self {
        for name in
            ["REGION", "MANIFESTS", "LISTEN", "LISTEN_PEERS", "LISTEN_ADMIN", "PEERS", "WORKERS", "PLAIN_SOCKETS"]
        {
            let name = format!("INTERLOCAL_{name}");
            if !command.get_envs().any(|(set, _)| set == name.as_str()) {
                command.env_remove(name);
            }
        }
        command.current_dir(folder).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Output::read(child.stdout.take().expect("piped"));
        let stderr = Output::read(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn stdout(&self) -> String {
        self.stdout.text.lock().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.text.lock().clone()
    }

    /// Waits until it has written this to stdout.
    pub async fn printed(&self, text: &str) {
        let seen = eventually(LIMIT, || async { self.stdout().contains(text) }).await;
        assert!(seen, "no `{text}` in:\n{}\n{}", self.stdout(), self.stderr());
    }

    /// Waits until it has written this to stderr, where its log goes.
    pub async fn logged(&self, text: &str) {
        let seen = eventually(LIMIT, || async { self.stderr().contains(text) }).await;
        assert!(seen, "no `{text}` in:\n{}", self.stderr());
    }

    /// Sends `TERM`, `INT`, `HUP` or `KILL` to this process.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: there need not be another one, and calling libc's would be unsafe code.
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its exit code once it has ended, none inside if a signal ended it.
    pub fn exit_code(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().unwrap().map(|status| status.code())
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self) -> Ended {
        let status = eventually_some(LIMIT, || {
            let status = self.child.try_wait().unwrap();
            async move { status }
        });
        let Some(status) = status.await else {
            panic!("it does not end:\n{}\n{}", self.stdout(), self.stderr());
        };
        Ended { code: status.code(), stdout: self.stdout.all(), stderr: self.stderr.all() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let text: Arc<Mutex<String>> = Arc::default();
        let into = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut text = into.lock();
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self { text, reader: Some(reader) }
    }

    /// Everything, once the stream has ended.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text.lock().clone()
    }
}
