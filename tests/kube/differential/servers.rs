//! Both servers in front of one API server, with one upstream behind them.

use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};

use super::change::{Change, MARKER};
use super::model::Objects;
use crate::support::apiserver::{ApiServer, Beside};
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{name, secs};

/// The same setting in both configurations.
pub struct Variant {
    pub name: &'static str,
    /// Of CoreDNS's `kubernetes` block, one a line.
    pub corefile: &'static str,
    /// Keys of our `kubernetes`.
    pub ours: &'static str,
    /// Whether pods have names.
    pub pods: bool,
}

/// Both, and what they stand on.
pub struct Pair {
    ours: Running,
    theirs: CoreDns,
    _proxy: Beside,
    _upstream: ScriptServer,
}

impl Pair {
    /// Both have read everything. None on a machine without CoreDNS.
    pub async fn start(test: &str, api: &ApiServer, variant: &Variant) -> Option<Self> {
        let upstream = upstream();
        let (proxy, url) = api.proxy().await;
        let plugins = format!(
            "    kubernetes cluster.local in-addr.arpa ip6.arpa {{\n        kubeconfig {}\n{}\n    }}\n    forward . {}",
            api.kubeconfig().display(),
            variant.corefile,
            upstream.address()
        );
        let theirs = CoreDns::start(test, &plugins)?;
        // Our own memory of what the upstream said would count its TTLs down.
        let ours = Region::new("")
            .key("kubernetes", &format!("{{source: \"{url}\", {}}}", variant.ours))
            .key("cache", "{size: 0, max_negative_ttl: 30s}")
            .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
            .start()
            .await;
        until_synced(&theirs).await;
        Some(Self { ours, theirs, _proxy: proxy, _upstream: upstream })
    }

    /// Ours and theirs.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.ours.dns(), self.theirs.address()]
    }

    /// What CoreDNS says that it is.
    pub fn version(&self) -> String {
        self.theirs.log().lines().find(|line| line.contains("CoreDNS-")).unwrap_or_default().to_owned()
    }

    /// Changes the objects while both watch, and waits until both have seen it.
    pub async fn change(&self, api: &ApiServer, change: &Change) {
        let delete = ["delete", "--wait=false", "-f", "-"];
        api.try_kubectl(&delete, &change.deleted.to_string()).await.good();
        let replace = ["replace", "--validate=false", "-f", "-"];
        api.try_kubectl(&replace, &change.replaced.to_string()).await.good();
        // The last of each kind: who knows these has seen the others.
        api.try_kubectl(&["create", "--validate=false", "-f", "-"], &change.marker.to_string()).await.good();
        for address in self.addresses() {
            let asked = Ask::new(MARKER, RecordType::A).patience(secs(1));
            let seen = eventually(secs(60), || async {
                let reply = asked.clone().try_tcp(address).await;
                reply.is_some_and(|reply| reply.response_code == ResponseCode::NoError && !reply.answers.is_empty())
            });
            assert!(seen.await, "{address} does not see what has changed");
        }
    }
}

/// Puts the objects there and waits for the controller to have made slices of the pods.
pub async fn populate(api: &ApiServer, objects: &Objects) {
    let create = ["create", "--validate=false", "-f", "-"];
    api.try_kubectl(&create, &objects.manifests().to_string()).await.good();
    let status = ["apply", "--server-side", "--subresource=status", "--validate=false", "-f", "-"];
    api.try_kubectl(&status, &objects.statuses().to_string()).await.good();
    let endpoints = ["get", "endpointslices", "-n", "default", "-o", "jsonpath={.items[*].endpoints[*].addresses}"];
    let made = eventually(secs(60), || async {
        let there = api.kubectl(&endpoints).await;
        objects.pods.iter().filter(|pod| pod.app == "sel" && pod.ready).flat_map(|pod| &pod.addresses).all(|address| {
            // For each of the two Services that select it; the single Service has one family.
            there.matches(&format!("\"{address}\"")).count() >= if address.contains(':') { 1 } else { 2 }
        })
    });
    assert!(made.await, "{}", api.kubectl(&endpoints).await);
}

/// Before it has read everything it says SERVFAIL to what it does not know.
async fn until_synced(server: &CoreDns) {
    server.answers("kubernetes.default.svc.cluster.local").await;
    let asked = Ask::new("nothing.default.svc.cluster.local", RecordType::A).patience(secs(1));
    let synced = eventually(secs(60), || async {
        let reply = asked.clone().try_tcp(server.address()).await;
        reply.is_some_and(|reply| reply.response_code == ResponseCode::NXDomain)
    });
    assert!(synced.await, "{}", server.log());
}

/// What both forward to.
fn upstream() -> ScriptServer {
    let server = ScriptServer::start();
    server.on_zone("example").nxdomain("example", 30);
    server.on_name("outside.example").nodata("example", 30);
    server.on("outside.example", RecordType::A).answer_a("192.0.2.10", 30).answer_a("192.0.2.11", 30);
    server.on("outside.example", RecordType::AAAA).answer_aaaa("2001:db8::10", 30);
    server.on("outside.example", RecordType::TXT).answer_txt("outside", 30);
    server.on_name("alias.example").answer_cname("outside.example", 30);
    let address = RData::A(A([192, 0, 2, 10].into()));
    let whole = Record::from_rdata(name("outside.example"), 30, address);
    server.on("alias.example", RecordType::A).answer_cname("outside.example", 30).record(whole);
    server.on_name("nodata.example").nodata("example", 30);
    server.on_name("broken.example").rcode(ResponseCode::ServFail);
    server.on_name("back.example").answer_cname("web.shop.svc.cluster.local", 30);
    server
}
