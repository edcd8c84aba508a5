//! A list in pages of which one fails: the server has forgotten the history that the list is of, between two of them. The zone stays
//! whole, and the list begins again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use interlocal::kube::Selection;
use interlocal::kube::api::{Settings, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use super::instance::failures;
use super::objects::{cluster_ip, namespace};
use crate::support::apiserver::ApiServer;
use crate::support::secs;
use crate::support::wait::eventually;
use crate::zone::{LIMIT, Zone};

/// Between us and the server, in clear text: it holds the request for a page that is not the first, if it is told to.
struct Gate {
    armed: AtomicBool,
    held: Notify,
    go_on: Notify,
    cut: watch::Sender<u32>,
}

impl Gate {
    /// Its URL, in place of that of the server.
    async fn before(server: String) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Arc::new(Self {
            armed: AtomicBool::new(false),
            held: Notify::new(),
            go_on: Notify::new(),
            cut: watch::channel(0).0,
        });
        let passing = Arc::clone(&gate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server.trim_start_matches("http://")).await.unwrap();
                let (gate, mut cut) = (Arc::clone(&passing), passing.cut.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        () = gate.pass(client, server) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        (gate, url)
    }

    async fn pass(&self, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let asking = async {
            let mut octets = vec![0; 64 << 10];
            while let Ok(length @ 1..) = from_client.read(&mut octets).await {
                let asked = &octets[..length];
                let later_page = asked.windows(9).any(|some| some == b"continue=");
                if later_page && self.armed.swap(false, Ordering::Relaxed) {
                    self.held.notify_one();
                    self.go_on.notified().await;
                }
                if to_server.write_all(asked).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = asking => {}
            _ = copy(&mut from_server, &mut to_client) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_a_compaction_takes_away_leaves_the_zone_whole() {
    const TEST: &str = "a_page_that_a_compaction_takes_away_leaves_the_zone_whole";
    // Lists come in pages, and out of etcd, which can be told to forget.
    let flags = [
        "--feature-gates=WatchList=false",
        "--watch-cache-sizes=services#0,endpointslices.discovery.k8s.io#0,namespaces#0",
    ];
    let Some(api) = ApiServer::start(TEST, &flags).await else { return };
    let (_proxy, server) = api.proxy().await;
    let (gate, url) = Gate::before(server).await;
    let services = (1..=60).map(|number| cluster_ip("default", &format!("s-{number}"), &format!("10.96.17.{number}")));
    api.apply(&services.collect::<String>()).await;
    let settings = Settings { page_size: 20, ..Settings::default() };
    let zone = Zone::of(Target::Url(url), &settings, &Selection::default());
    assert!(
        eventually(LIMIT, || async { zone.snapshot().synced && zone.services() == 61 }).await,
        "{}",
        zone.services()
    );
    let pages = "interlocal_kube_lists_total{resource=\"services\",way=\"pages\"}";
    assert_eq!(zone.metric(pages), 1.0);
    zone.fewest();

    // What the watch knows is gone, so it lists.
    let forget = async |round: u32| {
        let unheard: Vec<String> = (0..4).map(|other| namespace(&format!("f{round}-{other}")) + "---\n").collect();
        api.apply(&unheard.concat()).await;
        api.compact().await;
    };
    gate.armed.store(true, Ordering::Relaxed);
    forget(1).await;
    gate.cut.send_modify(|cuts| *cuts += 1);
    tokio::time::timeout(secs(60), gate.held.notified()).await.expect("a second page is asked for");
    // And what the list is of is gone too, before its second page is read.
    api.apply(&cluster_ip("default", "late", "10.96.17.200")).await;
    forget(2).await;
    gate.go_on.notify_one();
    assert!(eventually(LIMIT, || async { zone.services() == 62 }).await, "{}", zone.services());
    zone.until_metric(&failures("services", "gone"), 2.0).await;
    assert_eq!(zone.fewest(), 61, "none was missing at any time");
}
