//! `--matrix`: a real question for every region from here, over each of its addresses and the way that a pod's question takes.

use std::net::{IpAddr, SocketAddr};

use tokio::time::Instant;

use super::doors::{ask, words};
use super::regions::Region;
use super::report::Cell;
use super::subject::{Subject, reach};
use crate::config::RegionRow;
use crate::wire::exchange::{Question, Received};
use crate::wire::record::Record;
use crate::wire::{HEADER_LEN, Name, Rcode, class, rtype};

/// In every cluster, so below every mesh zone.
const EVERYWHERE: &str = "kubernetes.default.svc";
/// Addresses that are shown.
const SHOWN: usize = 3;

pub async fn gather(subject: &Subject, regions: &[Region], names: &[Name]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let door = subject.config.servers.first().and_then(|server| server.listen.first()).map(|listen| reach(*listen));
    for row in &subject.table.table.regions {
        let Some(region) = regions.iter().find(|region| region.label == row.label.as_str()) else { continue };
        for name in chosen(row, names) {
            for address in &region.addresses {
                cells.push(directly(region, address.address, &name).await);
            }
            if let Some(door) = door.filter(|_| !subject.pre) {
                cells.push(as_a_pod(subject, region, door, &name).await);
            }
        }
    }
    cells
}

/// What to ask a region for: the names that were given, else one that every cluster has, else the zone itself.
fn chosen(row: &RegionRow, names: &[Name]) -> Vec<Name> {
    let zones = || row.zones.iter().chain(&row.mesh);
    let given: Vec<Name> =
        names.iter().filter(|name| zones().any(|zone| name.as_ref().is_in(zone.as_ref()))).cloned().collect();
    if !given.is_empty() {
        return given;
    }
    let everywhere = row.mesh.as_ref().and_then(|mesh| mesh.prepend(EVERYWHERE).ok());
    everywhere.or_else(|| row.zones.first().cloned()).into_iter().collect()
}

fn question(name: &Name) -> Question {
    Question {
        name: name.clone(),
        qtype: rtype::A,
        qclass: class::IN,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    }
}

async fn directly(region: &Region, address: SocketAddr, name: &Name) -> Cell {
    let question = question(name);
    let (heard, took) = match region.row.ask(address, &question).await {
        Ok((_, heard)) => (Ok(heard.received), Some(heard.took.as_secs_f64() * 1e3)),
        Err(unseen) => (Err(words(unseen).to_owned()), None),
    };
    cell(region, address.to_string(), &question, heard, took)
}

async fn as_a_pod(subject: &Subject, region: &Region, door: SocketAddr, name: &Name) -> Cell {
    let (question, started) = (question(name), Instant::now());
    let heard = ask(door, "UDP", &question, subject.config.stamp_option).await;
    let took = heard.is_ok().then(|| started.elapsed().as_secs_f64() * 1e3);
    cell(region, "pods' door".to_owned(), &question, heard, took)
}

fn cell(region: &Region, via: String, question: &Question, heard: Result<Received, String>, took: Option<f64>) -> Cell {
    let (fine, result) = match &heard {
        Ok(answer) => (answer.body.rcode == Rcode::NOERROR, shown(question, answer)),
        Err(why) => (false, why.clone()),
    };
    Cell { region: region.label.clone(), via, name: question.name.to_string(), fine, result, took }
}

/// The addresses; else that the name is there, or the rcode.
fn shown(question: &Question, answer: &Received) -> String {
    if answer.body.rcode != Rcode::NOERROR {
        return answer.body.rcode.to_text().into_owned();
    }
    let addresses = addresses(question, answer);
    match addresses.len() {
        0 => "is there".to_owned(),
        count => {
            let listed: Vec<String> = addresses.iter().take(SHOWN).map(ToString::to_string).collect();
            let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
            listed.join(" ") + &more
        }
    }
}

fn addresses(question: &Question, answer: &Received) -> Vec<IpAddr> {
    let message = answer.body.to_message(question.name.as_ref(), question.qtype);
    let mut at = HEADER_LEN + question.name.as_ref().wire().len() + 4;
    let mut addresses = Vec::new();
    for _ in 0..answer.body.answers() {
        let Ok(record) = Record::read(&message, at) else { break };
        at = record.end;
        if let (rtype::A, Ok(octets)) = (record.rtype, <[u8; 4]>::try_from(record.data_in(&message))) {
            addresses.push(IpAddr::from(octets));
        }
    }
    // They take turns in each answer.
    addresses.sort_unstable();
    addresses
}
