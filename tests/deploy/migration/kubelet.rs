//! What a cluster has beside its API server: it starts and ends the pods of two Deployments, leads Services to them, and tells the API
//! server what came of it. It looks at the objects all the time, so that whoever changes one sees the effect, and nobody tells it more.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::pod::{Machine, Pod};
use crate::support::apiserver::ApiServer;
use crate::support::balancer::{Balancer, Target};
use crate::support::{ms, secs};

const DEPLOYMENTS: [&str; 2] = ["coredns", "interlocal"];

/// What it is to look after.
pub struct Duties {
    pub api: Arc<ApiServer>,
    /// The API without credentials.
    pub proxy: SocketAddr,
    pub machine: Machine,
    /// Pods have the addresses above this one.
    pub first: std::net::Ipv4Addr,
    /// By the name of the Service.
    pub balancers: Arc<HashMap<String, Balancer>>,
    /// What load balancers are called, by the name of the Service.
    pub hosts: HashMap<String, String>,
}

pub struct Kubelet {
    looks: watch::Receiver<Look>,
    task: tokio::task::JoinHandle<()>,
}

/// What it saw when it looked last.
#[derive(Clone, Default)]
pub struct Look {
    number: u64,
    /// Every pod, and whether it is ready and stays.
    settled: bool,
    /// Addresses of the pods of each Deployment that stay.
    pub pods: HashMap<String, Vec<std::net::IpAddr>>,
    /// How those ended that have: exit code and the end of the log.
    pub ended: Vec<(String, Option<i32>)>,
}

struct State {
    duties: Duties,
    pods: Vec<Pod>,
    ending: Vec<Pod>,
    ended: Vec<(String, Option<i32>)>,
    next: u8,
    reported: HashMap<String, Value>,
}

impl Kubelet {
    pub fn start(duties: Duties) -> Self {
        let (told, looks) = watch::channel(Look::default());
        let state = State {
            duties,
            pods: Vec::new(),
            ending: Vec::new(),
            ended: Vec::new(),
            next: 0,
            reported: HashMap::new(),
        };
        Self { looks, task: tokio::spawn(state.run(told)) }
    }

