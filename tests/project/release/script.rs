//! `.ci/release`, the parts that need nothing but the files of the project.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const CHART: &str = "deploy/helm/interlocal/Chart.yaml";

/// The project as far as a release reads it, ready for 1.2.3.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [".ci/release", ".ci/run", "Cargo.toml", CHART] {
        let there = folder.path().join(file);
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::copy(root.join(file), there).unwrap();
    }
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    replace(&folder, "Cargo.toml", &format!("version = {version}"), "version = \"1.2.3\"");
    replace(&folder, CHART, env!("CARGO_PKG_VERSION"), "1.2.3");
    let changes = "# Changelog\n\n## [Unreleased]\n\n- next\n\n## [1.2.3] — 2026-11-22\n\n### Added\n\n- this\n\n## [1.2.2]\n\n- last\n";
    fs::write(folder.path().join("CHANGELOG.md"), changes).unwrap();
    folder
}

fn replace(folder: &TempDir, file: &str, from: &str, to: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn release(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(folder.path().join(".ci/release")).args(arguments).output().unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_tag_is_the_version_of_the_program_the_chart_and_the_changelog() {
    let folder = project();
    let fine = release(&folder, &["version", "v1.2.3"]);
    assert!(fine.status.success(), "{fine:?}");
    assert!(refused(&release(&folder, &["version", "v1.2.4"])).contains("the tag has to be v1.2.3"));
    replace(&folder, CHART, "appVersion: \"1.2.3\"", "appVersion: \"1.2.2\"");
    assert!(
        refused(&release(&folder, &["version", "v1.2.3"]))
            .contains("the appVersion in deploy/helm/interlocal/Chart.yaml is 1.2.2")
    );
    replace(&folder, CHART, "version: 1.2.3", "version: 1.2.1");
    assert!(refused(&release(&folder, &["version", "v1.2.3"])).contains("Chart.yaml is 1.2.1, not 1.2.3"));
    let folder = project();
    replace(&folder, "CHANGELOG.md", "## [1.2.3] — 2026-11-22\n", "");
    assert!(refused(&release(&folder, &["version", "v1.2.3"])).contains("nothing under \"## [1.2.3]\""));
}

#[test]
fn the_notes_are_what_the_changelog_says_of_this_version() {
    let notes = release(&project(), &["notes"]);
    assert_eq!(String::from_utf8_lossy(&notes.stdout).trim(), "### Added\n\n- this");
}

#[test]
fn the_checksums_are_those_of_all_files() {
    let folder = project();
    let made = folder.path().join("dist");
    fs::create_dir(&made).unwrap();
    fs::write(made.join("a.tar.gz"), "one").unwrap();
    fs::write(made.join("b.cdx.json"), "two").unwrap();
    let dist = made.to_string_lossy().into_owned();
    // The second time its own file is there already.
    for _ in 0..2 {
        let output = release(&folder, &["checksums", &dist]);
        assert!(output.status.success(), "{output:?}");
    }
    let sums = fs::read_to_string(made.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 2, "{sums}");
    let checked = |wanted| {
        let status = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&made).status();
        assert_eq!(status.unwrap().success(), wanted);
    };
    checked(true);
    fs::write(made.join("b.cdx.json"), "three").unwrap();
    checked(false);
}

#[test]
fn an_unknown_architecture_is_refused() {
    let folder = project();
    let output = release(&folder, &["build", "dist", "riscv64"]);
    assert!(refused(&output).contains("no such architecture: riscv64 (amd64 or arm64)"));
}
