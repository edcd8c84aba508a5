//! The files of an interlocal: configuration, peer table, manifests. It writes and starts nothing.

use std::fmt::Write as _;
use std::path::Path;

use crate::server::Spec;
use crate::world::{self, NAMES, pod};

/// Endpoints of one EndpointSlice, as Kubernetes itself has it at most.
const SLICE: u32 = 1_000;

pub fn write(folder: &Path, spec: &Spec) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("interlocal.yaml", &config(spec));
    write("peers.yaml", &table(spec.region, &spec.rows));
    if let Some(corefile) = &spec.corefile {
        write("Corefile", corefile);
    }
    write("objects.yaml", &(manifests(spec.region) + &spec.objects));
}

fn config(spec: &Spec) -> String {
    let own = world::address(spec.region, 1);
    let doors: Vec<String> =
        (1..=spec.places).map(|place| format!("\"{}:8053\"", world::address(spec.region, place))).collect();
    let mut text = format!(
        "region: {}\nlisten: {{dns: [\"{own}:53\"], peers: [{}], health: \"{own}:8080\", ready: \"{own}:8181\", \
         metrics: \"{own}:9153\", admin: \"\"}}\nkubernetes: {{source: objects.yaml}}\nshutdown: {{lameduck: 0s}}\n\
         log: {{format: text, level: info}}\n",
        world::label(spec.region),
        doors.join(", ")
    );
    if !spec.keys.iter().any(|(key, _)| key == "peers") {
        text += "peers: {file: peers.yaml}\n";
    }
    if !spec.keys.iter().any(|(key, _)| key == "forward") {
        let upstreams: Vec<String> = spec.upstreams.iter().map(|upstream| format!("\"{upstream}\"")).collect();
        text += &match upstreams.is_empty() {
            true => "forward: []\n".to_owned(),
            false => format!("forward: [{{zone: ., to: [{}]}}]\n", upstreams.join(", ")),
        };
    }
    for (key, value) in &spec.keys {
        text += &format!("{key}: {value}\n");
    }
    text
}

/// With a row of its own, which a region needs to serve its zone to others.
pub fn table(region: u8, rows: &[(String, Vec<String>)]) -> String {
    let own = world::label(region);
    let mut text = "version: 1\nregions:\n".to_owned();
    if !rows.iter().any(|(label, _)| label == own) {
        text += &format!("  {own}: {{}}\n");
    }
    for (label, endpoints) in rows {
        let listed: Vec<String> = endpoints.iter().map(|endpoint| format!("\"{endpoint}\"")).collect();
        text += &format!("  {label}: {{endpoints: [{}]}}\n", listed.join(", "));
    }
    text
}

fn manifests(region: u8) -> String {
    let label = world::label(region);
    let mut text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: kube-system, uid: faults-{label}}}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {{name: {label}}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: many, namespace: {label}}}\n\
         spec: {{clusterIP: None, ports: [{{name: http, port: 80}}]}}\n"
    );
    for slice in 0..NAMES / SLICE {
        let _ = write!(
            text,
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {{name: many-{slice}, \
             namespace: {label}, labels: {{kubernetes.io/service-name: many}}}}\n\
             ports: [{{name: http, port: 80, protocol: TCP}}]\nendpoints:\n"
        );
        for number in slice * SLICE..(slice + 1) * SLICE {
            let address = pod(region, number);
            let _ = writeln!(text, "- {{addresses: [{address}], hostname: n{number}, conditions: {{ready: true}}}}");
        }
    }
    text
}
