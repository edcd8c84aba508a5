//! The API server: the double of the tests, with the cluster of the benches or with a large one.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::double::Double;
use crate::support::world;

/// How much is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    Usual,
    /// 10,000 Services with 15 endpoints each.
    Large,
}

impl Amount {
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Large => "large",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Usual, Self::Large].into_iter().find(|one| one.name() == word)
    }
}

/// Serves for ever.
pub async fn serve(address: SocketAddr, amount: Amount) {
    let mut double = Double::stopped_at(address);
    double.fill(world::objects());
    if amount == Amount::Large {
        (0..LARGE).for_each(|number| double.fill(many(number)));
    }
    double.start_again().await;
    std::future::pending().await
}

pub const LARGE: u32 = 10_000;
pub const ENDPOINTS: u32 = 15;

fn many(number: u32) -> [Value; 2] {
    let name = format!("app-{number}");
    let namespace = format!("team-{}", number % 100);
    let ip = |base: u32, number: u32| std::net::Ipv4Addr::from(base + number);
    let address = ip(0x0a61_0000, number);
    let endpoints: Vec<Value> = (0..ENDPOINTS)
        .map(|endpoint| {
            let pod = format!("{name}-7c9f6d5b8-{endpoint:05}");
            json!({"addresses": [ip(0x0b00_0000, number * ENDPOINTS + endpoint)],
                "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": format!("node-{}", endpoint % 50),
                "targetRef": {"kind": "Pod", "name": pod, "namespace": namespace, "uid": format!("uid-of-{pod}")}})
        })
        .collect();
    [
        json!({"kind": "Service", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-of-{name}")},
            "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"],
                "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}}),
        json!({"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
            "metadata": {"name": format!("{name}-x7k2p"), "namespace": namespace, "uid": format!("uid-of-slice-{name}"),
                "labels": {"kubernetes.io/service-name": name}},
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": endpoints}),
    ]
}
