//! What the demo says: the regions, the matrix, and the lines to try next.

use std::path::Path;

use super::Running;
use super::matrix::{Cell, name};
use crate::cli::ask::Over;

/// The table of the regions.
pub(super) fn regions(running: &[Running]) {
    println!("{:<9} {:<16} {:<16} {:<16} {:<16} METRICS", "REGION", "PODS' DOOR", "PEERS' DOOR", "HEALTH", "READY");
    for region in running {
        let addresses = region.app.addresses();
        let peers = addresses.peers.first().copied();
        let columns = [Some(region.dns), peers, addresses.health, addresses.ready, addresses.metrics];
        let columns = columns.map(|address| address.map_or_else(|| "-".to_owned(), |address| address.to_string()));
        let [dns, peers, health, ready, metrics] = columns;
        println!("{:<9} {dns:<16} {peers:<16} {health:<16} {ready:<16} {metrics}", region.region.label);
    }
    println!();
}

/// The matrix, a line for each pair; says whether every cell is right.
pub(super) fn matrix(running: &[Running], cells: &[Cell]) -> bool {
    println!("{:<9} {:<9} {:<50} {:>9} {:>9}", "FROM", "TO", "NAME", "UDP", "TCP");
    for from in running {
        for to in running {
            let pair = |over| {
                cells
                    .iter()
                    .find(|cell| cell.from == from.region.label && cell.to == to.region.label && cell.over == over)
            };
            if let (Some(udp), Some(tcp)) = (pair(Over::Udp), pair(Over::Tcp)) {
                let (name, udp, tcp) = (name(&to.region.label), time(udp), time(tcp));
                println!("{:<9} {:<9} {name:<50} {udp:>9} {tcp:>9}", from.region.label, to.region.label);
            }
        }
    }
    println!();
    let wrong: Vec<&Cell> = cells.iter().filter(|cell| cell.result.is_err()).collect();
    for cell in &wrong {
        let over = if cell.over == Over::Udp { "UDP" } else { "TCP" };
        let reason = cell.result.as_ref().err().map_or("", String::as_str);
        println!("wrong: {} -> {} over {over}: {reason}", cell.from, cell.to);
    }
    println!("{} of {} answers are right\n", cells.len() - wrong.len(), cells.len());
    wrong.is_empty() && !cells.is_empty()
}

fn time(cell: &Cell) -> String {
    match &cell.result {
        Ok(took) => format!("{:.2} ms", took.as_secs_f64() * 1e3),
        Err(_) => "wrong".to_owned(),
    }
}

/// The lines to try.
pub(super) fn digs(running: &[Running], folder: &Path) {
    let [first, second, ..] = running else { return };
    let (server, port) = (first.dns.ip(), first.dns.port());
    let there = &second.region.label;
    println!("Try, from {}'s pods' door:", first.region.label);
    for question in [
        name(there),
        format!("+tcp {}", name(there)),
        format!("_http._tcp.busybox.{there}.svc.cluster.local SRV"),
        format!("dual.{there}.svc.cluster.local AAAA"),
        "web.default.svc.cluster.local".to_owned(),
        "far.default.svc.cluster.local".to_owned(),
        format!("web.default.svc.{there}.mesh"),
        "10-0-1-144.default.pod.cluster.local".to_owned(),
        "-x 10.0.102.90".to_owned(),
        "dns-version.cluster.local TXT".to_owned(),
        "example.com".to_owned(),
    ] {
        println!("  dig @{server} -p {port} {question}");
    }
    if let Some(ready) = first.app.addresses().ready {
        println!("  curl http://{ready}/ready");
    }
    if let Some(admin) = first.app.addresses().admin {
        println!("  interlocal peers --admin {admin}");
    }
    println!("\nThe files are in {}: save a change and ask again. Ctrl-C ends.", folder.display());
}
