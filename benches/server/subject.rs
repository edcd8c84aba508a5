//! What is measured: an instance as the binary starts it, with a zone from manifests and one stub zone.

use std::net::SocketAddr;
use std::path::Path;

use interlocal::app::{App, Input};
use interlocal::config::{Overrides, UnknownKeys, file};

use crate::support::world;

/// The name of a worker's thread.
pub const THREAD: &str = "udp-pods-0";

/// Starts it, inside a runtime; `plain` is the loop without batches.
pub async fn start(folder: &Path, upstream: SocketAddr, plain: bool) -> App {
    let path = folder.join("manifests.yaml");
    std::fs::write(&path, manifests()).expect("a folder of our own");
    let text = format!(
        "forward: [{{zone: corp.example, to: ['{upstream}']}}]\npeers: {{file: ''}}\ncache: {{max_ttl: 1h}}\n\
         sockets: {}\n",
        if plain { "plain" } else { "batched" }
    );
    let overrides = Overrides {
        listen: Some(vec!["127.0.0.1:0".into()]),
        manifests: Some(path),
        workers: Some("1".into()),
        ..Overrides::default()
    };
    let parsed = file::parse(&text, &folder.join("interlocal.yaml"), UnknownKeys::Refuse, &overrides);
    let config = parsed.expect("a configuration").value;
    let input = Input { config, file: None, kind: Default::default(), overrides, log: None, adjust: None };
    let app = App::start(input).expect("loopback is there");
    app.ready().await;
    app
}

fn manifests() -> String {
    let objects = world::objects().into_iter().map(|object| object.to_string());
    objects.collect::<Vec<_>>().join("\n---\n")
}
