//! Says which commit this is, for `interlocal --version`. It may need neither git nor a checkout, and no network: what is not
//! known is left out.

use std::env;
use std::path::Path;
use std::process::Command;

/// The commit, from whoever builds where there is no checkout: an image, a package. Empty is none.
const GIVEN: &str = "INTERLOCAL_COMMIT";
/// As many digits as are shown.
const DIGITS: usize = 12;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={GIVEN}");
    let commit = match env::var(GIVEN) {
        Ok(given) => checked(given.trim()),
        // A debug build does not ask: every commit would make it compile everything anew.
        Err(_) if env::var("PROFILE").is_ok_and(|profile| profile == "release") => from_git(),
        Err(_) => None,
    };
    let shown = commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
    println!("cargo:rustc-env=INTERLOCAL_BUILD={shown}");
}

fn checked(given: &str) -> Option<String> {
    let hash = given.strip_suffix("-dirty").unwrap_or(given);
    let fine = hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(fine, "{GIVEN} is {given:?}, which is no commit: give the hash that `git rev-parse HEAD` prints");
    let dirty = &given[hash.len()..];
    (!hash.is_empty()).then(|| format!("{}{dirty}", &hash[..hash.len().min(DIGITS)]))
}

fn from_git() -> Option<String> {
    // An archive that was unpacked in somebody else's checkout is not that commit.
    let root = env::var("CARGO_MANIFEST_DIR").ok().filter(|root| Path::new(root).join(".git").exists())?;
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&root).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "HEAD"])?;
    // What the program is made of. A commit is only named as it is if nothing else went in.
    let parts = ["src", "Cargo.toml", "Cargo.lock", "build.rs"];
    let changed = git(&[&["status", "--porcelain", "--"][..], &parts].concat())?;
    for part in parts {
        println!("cargo:rerun-if-changed={part}");
    }
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        if Path::new(&root).join(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    checked(&format!("{hash}{}", if changed.is_empty() { "" } else { "-dirty" }))
}
