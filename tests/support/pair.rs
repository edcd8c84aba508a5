//! East is real, west follows a script: for what east makes of the answers that a region gives, or does not give any more.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use interlocal::clock;
use interlocal::route::Door;
use interlocal::server::asking::{Asking, Transport};
use interlocal::server::core::View;
use interlocal::server::question::Outcome;

use super::client::{Ask, ask_udp};
use super::read::addresses;
use super::region::Region;
use super::running::Running;
use super::server::ScriptServer;
use super::wait::eventually;
use super::{ip, ms, secs, yaml};

/// A name of west. Until a test says otherwise it is [`FIRST`] for a second.
pub const APP: &str = "app.west.svc.cluster.local";
pub const FIRST: &str = "192.0.2.1";

/// Both of them. Names in use are not refreshed, unless the configuration says so.
pub struct Pair {
    pub east: Running,
    pub west: ScriptServer,
}

/// East has asked for [`APP`], and the answer has expired.
pub async fn expired(change: impl FnOnce(Region) -> Region) -> Pair {
    let pair = pair(change).await;
    assert_eq!(addresses(&ask_udp(pair.east.dns(), APP, RecordType::A).await), [ip(FIRST)]);
    pair.expire().await;
    pair
}

pub async fn pair(change: impl FnOnce(Region) -> Region) -> Pair {
    let west = ScriptServer::start();
    drop(west.on(APP, RecordType::A).answer_a(FIRST, 1));
    let table = format!(
        "regions:\n  east: {{endpoints: [\"127.0.0.1:1\"]}}\n  west: {{endpoints: [\"{}\"]}}\n",
        west.address()
    );
    let objects = [yaml::namespace("default"), yaml::external("default/far", APP)];
    let region = Region::new("east").manifests(&yaml::join(&objects)).table(&table).key("cache", "{prefetch: false}");
    Pair { east: change(region).start().await, west }
}

impl Pair {
    /// Waits for the end of a TTL of one second, which is all that is waited for.
    pub async fn expire(&self) {
        tokio::time::sleep(ms(1_050)).await;
    }

    pub async fn ask(&self, asked: &str) -> Message {
        ask_udp(self.east.dns(), asked, RecordType::A).await
    }

    /// How often west was asked for [`APP`].
    pub fn count(&self) -> usize {
        self.west.count(APP, RecordType::A)
    }

    /// Ends west, and waits until east has noticed.
    pub async fn darken(self) -> (Running, SocketAddr) {
        let Self { east, west } = self;
        let address = west.address();
        drop(west);
        until_dark(&east).await;
        (east, address)
    }
}

/// Asks for names of west until east asks west no more.
pub async fn until_dark(east: &Running) {
    let number = Cell::new(0);
    let dark = eventually(secs(20), || async {
        // Each is a new one, so that no failure is remembered.
        number.set(number.get() + 1);
        ask_udp(east.dns(), &format!("n{}.west.svc.cluster.local", number.get()), RecordType::A).await;
        let routing = east.app().core().routing.load();
        routing.regions.iter().any(|region| region.label() == "west" && region.is_dark())
    });
    assert!(dark.await, "east goes on asking west");
}

/// The reply if memory has one: no task, no wait.
pub fn in_place(east: &Running, ask: &Ask) -> Option<Message> {
    in_place_after(east, ask, Duration::ZERO)
}

/// The same so much later.
pub fn in_place_after(east: &Running, ask: &Ask, later: Duration) -> Option<Message> {
    let core = east.app().core();
    let view = View::load(core);
    let mut out = vec![0; 1_232];
    let asking = Asking {
        core,
        view: &view,
        door: Door::Pods { server: 0 },
        transport: Transport::Udp,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 53_000,
        now: clock::now() + later,
        rotation: 0,
    };
    match asking.answer(&ask.bytes(), &mut out) {
        Outcome::Reply(done) => Some(Message::from_vec(&out[..done.len]).unwrap()),
        Outcome::Ask | Outcome::Miss | Outcome::Drop(_) => None,
    }
}
