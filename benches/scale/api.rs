//! As much of an API server as both subjects need, and fast enough not to be what is measured: streamed lists, pages and
//! watches in JSON over HTTP/1.1, a thread for each connection. It can go away, and forget what happened before.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use interlocal::clock;
use parking_lot::{Condvar, Mutex};

use crate::cluster::{self, Text};

/// Octets of a list that are written at once.
const PIECE: usize = 64 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Namespaces,
    Services,
    Slices,
}

pub struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<Listening>,
}

struct Listening {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    connections: Mutex<Vec<TcpStream>>,
}

struct State {
    namespaces: Vec<Text>,
    services: Vec<Text>,
    slices: Vec<Text>,
    version: u64,
    /// Versions below it are gone.
    oldest: u64,
    /// Changes of slices, with their versions.
    log: Vec<(u64, Text)>,
    /// Rises when connections have to end.
    ended: u64,
}

impl Api {
    /// With so many Services, answering at once.
    pub fn start(services: u32) -> Self {
        let state = State {
            namespaces: cluster::namespaces(),
            services: (0..services).map(cluster::service).collect(),
            slices: (0..services).map(|number| cluster::slice(number, 0, 7)).collect(),
            version: 100,
            oldest: 0,
            log: Vec::new(),
            ended: 0,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { state, changed, connections: Mutex::default() });
        let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("loopback is there");
        let mut api = Self { address, shared, listening: None };
        api.listen();
        api
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens at its address again.
    pub fn listen(&mut self) {
        let listener = TcpListener::bind(self.address).expect("the port is ours");
        let (stop, shared) = (Arc::new(AtomicBool::new(false)), Arc::clone(&self.shared));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if told.load(Relaxed) {
                    return;
                }
                shared.connections.lock().extend(stream.try_clone());
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || Serving { shared: &shared, stream }.run());
            }
        });
        self.listening = Some(Listening { stop, thread });
    }

    /// Closes the port and every connection.
    pub fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.stop.store(true, Relaxed);
            // Wakes it.
            drop(TcpStream::connect(self.address));
            listening.thread.join().expect("it does not panic");
        }
        self.end_connections();
    }

    pub fn end_connections(&self) {
        self.shared.state.lock().ended += 1;
        for stream in self.shared.connections.lock().drain(..) {
            // It may be closed by now.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }

    /// Forgets all versions so far: whoever watches from one has to list.
    pub fn compact(&self) {
        let mut state = self.shared.state.lock();
        state.version += 1;
        state.oldest = state.version;
        state.log.clear();
    }

    /// Gives a slice's first endpoint another address, and says when.
    pub fn change(&self, number: u32, round: u32) -> Instant {
        let mut text = cluster::slice(number, round, 0);
        let mut state = self.shared.state.lock();
        state.version += 1;
        text =
            text.replacen("\"resourceVersion\":\"0\"", &format!("\"resourceVersion\":\"{}\"", state.version), 1).into();
        state.slices[number as usize] = Arc::clone(&text);
        let version = state.version;
        state.log.push((version, text));
        let now = clock::now();
        drop(state);
        self.shared.changed.notify_all();
        now
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    fn all(&self, resource: Resource) -> &[Text] {
        match resource {
            Resource::Namespaces => &self.namespaces,
            Resource::Services => &self.services,
            Resource::Slices => &self.slices,
        }
    }
}

/// One connection.
struct Serving<'s> {
    shared: &'s Shared,
    stream: TcpStream,
}

impl Serving<'_> {
    fn run(mut self) {
        let _ = self.stream.set_nodelay(true);
        let Ok(reading) = self.stream.try_clone() else { return };
        let mut reading = BufReader::new(reading);
        while let Some(target) = question(&mut reading) {
            if self.answer(&target).is_err() {
                break;
            }
        }
        // What is kept of it elsewhere must not keep it open.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn answer(&mut self, target: &str) -> std::io::Result<()> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let resource = match path {
            "/api/v1/namespaces" => Resource::Namespaces,
            "/api/v1/services" => Resource::Services,
            "/apis/discovery.k8s.io/v1/endpointslices" => Resource::Slices,
            _ => return self.whole(404, &status(404, "NotFound")),
        };
        if matches!(parameter("watch"), Some("true" | "1")) {
            let seconds = parameter("timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(1_800);
            let from = match parameter("sendInitialEvents") {
                Some("true") => None,
                _ => Some(parameter("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0)),
            };
            return self.watch(resource, from, clock::now() + Duration::from_secs(seconds));
        }
        let start = parameter("continue").and_then(|text| text.parse().ok()).unwrap_or(0);
        let limit = parameter("limit").and_then(|text| text.parse().ok()).filter(|limit| *limit > 0);
        self.page(resource, start, limit.unwrap_or(usize::MAX))
    }

    fn page(&mut self, resource: Resource, start: usize, limit: usize) -> std::io::Result<()> {
        let (kind, group) = kind(resource);
        let body = {
            let state = self.shared.state.lock();
            let all = state.all(resource);
            let end = start.saturating_add(limit).min(all.len());
            let token = if end < all.len() { end.to_string() } else { String::new() };
            let version = state.version;
            let head = format!(
                r#"{{"kind":"{kind}List","apiVersion":"{group}","metadata":{{"resourceVersion":"{version}","continue":"{token}"}},"items":["#
            );
            head + &all[start.min(end)..end].join(",") + "]}"
        };
        self.whole(200, &body)
    }

    fn watch(&mut self, resource: Resource, from: Option<u64>, end: Instant) -> std::io::Result<()> {
        self.stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let ended = self.shared.state.lock().ended;
        let mut version = match from {
            Some(version) => version,
            None => self.list(resource)?,
        };
        loop {
            let mut lines = String::new();
            {
                let mut state = self.shared.state.lock();
                if version < state.oldest {
                    let gone = status(410, "Expired");
                    drop(state);
                    self.chunk(format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n").as_bytes())?;
                    return self.chunk(b"");
                }
                let known = state.log.partition_point(|(at, _)| *at <= version);
                if resource == Resource::Slices && known < state.log.len() {
                    for (_, text) in &state.log[known..] {
                        lines.push_str(&format!("{{\"type\":\"MODIFIED\",\"object\":{text}}}\n"));
                    }
                } else if state.ended == ended && clock::now() < end {
                    self.shared.changed.wait_until(&mut state, end);
                }
                if state.ended != ended {
                    return Err(std::io::ErrorKind::ConnectionAborted.into());
                }
                if !lines.is_empty() {
                    version = state.version;
                }
            }
            if !lines.is_empty() {
                self.chunk(lines.as_bytes())?;
            } else if clock::now() >= end {
                let version = self.shared.state.lock().version;
                self.chunk(bookmark(resource, version, false).as_bytes())?;
                return self.chunk(b"");
            }
        }
    }

    /// The list of a streamed list; gives the version that it is of.
    fn list(&mut self, resource: Resource) -> std::io::Result<u64> {
        let (all, version) = {
            let state = self.shared.state.lock();
            (state.all(resource).to_vec(), state.version)
        };
        let mut piece = String::with_capacity(2 * PIECE);
        for text in all {
            piece.push_str("{\"type\":\"ADDED\",\"object\":");
            piece.push_str(&text);
            piece.push_str("}\n");
            if piece.len() >= PIECE {
                self.chunk(piece.as_bytes())?;
                piece.clear();
            }
        }
        piece.push_str(&bookmark(resource, version, true));
        self.chunk(piece.as_bytes())?;
        Ok(version)
    }

    fn whole(&mut self, code: u16, body: &str) -> std::io::Result<()> {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {code} Said\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        self.stream.write_all((head + body).as_bytes())
    }

    fn chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.stream.write_all(&chunk)
    }
}

/// The target of the next question; none at the end.
fn question(reading: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut first, mut line) = (String::new(), String::new());
    reading.read_line(&mut first).ok().filter(|length| *length > 0)?;
    while reading.read_line(&mut line).ok().filter(|length| *length > 0)? > 2 {
        line.clear();
    }
    first.split(' ').nth(1).map(str::to_owned)
}

fn kind(resource: Resource) -> (&'static str, &'static str) {
    match resource {
        Resource::Namespaces => ("Namespace", "v1"),
        Resource::Services => ("Service", "v1"),
        Resource::Slices => ("EndpointSlice", "discovery.k8s.io/v1"),
    }
}

fn status(code: u16, reason: &str) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{reason}","reason":"{reason}","code":{code}}}"#
    )
}

fn bookmark(resource: Resource, version: u64, whole: bool) -> String {
    let (kind, group) = kind(resource);
    let annotations = if whole { r#","annotations":{"k8s.io/initial-events-end":"true"}"# } else { "" };
    format!(
        "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{kind}\",\"apiVersion\":\"{group}\",\"metadata\":{{\"resourceVersion\":\"{version}\"{annotations}}}}}}}\n"
    )
}
