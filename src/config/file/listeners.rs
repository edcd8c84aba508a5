//! The listeners beside the pods' door, and that no two want the same port.

use std::path::Path;

use crate::config::error::{Fault, Report};
use crate::config::field::Field;
use crate::config::listen::Optional;
use crate::config::node::Place;
use crate::config::spec::{ListenSpec, PeersTlsSpec, Spec};
use crate::config::{AdminListen, Config, Listen, ListenConfig, PeersTlsConfig, defaults};
use crate::tls::ServerFiles;

/// `named_only`: what the file does not name is off, because a flag said where to listen.
pub(super) fn others(
    spec: Option<&ListenSpec>,
    default: ListenConfig,
    named_only: bool,
    folder: &Path,
    report: &Report<'_>,
) -> ListenConfig {
    let default = if named_only { ListenConfig::default() } else { default };
    let Some(spec) = spec else {
        return default;
    };
    let or = |field: &Field<Optional<Listen>>, default| field.scalar().map_or(default, |listen| listen.0);
    let peers = spec.peers.place().map(|_| spec.peers.items().map(|(_, listen)| listen).collect());
    ListenConfig {
        peers: peers.unwrap_or(default.peers),
        peers_allow: spec.peers_allow.items().map(|(_, net)| net).collect(),
        peers_chase_outside: spec.peers_chase_outside.scalar().unwrap_or(true),
        identify: spec.identify.scalar().unwrap_or(true),
        health: or(&spec.health, default.health),
        ready: or(&spec.ready, default.ready),
        metrics: or(&spec.metrics, default.metrics),
        admin: spec.admin.scalar().map_or(default.admin, |listen| listen.0),
        peers_tls: spec.peers_tls.both().and_then(|(place, spec)| peers_tls(place, spec, folder, report)),
    }
}

fn peers_tls(place: Place, spec: &PeersTlsSpec, folder: &Path, report: &Report<'_>) -> Option<PeersTlsConfig> {
    let file = |field: &Field<String>| field.scalar().filter(|path| !path.is_empty()).map(|path| folder.join(path));
    let needed = |key: &str, field: &Field<String>| {
        let path = file(field);
        if path.is_none() && !field.failed() {
            let fault = Fault::new(format!("`peers_tls` has no `{key}`"));
            report.error(field.place().unwrap_or(place), fault.help("it needs the files of a certificate and its key"));
        }
        path
    };
    let (certificate, key) = (needed("cert", &spec.cert), needed("key", &spec.key));
    if spec.client_ca.scalar().is_some_and(|path| path.is_empty()) {
        // Nobody may come to believe that clients are asked for certificates when they are not.
        let fault = Fault::new("`client_ca` is empty").help("write the path of a file, or leave it out");
        report.error(spec.client_ca.place().unwrap_or(place), fault);
    }
    let listen = match spec.listen.place() {
        None => defaults::peers_tls(),
        Some(place) => {
            let listen: Vec<Listen> = spec.listen.items().map(|(_, listen)| listen).collect();
            if listen.is_empty() && !spec.listen.any_failed() {
                report.error(place, Fault::new("`peers_tls` listens nowhere").help("write `listen: [\":8853\"]`"));
            }
            listen
        }
    };
    Some(PeersTlsConfig {
        listen,
        files: ServerFiles { certificate: certificate?, key: key?, client_ca: file(&spec.client_ca) },
    })
}

/// Reports the later one of two listeners that would take each other's port.
pub(super) fn check(config: &Config, spec: &Spec, report: &Report<'_>) {
    let section = spec.listen.get();
    let whole = spec.listen.place().or(spec.servers.place());
    let mut all: Vec<(&str, Listen, Option<Place>)> = Vec::new();
    let mut add = |name, listens: &[Listen], place: Option<Place>| {
        all.extend(listens.iter().map(|listen| (name, *listen, place.or(whole))));
    };
    for server in &config.servers {
        add("dns", &server.listen, section.and_then(|listen| listen.dns.place()));
    }
    add("peers", &config.listen.peers, section.and_then(|listen| listen.peers.place()));
    if let Some(tls) = &config.listen.peers_tls {
        add("peers_tls", &tls.listen, section.and_then(|listen| listen.peers_tls.place()));
    }
    let admin = match &config.listen.admin {
        Some(AdminListen::Tcp(listen)) => Some(*listen),
        Some(AdminListen::Unix(_)) | None => None,
    };
    let single = [
        ("health", config.listen.health, section.and_then(|listen| listen.health.place())),
        ("ready", config.listen.ready, section.and_then(|listen| listen.ready.place())),
        ("metrics", config.listen.metrics, section.and_then(|listen| listen.metrics.place())),
        ("admin", admin, section.and_then(|listen| listen.admin.place())),
    ];
    for (name, listen, place) in single {
        add(name, listen.as_slice(), place);
    }
    let first = Place { line: 1, column: 1, width: 1 };
    for (number, (name, listen, place)) in all.iter().enumerate() {
        let clash = all[..number].iter().find(|(_, earlier, _)| earlier.overlaps(*listen));
        if let Some((other, earlier, _)) = clash {
            let fault = Fault::new(format!("`{name}` on `{listen}` takes the port of `{other}` on `{earlier}`"));
            report.error(place.unwrap_or(first), fault.help("give each its own port"));
        }
    }
}
