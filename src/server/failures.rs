//! The failures of late, for the status page: each distinct one once, with how often and when it was seen, and the last question that
//! met it. Bounded, and never waited for: where two meet, one of them is not noted. It decides nothing, and it is no count to alert on:
//! that is what the metrics are for.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::wire::{Ede, EdeCode, Name, NameBuf, Rcode};

/// Failures that are remembered.
pub const MAX_FAILURES: usize = 32;
/// Those of one code of RFC 8914. Some have words that whoever asks can choose; they must not push out all others.
pub const MAX_OF_ONE_CODE: usize = 8;
/// The question is taken anew after this long, so that a flood of one failure copies no names.
const NEW_QUESTION_AFTER: Duration = Duration::from_secs(1);

/// What went wrong of late.
#[derive(Debug, Default)]
pub struct Failures(Mutex<Vec<Seen>>);

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub ede: Ede,
    pub rcode: Rcode,
    pub count: u64,
    pub first: Instant,
    pub last: Instant,
    /// The name and type that was asked for, some second before `last` at most.
    pub question: (Name, u16),
    asked: Instant,
}

impl Failures {
    /// An answer that says why it is odd. Answers past their TTL are no failures, and are counted by region.
    pub fn note(&self, ede: &Ede, rcode: Rcode, name: &NameBuf, qtype: u16, now: Instant) {
        if ede.code == EdeCode::STALE_ANSWER {
            return;
        }
        let Some(mut all) = self.0.try_lock() else { return };
        if let Some(seen) = all.iter_mut().find(|seen| seen.rcode == rcode && seen.ede == *ede) {
            seen.count += 1;
            seen.last = now;
            if now.saturating_duration_since(seen.asked) >= NEW_QUESTION_AFTER {
                (seen.question, seen.asked) = ((name.to_name(), qtype), now);
            }
            return;
        }
        let of_this_code = all.iter().filter(|seen| seen.ede.code == ede.code).count();
        if of_this_code >= MAX_OF_ONE_CODE {
            forget_oldest(&mut all, |seen| seen.ede.code == ede.code);
        } else if all.len() >= MAX_FAILURES {
            forget_oldest(&mut all, |_| true);
        }
        let question = (name.to_name(), qtype);
        all.push(Seen { ede: ede.clone(), rcode, count: 1, first: now, last: now, question, asked: now });
    }

    /// All of them, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Seen> {
        let mut all = self.0.lock().clone();
        all.sort_by_key(|seen| std::cmp::Reverse(seen.last));
        all
    }
}

fn forget_oldest(all: &mut Vec<Seen>, among: impl Fn(&Seen) -> bool) {
    let oldest = all.iter().enumerate().filter(|(_, seen)| among(seen)).min_by_key(|(_, seen)| seen.last);
    if let Some(at) = oldest.map(|(at, _)| at) {
        all.swap_remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Failure;
    use crate::clock;

    fn note(failures: &Failures, ede: &Ede, name: &str, now: Instant) {
        let name: Name = name.parse().expect("a name");
        failures.note(ede, Rcode::SERVFAIL, &NameBuf::from(name.as_ref()), 1, now);
    }

    fn dark(region: String) -> Ede {
        Failure::RegionDark { region, cause: "timed out" }.ede()
    }

    #[test]
    fn a_failure_is_one_row_however_often_it_is_seen() {
        let (failures, start) = (Failures::default(), clock::now());
        let east = dark("east".into());
        note(&failures, &east, "a.example", start);
        note(&failures, &east, "b.example", start + Duration::from_millis(10));
        note(&failures, &Failure::NoRoute.ede(), "c.example", start + Duration::from_millis(20));
        let list = failures.list();
        assert_eq!(list.iter().map(|seen| seen.count).collect::<Vec<_>>(), [1, 2], "the newest first");
        assert_eq!(list[1].question.0.to_string(), "a.example", "a flood copies no names");
        note(&failures, &east, "d.example", start + Duration::from_secs(2));
        let list = failures.list();
        assert_eq!((list[0].count, list[0].question.0.to_string()), (3, "d.example".to_owned()));
        assert_eq!(list[0].last - list[0].first, Duration::from_secs(2));
    }

    #[test]
    fn words_that_the_asker_chooses_push_out_their_own_kind_only() {
        let (failures, start) = (Failures::default(), clock::now());
        note(&failures, &Failure::NoRoute.ede(), "kept.example", start);
        for number in 0..1000 {
            note(&failures, &dark(format!("r{number}")), "x.example", start + Duration::from_millis(number));
        }
        let list = failures.list();
        assert_eq!(list.len(), MAX_OF_ONE_CODE + 1);
        assert!(list[0].ede.text().contains("r999") && list[MAX_OF_ONE_CODE].ede.text().contains("no zone"));
        for code in 100..200 {
            let ede = Ede::new(EdeCode(code), "an upstream's own words");
            note(&failures, &ede, "x.example", start + Duration::from_secs(u64::from(code)));
        }
        assert_eq!(failures.list().len(), MAX_FAILURES);
    }

    #[test]
    fn a_stale_answer_is_no_failure() {
        let failures = Failures::default();
        note(&failures, &Ede::new(EdeCode::STALE_ANSWER, "5 s old"), "x.example", clock::now());
        assert_eq!(failures.list(), []);
    }
}
