//! The directives that say little: flags, texts, and those whose work is done here anyway.

use ipnet::Ipv6Net;

use super::{Rule, Sources};
use crate::config::corefile::directive::{Directive, number, said};
use crate::config::corefile::duration::duration;
use crate::config::corefile::lexer::Token;
use crate::config::error::Fault;
use crate::config::policy::{ChaosRule, Dns64Rule, HeaderFlag, HeaderRule, LocalRule, PolicyRule};

/// Octets that a reply over UDP has at most here.
const UDP: u64 = 1_232;

fn rule(rule: PolicyRule) -> Option<Rule> {
    Some(Rule { zones: Vec::new(), rule })
}

/// One without arguments and options.
pub(super) fn plain(directive: &Directive, is: PolicyRule, sources: &Sources) -> Option<Rule> {
    directive.at_most(0, sources);
    directive.no_block(sources);
    rule(is)
}

/// One without arguments whose work is done anyway.
pub(super) fn no_arguments(directive: &Directive, note: &str, sources: &Sources) {
    directive.at_most(0, sources);
    directive.no_block(sources);
    sources.note(directive.spot(), &directive.name.text, note);
}

/// `local { localhost_prefix on|off }`.
pub(super) fn local(directive: &Directive, sources: &Sources) -> Option<Rule> {
    directive.at_most(0, sources);
    let mut local = LocalRule::default();
    for line in directive.lines() {
        if !line.name.is("localhost_prefix") {
            directive.unknown(line, &["localhost_prefix"], sources);
            continue;
        }
        if let Some(switch) = line.one("switch", sources) {
            let known = [("on", false), ("off", true)];
            local.no_prefix = said(switch, crate::config::leaf::choice(&switch.text, &known), sources).unwrap_or(false);
        }
    }
    rule(PolicyRule::Local(local))
}

/// `chaos [VERSION] [AUTHORS...]`.
pub(super) fn chaos(directive: &Directive) -> Option<Rule> {
    let mut texts = directive.args.iter().map(|token| token.text.clone());
    let version = texts.next().unwrap_or_default();
    rule(PolicyRule::Chaos(ChaosRule { version, hostname: String::new(), authors: texts.collect() }))
}

/// `nsid [DATA]`.
pub(super) fn nsid(directive: &Directive) -> Option<Rule> {
    let texts: Vec<&str> = directive.args.iter().map(|token| token.text.as_str()).collect();
    rule(PolicyRule::Nsid(texts.join(" ")))
}

/// `query set|clear FLAG...`, `response set|clear FLAG...`.
pub(super) fn header(directive: &Directive, sources: &Sources) -> Option<Rule> {
    let mut header = HeaderRule::default();
    for line in directive.lines() {
        let (side, args) = match line.name.text.as_str() {
            "query" => (&mut header.query, line.args.as_slice()),
            "response" => (&mut header.reply, line.args.as_slice()),
            // As it was written before there were two sides.
            "set" | "clear" => {
                set(&mut header.reply, &line.name, &line.args, sources);
                continue;
            }
            _ => {
                directive.unknown(line, &["query", "response", "set", "clear"], sources);
                continue;
            }
        };
        match args.split_first() {
            Some((action, flags)) => set(side, action, flags, sources),
            None => _ = line.one("action", sources),
        }
    }
    rule(PolicyRule::Header(header))
}

fn set(side: &mut Vec<(HeaderFlag, bool)>, action: &Token, flags: &[Token], sources: &Sources) {
    let on = match action.text.as_str() {
        "set" => true,
        "clear" => false,
        other => {
            let fault = Fault::new(format!("expected `set` or `clear`, found `{other}`"));
            sources.error(action.spot, fault.help("write `response set ra`"));
            return;
        }
    };
    if flags.is_empty() {
        let fault = Fault::new(format!("`{}` names no flag", action.text)).help("write `aa`, `ra` or `rd` behind it");
        sources.error(action.spot, fault);
    }
    for flag in flags {
        let known = [
            ("aa", HeaderFlag::Authoritative),
            ("ra", HeaderFlag::RecursionAvailable),
            ("rd", HeaderFlag::RecursionDesired),
        ];
        let found = said(flag, crate::config::leaf::choice(&flag.text.to_ascii_lowercase(), &known), sources);
        side.extend(found.map(|flag| (flag, on)));
    }
}

/// `dns64 [PREFIX] { prefix PREFIX; translate_all; allow_ipv4 }`.
pub(super) fn dns64(directive: &Directive, sources: &Sources) -> Option<Rule> {
    directive.at_most(1, sources);
    let mut dns64 = Dns64Rule::default();
    let mut prefix = |token: &Token| {
        let fits = |net: &Ipv6Net| matches!(net.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96);
        let found: Option<Ipv6Net> = token.text.parse().ok().filter(fits);
        let wrong = || Fault::new(format!("`{}` is not a prefix for dns64", token.text));
        let found = found.ok_or_else(|| wrong().help("a network of IPv6 with 32, 40, 48, 56, 64 or 96 bits"));
        if let Some(net) = said(token, found, sources) {
            dns64.prefix = net.trunc();
        }
    };
    directive.args.first().map(&mut prefix);
    for line in directive.lines().iter().filter(|line| line.name.is("prefix")) {
        line.one("prefix", sources).map(&mut prefix);
    }
    for line in directive.lines() {
        match line.name.text.as_str() {
            "prefix" => {}
            "translate_all" => dns64.translate_all = true,
            "allow_ipv4" => dns64.allow_ipv4 = true,
            _ => directive.unknown(line, &["prefix", "translate_all", "allow_ipv4"], sources),
        }
    }
    rule(PolicyRule::Dns64(dns64))
}

