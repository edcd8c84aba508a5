//! `serve_stale` and its policy: what upstreams said, past its TTL.

use std::time::Duration;

use crate::config::StaleConfig;
use crate::config::corefile::directive::{Directive, Line, said};
use crate::config::corefile::duration::duration;
use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;

const SECOND: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(3_600);
/// Nothing should be kept longer than "between 1 and 7 days" (RFC 8767 4).
const MOST_TIME: Duration = Duration::from_secs(7 * 86_400);
/// Every question has ended by then, so what is waited for that long is waited for to its end.
const WHOLE_QUESTION: Duration = Duration::from_secs(10);
const MOST_TTL: Duration = Duration::from_secs(3_600);
const MOST_RECHECK: Duration = Duration::from_secs(300);

/// `[DURATION [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]]`; `before` keeps its policy.
pub(super) fn serve(line: &Line, before: StaleConfig, sources: &Sources) -> StaleConfig {
    let default = StaleConfig::default();
    let mut stale = StaleConfig { time: TIME, after: Duration::ZERO, ..default };
    stale.prefer_positive = before.prefer_positive;
    let (head, rest) = line.args.split_at(line.args.len().min(2));
    if let Some(time) = head.first().and_then(|token| time(token, sources)) {
        stale.time = time.min(MOST_TIME);
    }
    let verify = match head.get(1).map(|mode| (mode, mode.text.to_ascii_lowercase())) {
        Some((_, mode)) if mode == "verify" => true,
        Some((_, mode)) if mode == "immediate" => false,
        None => false,
        Some((token, mode)) => {
            let fault = Fault::new(format!("expected `immediate` or `verify`, found `{mode}`"));
            sources.error(token.spot, fault.did_you_mean(&mode, &["immediate", "verify"]));
            return stale;
        }
    };
    line.at_most(if verify { 5 } else { 4 }, sources);
    let mut rest = rest.iter();
    if verify {
        let wait = rest.next().and_then(|token| time(token, sources)).filter(|wait| !wait.is_zero());
        stale.after = wait.map_or(WHOLE_QUESTION, |wait| wait.min(WHOLE_QUESTION));
    }
    if let Some((token, ttl)) = rest.next().and_then(|token| Some((token, time(token, sources)?))) {
        if ttl.subsec_nanos() > 0 {
            let fault = Fault::new(format!("the TTL `{}` has a part of a second", token.text));
            sources.error(token.spot, fault.help("write whole seconds: `30s`"));
        }
        // "MUST set the TTL ... to a value greater than 0" (RFC 8767 4).
        stale.ttl = if ttl.is_zero() { default.ttl } else { ttl.min(MOST_TTL) };
    }
    if let Some((token, recheck)) = rest.next().and_then(|token| Some((token, time(token, sources)?))) {
        if recheck > MOST_RECHECK {
            let fault = Fault::new(format!("the recheck `{}` is out of range", token.text));
            sources.error(token.spot, fault.help("5m or less"));
        }
        stale.recheck = Duration::from_secs(recheck.as_secs()).clamp(SECOND, MOST_RECHECK);
    }
    let note = "better: with a TTL of 30s where none is said, and an Extended DNS Error that says why and how old";
    sources.note(line.spot(), "serve_stale", note);
    stale
}

/// `prefer_positive`.
pub(super) fn policy(line: &Line, stale: &mut StaleConfig, sources: &Sources) {
    let Some(policy) = line.one("policy", sources) else { return };
    if stale.prefer_positive {
        let fault = Fault::new("`serve_stale_policy` is there twice");
        sources.error(line.spot(), fault.help("remove one of them"));
    }
    if policy.text.eq_ignore_ascii_case("prefer_positive") {
        stale.prefer_positive = true;
    } else {
        let fault = Fault::new(format!("`{}` is no policy of `serve_stale_policy`", policy.text));
        sources.error(policy.spot, fault.help("write `prefer_positive`"));
    }
}

/// What the lines of the block have to say together.
pub(super) fn together(directive: &Directive, stale: &mut StaleConfig, sources: &Sources) {
    let line = |name: &str| directive.lines().iter().find(|line| line.name.is(name));
    if let (Some(policy), None) = (line("serve_stale_policy"), line("serve_stale")) {
        let fault = Fault::new("`serve_stale_policy` says how stale answers are chosen, and none are served");
        sources.error(policy.spot(), fault.help("write `serve_stale` too"));
    }
    // Of a time of zero nothing is left to say.
    if stale.time.is_zero() {
        *stale = StaleConfig::default();
    }
}

fn time(token: &Token, sources: &Sources) -> Option<Duration> {
    said(token, duration(&token.text), sources)
}
