//! What is due on one connection: a probe, a look at its silence, its end, or another one beside it. Pure: it is told how the
//! connection stands and when, and sends nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::warm::SPARE_UNUSED;

/// Between two probes of a connection with traffic.
pub const PROBE_EVERY: Duration = Duration::from_secs(10);
/// Whoever still waits for the answer tells of it first.
const GRACE: Duration = Duration::from_millis(50);

/// How a connection stands.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The last question on it; when it was opened, if there was none.
    pub last_asked: Instant,
    pub awaited: bool,
    pub silent_since: Option<Instant>,
    pub ages_at: Instant,
    /// There are more than usual beside it.
    pub spare: bool,
    /// Probes on it tell something.
    pub probed: bool,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    Probe,
    /// A question was unanswered for its whole time, and nothing was read since.
    Silent,
    /// It is spare, and nobody uses it.
    Close,
    /// Its end is near.
    Replace,
    /// Nothing until then; none: until the next question.
    Nothing(Option<Instant>),
}

/// What was done so far.
#[derive(Debug, Clone)]
pub struct Minding {
    probed_at: Instant,
    probe_at: Instant,
    silence_told: Option<Instant>,
    replaced: bool,
}

impl Minding {
    /// It was probed when it was opened.
    #[must_use]
    pub fn new(now: Instant, vary: impl FnOnce(Duration) -> Duration) -> Self {
        Self { probed_at: now, probe_at: now + vary(PROBE_EVERY), silence_told: None, replaced: false }
    }

    /// Says what is due, and takes it as done.
    pub fn next(
        &mut self,
        facts: Facts,
        deadline: Duration,
        now: Instant,
        vary: impl FnOnce(Duration) -> Duration,
    ) -> Duty {
        let silent_at = facts
            .silent_since
            .filter(|since| self.silence_told != Some(*since))
            .map(|since| (since, since + deadline + GRACE));
        if let Some((since, _)) = silent_at.filter(|(_, at)| now >= *at) {
            self.silence_told = Some(since);
            return Duty::Silent;
        }
        // An idle connection is never probed; one that was idle is, with the first question after it.
        let probe_at = (facts.probed && facts.last_asked > self.probed_at).then_some(self.probe_at);
        if probe_at.is_some_and(|at| now >= at) {
            (self.probed_at, self.probe_at) = (now, now + vary(PROBE_EVERY));
            return Duty::Probe;
        }
        let close_at = (facts.spare && !facts.awaited).then(|| facts.last_asked + SPARE_UNUSED);
        if close_at.is_some_and(|at| now >= at) {
            return Duty::Close;
        }
        let replace_at = (!self.replaced).then_some(facts.ages_at);
        if replace_at.is_some_and(|at| now >= at) {
            self.replaced = true;
            return Duty::Replace;
        }
        let times = [silent_at.map(|(_, at)| at), probe_at, close_at, replace_at];
        Duty::Nothing(times.into_iter().flatten().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DEADLINE: Duration = Duration::from_millis(1_500);

    fn idle(start: Instant) -> Facts {
        Facts {
            last_asked: start,
            awaited: false,
            silent_since: None,
            ages_at: start + 240 * SECOND,
            spare: false,
            probed: true,
        }
    }

    fn next(minding: &mut Minding, facts: Facts, now: Instant) -> Duty {
        minding.next(facts, DEADLINE, now, |pause| pause)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_traffic_is_probed_every_ten_seconds_and_an_idle_one_never() {
        let start = Instant::now();
        let mut minding = Minding::new(start, |pause| pause);
        let facts = idle(start);
        assert_eq!(next(&mut minding, facts, start + 99 * SECOND), Duty::Nothing(Some(facts.ages_at)));
        let busy = |seconds: u32| Facts { last_asked: start + SECOND * seconds, ..facts };
        assert_eq!(
            next(&mut minding, busy(100), start + 100 * SECOND),
            Duty::Probe,
            "with the first question after it"
        );
        let again = Duty::Nothing(Some(start + 110 * SECOND));
        assert_eq!(next(&mut minding, busy(101), start + 101 * SECOND), again);
        assert_eq!(next(&mut minding, busy(109), start + 110 * SECOND), Duty::Probe);
        let (asked, unprobed) = (busy(115), Facts { probed: false, ..busy(115) });
        assert_eq!(next(&mut minding, unprobed, start + 125 * SECOND), Duty::Nothing(Some(facts.ages_at)));
        assert_eq!(next(&mut minding, asked, start + 125 * SECOND), Duty::Probe);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_once_until_something_is_read() {
        let start = Instant::now();
        let mut minding = Minding::new(start, |pause| pause);
        let silent = Facts { silent_since: Some(start), awaited: true, ..idle(start) };
        assert_eq!(next(&mut minding, silent, start + SECOND), Duty::Nothing(Some(start + DEADLINE + GRACE)));
        assert_eq!(next(&mut minding, silent, start + DEADLINE + GRACE), Duty::Silent);
        assert_eq!(next(&mut minding, silent, start + 9 * SECOND), Duty::Nothing(Some(silent.ages_at)));
        let later = Facts { silent_since: Some(start + 5 * SECOND), ..silent };
        assert_eq!(next(&mut minding, later, start + 9 * SECOND), Duty::Silent);
    }

    #[tokio::test(start_paused = true)]
    async fn a_spare_connection_is_closed_when_nobody_uses_it() {
        let start = Instant::now();
        let mut minding = Minding::new(start, |pause| pause);
        let spare = Facts { spare: true, ..idle(start) };
        assert_eq!(next(&mut minding, spare, start + 9 * SECOND), Duty::Nothing(Some(start + 10 * SECOND)));
        let awaited = Facts { awaited: true, ..spare };
        assert_eq!(next(&mut minding, awaited, start + 10 * SECOND), Duty::Nothing(Some(spare.ages_at)));
        assert_eq!(next(&mut minding, spare, start + 10 * SECOND), Duty::Close);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_replaced_once_before_its_end() {
        let start = Instant::now();
        let mut minding = Minding::new(start, |pause| pause);
        let old = idle(start);
        assert_eq!(next(&mut minding, old, old.ages_at), Duty::Replace);
        assert_eq!(next(&mut minding, old, old.ages_at + SECOND), Duty::Nothing(None));
    }
}
