//! The files of a CoreDNS that does the same with the usual stanzas: the cluster's own names from a zone file in place of the
//! `kubernetes` plugin, which would need an API server, and a block with `force_tcp` for each other region.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::server::Spec;
use crate::world::{self, NAMES, pod};

/// Where CI keeps it.
const CACHED: &str = "interlocal-ci/coredns-1.15.0/bin/coredns";

/// The program, or what to do about it.
pub fn find() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("INTERLOCAL_COREDNS") {
        return Ok(path.into());
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let path = cache.ok_or("needs CoreDNS 1.15: name it in INTERLOCAL_COREDNS")?.join(CACHED);
    if path.is_file() { Ok(path) } else { Err("needs CoreDNS 1.15: name it in INTERLOCAL_COREDNS".to_owned()) }
}

pub fn write(folder: &Path, spec: &Spec) {
    std::fs::write(folder.join("Corefile"), spec.corefile.clone().unwrap_or_else(|| corefile(spec))).unwrap();
    std::fs::write(folder.join("zone"), zone(spec.region)).unwrap();
}

pub fn corefile(spec: &Spec) -> String {
    let own = world::address(spec.region, 1);
    let bind: Vec<String> = (1..=spec.places).map(|place| world::address(spec.region, place).to_string()).collect();
    let bind = bind.join(" ");
    let mut text =
        format!(".:53 {{\n    bind {bind}\n    errors\n    file zone cluster.local\n    prometheus {own}:9153\n");
    if !spec.upstreams.is_empty() {
        let _ = writeln!(text, "    forward . {}\n    loop", spec.upstreams.join(" "));
    }
    text += "    cache 30\n    loadbalance\n}\n";
    for (label, endpoints) in spec.rows.iter().filter(|(label, _)| label != world::label(spec.region)) {
        let _ = write!(
            text,
            "{label}.svc.cluster.local:53 {{\n    bind {bind}\n    errors\n    prometheus {own}:9153\n    cache 30\n    \
             forward . {} {{\n        force_tcp\n    }}\n}}\n",
            endpoints.join(" ")
        );
    }
    text
}

fn zone(region: u8) -> String {
    let label = world::label(region);
    let mut text = "$ORIGIN cluster.local.\n@ 5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5\n@ 5 IN NS ns.dns\n\
                    ns.dns 5 IN A 127.0.0.1\n"
        .to_owned();
    for number in 0..NAMES {
        let _ = writeln!(text, "n{number}.many.{label}.svc 5 IN A {}", pod(region, number));
    }
    text
}
