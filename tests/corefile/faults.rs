//! The golden file of refusals is whole: every fault that the reader of Corefiles can find is in it. The sources are read for the
//! sentences that they say, so that a new one fails here until somebody has read it as an operator does.

use std::path::{Path, PathBuf};

/// Where the sentences are: the reader, and what reads single words for it.
const SOURCES: [&str; 4] =
    ["src/config/corefile", "src/config/policy", "src/config/policy.rs", "src/config/selector.rs"];

/// Not in the file, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("`{net}` cannot be a zone", "a network that was read always is one"),
    ("the imports have more than {MOST_OCTETS} octets in all", "it would take 16 MiB; the words end sooner"),
    ("cannot be read: {error}", "it is no text: see `commands`"),
    (
        "its regions are forwarded as zones: {}",
        "rows that are right one by one are wrong together beyond `limits.regions` only",
    ),
    ("the pattern has {} characters", "a line of more than ten thousand characters"),
    ("`{text}` is no range of TTLs", "a word of interlocal.yaml"),
    ("the stanza of `{label}` is not read: the peer table says where regions are", "with `--peers`: see `beside`"),
];

/// A sentence as the source has it, and the parts of it that are the same each time.
struct Sentence {
    source: String,
    parts: Vec<String>,
}

/// The sentences that `Fault::new` and the `refuse` of some files are given.
fn sentences(source: &str) -> Result<Vec<Sentence>, String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for start in ["Fault::new(", "refuse("] {
        for (at, _) in code.match_indices(start) {
            let rest = code[at + start.len()..].trim_start();
            let format = rest.strip_prefix("format!(").map(str::trim_start);
            match literal(format.unwrap_or(rest)) {
                Some(text) if format.is_some() => found.push(Sentence { parts: parts(&text), source: text }),
                Some(text) => found.push(Sentence { parts: vec![text.clone()], source: text }),
                // Handed on from a closure of this file, or from the reader of peer tables.
                None if ["what)", "result.errors"].iter().any(|known| rest.starts_with(known)) => {}
                None => return Err(rest.chars().take(60).collect()),
            }
        }
    }
    Ok(found)
}

/// What is between the holes of a format.
fn parts(format: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let double = rest.starts_with("{{") || rest.starts_with("}}");
        if c == '{' && !double {
            rest = rest.split_once('}').map_or("", |(_, after)| after);
            parts.push(String::new());
            continue;
        }
        parts.last_mut().unwrap().push(c);
        rest = &rest[if double { 2 } else { c.len_utf8() }..];
    }
    parts
}

/// The text of a string literal at the start of this.
fn literal(code: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = code.strip_prefix('"')?.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                '\n' => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                other => text.push(other),
            },
            c => text.push(c),
        }
    }
    None
}

impl Sentence {
    /// Is it said in that line, with something in each hole?
    fn is_in(&self, line: &str) -> bool {
        let mut rest = line;
        self.parts.iter().all(|part| {
            let found = rest.split_once(part.as_str());
            rest = found.map_or(rest, |(_, behind)| behind);
            found.is_some()
        })
    }
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect();
    all.retain(|path| path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs"));
    all.sort();
    all
}

#[test]
fn every_fault_of_the_reader_is_in_the_golden_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read_to_string(root.join("tests/corefile/golden/refusals.txt")).unwrap();
    let lines: Vec<&str> =
        golden.lines().filter(|line| line.contains(": error: ") || line.contains(": warning: ")).collect();
    let (mut looked, mut missing) = (0, Vec::new());
    for file in SOURCES.iter().flat_map(|source| files(&root.join(source))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = sentences(&text).unwrap_or_else(|code| {
            panic!("{}: what does this say? Write the sentence where `Fault::new` is: {code}", file.display())
        });
        looked += found.len();
        for sentence in found {
            let elsewhere = ELSEWHERE.iter().any(|(known, _)| *known == sentence.source);
            if !elsewhere && !lines.iter().any(|line| sentence.is_in(line)) {
                missing.push(format!("{}: {}", file.display(), sentence.source));
            }
        }
    }
    assert!(looked > 100, "{looked}");
    assert!(
        missing.is_empty(),
        "nobody has read these as an operator does: add a text to TEXTS of tests/corefile/refusals.rs that is refused with each, run \
         the test with INTERLOCAL_BLESS=1, and read what it says\n{}",
        missing.join("\n")
    );
}
