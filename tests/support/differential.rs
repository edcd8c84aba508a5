//! Ours and a server that others run, asked the same: what of their replies is different is on a list of differences that are wanted,
//! each with its reason, or it fails the test. This is what such tests have in common; how each asks, and what it calls different,
//! is its own. It asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// A part of a reply that servers can disagree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// One answers, the other does not.
    Silence,
    Rcode,
    Aa,
    Ra,
    Tc,
    Rd,
    Ad,
    Cd,
    /// The echo of the question, its case included.
    Question,
    /// OPT: there or not, and what is in its own fields.
    Edns,
    /// Extended errors.
    Ede,
    /// An option of EDNS.
    Option,
    /// The records of the answer section, without their TTLs.
    Answer,
    /// Which CNAME comes after which.
    Chain,
    /// The TTLs of records that both have.
    Ttl,
    Authority,
    Additional,
    /// Whom the server itself asked, and how.
    Asked,
}

/// The parts of this that are not the same.
pub fn different(checks: impl IntoIterator<Item = (Part, bool)>) -> BTreeSet<Part> {
    checks.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect()
}

/// A difference that is wanted: a row of the docs.
#[derive(Debug)]
pub struct Wanted {
    /// The first cell of its row.
    pub name: &'static str,
    /// What may be different because of it.
    pub parts: &'static [Part],
    /// The last cell.
    pub why: &'static str,
}

/// A difference that nobody wanted.
pub struct Failure {
    /// What it has in common with others.
    pub kind: String,
    pub text: String,
}

#[derive(Default)]
pub struct Outcome {
    pub compared: usize,
    pub failures: Vec<Failure>,
    /// How often each entry explained something.
    pub hits: BTreeMap<&'static str, usize>,
}

impl Outcome {
    /// `applying` are those of the list that are seen in this case; what they leave unexplained fails.
    pub fn judge(
        &mut self,
        different: &BTreeSet<Part>,
        applying: impl Iterator<Item = &'static Wanted>,
        failure: impl FnOnce(&BTreeSet<Part>) -> Failure,
    ) {
        let mut left = different.clone();
        for entry in applying.filter(|entry| entry.parts.iter().any(|part| different.contains(part))) {
            *self.hits.entry(entry.name).or_default() += 1;
            left.retain(|part| !entry.parts.contains(part));
        }
        if !left.is_empty() {
            self.failures.push(failure(&left));
        }
    }

    pub fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.failures.extend(other.failures);
        for (name, hits) in other.hits {
            *self.hits.entry(name).or_default() += hits;
        }
    }

    /// Prints what was compared, and some failures of each kind: the rest is more of the same.
    pub fn print(&self) {
        println!("{} questions compared", self.compared);
        for (name, hits) in &self.hits {
            println!("{hits:>6} {name}");
        }
        let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for failure in &self.failures {
            kinds.entry(&failure.kind).or_default().push(&failure.text);
        }
        for (kind, texts) in kinds {
            println!("######## {kind}: {}", texts.len());
            for text in texts.iter().take(3) {
                println!("{text}");
            }
        }
    }

    /// Fails if something is different that nobody wanted, or, after all questions and not a sample, if something is wanted that
    /// nobody has seen.
    pub fn is_as_wanted(&self, all: impl Iterator<Item = &'static Wanted>) {
        let unseen: Vec<_> = all.map(|entry| entry.name).filter(|name| !self.hits.contains_key(name)).collect();
        assert!(!full() || unseen.is_empty(), "wanted, and never seen: {unseen:?}");
        assert!(self.failures.is_empty(), "{} differences that nobody wanted", self.failures.len());
    }
}

/// All questions, not a sample?
pub fn full() -> bool {
    std::env::var_os("INTERLOCAL_FULL").is_some_and(|value| value == "1")
}

/// So many askers at once, and the sum of what they found.
pub async fn together<F: Future<Output = Outcome> + Send + 'static>(
    askers: usize,
    ask: impl Fn(usize) -> F,
) -> Outcome {
    let askers: Vec<_> = (0..askers).map(|asker| tokio::spawn(ask(asker))).collect();
    let mut whole = Outcome::default();
    for asker in askers {
        whole.add(asker.await.unwrap());
    }
    whole
}

/// Both ways: each entry is a row of the page for the users, and no row is older than the entries.
pub fn rows_are(page: &str, all: impl Iterator<Item = &'static Wanted>) {
    let (_, table) = page.split_once("\n## Other answers, and why\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    let shown: BTreeSet<(String, String)> = cells.map(|row| (row[0].to_owned(), row[3].to_owned())).collect();
    let wanted: BTreeSet<(String, String)> = all.map(|entry| (entry.name.to_owned(), entry.why.to_owned())).collect();
    let missing: Vec<_> = wanted.difference(&shown).collect();
    assert!(missing.is_empty(), "no row with these first and last cells: {missing:?}");
    let unwanted: Vec<_> = shown.difference(&wanted).collect();
    assert!(unwanted.is_empty(), "nobody wants these any more: {unwanted:?}");
}
