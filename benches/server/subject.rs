//! What is measured: an instance as the binary starts it, with a zone from manifests and one stub zone, and the questions to it.

use std::net::SocketAddr;
use std::path::Path;

use interlocal::app::{App, Input};
use interlocal::config::{Overrides, UnknownKeys, file};
use interlocal::wire::exchange::{Manner, Question as Asked};
use interlocal::wire::rtype;

use crate::load::Question;

/// The name of a worker's thread.
pub const THREAD: &str = "udp-pods-0";

/// Small Services among many, as in a cluster.
const SERVICES: u32 = 1_000;

fn manifests() -> String {
    let mut text = String::from("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    for number in 0..SERVICES {
        let (high, low) = (number / 250, number % 250);
        text += &format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: web-{number}, namespace: shop}}\n\
             spec: {{clusterIP: 10.96.{high}.{low}, ports: [{{name: http, port: 80}}]}}\n"
        );
    }
    text += "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\n\
             spec: {clusterIP: None, ports: [{name: sql, port: 5432}]}\n\
             ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
             metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}\n\
             ports: [{name: sql, port: 5432, protocol: TCP}]\nendpoints:\n";
    for number in 0..3 {
        text +=
            &format!("- {{addresses: [10.1.0.{}], hostname: db-{number}, conditions: {{ready: true}}}}\n", number + 1);
    }
    text
}

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
    let input = Input { config, file: None, overrides, log: None, adjust: None };
    let app = App::start(input).expect("loopback is there");
    app.ready().await;
    app
}

fn question(name: &str, qtype: u16, expected: Option<(u8, u16)>) -> Question {
    let name = name.parse().expect("a name");
    let asked = Asked { name, qtype, qclass: 1, dnssec_ok: false, checking_disabled: false };
    Question { message: asked.asked().write(0, Manner { edns: true, option: None }), expected }
}

/// For the echo server.
pub fn echoed() -> Question {
    question("web-7.shop.svc.cluster.local", rtype::A, None)
}

/// Each with what it is called in the table.
pub fn questions() -> Vec<(&'static str, Question)> {
    let searched = "web-7.shop.svc.cluster.local.shop.svc.cluster.local";
    vec![
        ("cluster IP", question("web-7.shop.svc.cluster.local", rtype::A, Some((0, 1)))),
        ("headless, 3 addresses", question("db.shop.svc.cluster.local", rtype::A, Some((0, 3)))),
        ("SRV of 3, with glue", question("_sql._tcp.db.shop.svc.cluster.local", rtype::SRV, Some((0, 3)))),
        ("search path, NXDOMAIN", question(searched, rtype::A, Some((3, 0)))),
        ("remembered", question("www.corp.example", rtype::A, Some((0, 1)))),
    ]
}
