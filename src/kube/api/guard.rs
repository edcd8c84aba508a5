//! Should a list be believed that takes most of the zone away? Pure: it is given the time and the names, and decides. It
//! holds no objects: what is served stays as it is, and changes with single events, until a list is taken.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::zone::object::ObjectName;

/// Fewer names than this are taken away without a question.
const MANY: usize = 100;
/// Two lists agree if they differ in less than this part of what they take away: the cluster lives on between them.
const AGREE: usize = 10;

/// What to do with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is what there is.
    Take,
    /// What is in it exists; what is missing in it may exist still. List again at this time.
    Hold { again: Instant },
}

/// Lists that were held back, one after the other.
#[derive(Debug)]
pub struct Guard {
    hold: Duration,
    hold_most: Duration,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    since: Instant,
    /// The names that we serve and the last list did not have.
    missing: HashSet<ObjectName>,
}

impl Guard {
    #[must_use]
    pub fn new(hold: Duration, hold_most: Duration) -> Self {
        Self { hold, hold_most, held: None }
    }

    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// A whole list came. We answer for so many names now, and these of them are not in the list.
    pub fn listed(&mut self, now: Instant, served: usize, missing: &HashSet<ObjectName>) -> Verdict {
        if missing.len() <= MANY || missing.len() * 2 <= served {
            self.held = None;
            return Verdict::Take;
        }
        let since = match &self.held {
            Some(held) if held.agrees_with(missing) || now.duration_since(held.since) >= self.hold_most => {
                self.held = None;
                return Verdict::Take;
            }
            Some(held) => held.since,
            None => now,
        };
        self.held = Some(Held { since, missing: missing.clone() });
        Verdict::Hold { again: now + self.hold }
    }

    /// A single event came, which is true of what is served and of what was listed.
    pub fn event(&mut self, name: &ObjectName) {
        if let Some(held) = &mut self.held {
            held.missing.remove(name);
        }
    }
}

impl Held {
    fn agrees_with(&self, missing: &HashSet<ObjectName>) -> bool {
        let differ = self.missing.symmetric_difference(missing).count();
        differ * AGREE <= self.missing.len().max(missing.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(10);
    const MOST: Duration = Duration::from_secs(300);

    fn names(range: std::ops::Range<usize>) -> HashSet<ObjectName> {
        range.map(|number| ObjectName::new("shop", format!("web-{number}"))).collect()
    }

    struct Story {
        guard: Guard,
        now: Instant,
    }

    impl Story {
        fn new() -> Self {
            Self { guard: Guard::new(HOLD, MOST), now: Instant::now() }
        }

        fn listed(&mut self, served: &HashSet<ObjectName>, list: &HashSet<ObjectName>) -> bool {
            let missing = served.difference(list).cloned().collect();
            let verdict = self.guard.listed(self.now, served.len(), &missing);
            let again = self.now + HOLD;
            assert!(verdict == Verdict::Take || verdict == Verdict::Hold { again });
            assert_eq!(self.guard.is_holding(), verdict != Verdict::Take);
            self.now += HOLD;
            verdict == Verdict::Take
        }
    }

    #[tokio::test]
    async fn small_or_partial_deletions_are_believed() {
        for (served, listed) in [(100, 0), (201, 101), (1_000, 500), (10_000, 9_000), (0, 0)] {
            assert!(Story::new().listed(&names(0..served), &names(0..listed)), "{served} to {listed}");
        }
        for (served, listed) in [(101, 0), (202, 100), (1_000, 499), (10_000, 1)] {
            assert!(!Story::new().listed(&names(0..served), &names(0..listed)), "{served} to {listed}");
        }
    }

    #[tokio::test]
    async fn two_lists_that_agree_are_believed() {
        let mut story = Story::new();
        assert!(!story.listed(&names(0..1_000), &names(0..10)));
        assert!(story.listed(&names(0..1_000), &names(0..20)), "they need not agree to the last name");
        assert!(!story.listed(&names(0..1_000), &names(0..10)), "the next one is a new question");
    }

    #[tokio::test]
    async fn a_whole_list_ends_it() {
        let mut story = Story::new();
        assert!(!story.listed(&names(0..1_000), &names(0..0)));
        assert!(story.listed(&names(0..1_000), &names(0..990)));
        assert!(!story.listed(&names(0..1_000), &names(0..0)));
    }

    #[tokio::test]
    async fn lists_that_never_agree_are_believed_after_five_minutes() {
        let mut story = Story::new();
        let served = names(0..1_000);
        let mut held = 0;
        for round in 0.. {
            let from = if round % 2 == 0 { 0 } else { 600 };
            if story.listed(&served, &names(from..from + 400)) {
                break;
            }
            held += 1;
        }
        assert_eq!(held, 30, "300 s in steps of 10 s");
    }

    #[tokio::test]
    async fn single_events_count_for_both_states() {
        let mut story = Story::new();
        let mut served = names(0..1_000);
        assert!(!story.listed(&served, &names(0..0)));
        // 600 are made again, so both states have them, and 100 are deleted from what is served.
        for name in &names(0..600) {
            story.guard.event(name);
        }
        for name in &names(900..1_000) {
            served.remove(name);
            story.guard.event(name);
        }
        assert!(story.listed(&served, &names(0..600)), "300 of 900 are missing: fewer than half");
        let mut story = Story::new();
        let served = names(0..1_000);
        assert!(!story.listed(&served, &names(0..0)));
        for name in &names(0..200) {
            story.guard.event(name);
        }
        assert!(story.listed(&served, &names(0..200)), "the second list is the first one and what came since");
    }
}
