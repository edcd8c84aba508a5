//! An instance from a Corefile, started as `serve --corefile` starts it, on ports and upstreams of the test's.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use interlocal::app::{App, FileKind, Input, corefile};
use interlocal::config::Overrides;
use interlocal::config::corefile::Corefile;
use interlocal::limits::Limits;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::secs;
use crate::support::wait::eventually;

/// A Corefile of `tests/corefile/shapes`.
pub fn shape(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corefile/shapes").join(format!("{name}.Corefile"));
    std::fs::read_to_string(path).unwrap()
}

/// All of them, by name.
pub fn shapes() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corefile/shapes");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.map(|name| name.trim_end_matches(".Corefile").to_owned()).collect();
    names.sort();
    names
}

/// A folder with a Corefile in it.
pub struct Folder(TempDir);

impl Folder {
    pub fn new(corefile: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("Corefile", corefile);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Written beside it and renamed over it, as an editor does.
    pub fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = self.path("new~");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    pub fn parse(&self, overrides: &Overrides) -> Result<(Corefile, Vec<String>), Vec<String>> {
        let here = format!("{}/", self.0.path().display());
        let shown = |problem: &dyn ToString| problem.to_string().replace(&here, "");
        match corefile::parse(&self.path("Corefile"), &Limits::default(), overrides) {
            Ok(parsed) => Ok((parsed.value, parsed.warnings.iter().map(|problem| shown(problem)).collect())),
            Err(problems) => Err(problems.iter().map(|problem| shown(problem)).collect()),
        }
    }
}

/// The problems of a text, in west.
pub fn problems(text: &str) -> Vec<String> {
    let west = Overrides { region: Some("west".into()), ..Overrides::default() };
    Folder::new(text).parse(&west).err().unwrap_or_default()
}

/// An instance that runs; dropping it stops it.
pub struct Served {
    pub folder: Folder,
    pub app: Option<App>,
    runtime: Option<Runtime>,
}

impl Served {
    /// Starts it with these objects as its cluster, and waits until it is ready.
    pub async fn start(folder: Folder, objects: &str) -> Self {
        folder.put("objects.yaml", objects);
        let overrides = Overrides { manifests: Some(folder.path("objects.yaml")), ..Overrides::default() };
        Self::start_with(folder, overrides).await
    }

    pub async fn start_with(folder: Folder, mut overrides: Overrides) -> Self {
        overrides.workers = Some("2".into());
        let (read, _) = folder.parse(&overrides).unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
        let input = Input {
            config: read.config,
            file: Some(folder.path("Corefile")),
            kind: FileKind::Corefile(read.read),
            overrides,
            log: None,
            adjust: None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let app = {
            let _inside = runtime.enter();
            App::start(input).unwrap()
        };
        let served = Self { folder, app: Some(app), runtime: Some(runtime) };
        let ready = eventually(secs(30), || async { served.app().missing().is_empty() }).await;
        assert!(ready, "misses {:?}", served.app().missing());
        served
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().expect("it runs")
    }

    /// The first of its addresses.
    pub fn dns(&self) -> SocketAddr {
        self.app().addresses().dns[0]
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.app.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The text on free ports of 127.0.0.1, and with this upstream in place of every one that it names.
pub fn on_loopback(text: &str, upstream: SocketAddr) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let indent = &line[..line.len() - line.trim_start().len()];
        let moved = match words.as_slice() {
            ["health", rest @ ..] => {
                let open = if rest.contains(&"{") { " {" } else { "" };
                format!("{indent}health 127.0.0.1:0{open}")
            }
            ["ready"] => format!("{indent}ready 127.0.0.1:0"),
            ["prometheus", _] => format!("{indent}prometheus 127.0.0.1:0"),
            ["bind", ..] => format!("{indent}bind 127.0.0.1"),
            ["forward", ".", rest @ ..] => {
                let open = if rest.contains(&"{") { " {" } else { "" };
                format!("{indent}forward . {upstream}{open}")
            }
            _ => line.replace(":5353 {", ":0 {").replace(":53 {", ":0 {"),
        };
        out.push_str(&moved);
        out.push('\n');
    }
    out
}
