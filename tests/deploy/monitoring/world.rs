//! A cluster behind a real API server, an upstream, ours, and CoreDNS with the plugins of a usual Corefile; and some traffic, the
//! same for whoever is asked.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use interlocal::clock;
use k8s_openapi::jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::exposition::Exposition;
use crate::support::apiserver::{ApiServer, Beside};
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

pub struct World {
    api: Arc<ApiServer>,
    pub ours: Running,
    _proxy: Beside,
    _upstream: ScriptServer,
    /// Of CoreDNS, with where its metrics are.
    theirs: Option<(CoreDns, SocketAddr, TempDir)>,
    namespace: String,
}

impl World {
    /// In a namespace of its own; None on a machine without the programs.
    pub async fn start(test: &str, namespace: &str, with_theirs: bool) -> Option<Self> {
        let api = ApiServer::shared(test).await?;
        api.apply(&objects(namespace)).await;
        let upstream = upstream();
        let (proxy, url) = api.proxy().await;
        let theirs = if with_theirs { Some(coredns(test, &api, upstream.address()).await?) } else { None };
        let ours = Region::new("")
            .key("kubernetes", &format!("{{source: \"{url}\"}}"))
            .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
            .start()
            .await;
        Some(Self { api, ours, _proxy: proxy, _upstream: upstream, theirs, namespace: namespace.to_owned() })
    }

    /// Questions of every kind, to whoever is there, and a change of a headless Service while they watch.
    pub async fn traffic(&self) {
        let servers = [Some(self.ours.dns()), self.theirs.as_ref().map(|(theirs, ..)| theirs.address())];
        let web = format!("web.{}.svc.cluster.local", self.namespace);
        for server in servers.into_iter().flatten() {
            for _ in 0..3 {
                Ask::new(&web, RecordType::A).udp(server).await;
                Ask::new(&web, RecordType::AAAA).tcp(server).await;
                Ask::new(&format!("no.{web}"), RecordType::SRV).udp(server).await;
                Ask::new("outside.example", RecordType::A).dnssec_ok().udp(server).await;
                Ask::new("outside.example", RecordType::AAAA).udp(server).await;
                Ask::new("gone.example", RecordType::A).tcp(server).await;
                Ask::new("large.example", RecordType::TXT).tcp(server).await;
                Ask::new("broken.example", RecordType::MX).udp(server).await;
            }
        }
        let now = Timestamp::from_second(clock::unix_seconds().try_into().unwrap()).unwrap();
        self.api.apply(&slice(&self.namespace, &now.to_string())).await;
        let endpoint = format!("one.db.{}.svc.cluster.local", self.namespace);
        for server in servers.into_iter().flatten() {
            let seen = eventually(secs(60), || async {
                let reply = Ask::new(&endpoint, RecordType::A).udp(server).await;
                reply.metadata.response_code == ResponseCode::NoError
            });
            assert!(seen.await, "{server} does not see the slice");
        }
    }

    /// A scrape of ours, once our own health has been asked for.
    pub async fn scrape(&self) -> (String, Exposition) {
        let asked = eventually(secs(20), || async {
            self.ours.counter("coredns_health_request_duration_seconds_count").await > 0.0
        });
        assert!(asked.await);
        let (_, text) = self.ours.get("/metrics").await;
        let read = Exposition::parse(&text);
        (text, read)
    }

    /// A scrape of CoreDNS.
    pub async fn scrape_theirs(&self) -> Exposition {
        Exposition::parse(&page(self.theirs.as_ref().unwrap().1).await)
    }
}

/// Its Corefile is the usual one, with all that can be shown at once.
async fn coredns(test: &str, api: &ApiServer, upstream: SocketAddr) -> Option<(CoreDns, SocketAddr, TempDir)> {
    let port = free_block(3);
    let (health, metrics): (u16, SocketAddr) = (port + 1, ([127, 0, 0, 1], port + 2).into());
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part");
    std::fs::write(&part, "loadbalance\n").unwrap();
    let corefile = format!(
        ".:{port} {{\n bind 127.0.0.1\n errors\n health 127.0.0.1:{health}\n prometheus {metrics}\n \
         kubernetes cluster.local {{\n  kubeconfig {}\n }}\n forward . {upstream}\n \
         cache 30 {{\n  prefetch 1 1m 90%\n  serve_stale\n }}\n reload 2s 1s\n import {}\n}}\n",
        api.kubeconfig().display(),
        part.display()
    );
    let theirs = CoreDns::start_with(test, port, &corefile)?;
    theirs.answers("kubernetes.default.svc.cluster.local").await;
    // It tells of its file only once that has changed.
    std::fs::write(&part, "loadbalance round_robin\n").unwrap();
    let reloaded = eventually(secs(60), || async { page(metrics).await.contains("coredns_reload_version_info{") });
    assert!(reloaded.await, "{}", theirs.log());
    theirs.answers("kubernetes.default.svc.cluster.local").await;
    Some((theirs, metrics, folder))
}

/// HTTP/1.0, so that it comes in one piece; empty while nobody listens.
async fn page(server: SocketAddr) -> String {
    let asked = async {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        std::io::Result::Ok(reply)
    };
    let reply = asked.await.unwrap_or_default();
    reply.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

fn objects(namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: {namespace}}}\n\
         spec: {{ports: [{{name: http, port: 80}}]}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: db, namespace: {namespace}}}\n\
         spec: {{clusterIP: None, ports: [{{name: sql, port: 5432}}]}}\n"
    )
}

/// Of `db`, with the time of the change that the EndpointSlice controller writes down.
fn slice(namespace: &str, trigger: &str) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: db-1\n  namespace: {namespace}\n  \
         labels: {{kubernetes.io/service-name: db}}\n  \
         annotations: {{endpoints.kubernetes.io/last-change-trigger-time: \"{trigger}\"}}\n\
         addressType: IPv4\nports: [{{name: sql, port: 5432}}]\n\
         endpoints: [{{addresses: [10.9.8.7], hostname: one, conditions: {{ready: true}}}}]\n"
    )
}

fn upstream() -> ScriptServer {
    let server = ScriptServer::start();
    drop(server.on_zone("example").nxdomain("example", 30));
    drop(server.on_name("outside.example").nodata("example", 30));
    drop(server.on("outside.example", RecordType::A).answer_a("192.0.2.10", 30));
    drop(server.on("large.example", RecordType::TXT).answer_txt(&"x".repeat(200), 30));
    drop(server.on_name("broken.example").rcode(ResponseCode::ServFail));
    server
}
