//! interlocal: the binary, with one UDP worker, all metrics on, and the cluster from the API. For questions to another region two of
//! them.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::json;

use super::{Peer, Place};
use crate::process::{Process, free};
use crate::support::questions::{Questions, question};
use crate::support::world::{DOMAIN, Work, objects};
use interlocal::wire::rtype;

const PROGRAM: &str = env!("CARGO_BIN_EXE_interlocal");

/// Two regions: questions to the first one's pods' door go to the second one's peers' door.
pub struct Region {
    pub central: SocketAddr,
    pub east_peers_door: SocketAddr,
    _processes: Vec<Process>,
}

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let address = free()?;
    let text = format!(
        "listen: {{dns: ['{address}'], peers: [], health: '', ready: '', metrics: '{}', admin: ''}}\n\
         kubernetes: {{source: '{}'}}\npeers: {{file: ''}}\nforward: [{{zone: ., to: ['{}']}}]\nworkers: 1\n\
         limits: {{in_flight: 20000}}\n",
        free()?,
        place.api,
        place.upstream
    );
    let mut process = serve(place, "interlocal", &text)?;
    process.until_right(address, &Work::ClusterIp.questions())?;
    Ok(vec![Peer {
        key: "interlocal",
        name: "interlocal".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        address,
        process,
        works: vec![Work::ClusterIp, Work::Headless, Work::Search, Work::Cached],
        tcp: true,
        forwards: true,
        paced: true,
    }])
}

fn serve(place: &Place, name: &str, config: &str) -> anyhow::Result<Process> {
    let path = place.write(&format!("{name}.yaml"), config)?;
    let mut command = Command::new(PROGRAM);
    command.arg("serve").arg("--config").arg(path);
    place.run(command, name)
}

/// Starts central and east, which has a namespace of its own name.
pub fn central_and_east(place: &Place) -> anyhow::Result<Region> {
    let mut cluster = objects();
    for object in &mut cluster {
        if object["kind"] != "Namespace" {
            object["metadata"]["namespace"] = json!("east");
        }
    }
    cluster.push(json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "east", "uid": "uid-of-east"}}));
    let manifests: Vec<String> = cluster.iter().map(ToString::to_string).collect();
    let manifests = place.write("east-objects.yaml", &manifests.join("\n---\n"))?;
    let nothing = place.write("central-objects.yaml", &objects()[0].to_string())?;
    let (central, east, east_pods) = (free()?, free()?, free()?);
    let table = format!("regions:\n  central: {{endpoints: ['127.0.0.1:9']}}\n  east: {{endpoints: ['{east}']}}\n");
    let table = place.write("peers.yaml", &table)?;
    let config = |region: &str, dns: SocketAddr, peers: &str, manifests: &std::path::Path| {
        format!(
            "region: {region}\nlisten: {{dns: ['{dns}'], peers: [{peers}], health: '', ready: '', metrics: '', admin: ''}}\n\
             kubernetes: {{source: '{}'}}\npeers: {{file: '{}'}}\nforward: []\nworkers: 1\n",
            manifests.display(),
            table.display()
        )
    };
    let mut far = serve(place, "east", &config("east", east_pods, &format!("'{east}'"), &manifests))?;
    far.until_right(east_pods, &name(0))?;
    let mut near = serve(place, "central", &config("central", central, "", &nothing))?;
    near.until_right(central, &name(0))?;
    Ok(Region { central, east_peers_door: east, _processes: vec![near, far] })
}

fn name(number: u32) -> Questions {
    Questions::new(vec![question(&format!("web-{number}.east.svc.{DOMAIN}"), rtype::A, Some((0, 1)))])
}
