//! What may be kept, and for how long. Pure: a body and where it came from decide.

use std::time::Duration;

use crate::config::CacheConfig;
use crate::wire::ReplyBody;

/// A peer's denial is asked again soon: the name may come up there any moment, and asking costs one question.
const PEER_NEGATIVE_TTL: u32 = 2;
/// "Resolvers MUST cache resolution failures for at least 1 second" (RFC 9520 3.2).
pub(super) const FAILURE_TTL: u32 = 1;
/// What "a recommended value of 30 seconds" is for (RFC 8767 4): a record past its TTL.
const STALE_TTL: u32 = 30;
/// An answer that is found this often within its TTL is in use, and is asked for again before it expires.
pub(super) const IN_USE: u32 = 2;
/// How long before its end that is: a tenth of the TTL, but no less than any region takes to answer.
const LEAST_LEAD: Duration = Duration::from_secs(1);

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Another region.
    Peer,
    /// An upstream, of `.` or of a stub zone.
    Forward,
}

/// The caps of one server's cache, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    max_ttl: u32,
    max_negative_ttl: u32,
    /// How long past its TTL a peer's answer stays.
    stale: u32,
    /// How an upstream's answer is kept beyond that.
    upstream: Upstream,
}

/// What is so of answers of upstreams only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Upstream {
    stale: u32,
    after: Duration,
    stale_ttl: u32,
    recheck: u32,
    prefer_positive: bool,
    keep_ttl: bool,
}

/// How long one answer is kept, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// It is an answer for this long.
    pub ttl: u32,
    /// What the TTLs of its records are capped to.
    pub cap: u32,
    /// It may still be used for this long afterwards, if nothing better is to be had.
    pub stale: u32,
    /// What the TTLs of its records are capped to then.
    pub stale_cap: u32,
    /// For how long nobody is asked again after what came was worse.
    pub recheck: u32,
    /// Its TTLs do not count down.
    pub still: bool,
}

impl Keep {
    /// It is not kept.
    pub const NOT: Self = Self::of(0, 0, 0);

    /// As a region's answer is kept.
    #[must_use]
    pub const fn of(ttl: u32, cap: u32, stale: u32) -> Self {
        Self { ttl, cap, stale, stale_cap: STALE_TTL, recheck: FAILURE_TTL, still: false }
    }
}

impl Policy {
    /// `stale` is for the answers of peers; what is so of upstreams' stands in the configuration of the cache.
    #[must_use]
    pub fn new(config: &CacheConfig, stale: Duration) -> Self {
        Self {
            max_ttl: seconds(config.max_ttl),
            max_negative_ttl: seconds(config.max_negative_ttl),
            stale: seconds(stale),
            upstream: Upstream {
                stale: seconds(config.stale.time),
                after: config.stale.after,
                stale_ttl: seconds(config.stale.ttl),
                recheck: seconds(config.stale.recheck).max(FAILURE_TTL),
                prefer_positive: config.stale.prefer_positive,
                keep_ttl: config.keep_ttl,
            },
        }
    }

    /// When a question for an upstream takes what is past its TTL; none: never.
    #[must_use]
    pub fn stale_after(&self) -> Option<Duration> {
        (self.upstream.stale > 0).then_some(self.upstream.after)
    }

    /// Whether an upstream's answer that can still be used is better than its denial.
    #[must_use]
    pub fn prefers_positive(&self) -> bool {
        self.upstream.stale > 0 && self.upstream.prefer_positive
    }

    /// None: it must not be kept. That is so for a cut answer and for a denial without SOA, which have no TTL (RFC 2181 9,
    /// RFC 2308 5), and for a TTL of zero (RFC 1035 3.2.1).
    #[must_use]
    pub fn keep(&self, source: Source, body: &ReplyBody) -> Option<Keep> {
        let keep = if body.is_negative() {
            let cap = match source {
                Source::Peer => self.max_negative_ttl.min(PEER_NEGATIVE_TTL),
                Source::Forward => self.max_negative_ttl,
            };
            let ttl = body.ttl?.min(cap);
            self.beyond(source, Keep::of(ttl, ttl, 0))
        } else if body.is_positive() {
            let stale = if source == Source::Peer { self.stale } else { 0 };
            self.beyond(source, Keep::of(body.ttl?.min(self.max_ttl), self.max_ttl, stale))
        } else {
            Keep::of(FAILURE_TTL, FAILURE_TTL, 0)
        };
        (keep.ttl > 0).then_some(keep)
    }

