//! The group `peers`, its questions: every host of every row is resolved, and every address of each is looked at as the instance's
//! own client would ask it. It judges nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::subject::Subject;
use crate::config::{Host, RegionRow};
use crate::forward::{ForwardClient, HostLookup};
use crate::peer::look::{Row, Seen, Unseen};
use crate::peer::resolve::Resolve;
use crate::wire::stamp::{ClusterId, Hop, write_stamp};

/// Looks at one time.
const AT_ONCE: usize = 32;

/// A row, with all that was seen of it.
pub struct Region {
    pub label: String,
    pub own: bool,
    pub tls: bool,
    /// What is wrong with the certificate files that it names.
    pub tls_error: Option<String>,
    pub endpoints: Vec<Endpoint>,
    /// Not of the own row, which nobody asks.
    pub addresses: Vec<Address>,
    pub row: Arc<Row>,
}

pub struct Endpoint {
    pub text: String,
    /// Why there are none.
    pub addresses: Result<Vec<SocketAddr>, String>,
}

pub struct Address {
    /// The endpoint that it came from.
    pub endpoint: String,
    pub address: SocketAddr,
    pub looked: Result<Seen, Unseen>,
}

/// All rows in the order of their labels.
pub async fn gather(subject: &Subject) -> Vec<Region> {
    let config = &subject.config;
    let rows = config.servers.iter().flat_map(|server| &server.forward);
    let clients = rows.map(|row| ForwardClient::start(row, &config.limits, config.stamp_option)).collect();
    let stamp = anonymous();
    let hosts = Arc::new(HostLookup::new(clients, stamp.clone()));
    // Side by side: where no upstream answers, each takes seconds.
    let rows = subject.table.table.regions.iter().map(|row| {
        let (row, own) = (row.clone(), Some(&row.label) == config.region.as_ref());
        let (hosts, option, stamp) = (Arc::clone(&hosts), config.stamp_option, stamp.clone());
        tokio::spawn(async move { region(&row, own, &hosts, option, stamp).await })
    });
    let mut regions = Vec::new();
    for region in rows.collect::<Vec<_>>() {
        regions.extend(region.await.ok());
    }
    let (mut looks, room) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for (at, region) in regions.iter().enumerate().filter(|(_, region)| !region.own) {
        for endpoint in &region.endpoints {
            for address in endpoint.addresses.iter().flatten().copied() {
                let (row, room, endpoint) = (Arc::clone(&region.row), Arc::clone(&room), endpoint.text.clone());
                looks.spawn(async move {
                    let _room = room.acquire().await;
                    (at, Address { endpoint, address, looked: row.look(address).await })
                });
            }
        }
    }
    while let Some(look) = looks.join_next().await {
        if let Ok((at, address)) = look {
            regions[at].addresses.push(address);
        }
    }
    for region in &mut regions {
        region.addresses.sort_by_key(|address| address.address);
        region.addresses.dedup_by_key(|address| address.address);
    }
    regions
}

/// Says that the question came from a cluster, and not from which: nobody takes it for a loop.
fn anonymous() -> Vec<u8> {
    write_stamp(None, Hop { id: ClusterId::default(), label: b"" })
}

async fn region(row: &RegionRow, own: bool, hosts: &HostLookup, option: u16, stamp: Vec<u8>) -> Region {
    let (mut endpoints, mut named) = (Vec::new(), Vec::new());
    for endpoint in &row.endpoints {
        let found: Result<Vec<IpAddr>, String> = match &endpoint.host {
            Host::Address(ip) => Ok(vec![*ip]),
            Host::Name(name) => hosts.lookup(name).await.map(|resolved| resolved.addresses),
        };
        let found = found.and_then(|found| if found.is_empty() { Err("no address".to_owned()) } else { Ok(found) });
        let addresses: Result<Vec<SocketAddr>, String> =
            found.map(|ips| ips.into_iter().map(|ip| SocketAddr::new(ip, endpoint.port)).collect());
        named.extend(addresses.iter().flatten().map(|address| (*address, endpoint.host.clone())));
        endpoints.push(Endpoint { text: endpoint.to_string(), addresses });
    }
    let look = Row::new(row, &named, option, stamp);
    Region {
        label: row.label.to_string(),
        own,
        tls: row.tls.is_some(),
        tls_error: look.tls_error(),
        endpoints,
        addresses: Vec::new(),
        row: Arc::new(look),
    }
}
