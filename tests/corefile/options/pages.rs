//! `health`, `ready` and `prometheus`: the pages are where the Corefile says, with CoreDNS's words and names.

use std::net::SocketAddr;

use crate::setup::{Folder, Served};
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::wait::eventually;
use crate::support::{http, secs};
use interlocal::config::Overrides;

fn corefile(port: u16) -> String {
    format!(
        ".:{port} {{\n    bind 127.0.0.1\n    health 127.0.0.1:{} {{\n        lameduck 1s\n    }}\n    ready 127.0.0.1:{} {{\n        monitor continuously\n    }}\n    prometheus 127.0.0.1:{}\n    whoami\n}}\n",
        port + 1,
        port + 2,
        port + 3
    )
}

async fn page(port: u16, path: &str) -> Option<(u16, String)> {
    http::get(SocketAddr::from(([127, 0, 0, 1], port)), path).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_where_coredns_has_them() {
    let (ours, theirs) = (free_block(4), free_block(4));
    let Some(coredns) = CoreDns::start_with("pages_are_where_coredns_has_them", theirs, &corefile(theirs)) else {
        return;
    };
    let _served = Served::start_with(Folder::new(&corefile(ours)), Overrides::default()).await;
    let up = eventually(secs(60), || async { matches!(page(theirs + 2, "/ready").await, Some((200, _))) });
    assert!(up.await, "{}", coredns.log());
    for (more, path) in [(1, "/health"), (2, "/ready")] {
        let [ours, theirs] = [page(ours + more, path).await.unwrap(), page(theirs + more, path).await.unwrap()];
        assert_eq!(ours.0, theirs.0, "{path}");
        assert_eq!(ours.1.lines().next(), theirs.1.lines().next(), "{path}");
    }
    for port in [ours, theirs] {
        let (status, text) = page(port + 3, "/metrics").await.unwrap();
        assert!(status == 200 && text.contains("coredns_build_info"), "{text}");
    }
}