    /// The same as an upstream's answer is kept, denials too (RFC 8767 4 makes no difference); a region's is as it was.
    fn beyond(&self, source: Source, keep: Keep) -> Keep {
        let Upstream { stale, stale_ttl, recheck, keep_ttl, .. } = self.upstream;
        match source {
            Source::Peer => keep,
            Source::Forward if stale == 0 => Keep { still: keep_ttl, ..keep },
            Source::Forward => Keep { stale, stale_cap: stale_ttl, recheck, still: keep_ttl, ..keep },
        }
    }
}

/// How long before its end an answer with this TTL is asked for again; half of it at most, or a short TTL would be none.
pub(super) fn lead(ttl: u32) -> Duration {
    let ttl = Duration::from_secs(ttl.into());
    (ttl / 10).max(LEAST_LEAD).min(ttl / 2)
}

/// Whole seconds, as TTLs are.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::wire::{Rcode, rtype};

    const QUESTION: &[u8] = b"\x03web\x01x\0\0\x01\0\x01";

    /// A reply to "web.x A" with these records, each given by section, type, TTL and data.
    pub(in crate::cache) fn body(flags: u16, records: &[(usize, u16, u32, &[u8])]) -> ReplyBody {
        let mut counts = [0u16; 3];
        let mut rest = Vec::new();
        for (section, rtype, ttl, data) in records {
            counts[*section] += 1;
            rest.extend_from_slice(&[0xc0, 12]);
            rest.extend_from_slice(&rtype.to_be_bytes());
            rest.extend_from_slice(&1u16.to_be_bytes());
            rest.extend_from_slice(&ttl.to_be_bytes());
            rest.extend_from_slice(&(data.len() as u16).to_be_bytes());
            rest.extend_from_slice(data);
        }
        let header = [7, 0x8000 | flags, 1, counts[0], counts[1], counts[2]];
        let mut message: Vec<u8> = header.iter().flat_map(|field| field.to_be_bytes()).collect();
        message.extend_from_slice(QUESTION);
        message.extend_from_slice(&rest);
        ReplyBody::read(&message, rtype::A).expect("well formed").0
    }

    pub(in crate::cache) fn address(ttl: u32) -> ReplyBody {
        body(0, &[(0, rtype::A, ttl, &[192, 0, 2, 1])])
    }

    pub(in crate::cache) fn denial(ttl: u32) -> ReplyBody {
        body(3, &[(1, rtype::SOA, ttl, &SOA)])
    }

    /// Root names, and a minimum of 3,600.
    const SOA: [u8; 22] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 14, 16];

    pub(in crate::cache) const POLICY: Policy =
        Policy { max_ttl: 30, max_negative_ttl: 10, stale: 3_600, upstream: NEVER };

    const NEVER: Upstream =
        Upstream { stale: 0, after: Duration::ZERO, stale_ttl: 7, recheck: 9, prefer_positive: true, keep_ttl: false };

    fn ttl(source: Source, body: &ReplyBody) -> Option<u32> {
        POLICY.keep(source, body).map(|keep| keep.ttl)
    }

    #[test]
    fn answers_are_kept_for_their_ttl_up_to_the_cap() {
        assert_eq!(ttl(Source::Peer, &address(5)), Some(5));
        assert_eq!(ttl(Source::Forward, &address(300)), Some(30));
        assert_eq!(ttl(Source::Forward, &address(0)), None);
        assert_eq!(POLICY.keep(Source::Peer, &address(5)), Some(Keep::of(5, 30, 3_600)));
        assert_eq!(POLICY.keep(Source::Forward, &address(5)), Some(Keep::of(5, 30, 0)));
    }

    #[test]
    fn a_peers_denial_is_forgotten_sooner_than_an_upstreams() {
        assert_eq!(ttl(Source::Peer, &denial(300)), Some(2));
        assert_eq!(ttl(Source::Forward, &denial(300)), Some(10));
        assert_eq!(ttl(Source::Peer, &denial(1)), Some(1));
        assert_eq!(ttl(Source::Peer, &body(0, &[(1, rtype::SOA, 300, &SOA)])), Some(2), "NODATA");
        let chain = body(0, &[(0, rtype::CNAME, 300, b"\x01y\0"), (1, rtype::SOA, 300, &SOA)]);
        assert_eq!(ttl(Source::Peer, &chain), Some(2), "NODATA at the end of a chain");
        assert_eq!(POLICY.keep(Source::Peer, &denial(300)).map(|keep| keep.stale), Some(0));
    }

    #[test]
    fn an_upstreams_answers_are_kept_beyond_their_ttl_if_that_is_wanted() {
        assert_eq!((POLICY.stale_after(), POLICY.prefers_positive()), (None, false));
        let still = Policy { upstream: Upstream { keep_ttl: true, ..NEVER }, ..POLICY };
        let kept = Some(Keep { still: true, ..Keep::of(5, 30, 0) });
        assert_eq!(still.keep(Source::Forward, &address(5)), kept);
        let policy = Policy { upstream: Upstream { stale: 60, ..NEVER }, ..POLICY };
        assert_eq!((policy.stale_after(), policy.prefers_positive()), (Some(Duration::ZERO), true));
        let beyond = |keep| Some(Keep { stale: 60, stale_cap: 7, recheck: 9, ..keep });
        assert_eq!(policy.keep(Source::Forward, &address(5)), beyond(Keep::of(5, 30, 0)));
        assert_eq!(policy.keep(Source::Forward, &denial(300)), beyond(Keep::of(10, 10, 0)));
        assert_eq!(policy.keep(Source::Forward, &ReplyBody::failure(Rcode::SERVFAIL, None)), Some(Keep::of(1, 1, 0)));
        assert_eq!(policy.keep(Source::Peer, &address(5)), POLICY.keep(Source::Peer, &address(5)));
        assert_eq!(policy.keep(Source::Peer, &denial(300)), POLICY.keep(Source::Peer, &denial(300)));
    }

    #[test]
    fn what_must_not_be_kept_is_not() {
        let cut = body(0x0200, &[(0, rtype::A, 60, &[192, 0, 2, 1])]);
        assert_eq!(ttl(Source::Forward, &cut), None, "TC");
        assert_eq!(ttl(Source::Forward, &body(3, &[])), None, "a denial without SOA");
    }

    #[test]
    fn a_chain_without_end_is_kept_and_followed_by_whoever_reads_it() {
        let open = body(0, &[(0, rtype::CNAME, 300, b"\x01y\0")]);
        assert_eq!(ttl(Source::Forward, &open), Some(30));
    }

    #[test]
    fn failures_are_kept_for_one_second() {
        assert_eq!(ttl(Source::Peer, &ReplyBody::failure(Rcode::SERVFAIL, None)), Some(1));
        assert_eq!(ttl(Source::Forward, &body(5, &[])), Some(1), "an upstream's REFUSED");
    }

    #[test]
    fn answers_in_use_are_asked_for_again_in_time() {
        let leads = [1, 2, 5, 30, 3_600].map(|ttl| lead(ttl).as_millis());
        assert_eq!(leads, [500, 1_000, 1_000, 3_000, 360_000]);
    }

    #[test]
    fn fractions_of_a_second_are_cut_off() {
        let config = CacheConfig {
            size: 0,
            max_ttl: Duration::from_millis(1_900),
            max_negative_ttl: Duration::ZERO,
            prefetch: false,
            ..CacheConfig::default()
        };
        let policy = Policy::new(&config, Duration::ZERO);
        assert_eq!(policy.keep(Source::Peer, &address(5)), Some(Keep::of(1, 1, 0)));
        assert_eq!(policy.keep(Source::Peer, &denial(5)), None);
    }
}
