//! A server under test: a process of its own with its files in a folder of its own. Dropping it ends that process and no other.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use interlocal::clock;
use tempfile::TempDir;

use crate::load::{self, Ask};
use crate::options::Column;
use crate::world::{self, World};
use crate::{coredns, interlocal_files, process};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// What to start.
pub struct Spec {
    pub region: u8,
    /// How many addresses it has, from place 1.
    pub places: u8,
    /// Rows of its table: label and endpoints.
    pub rows: Vec<(String, Vec<String>)>,
    pub upstreams: Vec<String>,
    /// Both run from this file in place of one of their own.
    pub corefile: Option<String>,
    /// Top-level keys of interlocal.yaml.
    pub keys: Vec<(String, String)>,
    /// More manifests.
    pub objects: String,
    /// How many file descriptors it may have.
    pub descriptors: Option<u32>,
    /// The only core that it may use.
    pub core: Option<usize>,
}

impl Spec {
    pub fn new(region: u8) -> Self {
        let (rows, upstreams, keys) = (Vec::new(), Vec::new(), Vec::new());
        let (corefile, objects) = (None, String::new());
        Self { region, places: 1, rows, upstreams, corefile, keys, objects, descriptors: None, core: None }
    }

    pub fn places(mut self, places: u8) -> Self {
        self.places = places;
        self
    }

    pub fn row(mut self, label: &str, endpoints: &[SocketAddr]) -> Self {
        let endpoints = endpoints.iter().map(ToString::to_string).collect();
        self.rows.push((label.to_owned(), endpoints));
        self
    }

    /// A row for a host name, with the port of a peers' door.
    pub fn row_text(mut self, label: &str, endpoint: &str) -> Self {
        self.rows.push((label.to_owned(), vec![endpoint.to_owned()]));
        self
    }

    pub fn upstream(mut self, address: &str) -> Self {
        self.upstreams.push(address.to_owned());
        self
    }

    /// Runs from this text; its folder `custom` is there to import from.
    pub fn corefile(mut self, text: String) -> Self {
        self.corefile = Some(text);
        self
    }

    /// Only interlocal has it.
    pub fn key(mut self, key: &str, value: &str) -> Self {
        self.keys.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Only interlocal has them.
    pub fn objects(mut self, text: &str) -> Self {
        self.objects.push_str(text);
        self
    }

    pub fn descriptors(mut self, most: u32) -> Self {
        self.descriptors = Some(most);
        self
    }

    pub fn core(mut self, core: usize) -> Self {
        self.core = Some(core);
        self
    }
}

pub struct Server {
    child: Child,
    pub folder: TempDir,
    pub spec: Spec,
    column: Column,
}

impl Server {
    pub fn start(world: &World, spec: Spec) -> Self {
        Self::start_as(world.column, world, spec)
    }

    /// One of another kind than the row is about.
    pub fn start_as(column: Column, world: &World, spec: Spec) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("custom")).unwrap();
        let mut command = match column {
            Column::Interlocal => {
                interlocal_files::write(folder.path(), &spec);
                // Another build may be measured by the same measure.
                let named = std::env::var_os("INTERLOCAL_FAULTS_BINARY");
                let binary = named.unwrap_or_else(|| env!("CARGO_BIN_EXE_interlocal").into());
                let mut command = process::limited(&binary, spec.descriptors);
                match &spec.corefile {
                    Some(_) => command.args(["serve", "--corefile", "Corefile", "--manifests", "objects.yaml"]),
                    None => command.args(["serve", "--config", "interlocal.yaml"]),
                };
                command
            }
            Column::CoreDns => {
                coredns::write(folder.path(), &spec);
                let mut command = Command::new(&world.coredns);
                command.args(["-conf", "Corefile"]);
                command
            }
        };
        let log = File::create(folder.path().join("log")).unwrap();
        command.current_dir(folder.path()).stdin(Stdio::null());
        if let Some(core) = spec.core {
            crate::support::sys::confine(&mut command, core);
        }
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut server = Self { child, folder, spec, column };
        server.wait_ready();
        server
    }

    fn wait_ready(&mut self) {
        let end = clock::now() + READY_WITHIN;
        while clock::now() < end {
            let ready = match self.column {
                Column::Interlocal => self.get(8_181, "/ready").is_some_and(|(status, _)| status == 200),
                Column::CoreDns => self.answers(),
            };
            if ready {
                return;
            }
            assert!(self.is_alive(), "it ended:\n{}", self.log());
            world::sleep_ms(20);
        }
        panic!("not ready:\n{}", self.log());
    }

    fn answers(&self) -> bool {
        let own = world::ask(self.spec.region, 0, 0);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut message = vec![0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        own.name.split('.').for_each(|label| {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        });
        message.extend_from_slice(&[0, 0, 1, 0, 1]);
        socket.send_to(&message, self.dns()).is_ok() && socket.recv(&mut [0; 600]).is_ok()
    }

    /// The pods' door.
    pub fn dns(&self) -> SocketAddr {
        SocketAddr::from((world::address(self.spec.region, 1), 53))
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends this process a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
    }

    /// Resident memory in MB.
    pub fn memory(&self) -> f64 {
        process::memory(self.child.id())
    }

    pub fn metrics(&self) -> String {
        self.get(9_153, "/metrics").map(|(_, text)| text).unwrap_or_default()
    }

    /// The sum of a metric's series whose labels contain this text; no number if the server does not tell.
    pub fn sum(&self, metric: &str, labels: &str) -> f64 {
        let text = self.metrics();
        if text.is_empty() {
            return f64::NAN;
        }
        let series = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(metric)?;
            let (named, value) = rest.rsplit_once(' ')?;
            let is_it = (named.is_empty() || named.starts_with('{')) && named.contains(labels);
            is_it.then(|| value.parse::<f64>().unwrap_or(0.0))
        });
        series.sum()
    }

    /// Asks until this name is answered as it should be; how long it took from now.
    pub fn until_good(&self, within: Duration, mut next: impl FnMut() -> Ask + Send + 'static) -> Option<Duration> {
        let began = clock::now();
        let asking = load::start(self.dns(), 50.0, move |_| Some(next()));
        let mut found: Option<Instant> = None;
        while clock::now() < began + within && found.is_none() {
            world::sleep_ms(10);
            found = asking.first_right();
        }
        drop(asking.stop());
        found.map(|at| at.duration_since(began))
    }

    /// Puts this text in place of a file, as the kubelet does: in one step.
    pub fn write(&self, name: &str, text: &str) {
        let beside = self.folder.path().join("new~");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, self.folder.path().join(name)).unwrap();
    }

    fn get(&self, port: u16, path: &str) -> Option<(u16, String)> {
        get(SocketAddr::from((world::address(self.spec.region, 1), port)), path)
    }
}

/// A page over HTTP: status and body.
pub fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::env::var_os("INTERLOCAL_FAULTS_TELL").is_some() {
            let metrics = self.metrics();
            let of_others = metrics.lines().filter(|line| line.contains("_peer_") || line.contains("_upstream_"));
            of_others.filter(|line| line.starts_with("interlocal")).for_each(|line| println!("    {line}"));
            println!("{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
