//! Asks both servers every question, a bounded number at a time and so many a second, and keeps what is different. What is different
//! once may have changed in between: it is asked again at the end, and counts only if it still is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::differences::{Kind, Part, between};
use super::questions::Questions;
use super::wanted::{Case, explain};
use crate::cli::ask::whole::{self, Asked, Reply, Told};

/// Between the first look at a difference and the second: a change has reached both by then.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Who is asked, and how hard.
pub struct Plan {
    pub ours: SocketAddr,
    pub theirs: SocketAddr,
    /// Questions a second, to each.
    pub rate: u32,
    pub at_once: usize,
    /// How far TTLs may be apart.
    pub apart: u32,
    /// What does not count.
    pub ignored: Vec<Kind>,
    /// With its final dot.
    pub domain: String,
}

/// A difference that nobody wants.
pub struct Difference {
    pub asked: Asked,
    pub parts: BTreeSet<Part>,
    pub ours: Reply,
    pub theirs: Reply,
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    pub compared: usize,
    /// Alike in every part.
    pub same: usize,
    /// Different in nothing but what is wanted.
    pub only_wanted: usize,
    pub differences: Vec<Difference>,
    /// Wanted differences by the row of docs/coredns.md.
    pub wanted: BTreeMap<&'static str, usize>,
    /// Different at the first look, and not at the second.
    pub passing: usize,
    /// What one of them did not answer, and why: ours first.
    pub unanswered: Vec<(Asked, [Option<String>; 2])>,
    pub retries: [u64; 2],
}

pub async fn run(plan: &Plan, questions: &Questions) -> Outcome {
    let mut outcome = Outcome::default();
    let all: Vec<&Asked> = questions.asked.iter().collect();
    let doubtful = round(plan, questions, &all, &mut outcome, true).await;
    if !doubtful.is_empty() {
        sleep(AGAIN_AFTER).await;
        let again: Vec<&Asked> = doubtful.iter().collect();
        round(plan, questions, &again, &mut outcome, false).await;
        outcome.passing = doubtful.len() - outcome.differences.len() - outcome.unanswered.len();
    }
    outcome.differences.sort_by(|one, two| one.asked.cmp(&two.asked));
    outcome.unanswered.sort();
    outcome
}

/// Asks; what is different or unanswered at the first look is given back, at the second it is found to be so.
async fn round(plan: &Plan, questions: &Questions, all: &[&Asked], outcome: &mut Outcome, first: bool) -> Vec<Asked> {
    let mut doubtful = Vec::new();
    let mut tick = interval(Duration::from_secs(1) / plan.rate.max(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut asking, mut bar) = (JoinSet::new(), Bar::new(all.len()));
    let mut rest = all.iter();
    loop {
        let more = rest.len() > 0;
        tokio::select! {
            _ = tick.tick(), if more && asking.len() < plan.at_once.max(1) => {
                if let Some(asked) = rest.next() {
                    let (asked, ours, theirs) = ((*asked).clone(), plan.ours, plan.theirs);
                    asking.spawn(async move {
                        let (ours, theirs) = tokio::join!(whole::ask(ours, &asked), whole::ask(theirs, &asked));
                        (asked, ours, theirs)
                    });
                }
            }
            Some(told) = asking.join_next() => {
                bar.step();
                if let Ok((asked, ours, theirs)) = told
                    && let Some(asked) = take(plan, questions, outcome, asked, [ours, theirs], first)
                {
                    doubtful.push(asked);
                }
            }
            else => return doubtful,
        }
    }
}

/// Takes both replies in; the question back if it is to be asked again.
fn take(
    plan: &Plan,
    questions: &Questions,
    outcome: &mut Outcome,
    asked: Asked,
    told: [Told; 2],
    first: bool,
) -> Option<Asked> {
    for (sum, told) in outcome.retries.iter_mut().zip(&told) {
        *sum += u64::from(told.retries);
    }
    let (ours, theirs) = match told.map(|told| told.reply) {
        [Ok(ours), Ok(theirs)] => (ours, theirs),
        _ if first => return Some(asked),
        [ours, theirs] => {
            outcome.unanswered.push((asked, [ours.err(), theirs.err()]));
            return None;
        }
    };
    let mut parts = between(&ours, &theirs, plan.apart);
    parts.retain(|part| !plan.ignored.contains(&part.kind()));
    let case = Case { asked: &asked, ours: &ours, theirs: &theirs, questions, domain: &plan.domain };
    let (wanted, rows) = explain(&case, &parts);
    let parts: BTreeSet<Part> = parts.difference(&wanted).copied().collect();
    if !parts.is_empty() && first {
        return Some(asked);
    }
    outcome.compared += 1;
    for row in &rows {
        *outcome.wanted.entry(row).or_default() += 1;
    }
    match (parts.is_empty(), rows.is_empty()) {
        (true, true) => outcome.same += 1,
        (true, false) => outcome.only_wanted += 1,
        _ => outcome.differences.push(Difference { asked, parts, ours, theirs }),
    }
    None
}

/// How far it is, on a terminal only.
struct Bar {
    shown: bool,
    done: usize,
    all: usize,
}

impl Bar {
    const WIDTH: usize = 40;

    fn new(all: usize) -> Self {
        Self { shown: std::io::stderr().is_terminal(), done: 0, all }
    }

    fn step(&mut self) {
        self.done += 1;
        if !self.shown {
            return;
        }
        let filled = Self::WIDTH * self.done / self.all.max(1);
        let bar = format!("{}{}", "#".repeat(filled), "-".repeat(Self::WIDTH - filled));
        // Nobody misses a bar.
        let _ = write!(std::io::stderr(), "\r[{bar}] {}/{}", self.done, self.all);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown && self.done > 0 {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
