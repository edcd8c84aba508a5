//! A region in a box: an instance of interlocal with files of its own in a temporary folder, started by the function
//! that the binary uses, on free ports of 127.0.0.1 and on a runtime of its own. Here is what to start;
//! [`super::running`] is what runs, and dropping that stops it.
//!
//! ```ignore
//! let east = Region::new("east").manifests(&yaml::join(&[...])).start().await; // alone, without peers
//! let regions = regions::together([Region::new("east"), Region::new("west")]).await; // with a table of both
//! let reply = ask_udp(east.dns(), "web.shop.svc.cluster.local", RecordType::A).await;
//! east.rewrite_peers(text);
//! east.until_metric("interlocal_peers_table_ok", 0.0).await;
//! ```

use std::net::SocketAddr;
use std::path::Path;

use interlocal::app::{BoundApp, Input};
use interlocal::config::{Overrides, UnknownKeys, file};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::running::Running;
use super::secs;
use super::wait::eventually_some;

/// The files of a region, by name in its folder.
pub const CONFIG: &str = "interlocal.yaml";
pub const PEERS: &str = "peers.yaml";
pub const MANIFESTS: &str = "manifests/objects.yaml";

/// What to start. Without more: an empty cluster, no peers, no upstream, two UDP workers, no lameduck time.
pub struct Region {
    pub(super) label: String,
    /// Top-level keys of the configuration with their values.
    pub(super) keys: Vec<(String, String)>,
    pub(super) overrides: Overrides,
    pub(super) folder: TempDir,
    row: String,
}

/// Its sockets are bound and nothing is served: a table can name its door.
pub struct Bound {
    region: Region,
    app: BoundApp,
    runtime: Runtime,
}

impl Region {
    /// With this label; an empty one is none.
    pub fn new(label: &str) -> Self {
        let listen = listen(["\"127.0.0.1:0\""; 6]);
        let keys = [
            ("region", label),
            ("listen", &listen),
            ("kubernetes", "{source: manifests}"),
            ("peers", "{file: peers.yaml}"),
            ("forward", "[]"),
            ("shutdown", "{lameduck: 0s}"),
            ("workers", "2"),
        ];
        let region = Self {
            label: label.to_owned(),
            keys: keys.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            overrides: Overrides::default(),
            folder: tempfile::tempdir().unwrap(),
            row: String::new(),
        };
        region.file(MANIFESTS, "").table("regions: {}\n")
    }

    /// The objects of the cluster, in `manifests/objects.yaml`; [`super::yaml`] makes them.
    pub fn manifests(self, text: &str) -> Self {
        self.file(MANIFESTS, text)
    }

    /// The table to start with, as it is; [`super::regions::together`] writes its own.
    pub fn table(self, text: &str) -> Self {
        self.file(PEERS, text)
    }

