//! All questions to both servers, and what came of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use super::cases::Case;
use super::compare::{differences, shown};
use super::exchange::{Line, message};
use super::names::Names;
use super::questions::Question;
use super::wanted::applying;
use crate::support::differential::{Failure, Outcome, Part, together};

/// Askers at once.
const ASKERS: usize = 8;

/// Asks everything of both.
pub async fn compare(servers: [SocketAddr; 2], names: &Arc<Names>, questions: Vec<Question>) -> Outcome {
    let questions = Arc::new(questions);
    let ask = |asker| {
        let (questions, names) = (Arc::clone(&questions), Arc::clone(names));
        async move {
            let mut lines = [Line::open(servers[0]).await, Line::open(servers[1]).await];
            let mut outcome = Outcome::default();
            for question in questions.iter().skip(asker).step_by(ASKERS) {
                let query = message(question);
                let [ours, theirs] = &mut lines;
                let (ours, theirs) = tokio::join!(ours.ask(&query, question.way), theirs.ask(&query, question.way));
                judge(&mut outcome, &Case { question, names: &names, ours: &ours, theirs: &theirs });
            }
            outcome
        }
    };
    together(ASKERS, ask).await
}

fn judge(outcome: &mut Outcome, case: &Case<'_>) {
    outcome.compared += 1;
    let different = differences(case.ours, case.theirs);
    if !different.is_empty() {
        outcome.judge(&different, applying(case), |left| Failure {
            kind: format!("{left:?} {:?}", case.question.form),
            text: text(case, left),
        });
    }
}

fn text(case: &Case<'_>, parts: &BTreeSet<Part>) -> String {
    let Question { name, rtype, way, .. } = case.question;
    let mut out = String::new();
    let _ = writeln!(out, "==== {name} {rtype} ({way:?}): {parts:?}");
    let _ = writeln!(out, "-- interlocal\n{}-- CoreDNS\n{}", shown(case.ours), shown(case.theirs));
    out
}
