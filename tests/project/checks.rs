//! What docs/checks.md names is there: a line that says how something is shown is worth nothing when the test has another name by now.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/checks.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of a folder, and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The names of all functions behind an attribute for tests, and of all modules: what a filter of `cargo test` can mean.
fn tests_and_modules(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut tests, mut modules) = (BTreeSet::new(), BTreeSet::new());
    for path in files(folder).iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = fs::read_to_string(path).unwrap();
        let mut waits = false;
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
                waits = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| waits) {
                tests.insert(rest.split('(').next().unwrap().to_owned());
                waits = false;
            } else if let Some(module) = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ") {
                modules.insert(module.trim_end_matches([';', '{', ' ']).to_owned());
            }
        }
    }
    (tests, modules)
}

fn folder(topic: &str) -> PathBuf {
    root().join(if topic == "lib" { "src".to_owned() } else { format!("tests/{topic}") })
}

/// What stands between backticks.
fn spans() -> impl Iterator<Item = &'static str> {
    PAGE.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_of_the_checks_is_there() {
    let mut compared = 0;
    for span in spans() {
        let Some((topic, test)) = span.split_once("::").filter(|_| !span.contains(' ')) else { continue };
        let (tests, _) = tests_and_modules(&folder(topic));
        assert!(tests.contains(test), "docs/checks.md: there is no test `{span}`");
        compared += 1;
    }
    assert!(compared >= 35, "{compared} tests are named");
}

#[test]
fn every_command_of_the_checks_runs_something() {
    let mut compared = 0;
    for span in spans().filter(|span| span.starts_with("cargo test ")) {
        let words: Vec<&str> = span.split(' ').skip(2).filter(|word| *word != "--release").collect();
        let (topic, filter) = match words[..] {
            ["--lib", filter] => ("lib", Some(filter)),
            ["--test", topic] => (topic, None),
            ["--test", topic, filter] => (topic, Some(filter)),
            _ => panic!("docs/checks.md: what is `{span}`?"),
        };
        let (tests, modules) = tests_and_modules(&folder(topic));
        assert!(!tests.is_empty(), "docs/checks.md: `{span}` has no tests");
        let found = filter.is_none_or(|filter| tests.iter().chain(&modules).any(|name| name.contains(filter)));
        assert!(found, "docs/checks.md: `{span}` finds nothing");
        compared += 1;
    }
    assert!(compared >= 15, "{compared} commands are given");
}

/// A bound that no test runs into is a promise.
#[test]
fn every_limit_has_a_test_that_runs_into_it() {
    let limits =
        include_str!("../../docs/limits.md").lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let (_, shown) = PAGE.split_once("## Every limit").expect("the section");
    let mut compared = 0;
    for limit in limits {
        let row = shown.lines().find(|line| line.starts_with(&format!("| `{limit}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/checks.md: no test runs into `{limit}`"));
        let tests = row.split('`').skip(3).step_by(2).filter(|span| span.contains("::"));
        assert!(tests.count() > 0, "docs/checks.md: `{limit}` has no test");
        compared += 1;
    }
    assert!(compared >= 20, "{compared} limits");
}

#[test]
fn every_line_says_how_to_repeat_it() {
    let mut compared = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if let [what, _, state, _, again] = cells[..] {
            let none = state.starts_with("**not done**");
            assert!(none || again.contains('`'), "docs/checks.md: `{what}` has no command");
            compared += 1;
        }
    }
    assert!(compared >= 25, "{compared} lines");
}

#[test]
fn every_row_of_a_bench_is_there() {
    let rows = fs::read_to_string(root().join("benches/faults/rows/mod.rs")).unwrap();
    let mut compared = 0;
    for span in spans().filter(|span| span.starts_with("cargo bench ")) {
        let words: Vec<&str> = span.split(' ').collect();
        let after = |flag: &str| words.iter().skip_while(|word| **word != flag).nth(1).copied();
        let bench = after("--bench").unwrap();
        assert!(root().join("benches").join(bench).join("main.rs").is_file(), "docs/checks.md: no bench `{bench}`");
        for row in after("--only").unwrap_or_default().split(',').filter(|row| !row.is_empty()) {
            assert!(rows.contains(&format!("(\"{row}\", ")), "docs/checks.md: no row `{row}`");
            compared += 1;
        }
    }
    assert!(compared >= 15, "{compared} rows are named");
    for path in spans().filter(|span| span.starts_with("tests/") || span.starts_with(".ci/")) {
        let program = path.split(' ').next().unwrap();
        assert!(root().join(program).exists(), "docs/checks.md: there is no `{path}`");
    }
}