    /// Waits until everything is as the objects want it that are there now.
    pub async fn settled(&self) -> Look {
        let mut looks = self.looks.clone();
        // The look under way may have begun before the last change.
        let from = looks.borrow().number + 2;
        let settled =
            async { looks.wait_for(|look| look.number >= from && look.settled).await.map(|look| look.clone()) };
        timeout(secs(180), settled).await.expect("the cluster does not settle").expect("the kubelet failed")
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn run(mut self, told: watch::Sender<Look>) {
        let mut number = 0;
        loop {
            let settled = self.look().await;
            number += 1;
            let pods = DEPLOYMENTS.map(|of| {
                let own = self.pods.iter().filter(|pod| pod.of == of);
                (of.to_owned(), own.map(|pod| pod.address).collect())
            });
            let look = Look { number, settled, pods: pods.into(), ended: self.ended.clone() };
            if told.send(look).is_err() {
                return;
            }
            sleep(ms(100)).await;
        }
    }

    async fn look(&mut self) -> bool {
        let deployments = self.list("/apis/apps/v1/namespaces/kube-system/deployments").await;
        let maps = self.list("/api/v1/namespaces/kube-system/configmaps").await;
        let services = self.list("/api/v1/namespaces/kube-system/services").await;
        let mut settled = true;
        for name in DEPLOYMENTS {
            settled &= self.roll(name, named(&deployments, name), &maps).await;
        }
        for pod in &self.pods {
            pod.mount(&maps, &self.duties.machine);
        }
        self.bury();
        for (name, balancer) in self.duties.balancers.iter() {
            let targets = named(&services, name).map_or_else(Vec::new, |service| self.targets(service));
            balancer.set_targets(targets.clone());
            let stays = |target: &&Target| self.pods.iter().any(|pod| pod.ready() == target.ready);
            let ready = balancer.ready();
            settled &= targets.iter().filter(stays).all(|target| ready.contains(&target.dns));
            // A pod that ends is not given anything once it is seen.
            settled &= ready.iter().all(|dns| targets.iter().filter(stays).any(|target| target.dns == *dns));
        }
        self.name(&services).await;
        settled
    }

    /// Ends and starts pods until they are what the Deployment says; a new one is ready before an old one ends.
    async fn roll(&mut self, name: &str, deployment: Option<&Value>, maps: &Value) -> bool {
        let template = deployment.map_or(Value::Null, |deployment| deployment["spec"]["template"].clone());
        let wanted = deployment.map_or(0, |deployment| deployment["spec"]["replicas"].as_u64().unwrap_or(1)) as usize;
        let count = |pods: &[Pod]| pods.iter().filter(|pod| pod.of == name && pod.template == template).count();
        while count(&self.pods) < wanted {
            self.next += 1;
            let octets = self.duties.first.octets();
            let address = [octets[0], octets[1], octets[2], octets[3] + self.next].into();
            self.pods.push(Pod::start(name, &template, address, maps, &self.duties.machine));
        }
        let mut ready = 0;
        for pod in self.pods.iter_mut().filter(|pod| pod.of == name && pod.template == template) {
            ready += usize::from(pod.is_ready().await);
        }
        let surplus = |pod: &Pod, kept: usize| pod.of == name && (pod.template != template || kept > wanted);
        if ready >= wanted {
            let mut kept = 0;
            let (mut stay, mut end) = (Vec::new(), Vec::new());
            for pod in self.pods.drain(..) {
                kept += usize::from(pod.of == name && pod.template == template);
                if surplus(&pod, kept) { end.push(pod) } else { stay.push(pod) }
            }
            end.iter().for_each(|pod| pod.process.signal("TERM"));
            self.pods = stay;
            self.ending.extend(end);
        }
        let all = self.pods.iter().filter(|pod| pod.of == name).count();
        let ready_now = ready.min(all);
        if let Some(deployment) = deployment {
            let status = json!({"status": {
                "observedGeneration": deployment["metadata"]["generation"],
                "replicas": all, "updatedReplicas": count(&self.pods), "readyReplicas": ready_now, "availableReplicas": ready_now,
            }});
            self.report(&format!("deployment/{name}"), status).await;
        }
        ready >= wanted && all == wanted
    }

    /// Those that end may be asked for as long as they say that they are ready.
    fn targets(&self, service: &Value) -> Vec<Target> {
        let (selector, ports) = (&service["spec"]["selector"], &service["spec"]["ports"]);
        let tcp = ports.as_array().into_iter().flatten().find(|port| port["port"] == 53 && port["protocol"] == "TCP");
        let Some(target) = tcp.map(|port| &port["targetPort"]) else { return Vec::new() };
        let selected = self.pods.iter().chain(&self.ending).filter(|pod| pod.is_target() && pod.is_selected(selector));
        selected.map(|pod| Target { dns: pod.port(target), ready: pod.ready() }).collect()
    }

    /// Takes away what has ended.
    fn bury(&mut self) {
        let ended = &mut self.ended;
        self.ending.retain_mut(|pod| match pod.process.exit_code() {
            Some(code) => {
                ended.push((pod.of.clone(), code));
                false
            }
            None => true,
        });
    }

    /// Load balancers have a name once they are made.
    async fn name(&mut self, services: &Value) {
        for (name, host) in self.duties.hosts.clone() {
            if named(services, &name).is_some() {
                let status = json!({"status": {"loadBalancer": {"ingress": [{"hostname": host}]}}});
                self.report(&format!("service/{name}"), status).await;
            }
        }
    }

    async fn report(&mut self, object: &str, status: Value) {
        if self.reported.get(object) != Some(&status) {
            self.duties.api.patch_status("kube-system", object, &status.to_string()).await;
            self.reported.insert(object.to_owned(), status);
        }
    }

    /// By HTTP 1.0, which has no chunks.
    async fn list(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(self.duties.proxy).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").expect("an HTTP reply");
        assert!(head.contains(" 200 "), "{reply}");
        serde_json::from_str(body).unwrap()
    }
}

fn named<'v>(list: &'v Value, name: &str) -> Option<&'v Value> {
    list["items"].as_array()?.iter().find(|object| object["metadata"]["name"] == name)
}
