//! The cluster that everybody serves: small Services among many, and what is asked of it. The same objects and names for each server.

use std::net::Ipv4Addr;

use interlocal::wire::rtype;
use serde_json::{Value, json};

use super::questions::{Question, Questions, question};

pub const SERVICES: u32 = 1_000;
pub const DOMAIN: &str = "cluster.local";
/// Where names of others are: each has one address.
pub const OUTSIDE: &str = "corp.example";
const NAMESPACE: &str = "shop.svc.cluster.local";

/// Names of cluster IPs with their addresses.
pub fn services() -> impl Iterator<Item = (String, Ipv4Addr)> {
    (0..SERVICES).map(|number| {
        let (high, low) = ((number / 250) as u8, (number % 250) as u8 + 1);
        (format!("web-{number}.{NAMESPACE}"), Ipv4Addr::new(10, 96, high, low))
    })
}

/// A headless Service and its endpoints.
pub fn headless() -> (String, [Ipv4Addr; 3]) {
    (format!("db.{NAMESPACE}"), [1, 2, 3].map(|last| Ipv4Addr::new(10, 1, 0, last)))
}

/// As the API server writes them.
pub fn objects() -> Vec<Value> {
    let meta = |name: &str| json!({"name": name, "namespace": "shop", "uid": format!("uid-of-{name}")});
    let namespace = |name: &str| json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "uid": format!("uid-of-{name}")}});
    let first = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let mut objects = vec![namespace("shop"), namespace("kube-system")];
    objects.extend(services().map(|(name, address)| {
        json!({"kind": "Service", "apiVersion": "v1", "metadata": meta(&first(&name)),
            "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"],
                "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}})
    }));
    objects.push(json!({"kind": "Service", "apiVersion": "v1", "metadata": meta("db"),
        "spec": {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4"],
            "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}]}}));
    let endpoints: Vec<Value> = (0..).zip(headless().1).map(|(number, address)| {
        json!({"addresses": [address], "hostname": format!("db-{number}"), "conditions": {"ready": true}})
    }).collect();
    let mut slice = meta("db-1");
    slice["labels"] = json!({"kubernetes.io/service-name": "db"});
    objects.push(json!({"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": slice,
        "addressType": "IPv4", "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}], "endpoints": endpoints}));
    objects
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    ClusterIp,
    Headless,
    Srv,
    /// Names that a search path makes of names of others.
    Search,
    /// Names of others that are in the cache.
    Cached,
}

impl Work {
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIp => "cluster IP",
            Self::Headless => "headless, 3 addresses",
            Self::Srv => "SRV of 3, with glue",
            Self::Search => "search path, NXDOMAIN",
            Self::Cached => "remembered",
        }
    }

    pub fn questions(self) -> Questions {
        let many = |ask: &dyn Fn(u32) -> Question| Questions::new((0..SERVICES).map(ask).collect());
        match self {
            Self::ClusterIp => {
                Questions::new(services().map(|(name, _)| question(&name, rtype::A, Some((0, 1)))).collect())
            }
            Self::Headless => Questions::new(vec![question(&headless().0, rtype::A, Some((0, 3)))]),
            Self::Srv => {
                Questions::new(vec![question(&format!("_sql._tcp.{}", headless().0), rtype::SRV, Some((0, 3)))])
            }
            Self::Search => {
                many(&|number| question(&format!("www-{number}.{OUTSIDE}.{NAMESPACE}"), rtype::A, Some((3, 0))))
            }
            Self::Cached => many(&|number| question(&format!("www-{number}.{OUTSIDE}"), rtype::A, Some((0, 1)))),
        }
    }
}
