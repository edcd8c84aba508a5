//! The objects of the comparison as plain values, from which both the manifests for the API server and the questions are
//! made. It knows no DNS and no server.

use serde_json::{Value, json};

/// The zone that both servers serve.
pub const ZONE: &str = "cluster.local";

/// A port of a Service or of a slice; an empty name is none, and so is the number 0: "all ports".
#[derive(Debug, Clone)]
pub struct Port {
    pub name: String,
    pub protocol: &'static str,
    pub number: u16,
}

#[derive(Debug, Clone)]
pub struct Endpoint {
    pub addresses: Vec<String>,
    pub hostname: Option<String>,
    /// ready, serving, terminating
    pub conditions: [Option<bool>; 3],
}

#[derive(Debug, Clone)]
pub struct Slice {
    pub ipv4: bool,
    pub ports: Vec<Port>,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// With these addresses.
    Cluster(Vec<String>),
    /// Of these families.
    Headless(Vec<&'static str>),
    External(String),
    /// Slices whose Service does not exist.
    Absent,
}

#[derive(Debug, Clone)]
pub struct Service {
    pub namespace: String,
    pub name: String,
    pub kind: Kind,
    pub ports: Vec<Port>,
    pub slices: Vec<Slice>,
    /// The pods with this label are its endpoints.
    pub selector: Option<&'static str>,
    pub publish_not_ready: bool,
}

#[derive(Debug, Clone)]
pub struct Pod {
    pub namespace: &'static str,
    pub name: &'static str,
    pub app: &'static str,
    pub hostname: Option<(&'static str, &'static str)>,
    pub phase: &'static str,
    pub addresses: Vec<&'static str>,
    pub ready: bool,
}

/// Everything that is put into the API server.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    pub namespaces: Vec<String>,
    pub services: Vec<Service>,
    pub pods: Vec<Pod>,
}

pub fn port(name: &str, protocol: &'static str, number: u16) -> Port {
    Port { name: name.to_owned(), protocol, number }
}

pub fn tcp(name: &str, number: u16) -> Port {
    port(name, "TCP", number)
}

/// A ready endpoint.
pub fn ready(hostname: Option<&str>, addresses: &[&str]) -> Endpoint {
    with_conditions(hostname, addresses, [Some(true), Some(true), Some(false)])
}

pub fn with_conditions(hostname: Option<&str>, addresses: &[&str], conditions: [Option<bool>; 3]) -> Endpoint {
    let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
    Endpoint { addresses, hostname: hostname.map(str::to_owned), conditions }
}

/// One slice; its family is that of its first address.
pub fn slice(ports: &[Port], endpoints: &[Endpoint]) -> Slice {
    let ipv4 = endpoints.first().is_none_or(|endpoint| !endpoint.addresses[0].contains(':'));
    Slice { ipv4, ports: ports.to_vec(), endpoints: endpoints.to_vec() }
}

impl Endpoint {
    /// "A nil value should be interpreted as true".
    pub fn is_ready(&self) -> bool {
        self.conditions[0] != Some(false)
    }
}

