//! The shape of the code, enforced: layers, the size of files, the place of each outside crate, and of `unsafe`. The
//! tables below are the rules; to move a border is to edit a line here, and to say why in the commit.

mod rules;
mod scan;

use std::path::Path;
use std::{fs, io};

use rules::{Rules, Tree};

const RULES: Rules = Rules {
    // From the ground up. A unit is a file of src/ or a folder with all that is in it. It may use lower layers and itself.
    layers: &[
        &["wire", "metrics", "limits", "log", "clock", "publish", "ready", "tls"],
        &["config"],
        &["zone", "cache", "policy", "route", "answer"],
        &["kube", "peer", "forward", "reload"],
        &["server"],
        &["cli", "app", "main"],
    ],
    // Within a layer nobody uses anybody, but for these.
    beside: &[
        // A route may be a refusal, whose words are the answer's.
        ("route", "answer"),
        // Nor may a rule have words of its own for what failed.
        ("policy", "answer"),
        ("log", "clock"),
        // Upstreams over TCP are served by the peers' client.
        ("forward", "peer"),
        ("cli", "app"),
        ("main", "cli"),
    ],
    // Every dependency of Cargo.toml, and the paths that may name it outside of tests. `src/` is everywhere.
    crates: &[
        ("anyhow", &["src/cli/", "src/app/"]),
        ("arc_swap", &["src/publish.rs"]),
        ("axum", &["src/server/admin/"]),
        ("clap", &["src/cli/"]),
        ("clap_complete", &["src/cli/shell.rs"]),
        ("clap_mangen", &["src/cli/shell.rs"]),
        ("foldhash", &["src/zone/", "src/route/"]),
        ("hashbrown", &["src/route/"]),
        // Only as the second opinion of the demo, of comparisons and of tests.
        ("hickory_proto", &["src/cli/ask"]),
        ("hickory_resolver", &["src/forward/"]),
        ("http", &["src/kube/api/access"]),
        ("http_body_util", &["src/kube/api/access", "src/cli/admin.rs"]),
        // One page of our own admin listener.
        ("hyper", &["src/cli/admin.rs"]),
        ("hyper_util", &["src/cli/admin.rs"]),
        ("ipnet", &["src/"]),
        ("k8s_openapi", &["src/kube/api/"]),
        ("kube", &["src/kube/api/access"]),
        ("libc", &["src/server/udp/mmsg.rs"]),
        ("lru", &["src/cache/"]),
        ("mio", &["src/forward/flights/"]),
        ("notify", &["src/reload"]),
        ("parking_lot", &["src/"]),
        ("prometheus", &["src/metrics/"]),
        ("rand", &["src/"]),
        ("regex", &["src/config/policy/pattern.rs"]),
        ("rustix", &["src/cli/descriptors.rs"]),
        ("rustls", &["src/tls/"]),
        ("rustls_native_certs", &["src/tls/files.rs"]),
        ("serde", &["src/"]),
        // What `-o json` prints is made where it is printed.
        ("serde_json", &["src/kube/api/", "src/server/admin/", "src/cli/"]),
        ("serde_saphyr", &["src/config/yaml"]),
        ("socket2", &["src/server/", "src/peer/", "src/forward/"]),
        ("thiserror", &["src/"]),
        // Decisions wait for nothing: wire, config, zone, policy, route and answer have no runtime.
        (
            "tokio",
            &[
                "src/cache/",
                "src/kube/",
                "src/peer/",
                "src/forward/",
                "src/reload",
                "src/tls/",
                "src/server/",
                "src/cli/",
                "src/app/",
            ],
        ),
        ("tokio_rustls", &["src/tls/"]),
        ("tokio_util", &["src/server/"]),
        ("tracing", &["src/"]),
        ("tracing_subscriber", &["src/log.rs"]),
    ],
    unsafe_in: &["src/server/udp/mmsg.rs"],
    longest: 500,
};

#[test]
fn the_code_keeps_its_shape() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tree = Tree::default();
    for folder in ["src", "tests", "benches", "fuzz/targets"] {
        collect(root, &root.join(folder), &mut tree).unwrap();
    }
    assert!(tree.contains_key("src/lib.rs"), "nothing was read below {}", root.display());
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let complaints = rules::check(&RULES, &tree, &manifest);
    assert!(complaints.is_empty(), "{} break the shape of the code:\n{}", complaints.len(), complaints.join("\n"));
}

/// A folder that is not there is empty: a checkout may have no benches.
fn collect(root: &Path, folder: &Path, tree: &mut Tree) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, tree)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root).unwrap_or(&path);
            tree.insert(below.to_string_lossy().replace('\\', "/"), fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
