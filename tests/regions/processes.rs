//! The binary as an operator runs it: three processes that share one table, and one process from its start to its end.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use hickory_proto::rr::RecordType;

use crate::support::client::ask_udp;
use crate::support::hickory::{hickory_tcp, hickory_udp};
use crate::support::ports::free_block;
use crate::support::process::{self, Process};
use crate::support::read::addresses;
use crate::support::wait::eventually;
use crate::support::{http, ip, secs, yaml};

const PODS: [(&str, &str); 3] = [("central", "10.0.1.144"), ("east", "10.0.102.90"), ("west", "10.0.115.11")];

/// Ports of one process, from its first: pods' door, peers' door, health, ready, metrics.
fn at(first: u16, offset: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], first + offset))
}

/// One region's configuration, in a file of its own.
fn configure(folder: &Path, region: &str, first: u16, lameduck: &str) {
    let [dns, peers, health, ready, metrics] = [0, 1, 2, 3, 4].map(|offset| format!("\"{}\"", at(first, offset)));
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo").join(region).join("manifests");
    let text = format!(
        "region: {region}
listen: {{dns: [{dns}], peers: [{peers}], health: {health}, ready: {ready}, metrics: {metrics}, admin: \"\"}}
kubernetes: {{source: {}}}
peers: {{file: peers.yaml}}
forward: []
shutdown: {{lameduck: {lameduck}}}
",
        manifests.display()
    );
    fs::write(folder.join(format!("{region}.yaml")), text).unwrap();
}

async fn ready(first: u16, process: &Process) {
    let ready = eventually(secs(30), || async { matches!(http::get(at(first, 3), "/ready").await, Some((200, _))) });
    assert!(ready.await, "not ready:\n{}", process.stderr());
}

async fn reloads(first: u16, file: &str) -> f64 {
    let (_, text) = http::get(at(first, 4), "/metrics").await.expect("metrics");
    let series = format!("interlocal_config_reload_total{{file=\"{file}\",result=\"ok\"}}");
    http::series(&text, &series).unwrap_or(0.0)
}

/// East alone, ready, with this lameduck time; the first of its ports too.
async fn east(folder: &Path, lameduck: &str) -> (Process, u16) {
    let first = free_block(5);
    configure(folder, "east", first, lameduck);
    fs::write(folder.join("peers.yaml"), format!("regions: {{east: {{endpoints: [\"{}\"]}}}}\n", at(first, 1)))
        .unwrap();
    let process = Process::start(folder, &["serve", "--config", "east.yaml"]);
    ready(first, &process).await;
    (process, first)
}

#[tokio::test]
async fn three_processes_with_three_configurations_and_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let ports = PODS.map(|(region, _)| (region, free_block(5)));
    let mut table = "version: 1\nregions:\n".to_owned();
    for (region, first) in ports {
        configure(folder.path(), region, first, "0s");
        table += &format!("  {region}: {{endpoints: [\"{}\"]}}\n", at(first, 1));
    }
    fs::write(folder.path().join("peers.yaml"), table).unwrap();
    let processes =
        PODS.map(|(region, _)| Process::start(folder.path(), &["serve", "--config", &format!("{region}.yaml")]));
    for ((_, first), process) in ports.iter().zip(&processes) {
        ready(*first, process).await;
    }
    for (from, first) in ports {
        for (to, address) in PODS {
            let asked = format!("busybox-0.busybox.{to}.svc.cluster.local");
            // A process that was up before its peer may have to try again.
            let met = eventually(secs(30), || async {
                let reply = hickory_udp(at(first, 0), &asked, RecordType::A).await.unwrap();
                addresses(&reply) == [ip(address)]
            });
            assert!(met.await, "{from} does not find {to}");
            let reply = hickory_tcp(at(first, 0), &asked, RecordType::A).await.unwrap();
            assert_eq!(addresses(&reply), [ip(address)], "{from} asks for {to} over TCP");
        }
    }
    for process in processes {
        process.signal("TERM");
        let ended = process.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn sigterm_is_not_ready_at_once_then_lameduck_then_exit_0() {
    let folder = tempfile::tempdir().unwrap();
    let (process, first) = east(folder.path(), "4s").await;
    process.signal("TERM");
    let refused = eventually(secs(3), || async { matches!(http::get(at(first, 3), "/ready").await, Some((503, _))) });
    assert!(refused.await, "still ready while it ends");
    let (_, missing) = http::get(at(first, 3), "/ready").await.expect("served until the end");
    assert!(missing.contains("shutting down"), "{missing}");
    // Who has not heard of it yet is answered.
    let reply = ask_udp(at(first, 0), "web.default.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("172.20.2.10")]);
    assert!(matches!(http::get(at(first, 2), "/health").await, Some((200, _))), "ending is not ill health");
    let ended = process.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_second_sigterm_ends_it_now() {
    let folder = tempfile::tempdir().unwrap();
    let (process, _) = east(folder.path(), "10m").await;
    process.signal("TERM");
    process.logged("shutting down").await;
    process.signal("TERM");
    let ended = process.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("told twice to stop"), "{}", ended.stderr);
}

#[tokio::test]
async fn sighup_reads_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, first) = east(folder.path(), "0s").await;
    let before = (reloads(first, "config").await, reloads(first, "peers").await);
    process.signal("HUP");
    let read = eventually(secs(20), || async {
        reloads(first, "config").await > before.0 && reloads(first, "peers").await > before.1
    });
    assert!(read.await, "{}", process.stderr());
    assert!(process.is_running());
    let reply = ask_udp(at(first, 0), "web.default.svc.cluster.local", RecordType::A).await;
    assert_eq!(addresses(&reply), [ip("172.20.2.10")]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_exit_2_and_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, first) = east(folder.path(), "0s").await;
    let ended = process::run(folder.path(), &["serve", "--config", "east.yaml"]).await;
    assert_eq!(ended.code, Some(2));
    let cause = format!("error: cannot listen on {} (TCP): another process listens there\n", at(first, 0));
    assert!(ended.stderr.ends_with(&cause), "{}", ended.stderr);

    // An HTTP port too, and the UDP side alone.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap();
    fs::write(folder.path().join("health.yaml"), format!("listen: {{dns: [\"127.0.0.1:0\"], peers: [], ready: \"\", metrics: \"\", admin: \"\", health: \"{place}\"}}\nkubernetes: {{source: x.yaml}}\n")).unwrap();
    let ended = process::run(folder.path(), &["serve", "--config", "health.yaml"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains(&format!("cannot listen on {place} (TCP): another process")), "{}", ended.stderr);

    let taken = std::net::UdpSocket::bind(("127.0.0.1", free_block(1))).unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let ended = process::run(folder.path(), &["serve", "--manifests", "x.yaml", "--listen", &place]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains(&format!("cannot listen on {place} (UDP): another process")), "{}", ended.stderr);
}

#[tokio::test]
async fn manifests_and_listen_are_all_that_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    // The default upstream is the machine's own, and tests ask nobody outside: hence one file with one line.
    fs::write(folder.path().join("no-upstream.yaml"), "forward: []\n").unwrap();
    let objects =
        |address: &str| yaml::join(&[yaml::namespace("shop"), yaml::service("shop/web", &[address], &["http:80"])]);
    fs::write(folder.path().join("objects.yaml"), objects("10.96.0.1")).unwrap();
    let server = at(free_block(1), 0);
    // From the working folder, as a newcomer types it.
    let place = server.to_string();
    let flags = ["serve", "--config", "no-upstream.yaml", "--manifests", "objects.yaml", "--listen", &place];
    let process = Process::start(folder.path(), &flags);
    process.logged("\"serving\"").await;
    let answers = |address: &'static str| async move {
        let asked = || async {
            addresses(&ask_udp(server, "web.shop.svc.cluster.local", RecordType::A).await) == [ip(address)]
        };
        eventually(secs(20), asked).await
    };
    assert!(answers("10.96.0.1").await, "{}", process.stderr());
    fs::write(folder.path().join("objects.yaml"), objects("10.96.0.2")).unwrap();
    assert!(answers("10.96.0.2").await, "an edit does not show:\n{}", process.stderr());
    #[cfg(target_os = "linux")]
    {
        let expected = vec![format!("TCP {server}"), format!("UDP {server}")];
        assert_eq!(listening::of(process.id()), expected);
    }
    process.signal("TERM");
    process.logged("shutting down").await;
}

/// What a process listens on, as the kernel tells it.
#[cfg(target_os = "linux")]
mod listening {
    use std::collections::HashSet;
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    /// A TCP socket that listens (`TCP_LISTEN` in the kernel's tcp_states.h), and a UDP socket that is not connected.
    const LISTENS: [(&str, &str); 2] = [("tcp", "0A"), ("udp", "07")];

    /// Each place once: `TCP 127.0.0.1:53`. A socket of IPv6 is shown as the kernel shows it.
    pub(super) fn of(process: u32) -> Vec<String> {
        let mut own = HashSet::new();
        for file in fs::read_dir(format!("/proc/{process}/fd")).unwrap().map_while(Result::ok) {
            if let Ok(link) = fs::read_link(file.path()) {
                own.insert(link.to_string_lossy().into_owned());
            }
        }
        let mut found = HashSet::new();
        for (protocol, state) in LISTENS {
            for family in ["", "6"] {
                let text = fs::read_to_string(format!("/proc/{process}/net/{protocol}{family}")).unwrap_or_default();
                for line in text.lines().skip(1) {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    let [_, place, _, its_state, _, _, _, _, _, inode, ..] = words[..] else { panic!("{line}") };
                    if its_state == state && own.contains(&format!("socket:[{inode}]")) {
                        found.insert(format!("{} {}", protocol.to_uppercase(), address(place)));
                    }
                }
            }
        }
        let mut found: Vec<String> = found.into_iter().collect();
        found.sort();
        found
    }

    /// `0100007F:14B4`: the address in the machine's byte order, the port as a number.
    fn address(text: &str) -> String {
        let (ip, port) = text.split_once(':').unwrap();
        let port = u16::from_str_radix(port, 16).unwrap();
        match u32::from_str_radix(ip, 16) {
            Ok(four) if ip.len() == 8 => {
                SocketAddr::new(IpAddr::V4(Ipv4Addr::from(four.to_ne_bytes())), port).to_string()
            }
            _ => format!("[{ip}]:{port}"),
        }
    }
}
