//! A pod as a process: what a Deployment's template says is run on an address of loopback. As no test may need root, every port is
//! moved by 10,000, and files that name ports are changed accordingly; nothing else is.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use hickory_proto::rr::RecordType;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::client::Ask;
use crate::support::process::{Process, binary};
use crate::support::{http, secs};

/// Port 53 of whoever it is.
pub const DNS: u16 = moved(53);

pub const fn moved(port: u16) -> u16 {
    port + 10_000
}

/// What the machine has that pods run on.
#[derive(Clone)]
pub struct Machine {
    pub coredns: std::path::PathBuf,
    /// What the node's resolv.conf leads to.
    pub upstream: SocketAddr,
    /// For CoreDNS, which is not what is tested.
    pub admin: std::path::PathBuf,
    /// With the token of interlocal's ServiceAccount.
    pub account: std::path::PathBuf,
}

pub struct Pod {
    pub of: String,
    pub template: Value,
    pub address: IpAddr,
    pub process: Process,
    /// CoreDNS says that it is ready up to 100 ms before it listens, which no kubelet is fast enough to see.
    answers: bool,
    folder: TempDir,
}

impl Pod {
    pub fn start(of: &str, template: &Value, address: IpAddr, maps: &Value, machine: &Machine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let answers = of != "coredns";
        let process = match of {
            "coredns" => coredns(&folder, address, maps, machine),
            _ => interlocal(&folder, template, address, maps, machine),
        };
        Self { of: of.to_owned(), template: template.clone(), address, process, answers, folder }
    }

    /// Files of ConfigMaps follow them, as a kubelet has it.
    pub fn mount(&self, maps: &Value, machine: &Machine) {
        if self.of == "interlocal" {
            mount(self.folder.path(), &self.template, self.address, maps, machine);
        }
    }

    pub fn ready(&self) -> SocketAddr {
        (self.address, moved(8181)).into()
    }

    pub async fn is_ready(&mut self) -> bool {
        if !self.answers {
            let ask = Ask::new("dns-version.cluster.local", RecordType::TXT).patience(secs(1));
            self.answers = ask.try_udp((self.address, DNS).into()).await.is_some();
        }
        self.answers && matches!(http::get(self.ready(), "/ready").await, Some((200, _)))
    }

    /// May it be asked, as soon as it says that it is ready?
    pub fn is_target(&self) -> bool {
        self.answers
    }

    /// Does a Service with this selector lead here?
    pub fn is_selected(&self, selector: &Value) -> bool {
        let labels = &self.template["metadata"]["labels"];
        selector.as_object().is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
    }

    /// A target port, by its number or by the name that the pod gives it.
    pub fn port(&self, target: &Value) -> SocketAddr {
        let named = |name: &str| {
            let ports = self.template["spec"]["containers"][0]["ports"].as_array().expect("ports");
            ports.iter().find(|port| port["name"] == name).expect("a port of that name")["containerPort"].as_u64()
        };
        let number = target.as_u64().or_else(|| named(target.as_str()?)).expect("a port");
        (self.address, moved(u16::try_from(number).unwrap())).into()
    }
}

/// The data of a ConfigMap, by key.
fn data(maps: &Value, name: &str) -> Option<BTreeMap<String, String>> {
    let map = maps["items"].as_array()?.iter().find(|map| map["metadata"]["name"] == name)?;
    serde_json::from_value(map["data"].clone()).ok()
}

fn coredns(folder: &TempDir, address: IpAddr, maps: &Value, machine: &Machine) -> Process {
    let corefile = data(maps, "coredns").expect("ConfigMap coredns")["Corefile"].clone();
    let at = |port: u16| format!("{address}:{}", moved(port));
    let corefile = corefile
        .replace(":53 {", &format!(":{DNS} {{\n    bind {address}"))
        .replace("    health {", &format!("    health {} {{", at(8080)))
        .replace("    ready\n", &format!("    ready {}\n", at(8181)))
        .replace(":9153", &at(9153))
        .replace("/etc/resolv.conf", &machine.upstream.to_string())
        .replace("pods insecure", &format!("kubeconfig {}\n        pods insecure", machine.admin.display()));
    fs::write(folder.path().join("Corefile"), corefile).unwrap();
    Process::of(Command::new(&machine.coredns), folder.path(), &["-conf", "Corefile"])
}

fn interlocal(folder: &TempDir, template: &Value, address: IpAddr, maps: &Value, machine: &Machine) -> Process {
    mount(folder.path(), template, address, maps, machine);
    let container = &template["spec"]["containers"][0];
    let mut command = Command::new(binary());
    command.env_remove("KUBERNETES_SERVICE_HOST").env("KUBECONFIG", &machine.account);
    for variable in container["env"].as_array().into_iter().flatten() {
        let key = &variable["valueFrom"]["configMapKeyRef"];
        let given = variable["value"].as_str().map(str::to_owned);
        let value = given.or_else(|| data(maps, key["name"].as_str()?)?.get(key["key"].as_str()?).cloned());
        if let Some(value) = value {
            command.env(variable["name"].as_str().unwrap(), value);
        }
    }
    let args: Vec<&str> = container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    // Where the folder is mounted is the only thing that the arguments do not say.
    Process::of(command, folder.path(), &[&args[..], &["--config", "interlocal.yaml"]].concat())
}

/// Writes the files of the projected volume that changed.
fn mount(folder: &Path, template: &Value, address: IpAddr, maps: &Value, machine: &Machine) {
    let volume = &template["spec"]["volumes"][0];
    for source in volume["projected"]["sources"].as_array().expect("a projected volume") {
        let map = &source["configMap"];
        let Some(data) = data(maps, map["name"].as_str().unwrap()) else { continue };
        for item in map["items"].as_array().unwrap() {
            let (key, name) = (item["key"].as_str().unwrap(), item["path"].as_str().unwrap());
            let text = translated(&data[key], address, machine);
            let path = folder.join(name);
            if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                fs::write(folder.join("new~"), text).unwrap();
                fs::rename(folder.join("new~"), path).unwrap();
            }
        }
    }
}

/// The same file with the ports, the address and the upstream of this machine.
fn translated(text: &str, address: IpAddr, machine: &Machine) -> String {
    let mut text = text.replace("127.0.0.1:9154", ":9154").replace("amazonaws.com]", &format!("amazonaws.com:{DNS}]"));
    for port in [53, 8053, 8080, 8181, 9153, 9154] {
        text = text.replace(&format!("\":{port}\""), &format!("\"{address}:{}\"", moved(port)));
    }
    if text.contains("listen:") {
        // The default is a path of the image.
        text += "\npeers: {file: peers.yaml}\n";
        text += &format!("forward: [{{zone: ., to: [\"{}\"]}}]\n", machine.upstream);
    }
    text
}
