//! `template`: records made out of the question.

use super::words::{class, rcode, rtype};
use super::{Rule, Sources, fallthrough};
use crate::config::corefile::directive::{Directive, Line, number, said, zones};
use crate::config::error::Fault;
use crate::config::policy::{Pattern, PolicyRule, RecordTemplate, TemplateRule};
use crate::wire::{Ede, EdeCode};

const KNOWN: [&str; 8] = ["match", "answer", "additional", "authority", "rcode", "ederror", "fallthrough", "upstream"];

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Rule> {
    let [class_word, type_word, zone_args @ ..] = directive.args.as_slice() else {
        let fault = Fault::new("`template` needs a class and a type");
        sources.error(directive.spot(), fault.help("write `template IN A example.org`"));
        return None;
    };
    let mut rule = TemplateRule {
        class: class(class_word, sources)?,
        rtype: rtype(type_word, sources)?,
        ..TemplateRule::default()
    };
    for line in directive.lines().iter().filter(|line| line.name.is("match")) {
        rule.matches.extend(line.args.iter().filter_map(|token| said(token, Pattern::new(&token.text), sources)));
    }
    for line in directive.lines() {
        option(directive, line, &mut rule, sources);
    }
    Some(Rule { zones: zones(zone_args, sources), rule: PolicyRule::Template(rule) })
}

fn option(directive: &Directive, line: &Line, rule: &mut TemplateRule, sources: &Sources) {
    let records = |rule: &TemplateRule| -> Vec<RecordTemplate> {
        let read =
            |token: &super::super::lexer::Token| said(token, RecordTemplate::new(&token.text, &rule.matches), sources);
        line.args.iter().filter_map(read).collect()
    };
    if line.args.is_empty() && !matches!(line.name.text.as_str(), "fallthrough" | "upstream") {
        _ = line.one("value", sources);
        return;
    }
    match line.name.text.as_str() {
        "match" => {}
        "answer" => rule.answer.extend(records(rule)),
        "additional" => rule.additional.extend(records(rule)),
        "authority" => rule.authority.extend(records(rule)),
        "rcode" => {
            if let Some(found) = line.one("rcode", sources).and_then(|token| rcode(token, sources)) {
                rule.rcode = found;
            }
        }
        "ederror" => {
            let code =
                line.args.first().and_then(|token| number(token, sources)).and_then(|code| u16::try_from(code).ok());
            let text = line.args.get(1).map_or("", |token| token.text.as_str());
            rule.ede = code.map(|code| Ede::new(EdeCode(code), text.to_owned()));
        }
        "fallthrough" => rule.fallthrough = fallthrough(&line.args, sources),
        "upstream" => {}
        _ => directive.unknown(line, &KNOWN, sources),
    }
}
