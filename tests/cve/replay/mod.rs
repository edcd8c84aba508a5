//! The fuzz targets on stable: every seed, and mutations of seeds that are the same in every run.

#[path = "../../../fuzz/targets/mod.rs"]
mod targets;

mod mutate;

use std::fs;
use std::path::Path;

use mutate::Mutator;

/// Octets of all seeds: a corpus is for looking at.
const MOST: usize = 50_000;

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus-seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| (file.display().to_string(), fs::read(file).unwrap())).collect()
}

/// Runs the seeds, then so many mutations of them.
fn replay(target: &str, mutations: usize) {
    let (_, run) = targets::ALL.iter().find(|(name, _)| *name == target).unwrap();
    let seeds = seeds(target);
    assert!(seeds.len() >= 10, "{} seeds for {target}", seeds.len());
    for (file, bytes) in &seeds {
        println!("{file}");
        run(bytes);
    }
    let mut mutator = Mutator::new(&seeds);
    for number in 0..mutations {
        let (seed, bytes) = mutator.next();
        if std::panic::catch_unwind(|| run(&bytes)).is_err() {
            let file = std::env::temp_dir().join(format!("interlocal-fuzz-{target}-{number}"));
            fs::write(&file, &bytes).unwrap();
            panic!("mutation {number} of {seed} fails {target}: {}", file.display());
        }
    }
}

#[test]
fn questions() {
    replay("query", 10_000);
}

#[test]
fn answers_and_every_listed_difference_from_hickory() {
    replay("answers", 0);
    for row in targets::known_differences() {
        println!("{row}");
        assert!(row.seen() > 0, "no seed shows it any more: {row}");
    }
    replay("answers", 40_000);
}

#[test]
fn frames() {
    replay("frames", 20_000);
}

#[test]
fn objects() {
    replay("objects", 4_000);
}

#[test]
fn configurations() {
    replay("config", 4_000);
}

#[test]
fn corefiles() {
    replay("corefile", 4_000);
}

#[test]
fn the_corpus_stays_small() {
    let size: usize = targets::ALL.iter().flat_map(|(name, _)| seeds(name)).map(|(_, bytes)| bytes.len()).sum();
    assert!(size < MOST, "{size} octets");
}