/// `bufsize [SIZE]`.
pub(super) fn bufsize(directive: &Directive, sources: &Sources) -> Option<Rule> {
    directive.at_most(1, sources);
    directive.no_block(sources);
    let size = directive.args.first().and_then(|token| Some((token, number(token, sources)?)));
    let less = match size {
        Some((token, size)) if !(512..=4_096).contains(&size) => {
            sources.error(token.spot, Fault::new(format!("the size `{size}` is out of range")).help("512 to 4096"));
            None
        }
        Some((_, size)) if size < UDP => u16::try_from(size).ok(),
        _ => None,
    };
    let least = less.map_or(UDP, u64::from);
    sources.note(directive.spot(), "bufsize", format!("the same: no reply over UDP has more than {least} octets"));
    less.and_then(|octets| rule(PolicyRule::Bufsize(octets)))
}

/// `errors { consolidate DURATION PATTERN [LEVEL] [show_first]; stacktrace }`.
pub(super) fn errors(directive: &Directive, sources: &Sources) {
    directive.at_most(1, sources);
    for line in directive.lines() {
        match line.name.text.as_str() {
            "stacktrace" => {}
            "consolidate" => match line.args.as_slice() {
                [time, pattern, rest @ ..] => {
                    said(time, duration(&time.text), sources);
                    said(pattern, crate::config::policy::Pattern::new(&pattern.text), sources);
                    consolidated(rest, sources);
                    let note =
                        "not needed: no question has a line of its own in the log, so there is nothing to gather";
                    sources.note(line.spot(), "consolidate", note);
                }
                _ => {
                    let fault = Fault::new("`consolidate` needs a duration and a pattern");
                    sources.error(line.spot(), fault.help("write `consolidate 5m \".* i/o timeout$\"`"));
                }
            },
            _ => directive.unknown(line, &["consolidate", "stacktrace"], sources),
        }
    }
    let note = "better: causes are in the answers themselves (`dig` shows them), in metrics, and once in the log when they change";
    sources.note(directive.spot(), "errors", note);
}

/// `[LEVEL] [show_first]`.
fn consolidated(words: &[Token], sources: &Sources) {
    let level = words.first().filter(|word| ["warning", "error", "info", "debug"].iter().any(|level| word.is(level)));
    let rest = &words[usize::from(level.is_some())..];
    let extra = if rest.first().is_some_and(|word| word.is("show_first")) { rest.get(1) } else { rest.first() };
    if let Some(extra) = extra {
        let fault = Fault::new(format!("`{}` has no place in `consolidate`", extra.text));
        let help =
            "behind the pattern stand a level (`warning`, `error`, `info`, `debug`) and `show_first`, or one of them";
        sources.error(extra.spot, fault.help(help));
    }
}

/// `loadbalance [round_robin | weighted FILE | prefer NETWORK...]`.
pub(super) fn loadbalance(directive: &Directive, sources: &Sources) {
    match directive.args.first().map(|policy| (policy, policy.text.as_str())) {
        None | Some((_, "round_robin")) => {
            directive.no_block(sources);
            sources.note(directive.spot(), "loadbalance", "the same: addresses take turns in each reply");
        }
        Some((policy, "weighted" | "prefer")) => {
            let fault = Fault::new(format!("`loadbalance {}` is not supported: addresses take turns", policy.text));
            sources.error(policy.spot, fault.help("write `loadbalance`; weights belong to a load balancer"));
        }
        Some((policy, other)) => {
            let fault = Fault::new(format!("`{other}` is no policy of `loadbalance`"));
            sources.error(policy.spot, fault.did_you_mean(other, &["round_robin", "weighted", "prefer"]));
        }
    }
}

/// `reload [INTERVAL] [JITTER]`; CoreDNS takes no interval below 2 s, and no jitter below 1 s.
pub(super) fn reload(directive: &Directive, sources: &Sources) {
    directive.at_most(2, sources);
    for (token, least) in directive.args.iter().zip([2, 1]) {
        let Some(time) = said(token, duration(&token.text), sources) else { continue };
        if time.as_secs() < least && (least == 2 || !time.is_zero()) {
            let fault = Fault::new(format!("`{}` is too short", token.text));
            sources.error(token.spot, fault.help(format!("at least {least}s")));
        }
    }
    let note = "better: this file and its imports are watched; what is kept and what is connected stays, and a bad file changes nothing";
    sources.note(directive.spot(), "reload", note);
}
