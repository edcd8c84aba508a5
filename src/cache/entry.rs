//! One answer in memory: how old it is, whether it may be used, which newer one may take its place, and how it is written for an
//! asker. Stale answers are these very entries, past their TTL: there is no second store that could say something else.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::policy::{IN_USE, Keep, lead};
use crate::wire::body::Asker;
use crate::wire::{Ede, EdeCode, Query, Rcode, ReplyBody};

/// A body with its age.
#[derive(Debug, Clone)]
pub struct Entry {
    body: Arc<ReplyBody>,
    /// What its age counts from.
    since: Instant,
    keep: Keep,
    /// How often it was found while fresh; not counted beyond what makes it one in use.
    hits: u32,
    /// A denial by a server that may not have read its zone.
    unsure: bool,
    setback: Option<Box<Setback>>,
}

/// Something newer was wanted, and what came was worse.
#[derive(Debug, Clone)]
struct Setback {
    until: Instant,
    cause: Box<str>,
}

impl Entry {
    /// An answer is as old as its question, which was first `asked` then; a failure counts from `now`, since it takes longer to
    /// fail than a failure is kept.
    #[must_use]
    pub fn new(body: Arc<ReplyBody>, keep: Keep, asked: Instant, now: Instant) -> Self {
        let mut entry = Self { body, since: asked, keep, hits: 0, unsure: false, setback: None };
        if entry.is_failure() {
            entry.since = now;
        }
        entry
    }

    /// Of a server that may not have read its zone: if it denies something, that does not count against an answer.
    #[must_use]
    pub fn unsure(self) -> Self {
        Self { unsure: true, ..self }
    }

    #[must_use]
    pub fn body(&self) -> &Arc<ReplyBody> {
        &self.body
    }

    /// Whole seconds. Threads read the clock once a batch, so `now` may be a little before the entry was made.
    #[inline]
    #[must_use]
    pub fn age(&self, now: Instant) -> u32 {
        u32::try_from(now.saturating_duration_since(self.since).as_secs()).unwrap_or(u32::MAX)
    }

    /// What its TTLs have lost since then.
    #[inline]
    fn counted(&self, now: Instant) -> u32 {
        if self.keep.still { 0 } else { self.age(now) }
    }

