//! A region that runs: where it listens, what its pages say, its files, and its end.

use std::net::SocketAddr;
use std::path::PathBuf;

use interlocal::app::App;
use tokio::runtime::Runtime;

use super::region::{CONFIG, PEERS, Region, config_text, listen, set};
use super::wait::eventually;
use super::{http, secs};

/// How long something may take that happens by itself.
const LIMIT: std::time::Duration = secs(20);

/// Dropping it stops it at once.
pub struct Running {
    region: Option<Region>,
    /// None once it is shut down.
    app: Option<App>,
    runtime: Option<Runtime>,
}

impl Running {
    pub(super) fn new(region: Region, app: App, runtime: Runtime) -> Self {
        Self { region: Some(region), app: Some(app), runtime: Some(runtime) }
    }

    pub fn label(&self) -> &str {
        &self.region().label
    }

    /// The instance itself.
    pub fn app(&self) -> &App {
        self.app.as_ref().expect("it runs")
    }

    /// Where the pods ask, over UDP and TCP.
    pub fn dns(&self) -> SocketAddr {
        self.app().addresses().dns[0]
    }

    /// Where the other regions ask.
    pub fn peers_door(&self) -> SocketAddr {
        self.app().addresses().peers[0]
    }

    /// The same over TLS.
    pub fn tls_door(&self) -> SocketAddr {
        self.app().addresses().peers_tls[0]
    }

    /// `/health`, `/ready` or `/metrics`, from the listener of that page, or a page of the admin's: status and body.
    pub async fn get(&self, page: &str) -> (u16, String) {
        let addresses = self.app().addresses();
        let listener = match page {
            "/health" => addresses.health,
            "/ready" => addresses.ready,
            "/metrics" => addresses.metrics,
            _ => addresses.admin,
        };
        http::get(listener.expect("the configuration has a listener for it"), page).await.expect("an HTTP answer")
    }

    /// The value of a series, written as `/metrics` writes it, labels by name:
    /// `interlocal_config_reload_total{file="peers",result="ok"}`; none if it is not there.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200, "{text}");
        http::series(&text, series)
    }

    /// The counter's value; 0 if nobody has counted yet.
    pub async fn counter(&self, series: &str) -> f64 {
        self.metric(series).await.unwrap_or(0.0)
    }

    /// Waits until the series has this value; one that is not there is 0.
    pub async fn until_metric(&self, series: &str, value: f64) {
        let seen = eventually(LIMIT, || async { self.counter(series).await == value }).await;
        assert!(seen, "{}: {series} is {} and not {value}", self.label(), self.counter(series).await);
    }

    /// A file or folder of this region.
    pub fn path(&self, name: &str) -> PathBuf {
        self.region().folder.path().join(name)
    }

    /// Puts this text in place of a file, as an editor does: written beside it and renamed over it.
    pub fn write(&self, name: &str, text: &str) {
        let beside = self.region().folder.path().join("new~");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, self.path(name)).unwrap();
    }

    /// The peer table that it reads.
    pub fn rewrite_peers(&self, text: &str) {
        self.write(PEERS, text);
    }

    /// `interlocal.yaml` with this top-level key changed, and everything else as it was at the start.
    pub fn rewrite_key(&self, key: &str, value: &str) {
        let mut keys = self.region().keys.clone();
        set(&mut keys, key, value);
        self.write(CONFIG, &config_text(&keys));
    }

    /// Waits until nothing is missing.
    pub async fn ready(&self) {
        let ready = eventually(LIMIT, || async { self.app().missing().is_empty() }).await;
        assert!(ready, "{} misses {:?}", self.label(), self.app().missing());
    }

    /// Waits until every region of its table has an address that answers.
    pub async fn peers_up(&self) {
        let up = tokio::time::timeout(LIMIT, self.app().peers_up()).await;
        assert!(up.is_ok(), "{} does not reach all its peers", self.label());
    }

    /// Ends gently, as on SIGTERM.
    pub async fn shutdown(mut self) {
        if let (Some(app), Some(runtime)) = (self.app.take(), &self.runtime) {
            runtime.spawn(app.shutdown()).await.unwrap();
        }
    }

    /// Stops at once, as in a crash. What is given back has the same files and addresses; [`Region::start_again`] starts it.
    pub fn stop(mut self) -> Region {
        let addresses = self.app().addresses().clone();
        let text =
            |address: Option<SocketAddr>| address.map_or_else(|| "\"\"".to_owned(), |address| format!("\"{address}\""));
        let places = [
            addresses.dns.first().copied(),
            addresses.peers.first().copied(),
            addresses.health,
            addresses.ready,
            addresses.metrics,
            addresses.admin,
        ]
        .map(text);
        let region = self.region.take().expect("it runs");
        region.key("listen", &listen(places.each_ref().map(String::as_str)))
    }

    fn region(&self) -> &Region {
        self.region.as_ref().expect("it runs")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.app.take());
        // A runtime may not be waited for inside another one, where tests are.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
