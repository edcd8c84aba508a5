//! Two instances behind a balancer that follows their readiness are ended and started in turns, while clients ask all along: a
//! rollout, a hundred times. No question may be lost.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use crate::support::balancer::{Balancer, Target};
use crate::support::client::{Ask, Conversation, Heard};
use crate::support::ports::free_block;
use crate::support::process::Process;
use crate::support::read::{addresses, texts};
use crate::support::region::Region;
use crate::support::server::ScriptServer;
use crate::support::steady::{Clients, Known, Steady, Tally};
use crate::support::wait::eventually;
use crate::support::{http, ip, ms, secs};

const OWN: (&str, &str) = ("busybox-0.busybox.east.svc.cluster.local", "10.0.102.90");
const WEST: (&str, &str) = ("app.shop.west.svc.cluster.local", "192.0.2.7");
const OUTSIDE: (&str, &str) = ("www.example.com", "192.0.2.8");
/// Pods' door, peers' door, health, ready, metrics.
const PORTS: u16 = 5;
/// Far longer than the balancer takes to notice; a real one needs seconds, and more of it.
const LAMEDUCK: &str = "500ms";

/// An instance of east, which listens at the same places whenever it runs.
struct Instance {
    folder: TempDir,
    first: u16,
}

impl Instance {
    fn new(west: SocketAddr, upstream: SocketAddr) -> Self {
        let (folder, first) = (tempfile::tempdir().unwrap(), free_block(PORTS));
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo/east/manifests");
        let instance = Self { folder, first };
        let [dns, peers, health, ready, metrics] = [0, 1, 2, 3, 4].map(|offset| instance.at(offset));
        let text = format!(
            "region: east
listen: {{dns: [\"{dns}\"], peers: [\"{peers}\"], health: \"{health}\", ready: \"{ready}\", metrics: \"{metrics}\", admin: \"\"}}
kubernetes: {{source: {}}}
peers: {{file: peers.yaml}}
forward: [{{zone: ., to: [\"{upstream}\"]}}]
shutdown: {{lameduck: {LAMEDUCK}}}
workers: 2
",
            manifests.display()
        );
        instance.write("interlocal.yaml", &text);
        instance.write("peers.yaml", &format!("regions: {{west: {{endpoints: [\"{west}\"]}}}}\n"));
        instance
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn at(&self, offset: u16) -> SocketAddr {
        ([127, 0, 0, 1], self.first + offset).into()
    }

    fn target(&self) -> Target {
        Target { dns: self.at(0), ready: self.at(3) }
    }

    fn start(&self) -> Process {
        Process::start(self.folder.path(), &["serve", "--config", "interlocal.yaml"])
    }
}

/// 100 of them with `INTERLOCAL_FULL=1`, else a sample.
fn restarts() -> usize {
    if std::env::var_os("INTERLOCAL_FULL").is_some() { 100 } else { 20 }
}

#[tokio::test]
async fn restarts_under_load_lose_no_question() {
    let (west, upstream) = (ScriptServer::start(), ScriptServer::start());
    // Answers that take a while and do not last: there are always questions that wait.
    drop(west.on(WEST.0, RecordType::A).answer_a(WEST.1, 1).aa().delay(ms(50)));
    drop(upstream.on(OUTSIDE.0, RecordType::A).answer_a(OUTSIDE.1, 1).delay(ms(30)));
    let instances = [(); 2].map(|()| Instance::new(west.address(), upstream.address()));
    let mut processes = instances.each_ref().map(|instance| Some(instance.start()));
    let balancer = Balancer::start(SocketAddr::from(([127, 0, 0, 1], free_block(1))));
    balancer.set_targets(instances.iter().map(Instance::target).collect());
    let both = instances.each_ref().map(|instance| instance.at(0));
    balancer.until_ready(&both).await;

    let known = [OWN, OWN, WEST, OUTSIDE].map(|(name, address)| Known { name: name.to_owned(), address: ip(address) });
    let clients = Clients { udp: 6, tcp: 4, pause: ms(4) };
    let steady = Steady::start(balancer.address(), known.to_vec(), clients);

    let (mut counted, mut void) = (0, 0);
    let mut lost = Tally::default();
    while counted < restarts() {
        let at = (counted + void) % 2;
        let before = steady.tally();
        let mut process = processes[at].take().expect("started again below");
        process.signal("TERM");
        let noticed = eventually(secs(60), || async { !balancer.ready().contains(&both[at]) });
        assert!(noticed.await, "it stays ready:\n{}", process.stderr());
        // Where the machine is so busy that the balancer noticed too late, nobody has followed readiness.
        let in_time = process.is_running();
        let ended = process.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("were cut"), "{}", ended.stderr);
        processes[at] = Some(instances[at].start());
        balancer.until_ready(&both).await;
        if in_time {
            counted += 1;
            lost.add(&steady.tally().since(&before));
        } else {
            void += 1;
            assert!(void < restarts(), "the balancer never notices in time");
        }
    }
    let all = steady.stop().await;
    println!("{counted} restarts, {void} more that were noticed too late: {lost} (in all {all})");
    assert_eq!((lost.failed, lost.silent.len(), lost.resets), (0, 0, 0), "{lost}");
    assert_eq!(balancer.unserved(), 0);
    assert!(lost.answered > counted * 100, "too few questions to tell: {lost}");
}

/// Who does not follow readiness may lose questions, but may not keep it from ending.
#[tokio::test]
async fn an_instance_ends_while_it_is_still_asked() {
    let (west, upstream) = (ScriptServer::start(), ScriptServer::start());
    let instance = Instance::new(west.address(), upstream.address());
    let process = instance.start();
    let ready = eventually(secs(60), || async { matches!(http::get(instance.at(3), "/ready").await, Some((200, _))) });
    assert!(ready.await, "{}", process.stderr());
    let stop = Arc::new(AtomicBool::new(false));
    let (server, stopped) = (instance.at(0), Arc::clone(&stop));
    let asking = std::thread::spawn(move || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let question = Ask::new(OWN.0, RecordType::A).bytes();
        while !stopped.load(Ordering::Relaxed) {
            let _ = socket.send_to(&question, server);
            // More often than a worker looks up from its socket.
            std::thread::sleep(ms(2));
        }
    });
    process.signal("TERM");
    let ended = process.ended().await;
    stop.store(true, Ordering::Relaxed);
    asking.join().unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// A connection may have no room for another question when the doors close; that one is answered in its turn all the same.
#[tokio::test]
async fn what_has_come_over_tcp_before_the_doors_close_is_answered() {
    let upstream = ScriptServer::start();
    drop(upstream.on(OUTSIDE.0, RecordType::A).answer_a(OUTSIDE.1, 30).delay(secs(1)));
    let region = Region::new("east").key("limits", "{tcp_in_flight: 1}");
    let region = region.forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address())).start().await;
    let mut conversation = Conversation::open(region.dns()).await.expect("a connection");
    conversation.send(&Ask::new(OUTSIDE.0, RecordType::A).bytes()).await;
    let waits = eventually(secs(20), || async { upstream.count(OUTSIDE.0, RecordType::A) > 0 });
    assert!(waits.await, "nobody asks the upstream");
    conversation.send(&Ask::new("dns-version.cluster.local", RecordType::TXT).bytes()).await;
    let ending = tokio::spawn(region.shutdown());
    assert_eq!(addresses(&conversation.reply().await), [ip(OUTSIDE.1)]);
    assert_eq!(texts(&conversation.reply().await), ["1.1.0"]);
    assert_eq!(conversation.receive(secs(20)).await, Heard::End);
    ending.await.unwrap();
}
