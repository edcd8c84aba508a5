//! `rewrite`: another question in place of this one, and its answer as if nothing had been changed.

mod edns0;

use super::Sources;
use super::words::{class, rcode, rtype};
use crate::config::corefile::directive::{Directive, said};
use crate::config::corefile::lexer::Token;
use crate::config::error::Fault;
use crate::config::policy::{
    AnswerPart, AnswerRewrite, AnswerRule, MatchKind, Matcher, Pattern, PolicyRule, Replacement, Rewrite, RewriteRule,
};

const FIELDS: [&str; 7] = ["name", "type", "class", "ttl", "rcode", "cname", "edns0"];

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<PolicyRule> {
    // What stands in a block is the rest of the line.
    let lines = directive.lines().iter().flat_map(|line| std::iter::once(&line.name).chain(&line.args));
    let tokens: Vec<&Token> = directive.args.iter().chain(lines).collect();
    let (proceed, tokens) = match tokens.split_first() {
        Some((first, rest)) if first.is("continue") || first.is("stop") => (first.is("continue"), rest),
        _ => (false, tokens.as_slice()),
    };
    let Some((field, args)) = tokens.split_first() else {
        let fault = Fault::new("`rewrite` says nothing").help("write `rewrite name FROM TO`");
        sources.error(directive.spot(), fault);
        return None;
    };
    let what = match field.text.as_str() {
        "name" => name(field, args, sources),
        "type" => two(field, args, sources)
            .and_then(|(from, to)| Some(Rewrite::Type { from: rtype(from, sources)?, to: rtype(to, sources)? })),
        "class" => two(field, args, sources)
            .and_then(|(from, to)| Some(Rewrite::Class { from: class(from, sources)?, to: class(to, sources)? })),
        "ttl" => ttl(field, args, sources),
        "rcode" => rcodes(field, args, sources),
        "cname" => cname(field, args, sources),
        "edns0" => edns0::read(field, args, sources),
        // Without a field, a type in place of another was meant in old files, and CoreDNS refuses it.
        other => {
            let fault = Fault::new(format!("`rewrite` cannot change `{other}`"));
            sources.error(field.spot, fault.did_you_mean(other, &FIELDS));
            None
        }
    };
    Some(PolicyRule::Rewrite(RewriteRule { what: what?, proceed }))
}

fn name(field: &Token, args: &[&Token], sources: &Sources) -> Option<Rewrite> {
    let (kind, args) = kind(args, 2);
    let [from, to, options @ ..] = args else {
        short(field, "write `rewrite name FROM TO`", sources);
        return None;
    };
    let matcher = said(from, Matcher::new(kind, &from.text), sources)?;
    let replacement = said(to, Replacement::new(&to.text, &matcher), sources)?;
    let mut answer = AnswerRewrite::default();
    let mut rest = options;
    while let Some((word, more)) = rest.split_first() {
        if !word.is("answer") {
            let fault = Fault::new(format!("expected `answer`, found `{}`", word.text));
            sources.error(word.spot, fault.help("write `answer auto`, or `answer name FROM TO`"));
            return None;
        }
        rest = match more {
            [auto, rest @ ..] if auto.is("auto") => {
                answer.auto = true;
                rest
            }
            [part, from, to, rest @ ..] if part.is("name") || part.is("value") => {
                let part = if part.is("name") { AnswerPart::Owner } else { AnswerPart::Value };
                answer.rules.push(answer_rule(part, from, to, sources)?);
                rest
            }
            [from, to, rest @ ..] if !from.is("name") && !from.is("value") => {
                answer.rules.push(answer_rule(AnswerPart::Owner, from, to, sources)?);
                rest
            }
            _ => {
                short(word, "write `answer auto`, or `answer name FROM TO`", sources);
                return None;
            }
        };
    }
    Some(Rewrite::Name { from: matcher, to: replacement, answer })
}

fn answer_rule(part: AnswerPart, from: &Token, to: &Token, sources: &Sources) -> Option<AnswerRule> {
    let pattern = said(from, Pattern::new(&from.text), sources)?;
    let to = said(to, Replacement::of_pattern(&to.text, &pattern), sources)?;
    Some(AnswerRule { part, from: pattern, to })
}

fn ttl(field: &Token, args: &[&Token], sources: &Sources) -> Option<Rewrite> {
    let (kind, args) = kind(args, 2);
    let [name, range] = args else {
        short(field, "write `rewrite ttl NAME SECONDS`, or `SECONDS-SECONDS`", sources);
        return None;
    };
    let name = said(name, Matcher::new(kind, &name.text), sources)?;
    let wrong = || Fault::new(format!("`{}` is no TTL", range.text)).help("write seconds, or two with a `-` between");
    let read = |text: &str, none: u32| if text.is_empty() { Ok(none) } else { text.parse().map_err(|_| wrong()) };
    let (least, most) = match range.text.split_once('-') {
        Some((least, most)) => {
            (said(range, read(least, 0), sources)?, said(range, read(most, 2_147_483_647), sources)?)
        }
        None => {
            let ttl = said(range, range.text.parse().map_err(|_| wrong()), sources)?;
            (ttl, ttl)
        }
    };
    if least > most {
        sources.error(range.spot, wrong());
        return None;
    }
    Some(Rewrite::Ttl { name, least, most })
}

fn rcodes(field: &Token, args: &[&Token], sources: &Sources) -> Option<Rewrite> {
    let (kind, args) = kind(args, 3);
    let [name, from, to] = args else {
        short(field, "write `rewrite rcode NAME FROM TO`", sources);
        return None;
    };
    let name = said(name, Matcher::new(kind, &name.text), sources)?;
    Some(Rewrite::Rcode { name, from: rcode(from, sources)?, to: rcode(to, sources)? })
}

fn cname(field: &Token, args: &[&Token], sources: &Sources) -> Option<Rewrite> {
    let (kind, args) = kind(args, 2);
    let [from, to] = args else {
        short(field, "write `rewrite cname TARGET OTHER`", sources);
        return None;
    };
    let target = said(from, Matcher::of_target(kind, &from.text), sources)?;
    let to = said(to, Replacement::of_target(&to.text, &target), sources)?;
    Some(Rewrite::Cname { target, to })
}

/// The kind of comparison in front, if there is one more word than the `needed` ones and it is one.
fn kind<'t>(args: &'t [&'t Token], needed: usize) -> (MatchKind, &'t [&'t Token]) {
    let found = args.split_first().filter(|_| args.len() > needed).and_then(|(first, rest)| {
        let (_, kind) = MatchKind::WORDS.iter().find(|(word, _)| first.text.eq_ignore_ascii_case(word))?;
        Some((*kind, rest))
    });
    found.unwrap_or((MatchKind::Exact, args))
}

fn two<'t>(field: &Token, args: &[&'t Token], sources: &Sources) -> Option<(&'t Token, &'t Token)> {
    match args {
        [from, to] => Some((from, to)),
        _ => {
            short(field, &format!("write `rewrite {} FROM TO`", field.text), sources);
            None
        }
    }
}

fn short(at: &Token, help: &str, sources: &Sources) {
    sources.error(at.spot, Fault::new(format!("`{}` has not the words that it needs", at.text)).help(help));
}