impl Service {
    pub fn new(namespace: &str, name: &str, kind: Kind, ports: &[Port]) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            kind,
            ports: ports.to_vec(),
            slices: Vec::new(),
            selector: None,
            publish_not_ready: false,
        }
    }

    pub fn slices(mut self, slices: &[Slice]) -> Self {
        self.slices = slices.to_vec();
        self
    }

    pub fn selector(mut self, app: &'static str) -> Self {
        self.selector = Some(app);
        self
    }

    /// `name.namespace.svc.ZONE`
    pub fn dns_name(&self) -> String {
        format!("{}.{}.svc.{ZONE}", self.name, self.namespace)
    }

    /// None if it is absent.
    pub fn manifest(&self) -> Option<Value> {
        let mut spec = match &self.kind {
            Kind::Cluster(addresses) => {
                let families: Vec<_> = addresses.iter().map(|address| family(address)).collect();
                json!({"clusterIP": addresses[0], "clusterIPs": addresses, "ipFamilies": families,
                    "ipFamilyPolicy": policy(families.len())})
            }
            Kind::Headless(families) => {
                json!({"clusterIP": "None", "ipFamilies": families, "ipFamilyPolicy": policy(families.len())})
            }
            Kind::External(target) => json!({"type": "ExternalName", "externalName": target}),
            Kind::Absent => return None,
        };
        if !self.ports.is_empty() {
            spec["ports"] = ports(&self.ports);
        }
        if let Some(app) = self.selector {
            spec["selector"] = json!({"app": app});
        }
        spec["publishNotReadyAddresses"] = json!(self.publish_not_ready);
        Some(json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": self.name, "namespace": self.namespace}, "spec": spec}))
    }

    pub fn slice_manifests(&self) -> impl Iterator<Item = Value> {
        self.slices.iter().enumerate().map(|(place, slice)| {
            let endpoints: Vec<Value> = slice.endpoints.iter().map(Endpoint::manifest).collect();
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": format!("{}-{place}", self.name), "namespace": self.namespace, "labels": {
                    "kubernetes.io/service-name": self.name, "endpointslice.kubernetes.io/managed-by": "the-test"}},
                "addressType": if slice.ipv4 { "IPv4" } else { "IPv6" },
                "ports": ports(&slice.ports), "endpoints": endpoints})
        })
    }
}

impl Endpoint {
    fn manifest(&self) -> Value {
        let mut endpoint = json!({"addresses": self.addresses, "conditions": {}});
        for (name, value) in ["ready", "serving", "terminating"].iter().zip(self.conditions) {
            if let Some(value) = value {
                endpoint["conditions"][name] = json!(value);
            }
        }
        if let Some(hostname) = &self.hostname {
            endpoint["hostname"] = json!(hostname);
        }
        endpoint
    }
}

impl Pod {
    fn manifest(&self) -> Value {
        let mut spec = json!({"nodeName": NODE, "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "none"}]});
        if let Some((hostname, subdomain)) = self.hostname {
            spec["hostname"] = json!(hostname);
            spec["subdomain"] = json!(subdomain);
        }
        json!({"apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": {"app": self.app}}})
    }

    fn status(&self) -> Value {
        let addresses: Vec<Value> = self.addresses.iter().map(|address| json!({"ip": address})).collect();
        let ready = if self.ready { "True" } else { "False" };
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, "namespace": self.namespace},
            "status": {"phase": self.phase, "podIP": self.addresses[0], "podIPs": addresses,
                "conditions": [{"type": "Ready", "status": ready}]}})
    }
}

/// The one node: without it no pod becomes an endpoint.
const NODE: &str = "node-a";

impl Objects {
    /// What is created, in this order.
    pub fn manifests(&self) -> Value {
        let mut items: Vec<Value> = self
            .namespaces
            .iter()
            .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
            .collect();
        items.push(json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": NODE, "labels": {"topology.kubernetes.io/zone": "zone-a"}}}));
        items.extend(self.services.iter().filter_map(Service::manifest));
        items.extend(self.services.iter().flat_map(Service::slice_manifests));
        items.extend(self.pods.iter().map(Pod::manifest));
        list(items)
    }

    /// What a kubelet would say of the pods.
    pub fn statuses(&self) -> Value {
        list(self.pods.iter().map(Pod::status).collect())
    }
}

pub fn list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn ports(ports: &[Port]) -> Value {
    let port = |port: &Port| {
        let mut value = json!({"protocol": port.protocol});
        if port.number > 0 {
            value["port"] = json!(port.number);
        }
        if !port.name.is_empty() {
            value["name"] = json!(port.name);
        }
        value
    };
    ports.iter().map(port).collect()
}

fn family(address: &str) -> &'static str {
    if address.contains(':') { "IPv6" } else { "IPv4" }
}

fn policy(families: usize) -> &'static str {
    if families == 2 { "RequireDualStack" } else { "SingleStack" }
}
