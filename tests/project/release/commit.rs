//! `--version` names the commit that was built, and a build where nobody knows it is no failure: `build.rs`, run as cargo runs
//! it, in a checkout and outside of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::support::dig::skip;

/// `build.rs`, compiled by the compiler beside our own cargo.
static SCRIPT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("build-script");
    let compiler = Path::new(env!("CARGO")).with_file_name("rustc");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    let mut command = Command::new(compiler);
    command.args(["--edition", "2024", "-o"]).arg(&script).arg(source);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, script)
});

/// Runs it for this folder.
fn run(root: &Path, profile: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(&SCRIPT.1);
    command.current_dir(root).env("CARGO_MANIFEST_DIR", root).env("PROFILE", profile);
    command.env_remove("INTERLOCAL_COMMIT").envs(variables.iter().copied());
    command.output().unwrap()
}

/// What `--version` shows behind the number.
fn shown(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("cargo:rustc-env=INTERLOCAL_BUILD=")).collect();
    assert_eq!(found.len(), 1, "{said}");
    found[0].to_owned()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-C"]).arg(folder).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A checkout with one commit, or none, said aloud, without git.
fn checkout(test: &str) -> Option<TempDir> {
    if Command::new("git").arg("--version").output().is_err() {
        skip(test, "git");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--quiet", "--message", "one"]);
    Some(folder)
}

#[test]
fn the_version_has_the_commit_that_the_build_knew() {
    let output = Command::new(env!("CARGO_BIN_EXE_interlocal")).arg("--version").output().unwrap();
    let wanted = format!("interlocal {}{}\n", env!("CARGO_PKG_VERSION"), env!("INTERLOCAL_BUILD"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted);
}

#[test]
fn a_commit_that_is_given_is_shown_short() {
    let folder = tempfile::tempdir().unwrap();
    let given = |commit: &str| run(folder.path(), "debug", &[("INTERLOCAL_COMMIT", commit)]);
    assert_eq!(shown(&given("0123456789abcdef0123456789abcdef01234567")), " (0123456789ab)");
    assert_eq!(shown(&given("0123456789abcdef-dirty")), " (0123456789ab-dirty)");
    assert_eq!(shown(&given("")), "", "a build argument that nobody set");
    let refused = given("main\ncargo:rustc-env=A=B");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("INTERLOCAL_COMMIT is \"main\\ncargo"), "{refused:?}");
}

#[test]
fn a_release_of_a_checkout_names_its_commit_and_says_if_that_is_not_all() {
    let Some(folder) = checkout("a_release_of_a_checkout_names_its_commit_and_says_if_that_is_not_all") else { return };
    let hash = git(folder.path(), &["rev-parse", "--short=12", "HEAD"]);
    let output = run(folder.path(), "release", &[]);
    assert_eq!(shown(&output), format!(" ({hash})"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("cargo:rerun-if-changed=.git/logs/HEAD\n"), "the next commit is seen: {said}");
    fs::write(folder.path().join("notes"), "not in the program").unwrap();
    assert_eq!(shown(&run(folder.path(), "release", &[])), format!(" ({hash})"));
    fs::write(folder.path().join("src/more.rs"), "").unwrap();
    assert_eq!(shown(&run(folder.path(), "release", &[])), format!(" ({hash}-dirty)"));
    assert_eq!(shown(&run(folder.path(), "debug", &[])), "", "a debug build is not made anew by a commit");
}

#[test]
fn an_archive_builds_and_is_not_the_commit_of_the_checkout_around_it() {
    let Some(folder) = checkout("an_archive_builds_and_is_not_the_commit_of_the_checkout_around_it") else { return };
    let archive = folder.path().join("interlocal-0.1.0");
    fs::create_dir(&archive).unwrap();
    assert_eq!(shown(&run(&archive, "release", &[])), "");
}

#[test]
fn a_checkout_builds_without_git() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let nowhere = folder.path().to_string_lossy().into_owned();
    assert_eq!(shown(&run(folder.path(), "release", &[("PATH", &nowhere)])), "");
}

#[test]
fn the_image_is_built_with_it() {
    let read = |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    assert!(read("Dockerfile").contains("COPY Cargo.toml Cargo.lock build.rs ./\n"));
    assert!(read("Dockerfile").contains("INTERLOCAL_COMMIT=\"$REVISION\" .ci/static"));
    assert!(read(".dockerignore").lines().any(|line| line == "!build.rs"));
}