    /// Its TTL has not ended.
    #[inline]
    #[must_use]
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.age(now) < self.keep.ttl
    }

    /// It may be used if nothing better is to be had.
    #[must_use]
    pub fn is_usable(&self, now: Instant) -> bool {
        self.age(now) < self.keep.ttl.saturating_add(self.keep.stale)
    }

    /// Seconds until its TTL ends.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> u32 {
        self.keep.ttl.saturating_sub(self.age(now))
    }

    pub(super) fn hit(&mut self) {
        self.hits = self.hits.saturating_add(1).min(IN_USE);
    }

    /// Is `newer`, which came for the same question, worse than this one? A failure is worse than anything that can still be used, and
    /// a denial that is not sure is worse than an answer (RFC 8767 4: data is replaced by "an authoritative answer").
    pub(super) fn outranks(&self, newer: &Self, now: Instant) -> bool {
        let doubtful = newer.unsure && newer.body.is_negative() && self.body.is_positive();
        self.is_usable(now) && !self.is_failure() && (newer.is_failure() || doubtful)
    }

    /// It may not be kept, only take the place of what it disproves.
    pub(super) fn is_fleeting(&self) -> bool {
        self.keep.ttl == 0
    }

    /// It was to be replaced, and what came instead was worse, because of `cause`. For a while nobody need ask again.
    pub(super) fn set_back(&mut self, cause: &str, now: Instant) {
        let until = now + Duration::from_secs(self.keep.recheck.into());
        self.setback = Some(Box::new(Setback { until, cause: cause.into() }));
    }

    /// Why there is nothing newer, if somebody tried just now.
    #[must_use]
    pub fn setback(&self, now: Instant) -> Option<&str> {
        self.setback.as_ref().filter(|setback| now < setback.until).map(|setback| &*setback.cause)
    }

    /// When to ask again so that nobody has to wait for it.
    #[must_use]
    pub fn refresh_at(&self) -> Instant {
        self.since + Duration::from_secs(self.keep.ttl.into()).saturating_sub(lead(self.keep.ttl))
    }

    /// The same, told to the one asker whose hit, which is not counted yet, shows that the answer is in use: once in its life.
    #[inline]
    #[must_use]
    pub fn now_in_use(&self) -> Option<Instant> {
        (self.hits + 1 == IN_USE && !self.is_failure()).then(|| self.refresh_at())
    }

    fn is_failure(&self) -> bool {
        !matches!(self.body.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
    }

    /// Octets on the heap that are this entry's alone.
    pub(super) fn heap_bytes(&self) -> usize {
        let setback = self.setback.as_ref().map_or(0, |setback| size_of::<Setback>() + setback.cause.len());
        size_of::<ReplyBody>() + 2 * size_of::<usize>() + self.body.heap_bytes() + setback
    }

    /// Writes the reply for one asker: each record has what is left of its TTL.
    #[inline]
    pub fn write(&self, query: &Query<'_>, out: &mut [u8], asker: Asker<'_>, now: Instant) -> usize {
        let (cap, age) = (self.keep.cap, self.counted(now));
        self.body.write(query, out, asker, |ttl| ttl.min(cap).saturating_sub(age))
    }

    /// The body with what is left of each TTL, for an answer that goes into another one.
    #[must_use]
    pub fn aged(&self, now: Instant) -> ReplyBody {
        let (cap, age) = (self.keep.cap, self.counted(now));
        self.body.with_ttls(|ttl| ttl.min(cap).saturating_sub(age))
    }

    /// Writes it past its TTL, and says so: `cause` is why nothing better is to be had.
    pub fn write_stale(
        &self,
        query: &Query<'_>,
        out: &mut [u8],
        asker: Asker<'_>,
        cause: impl Display,
        now: Instant,
    ) -> usize {
        let (ede, cap) = (self.stale_ede(cause, now), self.stale_cap());
        self.body.write(query, out, Asker { ede: Some(&ede), ..asker }, |ttl| ttl.min(cap))
    }

    /// The same as a body, for an answer that goes into another one or to several askers.
    #[must_use]
    pub fn stale(&self, cause: impl Display, now: Instant) -> ReplyBody {
        let cap = self.stale_cap();
        let mut body = self.body.with_ttls(|ttl| ttl.min(cap));
        body.ede = Some(self.stale_ede(cause, now));
        body
    }

    fn stale_ede(&self, cause: impl Display, now: Instant) -> Ede {
        Ede::new(EdeCode::STALE_ANSWER, format!("{} s old: {cause}", self.age(now)))
    }

    fn stale_cap(&self) -> u32 {
        self.keep.cap.min(self.keep.stale_cap)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_proto::op::Message;

    use super::*;
    use crate::cache::policy::Source;
    use crate::cache::policy::tests::{POLICY, address, denial};
    use crate::wire::{Flags, Incoming, NameBuf};

    const QUESTION: &[u8] = b"\0\x09\x01\0\0\x01\0\0\0\0\0\x01\x03wEb\x01x\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0";

    fn entry(body: ReplyBody) -> (Entry, Instant) {
        let since = crate::clock::now();
        let keep = POLICY.keep(Source::Peer, &body).expect("kept");
        (Entry::new(Arc::new(body), keep, since, since), since)
    }

    fn read(write: impl FnOnce(&Query<'_>, &mut [u8], Asker<'_>) -> usize) -> Message {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(QUESTION, &mut name) else { panic!("a question") };
        let mut out = [0; 1232];
        let asker = Asker { max: 1232, flags: Flags::RA, ede: None, option: None, keepalive: None, rotation: 0 };
        let len = write(&query, &mut out, asker);
        Message::from_vec(&out[..len]).expect("hickory reads it")
    }

    const fn after(seconds: u64) -> Duration {
        Duration::from_millis(seconds * 1_000 + 999)
    }

    #[test]
    fn an_entry_is_fresh_for_its_ttl_and_counts_down() {
        let (entry, since) = entry(address(20));
        assert!(entry.is_fresh(since + after(19)) && !entry.is_fresh(since + after(20)));
        assert_eq!(entry.remaining(since + after(3)), 17);
        let message = read(|query, out, asker| entry.write(query, out, asker, since + after(3)));
        assert_eq!(message.answers[0].ttl, 17);
        assert_eq!(message.queries[0].name().to_string(), "wEb.x.");
    }

    #[test]
    fn an_answer_ages_from_its_question_and_a_failure_from_when_it_was_known() {
        let asked = crate::clock::now();
        let now = asked + Duration::from_secs(4);
        let age = |body: ReplyBody| {
            let keep = POLICY.keep(Source::Peer, &body).expect("kept");
            Entry::new(Arc::new(body), keep, asked, now).age(now)
        };
        assert_eq!((age(address(20)), age(ReplyBody::failure(Rcode::SERVFAIL, None))), (4, 0));
    }

    #[test]
    fn a_clock_read_before_the_entry_was_made_is_no_age() {
        let (entry, since) = entry(address(20));
        let Some(earlier) = since.checked_sub(Duration::from_secs(1)) else { return };
        assert_eq!((entry.age(earlier), entry.remaining(earlier)), (0, 20));
    }

    #[test]
    fn long_ttls_are_capped_before_they_count_down() {
        let (entry, since) = entry(address(86_400));
        let message = read(|query, out, asker| entry.write(query, out, asker, since + after(10)));
        assert_eq!(message.answers[0].ttl, 20);
    }

    #[test]
    fn ttls_that_do_not_count_down_end_all_the_same() {
        let (mut entry, since) = entry(address(20));
        entry.keep.still = true;
        assert_eq!(entry.aged(since + after(7)).ttl, Some(20));
        let message = read(|query, out, asker| entry.write(query, out, asker, since + after(7)));
        assert_eq!((message.answers[0].ttl, entry.is_fresh(since + after(20))), (20, false));
    }

    #[test]
    fn the_soa_of_a_denial_is_capped_to_how_long_it_is_kept() {
        let (entry, since) = entry(denial(300));
        let message = read(|query, out, asker| entry.write(query, out, asker, since));
        assert_eq!(message.authorities[0].ttl, 2);
    }

    #[test]
    fn a_stale_answer_says_its_age_and_cause() {
        let (entry, since) = entry(address(20));
        let late = since + after(100);
        assert!(!entry.is_fresh(late) && entry.is_usable(late));
        assert!(!entry.is_usable(since + after(3_620)));
        let mut bytes = Vec::new();
        let message = read(|query, out, asker| {
            let len = entry.write_stale(query, out, asker, "region east is dark", late);
            bytes.extend_from_slice(&out[..len]);
            len
        });
        assert_eq!(message.answers[0].ttl, 20);
        assert!(bytes.ends_with(b"\0\x03100 s old: region east is dark"));
    }
}