    /// Any file, by its path in the region's folder: `manifests/more.yaml`.
    pub fn file(self, name: &str, text: &str) -> Self {
        put(&self.folder, name, text);
        self
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A top-level key of `interlocal.yaml`, in place of the one that is there. For `listen` see [`listen`].
    pub fn key(mut self, key: &str, value: &str) -> Self {
        set(&mut self.keys, key, value);
        self
    }

    /// The peers' door over TLS, with these keys beside `listen`: `cert: tls/tls.crt, key: tls/tls.key`.
    pub fn tls_door(mut self, keys: &str) -> Self {
        let (_, listen) = self.keys.iter().find(|(key, _)| key == "listen").expect("it is there from the start");
        let open = listen.trim_end_matches('}');
        let listen = format!("{open}, peers_tls: {{listen: [\"127.0.0.1:0\"], {keys}}}}}");
        set(&mut self.keys, "listen", &listen);
        self
    }

    /// The rows of `forward`: `[{zone: ., to: ["127.0.0.1:5353"]}]`.
    pub fn forward(self, rows: &str) -> Self {
        self.key("forward", rows)
    }

    /// More of the own row in a table of [`super::regions::together`], one key a line: `cidrs: [10.0.0.0/20]`.
    pub fn row(mut self, keys: &str) -> Self {
        self.row = keys.to_owned();
        self
    }

    /// What flags say.
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Binds every socket.
    pub fn bind(self) -> Bound {
        self.try_bind().unwrap_or_else(|tried| panic!("{}", tried.1))
    }

    /// Starts it with the table that it has, and waits until it is ready.
    pub async fn start(self) -> Running {
        let running = self.bind().start();
        running.ready().await;
        running
    }

    /// As [`Region::start`], for a region that ran before and whose sockets may not be free yet.
    pub async fn start_again(self) -> Running {
        let running = self.start_again_unready().await;
        running.ready().await;
        running
    }

    /// The same, for one that does not become ready by itself.
    pub async fn start_again_unready(self) -> Running {
        let mut waiting = Some(self);
        let bound = eventually_some(secs(20), || {
            let tried = waiting.take().expect("put back below").try_bind();
            let bound = tried.map_err(|tried| waiting = Some(tried.0)).ok();
            async { bound }
        });
        bound.await.expect("the sockets become free").start()
    }

    fn try_bind(self) -> Result<Bound, Box<(Self, String)>> {
        let text = config_text(&self.keys);
        put(&self.folder, CONFIG, &text);
        let path = self.folder.path().join(CONFIG);
        let parsed = file::parse(&text, &path, UnknownKeys::Refuse, &self.overrides);
        let config = parsed.unwrap_or_else(|errors| panic!("{}\n{text}", errors[0])).value;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let overrides = self.overrides.clone();
        let app = {
            let _inside = runtime.enter();
            BoundApp::new(Input {
                config,
                file: Some(path),
                kind: Default::default(),
                overrides,
                log: None,
                adjust: None,
            })
        };
        match app {
            Ok(app) => Ok(Bound { region: self, app, runtime }),
            Err(error) => {
                runtime.shutdown_background();
                Err(Box::new((self, error.to_string())))
            }
        }
    }
}

impl Bound {
    pub fn label(&self) -> &str {
        &self.region.label
    }

    /// Where the pods will ask.
    pub fn dns(&self) -> SocketAddr {
        self.app.addresses().dns[0]
    }

    /// Where the other regions will ask.
    pub fn peers_door(&self) -> SocketAddr {
        self.app.addresses().peers[0]
    }

    /// The same over TLS.
    pub fn tls_door(&self) -> SocketAddr {
        self.app.addresses().peers_tls[0]
    }

    /// The row for a table: the bound door, and what [`Region::row`] said.
    pub fn table_row(&self) -> String {
        let more: String = self.region.row.lines().map(|line| format!("    {}\n", line.trim_start())).collect();
        format!("  {}:\n    endpoints: [\"{}\"]\n{more}", self.region.label, self.peers_door())
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.region.folder.path()
    }

    /// Writes the table that it will read.
    pub fn table(&self, text: &str) {
        put(&self.region.folder, PEERS, text);
    }

    /// Starts; it may not be ready yet.
    pub fn start(self) -> Running {
        let app = {
            let _inside = self.runtime.enter();
            self.app.start().unwrap()
        };
        Running::new(self.region, app, self.runtime)
    }
}

/// The value of the key `listen`: pods' door, peers' door, health, ready, metrics, admin, each in quotes; `""` is none.
pub fn listen(places: [&str; 6]) -> String {
    let [dns, peers, health, ready, metrics, admin] = places;
    let peers = if peers == "\"\"" { "" } else { peers };
    format!("{{dns: [{dns}], peers: [{peers}], health: {health}, ready: {ready}, metrics: {metrics}, admin: {admin}}}")
}

pub(super) fn set(keys: &mut Vec<(String, String)>, key: &str, value: &str) {
    keys.retain(|(old, _)| old != key);
    keys.push((key.to_owned(), value.to_owned()));
}

pub(super) fn config_text(keys: &[(String, String)]) -> String {
    keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
}

fn put(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
    std::fs::write(path, text).unwrap();
}
