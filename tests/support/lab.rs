//! One instance with a small cluster and a scripted upstream, and the four ways to ask it.

use std::net::SocketAddr;

use super::client::{Conversation, Heard, PATIENCE};
use super::raw::{Raw, Reply};
use super::region::{Region, listen};
use super::running::Running;
use super::server::ScriptServer;
use super::{secs, yaml};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Rcodes by number.
pub const NOERROR: u16 = 0;
pub const FORMERR: u16 = 1;
pub const SERVFAIL: u16 = 2;
pub const NXDOMAIN: u16 = 3;
pub const NOTIMP: u16 = 4;
pub const REFUSED: u16 = 5;
pub const BADVERS: u16 = 16;

/// A name of the cluster, with one address of each family.
pub const WEB: &str = "web.default.svc.cluster.local";
/// Endpoints of the Service whose answer is too large for UDP.
pub const MANY: usize = 100;

/// What the cluster of every test has.
pub fn objects() -> String {
    let many: Vec<String> = (0..MANY).map(|number| format!("10.8.0.{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    yaml::join(&[
        yaml::cluster("7f41c8b3-92de-4e0b-8c6d-3a5b9e2d4f02"),
        yaml::namespace("default"),
        yaml::namespace("empty"),
        yaml::namespace("eu-west-1"),
        yaml::service("kube-system/kube-dns", &["10.96.0.10", "fd00::10"], &["dns:53/UDP", "dns-tcp:53"]),
        yaml::service("default/web", &["10.96.0.1", "fd00::1"], &["http:80", "https:443"]),
        yaml::slice("default/web", &["10.8.1.1"], &["http:8080"]),
        yaml::service("default/six", &["fd00::6"], &["http:80"]),
        yaml::service("default/nameless", &["10.96.0.7"], &["\"\":80"]),
        yaml::headless("default/many", &["http:80"]),
        yaml::slice("default/many", &many, &["http:80"]),
        yaml::headless("default/pods", &["http:80"]),
        yaml::slice("default/pods", &["10.8.2.1=pod-0", "10.8.2.2=pod-1"], &["http:80"]),
        yaml::headless("default/waiting", &["http:80"]),
        yaml::slice("default/waiting", &["10.8.3.1=pod-0!"], &["http:80"]),
        yaml::external("default/outside", "www.example.com"),
        yaml::service("eu-west-1/web", &["10.96.0.9"], &["http:80"]),
    ])
}

/// The instance on both families, with its upstream for `.`.
pub struct Lab {
    pub region: Running,
    pub upstream: ScriptServer,
}

/// Both addresses of both doors.
pub fn both_families() -> String {
    let any = "\"127.0.0.1:0\"";
    let both = "\"127.0.0.1:0\", \"[::1]:0\"";
    listen([both, both, any, any, any, any])
}

pub async fn lab() -> Lab {
    lab_with(|region| region).await
}

/// The same with changes.
pub async fn lab_with(change: impl FnOnce(Region) -> Region) -> Lab {
    let upstream = ScriptServer::start();
    let forward = format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address());
    let region = Region::new("east").manifests(&objects()).key("listen", &both_families()).forward(&forward);
    let region = change(region).start().await;
    Lab { region, upstream }
}

/// How a question travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Udp(SocketAddr),
    Tcp(SocketAddr),
}

impl Lab {
    /// The pods' door, four ways.
    pub fn ways(&self) -> Vec<Way> {
        let addresses = &self.region.app().addresses().dns;
        assert_eq!(addresses.iter().filter(|address| address.is_ipv6()).count(), 1, "{addresses:?}");
        addresses.iter().flat_map(|address| [Way::Udp(*address), Way::Tcp(*address)]).collect()
    }

    pub fn udp(&self) -> Way {
        Way::Udp(self.region.dns())
    }

    pub fn tcp(&self) -> Way {
        Way::Tcp(self.region.dns())
    }

    /// The reply by each way. It has to come, and to be one to this question.
    pub async fn everywhere(&self, query: &Raw) -> Vec<(Way, Reply)> {
        let mut replies = Vec::new();
        for way in self.ways() {
            replies.push((way, ask(way, query).await));
        }
        replies
    }

    pub async fn ask(&self, query: &Raw) -> Reply {
        ask(self.udp(), query).await
    }
}

/// The reply, which has to come.
pub async fn ask(way: Way, query: &Raw) -> Reply {
    let reply = first_reply(way, &[&query.bytes()]).await;
    assert_eq!(reply.id(), query.id, "{way:?}");
    assert!(reply.has(0x8000), "{way:?}: a reply says that it is one");
    if reply.counts()[0] == 1 {
        assert_eq!(reply.question(), query.question(), "{way:?}: the question, octet by octet");
    }
    reply
}

/// The first reply to several messages that are sent in this order from one socket.
pub async fn first_reply(way: Way, messages: &[&[u8]]) -> Reply {
    match way {
        Way::Udp(server) => {
            let socket = udp(server).await;
            for message in messages {
                socket.send(message).await.unwrap();
            }
            receive(&socket).await
        }
        Way::Tcp(server) => {
            let mut conversation = Conversation::open(server).await.expect("somebody listens");
            conversation.send_together(messages).await;
            match conversation.receive(PATIENCE).await {
                Heard::Message(bytes) => Reply::read(&bytes),
                other => panic!("in place of a reply: {other:?}"),
            }
        }
    }
}

/// A socket that hears this server only.
pub async fn udp(server: SocketAddr) -> UdpSocket {
    let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).await.unwrap();
    socket.connect(server).await.unwrap();
    socket
}

pub async fn receive(socket: &UdpSocket) -> Reply {
    let mut buffer = vec![0; 65_535];
    let length = timeout(secs(10), socket.recv(&mut buffer)).await.expect("a reply").unwrap();
    Reply::read(&buffer[..length])
}
