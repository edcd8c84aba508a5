//! A region before anybody has read the guide: an API server with the published set-up in it, and what stands for the cluster around
//! it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use super::kubelet::{Duties, Kubelet};
use super::pod::{DNS, Machine};
use crate::support::apiserver::{ApiServer, Beside};
use crate::support::balancer::Balancer;
use crate::support::ip;
use crate::support::server::ScriptServer;
use crate::support::steady::Known;

pub const REGIONS: [&str; 3] = ["central", "east", "west"];
/// Of the pod that the other regions ask for.
pub const PODS: [&str; 3] = ["10.0.1.144", "10.0.102.90", "10.0.115.11"];
/// So many pods each region has: with fewer names every answer would come out of a memory, and no gap would show.
const REPLICAS: usize = 100;
pub const OUTSIDE: (&str, &str) = ("www.example.com", "192.0.2.8");

/// The last octets of what has an address before any pod has one.
const SERVICES: [(&str, u8); 3] = [("kube-dns", 2), ("kube-dns-lb", 3), ("interlocal-peers", 4)];
const FIRST_POD: u8 = 10;

pub struct Region {
    pub label: &'static str,
    pub balancers: Arc<HashMap<String, Balancer>>,
    pub kubelet: Kubelet,
    _proxy: Beside,
}

/// An address of this region on loopback. Two runs of this on one machine have different ones.
fn address(number: usize, last: u8) -> Ipv4Addr {
    let run = 64 + (std::process::id() % 128) as u8;
    Ipv4Addr::new(127, run, number as u8 + 1, last)
}

pub fn pod_name(number: usize, replica: usize) -> String {
    format!("busybox-{replica}.busybox.{}.svc.cluster.local", REGIONS[number])
}

/// The address of that pod; the first is the one of the published set-up.
fn pod_address(number: usize, replica: usize) -> String {
    if replica == 0 { PODS[number].to_owned() } else { format!("10.{}.0.{replica}", 200 + number) }
}

impl Region {
    /// `host` is the old load balancer's, as the guide's table has it.
    pub async fn start(
        number: usize,
        api: ApiServer,
        coredns: std::path::PathBuf,
        upstream: &ScriptServer,
        host: &str,
    ) -> Self {
        let label = REGIONS[number];
        let api = Arc::new(api);
        let stanza = |other: usize| {
            let (name, to) = (REGIONS[other], address(other, 3));
            format!(
                "    {name}.svc.cluster.local:53 {{\n        errors\n        cache 30\n        forward . {to}:{DNS} {{\n            \
                 force_tcp\n        }}\n        reload\n    }}\n"
            )
        };
        let stanzas: String = (0..REGIONS.len()).filter(|other| *other != number).map(stanza).collect();
        let pod = |replica| {
            let address = pod_address(number, replica);
            format!("- {{addresses: [\"{address}\"], hostname: busybox-{replica}, conditions: {{ready: true}}}}\n")
        };
        let pods: String = (0..REPLICAS).map(pod).collect();
        let objects = include_str!("before.yaml")
            .replace("@STANZAS@", &stanzas)
            .replace("@REGION@", label)
            .replace("@NUMBER@", &(number + 1).to_string())
            .replace("@PODS@", &pods);
        api.apply(&objects).await;
        let balancers: HashMap<String, Balancer> = SERVICES
            .iter()
            .map(|(name, last)| ((*name).to_owned(), Balancer::start(SocketAddr::from((address(number, *last), DNS)))))
            .collect();
        let balancers = Arc::new(balancers);
        let new = host.replace("kubednsl", "interloc");
        let hosts = [("kube-dns-lb", host, 3), ("interlocal-peers", new.as_str(), 4)];
        for (_, host, last) in hosts {
            drop(upstream.on(host, RecordType::A).answer_a(&address(number, last).to_string(), 5));
        }
        let (beside, url) = api.proxy().await;
        let machine =
            Machine { coredns, upstream: upstream.address(), admin: api.kubeconfig(), account: account(&api).await };
        let kubelet = Kubelet::start(Duties {
            api,
            proxy: url.trim_start_matches("http://").parse().unwrap(),
            machine,
            first: address(number, FIRST_POD),
            balancers: Arc::clone(&balancers),
            hosts: hosts.map(|(name, host, _)| (name.to_owned(), host.to_owned())).into(),
        });
        Self { label, balancers, kubelet, _proxy: beside }
    }

    /// Where every pod's resolv.conf leads to.
    pub fn cluster_ip(&self) -> SocketAddr {
        self.balancers["kube-dns"].address()
    }

    /// What its pods ask for all along.
    pub fn known(&self) -> Vec<Known> {
        let number = REGIONS.iter().position(|label| *label == self.label).expect("one of them");
        let own =
            Known { name: "web.default.svc.cluster.local".to_owned(), address: ip(&format!("10.96.7.{}", number + 1)) };
        let outside = Known { name: OUTSIDE.0.to_owned(), address: ip(OUTSIDE.1) };
        let mut known = Vec::new();
        for replica in 0..REPLICAS {
            known.extend([own.clone(), outside.clone()]);
            known.extend(
                (0..REGIONS.len()).map(|region| Known {
                    name: pod_name(region, replica),
                    address: ip(&pod_address(region, replica)),
                }),
            );
        }
        known
    }
}

/// The ServiceAccount comes with the manifests; a token needs it first, and applying them later changes nothing of it.
async fn account(api: &ApiServer) -> std::path::PathBuf {
    let rbac = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/base/rbac.yaml");
    api.kubectl(&["apply", "-f", rbac]).await;
    api.kubeconfig_of("interlocal", &api.token("kube-system", "interlocal").await)
}
