//! Labels are never names or clients: however many of them come, there are no more series than before.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use hickory_proto::rr::RecordType;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::exposition::Exposition;
use crate::support::client::{Ask, PATIENCE};
use crate::support::region::Region;
use crate::support::running::Running;
use crate::support::server::ScriptServer;
use crate::support::yaml;

const CLIENTS: u8 = 50;
const NAMES: usize = 10_000;

/// Asks for names that nobody asked for before, from several addresses, one after another from each, and waits for every answer.
async fn ask(server: SocketAddr, from: usize, count: usize) {
    let client = |number: u8| async move {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 1, number), 0)).await.unwrap();
        for at in
            (from..from + count).filter(|at| at % usize::from(CLIENTS) == usize::from(number) % usize::from(CLIENTS))
        {
            let name = match (at / usize::from(CLIENTS)) % 4 {
                0 => format!("n{at}.default.svc.cluster.local"),
                1 => format!("n{at}.ns{at}.svc.cluster.local"),
                2 => format!("n{at}.example"),
                _ => format!("{}.{}.0.10.in-addr.arpa", at % 250, at / 250),
            };
            let rtype = [RecordType::A, RecordType::AAAA, RecordType::SRV][at % 3];
            socket.send_to(&Ask::new(&name, rtype).bytes(), server).await.unwrap();
            let mut reply = [0; 1_500];
            timeout(PATIENCE, socket.recv(&mut reply)).await.expect("an answer").unwrap();
        }
    };
    let clients: Vec<_> = (1..=CLIENTS).map(|number| tokio::spawn(client(number))).collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn series(running: &Running) -> BTreeSet<String> {
    let (_, text) = running.get("/metrics").await;
    let names = text.lines().filter(|line| !line.starts_with('#'));
    names.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_names_and_fifty_clients_make_no_new_series() {
    let upstream = ScriptServer::start();
    drop(upstream.on_any().nxdomain("example", 30));
    let running = Region::new("")
        .manifests(&yaml::join(&[
            yaml::namespace("default"),
            yaml::service("default/web", &["10.96.0.1"], &["http:80"]),
        ]))
        .forward(&format!("[{{zone: ., to: [\"{}\"]}}]", upstream.address()))
        .start()
        .await;
    ask(running.dns(), 0, 1_200).await;
    let before = series(&running).await;
    ask(running.dns(), 100_000, NAMES).await;
    let after = series(&running).await;
    let new: Vec<&String> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:#?}");
    assert!(before.len() > 200, "{} series", before.len());
    let (_, text) = running.get("/metrics").await;
    let asked = Exposition::parse(&text).get("interlocal_dns_requests_total").unwrap().sum(&[]);
    assert!(asked >= (NAMES + 1_200) as f64, "{asked} questions were counted");
}
