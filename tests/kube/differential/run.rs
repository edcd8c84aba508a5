//! All questions to both servers, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use super::cases::Case;
use super::compare::{Facet, differences, shown};
use super::exchange::{Line, message};
use super::names::Names;
use super::questions::Question;
use super::wanted::explain;

/// Askers at once.
const ASKERS: usize = 8;

/// An unexplained difference.
pub struct Failure {
    pub facets: BTreeSet<Facet>,
    pub question: Question,
    pub text: String,
}

#[derive(Default)]
pub struct Outcome {
    pub compared: usize,
    pub failures: Vec<Failure>,
    /// How often each entry explained something.
    pub hits: BTreeMap<&'static str, usize>,
}

/// Asks everything of both.
pub async fn compare(servers: [SocketAddr; 2], names: &Arc<Names>, questions: Vec<Question>) -> Outcome {
    let questions = Arc::new(questions);
    let askers: Vec<_> = (0..ASKERS)
        .map(|asker| {
            let (questions, names) = (Arc::clone(&questions), Arc::clone(names));
            tokio::spawn(async move {
                let mut lines = [Line::open(servers[0]).await, Line::open(servers[1]).await];
                let mut outcome = Outcome::default();
                for question in questions.iter().skip(asker).step_by(ASKERS) {
                    outcome.ask(&mut lines, &names, question).await;
                }
                outcome
            })
        })
        .collect();
    let mut whole = Outcome::default();
    for asker in askers {
        whole.add(asker.await.unwrap());
    }
    whole
}

impl Outcome {
    async fn ask(&mut self, lines: &mut [Line; 2], names: &Names, question: &Question) {
        let query = message(question);
        let [ours, theirs] = lines;
        let (ours, theirs) = tokio::join!(ours.ask(&query, question.way), theirs.ask(&query, question.way));
        self.judge(&Case { question, names, ours: &ours, theirs: &theirs });
    }

    fn judge(&mut self, case: &Case<'_>) {
        self.compared += 1;
        let different = differences(case.ours, case.theirs);
        if different.is_empty() {
            return;
        }
        let (explained, by) = explain(case, &different);
        for name in by {
            *self.hits.entry(name).or_default() += 1;
        }
        let facets: BTreeSet<Facet> = different.difference(&explained).copied().collect();
        if !facets.is_empty() {
            self.failures.push(Failure { text: text(case, &facets), facets, question: case.question.clone() });
        }
    }

    pub fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.failures.extend(other.failures);
        for (name, hits) in other.hits {
            *self.hits.entry(name).or_default() += hits;
        }
    }
}

fn text(case: &Case<'_>, facets: &BTreeSet<Facet>) -> String {
    let Question { name, rtype, way, .. } = case.question;
    let mut out = String::new();
    let _ = writeln!(out, "==== {name} {rtype} ({way:?}): {facets:?}");
    let _ = writeln!(out, "-- interlocal\n{}-- CoreDNS\n{}", shown(case.ours), shown(case.theirs));
    out
}
