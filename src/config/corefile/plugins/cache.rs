//! `cache`: how long answers of others are kept. The cluster's own are never kept, so what would keep them out is not needed.

mod stale;

use std::time::Duration;

use crate::config::corefile::directive::{Directive, Line, number, zones};
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::config::{CacheCaps, StaleConfig};
use crate::wire::Name;

/// What CoreDNS caps TTLs to if nobody says it.
const TTL: u64 = 3_600;
const NEGATIVE_TTL: u64 = 1_800;
/// "Between 1 and 7 days" is what nothing should be kept longer than (RFC 8767 4).
const MOST_TTL: u64 = 7 * 86_400;

const KNOWN: [&str; 8] =
    ["success", "denial", "prefetch", "serve_stale", "servfail", "disable", "keepttl", "serve_stale_policy"];

#[derive(Debug)]
pub(in crate::config::corefile) struct Cache {
    /// None: those of the block.
    zones: Vec<Name>,
    caps: CacheCaps,
    /// Zones whose answers are not kept; `.` is every name.
    no_success: Vec<Name>,
    no_denial: Vec<Name>,
}

impl Cache {
    /// The names at which something about it changes.
    pub(in crate::config::corefile) fn borders(&self) -> impl Iterator<Item = &Name> {
        self.zones.iter().chain(&self.no_success).chain(&self.no_denial)
    }

    /// What is kept of answers for this zone.
    pub(in crate::config::corefile) fn caps(&self, zone: &Name) -> CacheCaps {
        let inside = |zones: &[Name]| zones.iter().any(|of| zone.as_ref().is_in(of.as_ref()));
        let kept = |no: &[Name], ttl| if inside(no) { Duration::ZERO } else { ttl };
        if !(self.zones.is_empty() || inside(&self.zones)) {
            return nothing();
        }
        CacheCaps {
            max_ttl: kept(&self.no_success, self.caps.max_ttl),
            max_negative_ttl: kept(&self.no_denial, self.caps.max_negative_ttl),
            ..self.caps
        }
    }

    /// What it keeps at most.
    pub(in crate::config::corefile) fn most(&self) -> CacheCaps {
        self.caps
    }
}

/// What a block without `cache` keeps.
pub(in crate::config::corefile) fn nothing() -> CacheCaps {
    let stale = StaleConfig::default();
    CacheCaps { max_ttl: Duration::ZERO, max_negative_ttl: Duration::ZERO, keep_ttl: false, stale }
}

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Cache> {
    let (max_ttl, max_negative_ttl) = (Duration::from_secs(TTL), Duration::from_secs(NEGATIVE_TTL));
    let mut caps = CacheCaps { max_ttl, max_negative_ttl, ..nothing() };
    let mut args = directive.args.as_slice();
    if let Some((first, rest)) = args.split_first()
        && let Ok(ttl) = first.text.parse::<i64>()
    {
        if ttl < 1 {
            let fault = Fault::new(format!("the cache's TTL `{ttl}` is out of range"));
            sources.error(first.spot, fault.help("1 or more; leave `cache` out to keep nothing"));
        }
        let ttl = Duration::from_secs(ttl.unsigned_abs().min(MOST_TTL));
        caps = CacheCaps { max_ttl: ttl, max_negative_ttl: ttl, ..caps };
        args = rest;
    }
    let mut cache = Cache { zones: zones(args, sources), caps, no_success: Vec::new(), no_denial: Vec::new() };
    for line in directive.lines() {
        option(directive, line, &mut cache, sources);
    }
    stale::together(directive, &mut cache.caps.stale, sources);
    Some(cache)
}

fn option(directive: &Directive, line: &Line, cache: &mut Cache, sources: &Sources) {
    match line.name.text.as_str() {
        "success" => capacity(line, &mut cache.caps.max_ttl, sources),
        "denial" => capacity(line, &mut cache.caps.max_negative_ttl, sources),
        "prefetch" => {
            if let Some(amount) = line.args.first() {
                _ = number(amount, sources);
            } else {
                _ = line.one("number", sources);
            }
            sources.note(line.spot(), "prefetch", "better: every name in use is asked for again before it expires");
        }
        "servfail" => {
            _ = line.duration(sources);
            sources.note(
                line.spot(),
                "servfail",
                "not needed: failures are kept for a second, and equal questions are asked once",
            );
        }
        "disable" => disable(line, cache, sources),
        "serve_stale" => cache.caps.stale = stale::serve(line, cache.caps.stale, sources),
        "serve_stale_policy" => stale::policy(line, &mut cache.caps.stale, sources),
        "keepttl" => {
            line.at_most(0, sources);
            cache.caps.keep_ttl = true;
            let note = "the same: clients keep an answer for longer than its owner said, by up to its TTL";
            sources.note(line.spot(), "keepttl", note);
        }
        _ => directive.unknown(line, &KNOWN, sources),
    }
}

/// `CAPACITY [TTL] [MINTTL]`.
fn capacity(line: &Line, cap: &mut Duration, sources: &Sources) {
    line.at_most(3, sources);
    if line.args.is_empty() {
        _ = line.one("capacity", sources);
    }
    let numbers: Vec<Option<u64>> = line.args.iter().map(|token| number(token, sources)).collect();
    if let Some(Some(ttl)) = numbers.get(1) {
        match (ttl, line.args.get(1)) {
            (0, Some(token)) => {
                let fault = Fault::new("a cache's TTL of 0 keeps nothing");
                sources.error(token.spot, fault.help(format!("write `disable {}`", line.name.text)));
            }
            _ => *cap = Duration::from_secs((*ttl).min(MOST_TTL)),
        }
    }
    sources.note(
        line.spot(),
        &line.name.text,
        "better: the cache is bounded in octets, not in entries, and TTLs are never raised",
    );
}

fn disable(line: &Line, cache: &mut Cache, sources: &Sources) {
    let Some((kind, args)) = line.args.split_first() else {
        _ = line.one("kind of answers", sources);
        return;
    };
    let mut zones = zones(args, sources);
    if args.is_empty() {
        zones.push(Name::root());
    }
    match kind.text.as_str() {
        "success" => cache.no_success.extend(zones),
        "denial" => cache.no_denial.extend(zones),
        other => {
            let fault = Fault::new(format!("expected `success` or `denial`, found `{other}`"));
            sources.error(kind.spot, fault.did_you_mean(other, &["success", "denial"]));
        }
    }
}
