//! East is real; west, the third region and the upstream follow a script, so that every word between them is in sight.

use std::net::SocketAddr;

use hickory_proto::op::{Message, ResponseCode};

use crate::support::client::Ask;
use crate::support::read::extended_errors;
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::yaml;

/// The option that is the stamp.
pub const STAMP: u16 = 65_313;
/// The uid of the namespace that identifies east.
pub const UID: &str = "7f41c8b3-92de-4e0b-8c6d-3a5b9e2d4f02";

pub struct World {
    pub east: Running,
    pub west: ScriptServer,
    pub upstream: ScriptServer,
}

/// East's cluster.
pub fn objects() -> String {
    yaml::join(&[
        yaml::cluster(UID),
        yaml::namespace("default"),
        yaml::namespace("east"),
        yaml::namespace("west"),
        yaml::service("default/web", &["10.100.0.1"], &["http:80"]),
        yaml::slice("default/web", &["10.0.96.21"], &["http:8080"]),
        yaml::headless("default/db", &["sql:5432"]),
        yaml::slice("default/db", &["10.0.96.22=db-0"], &["sql:5432"]),
        yaml::service("east/app", &["10.100.0.2"], &["http:80"]),
        yaml::headless("east/db", &["sql:5432"]),
        yaml::slice("east/db", &["10.0.96.7=db-0"], &["sql:5432"]),
        yaml::service("west/app", &["10.100.0.66"], &["http:80"]),
        yaml::slice("west/app", &["10.0.96.66"], &["http:80"]),
        yaml::external("default/far", "app.west.svc.cluster.local"),
        yaml::external("east/far", "app.west.svc.cluster.local"),
        yaml::external("east/near", "web.default.svc.cluster.local"),
        yaml::external("east/own", "app.east.svc.cluster.local"),
        yaml::external("east/outside", "www.example.com"),
        yaml::external("east/gone", "nothing.default.svc.cluster.local"),
    ])
}

/// The table, with west at this address.
pub fn table(west: SocketAddr) -> String {
    format!(
        "regions:\n  east: {{endpoints: [\"127.0.0.1:1\"], cidrs: [10.0.96.0/20, \"2001:db8:2::/48\"], mesh: east.mesh}}\n  \
         west: {{endpoints: [\"{west}\"], cidrs: [10.0.112.0/20], mesh: west.mesh}}\n"
    )
}

pub async fn world() -> World {
    world_with(|region| region).await
}

pub async fn world_with(change: impl FnOnce(Region) -> Region) -> World {
    let (west, upstream) = (ScriptServer::start(), ScriptServer::start());
    let forward = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let region = Region::new("east").manifests(&objects()).table(&table(west.address())).forward(&forward);
    let east = change(region).start().await;
    World { east, west, upstream }
}

/// The only extended error of a reply.
pub fn ede(message: &Message) -> (u16, String) {
    let mut errors = extended_errors(message);
    assert_eq!(errors.len(), 1, "{message:?}");
    errors.remove(0)
}

/// Asks over UDP and TCP; both say the same but for the order of records.
pub async fn both(server: SocketAddr, ask: &Ask) -> Message {
    let (udp, tcp) = (ask.udp(server).await, ask.tcp(server).await);
    assert_eq!(udp.metadata.response_code, tcp.metadata.response_code);
    assert_eq!(udp.metadata.authoritative, tcp.metadata.authoritative);
    assert_eq!(udp.metadata.recursion_available, tcp.metadata.recursion_available);
    assert_eq!((udp.answers.len(), udp.authorities.len()), (tcp.answers.len(), tcp.authorities.len()));
    assert_eq!(extended_errors(&udp), extended_errors(&tcp));
    udp
}

/// Refused, with this extended error, and nothing else.
#[track_caller]
pub fn is_refused(message: &Message, code: u16, text: &str) {
    assert_eq!(message.metadata.response_code, ResponseCode::Refused, "{message:?}");
    assert!(message.answers.is_empty() && message.authorities.is_empty(), "{message:?}");
    assert!(!message.metadata.authoritative);
    assert_eq!(ede(message), (code, text.to_owned()));
}

/// The path of clusters as an option, each given by its id and label.
pub fn stamp(hops: &[([u8; 8], &str)]) -> Vec<u8> {
    let mut data = b"ilc1".to_vec();
    for (id, label) in hops {
        data.extend_from_slice(id);
        data.push(label.len() as u8);
        data.extend_from_slice(label.as_bytes());
    }
    data
}

/// A region that is neither east nor west.
pub const NORTH: ([u8; 8], &str) = ([9; 8], "north");

impl World {
    /// East's id, as it is on the wire.
    pub fn east_id(&self) -> [u8; 8] {
        self.east.app().core().zone.load().cluster_id.0
    }
}
