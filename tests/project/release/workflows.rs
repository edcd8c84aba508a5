//! The workflows of the public forge are only run there, so what can be known of them is held here: they parse, each step's
//! script is there, nothing foreign is taken in unpinned, and nobody may write who need not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const FOLDER: &str = ".github/workflows";

/// Who may write what; everybody else reads.
const WRITERS: [(&str, &str, &str); 4] = [
    ("release.yml", "images", "packages"),
    ("release.yml", "release", "contents"),
    // The proof of who built it is signed as this workflow.
    ("release.yml", "release", "id-token"),
    ("release.yml", "release", "attestations"),
];

fn workflows() -> BTreeMap<String, (String, Value)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(Path::new(ROOT).join(FOLDER)).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        found.insert(path.file_name().unwrap().to_string_lossy().into_owned(), (text, value));
    }
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["ci.yml", "release.yml"]);
    found
}

fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no mapping"))
}

/// `file/job` and what it is.
fn jobs(file: &str, workflow: &Value) -> Vec<(String, String, Value)> {
    let each = object(&workflow["jobs"]).iter();
    each.map(|(name, job)| (file.to_owned(), name.clone(), job.clone())).collect()
}

fn all_jobs() -> Vec<(String, String, Value)> {
    workflows().iter().flat_map(|(file, (_, workflow))| jobs(file, workflow)).collect()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_script_of_a_step_is_there_and_runs() {
    let mut scripts = BTreeSet::new();
    for (file, name, job) in all_jobs() {
        for step in steps(&job) {
            assert!(step["uses"].is_string() != step["run"].is_string(), "{file}/{name}: {step} does one thing");
            let run = step["run"].as_str().unwrap_or_default();
            scripts.extend(run.split_whitespace().filter(|word| word.starts_with(".ci/")).map(str::to_owned));
        }
    }
    assert_eq!(scripts.iter().map(String::as_str).collect::<Vec<_>>(), [".ci/release", ".ci/run", ".ci/rust"]);
    for script in &scripts {
        let path = Path::new(ROOT).join(script);
        let mode = fs::metadata(&path).unwrap_or_else(|error| panic!("{script}: {error}")).permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} cannot be run");
        assert!(Command::new("bash").arg("-n").arg(&path).status().unwrap().success(), "{script} is no bash");
    }
}

#[test]
fn every_part_of_a_release_is_used_and_there_are_no_others() {
    let usage = Command::new(Path::new(ROOT).join(".ci/release")).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    let usage = String::from_utf8_lossy(&usage.stderr).into_owned();
    // `#   build DIR ARCH      the static program…`
    let offered = usage.lines().filter_map(|line| line.strip_prefix("#   ")?.split("  ").next());
    let offered: BTreeMap<&str, usize> =
        offered.map(|line| (line.split(' ').next().unwrap(), line.split(' ').count() - 1)).collect();
    let mut used = BTreeMap::new();
    for (_, _, job) in all_jobs() {
        for run in steps(&job).iter().filter_map(|step| step["run"].as_str()) {
            let Some(arguments) = run.strip_prefix(".ci/release ") else { continue };
            let plain = arguments.replace("${{ matrix.architecture }}", "amd64");
            let words: Vec<&str> = plain.split(" > ").next().unwrap().split(' ').collect();
            used.insert(words[0].to_owned(), words.len() - 1);
        }
    }
    let used: BTreeMap<&str, usize> = used.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(used, offered);
    assert_eq!(used.len(), 8);
}

#[test]
fn nothing_foreign_is_taken_in_that_could_change() {
    let mut actions = 0;
    for (file, (text, _)) in workflows() {
        for line in text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
            actions += 1;
            if let Some(own) = line.strip_prefix("./") {
                assert!(Path::new(ROOT).join(own).is_file(), "{file}: {line}");
                continue;
            }
            let (_, version) = line.split_once('@').unwrap();
            let (commit, said) =
                version.split_once("  # v").unwrap_or_else(|| panic!("{file}: {line} says no version"));
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{file}: {line} is no commit"
            );
            assert!(said.starts_with(|first: char| first.is_ascii_digit()), "{file}: {line}");
        }
    }
    assert_eq!(actions, 12, "this test knows all of them");
}

#[test]
fn whoever_need_not_write_may_not() {
    let mut writers = BTreeSet::new();
    for (file, (_, workflow)) in workflows() {
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{file}");
        for (_, name, job) in jobs(&file, &workflow) {
            let Some(permissions) = job["permissions"].as_object() else { continue };
            writers.extend(permissions.iter().filter(|(_, may)| *may != "read").map(|(what, may)| {
                assert_eq!(may, "write");
                (file.clone(), name.clone(), what.clone())
            }));
        }
    }
    let writers: BTreeSet<_> =
        writers.iter().map(|(file, job, what)| (file.as_str(), job.as_str(), what.as_str())).collect();
    assert_eq!(writers, BTreeSet::from(WRITERS));
}

#[test]
fn a_checkout_keeps_no_token_and_no_outsider_writes_a_command() {
    let (mut checkouts, mut commands) = (0, 0);
    for (file, name, job) in all_jobs() {
        assert!(job["uses"].is_string() || job["timeout-minutes"].as_u64().is_some(), "{file}/{name} may hang");
        for step in steps(&job) {
            if step["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@")) {
                checkouts += 1;
                assert_eq!(step["with"]["persist-credentials"], false, "{file}/{name}");
            }
            // What comes from outside is handed over in the environment, where it is never read as a command.
            let run = step["run"].as_str().unwrap_or_default();
            commands += usize::from(!run.is_empty());
            let foreign = run.replace("${{ matrix.architecture }}", "");
            assert!(!foreign.contains("${{"), "{file}/{name}: {run}");
        }
    }
    assert_eq!((checkouts, commands), (5, 12));
}

#[test]
fn nothing_is_published_before_all_tests_have_passed_and_both_architectures_are_built() {
    let workflows = workflows();
    let jobs = object(&workflows["release.yml"].1["jobs"]);
    let mut before = BTreeSet::new();
    let mut asked = vec!["release".to_owned()];
    while let Some(job) = asked.pop() {
        let job = jobs.get(&job).unwrap_or_else(|| panic!("there is no job {job}"));
        let needs = &job["needs"];
        assert!(needs.is_string() || needs.is_null());
        asked.extend(needs.as_str().map(str::to_owned));
        before.extend(needs.as_str().map(str::to_owned));
    }
    assert_eq!(before, ["build", "images", "test", "version"].map(str::to_owned).into());
    assert_eq!(jobs["test"]["uses"], "./.github/workflows/ci.yml");
    let built = jobs["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let built: Vec<&Value> = built.iter().map(|row| &row["architecture"]).collect();
    assert_eq!(built, ["amd64", "arm64"]);
    assert_eq!(workflows["release.yml"].1["on"], serde_json::json!({"push": {"tags": ["v*"]}}));
}
