//! CoreDNS: with the Corefile that clusters are installed with, which remembers its own answers, and without the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use super::{Peer, Place, version};
use crate::process::free;
use crate::support::world::Work;

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let program = program().context("no CoreDNS: set INTERLOCAL_COREDNS to one")?;
    let version = version(&program, "-version");
    let mut peers = Vec::new();
    for cached in [true, false] {
        let address = free()?;
        let (health, ready, metrics) = (free()?, free()?, free()?);
        let cache = if cached { "    cache 30\n" } else { "" };
        let text = format!(
            ".:{port} {{\n    bind 127.0.0.1\n    errors\n    health {health} {{\n        lameduck 5s\n    }}\n    ready {ready}\n    \
             kubernetes cluster.local in-addr.arpa ip6.arpa {{\n        endpoint {api}\n        pods insecure\n        \
             fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }}\n    prometheus {metrics}\n    \
             forward . {upstream} {{\n        max_concurrent 1000\n    }}\n{cache}    loop\n    reload\n    loadbalance\n}}\n",
            port = address.port(),
            api = place.api,
            upstream = place.upstream,
        );
        let name = if cached { "coredns-cached" } else { "coredns" };
        let corefile = place.write(&format!("{name}.Corefile"), &text)?;
        let mut command = Command::new(&program);
        command.arg("-conf").arg(corefile).env("GOMAXPROCS", "1").env_remove("KUBECONFIG");
        let mut process = place.run(command, name)?;
        process.until_right(address, &Work::ClusterIp.questions())?;
        let mut works = vec![Work::ClusterIp, Work::Headless, Work::Search];
        works.extend(cached.then_some(Work::Cached));
        peers.push(Peer {
            key: name,
            name: if cached { "CoreDNS, cache 30" } else { "CoreDNS, no cache" }.into(),
            version: version.clone(),
            address,
            process,
            works,
            tcp: cached,
            forwards: !cached,
            paced: cached,
        });
    }
    Ok(peers)
}

fn program() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable("INTERLOCAL_COREDNS") {
        return Some(path);
    }
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    let built = cache.join("interlocal-ci/coredns-1.15.0/bin/coredns");
    if built.is_file() { Some(built) } else { super::program("coredns").ok() }
}
