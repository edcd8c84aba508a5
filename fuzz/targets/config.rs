//! `interlocal.yaml` and `peers.yaml`: a text is read or refused, and each complaint is one that an operator can act on.
//!
//! Input: the text, read as both files.

use std::path::Path;

use interlocal::config::error::Severity;
use interlocal::config::peers::{self, TableContext, TableResult};
use interlocal::config::{self, Config, Overrides, Problem, UnknownKeys};
use interlocal::limits::Limits;
use interlocal::route::Routes;

use super::reading;

/// Octets of one complaint: a line of the file is shown with it, cut to a screen's width, and what was written there.
const LONGEST: usize = 4_096;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let config = interlocal_yaml(text);
    let table = peers_yaml(text);
    // Whatever was accepted makes a table of routes.
    let _ = Routes::build(&config.unwrap_or_default(), &table.table);
}

fn interlocal_yaml(text: &str) -> Option<Config> {
    let read = |unknown| config::file::parse(text, Path::new("interlocal.yaml"), unknown, &Overrides::default());
    let (strict, lax) = (read(UnknownKeys::Refuse), read(UnknownKeys::Warn));
    assert_eq!(strict, read(UnknownKeys::Refuse), "the same text means the same");
    match (strict, &lax) {
        (Ok(strict), lax) => assert_eq!(lax.as_ref(), Ok(&strict), "`serve` takes what `validate` takes"),
        (Err(errors), lax) => {
            assert!(!errors.is_empty());
            errors.iter().for_each(|problem| complaint(problem, text));
            if let Err(serious) = lax {
                // Its warnings are what `validate` refuses.
                let mut serious = serious.iter().filter(|problem| problem.severity == Severity::Error);
                assert!(serious.all(|problem| errors.contains(problem)));
            }
        }
    }
    let parsed = lax.ok()?;
    parsed.warnings.iter().for_each(|problem| complaint(problem, text));
    assert!(!parsed.value.servers.is_empty());
    Some(parsed.value)
}

fn peers_yaml(text: &str) -> TableResult {
    let (config, limits) = (Config::default(), Limits::default());
    let context = TableContext {
        cluster_domain: &config.cluster_domain,
        region: None,
        stub_zones: &[],
        limits: &limits,
        folder: None,
    };
    let read = |unknown| peers::parse(text, Path::new("peers.yaml"), &context, unknown);
    let (strict, lax) = (read(UnknownKeys::Refuse), read(UnknownKeys::Warn));
    for problem in strict.errors.iter().chain(&strict.warnings).chain(&lax.errors).chain(&lax.warnings) {
        complaint(problem, text);
    }
    assert!(lax.errors.iter().all(|problem| strict.errors.contains(problem)));
    assert!(lax.table.regions.len() <= limits.regions);
    assert_eq!(lax, read(UnknownKeys::Warn), "the same text means the same, its hash too");
    for row in &lax.table.regions {
        assert!(row.broken.is_some() || !row.endpoints.is_empty(), "a peer without endpoints is broken, and says so");
        assert!(row.zones.iter().all(|zone| zone.as_ref().is_in(config.cluster_domain.as_ref())));
    }
    lax
}

/// Each complaint stands in a line of the file, and its text is safe for a terminal and a log.
fn complaint(problem: &Problem, text: &str) {
    let lines = reading::lines(text);
    let line = usize::try_from(problem.line).expect("a line number");
    assert!((1..=lines).contains(&line) && problem.column >= 1, "{lines} lines: {problem:?}");
    let shown = problem.to_string();
    assert!(shown.len() <= LONGEST, "{} octets", shown.len());
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.lines().count() <= 4, "{shown:?}");
}
