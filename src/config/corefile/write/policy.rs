//! The rules of the policy stage, as the rows of `policy`.

use std::borrow::Cow;

use super::line;
use super::text::{flow, quoted};
use crate::config::policy::{
    AclAction, AclEntry, AnswerPart, HeaderFlag, HeaderRule, HostsRule, Matcher, PolicyConfig, PolicyRule, Rewrite,
    RewriteRule, TemplateRule,
};
use crate::wire::{Rcode, mnemonic};

/// One row.
pub(super) fn rule(out: &mut String, row: &PolicyConfig, left_out: &mut Vec<String>) {
    // What a block's rule does not see cannot be said of a row: its zones come nearest.
    let zones = if row.zones.is_empty() { &row.scope.zones } else { &row.zones };
    if !row.scope.except.is_empty() || (!row.scope.zones.is_empty() && !row.zones.is_empty()) {
        let except: Vec<String> = row.scope.except.iter().map(|zone| format!("`{zone}`")).collect();
        left_out.push(format!(
            "a rule of `policy` for {} also sees names of other blocks: {}",
            flow(zones),
            if except.is_empty() { "those outside of its block".to_owned() } else { except.join(", ") }
        ));
    }
    line(out, format_args!("      - zones: {}", flow(zones)));
    match &row.rule {
        PolicyRule::Acl(entries) => acl(out, entries),
        PolicyRule::Rewrite(rule) => rewrite(out, rule),
        PolicyRule::Hosts(rule) => hosts(out, rule),
        PolicyRule::Template(rule) => template(out, rule),
        PolicyRule::Any => line(out, format_args!("        any: true")),
        PolicyRule::Minimal => line(out, format_args!("        minimal: true")),
        PolicyRule::Whoami => line(out, format_args!("        whoami: true")),
        PolicyRule::Local(rule) => line(out, format_args!("        local: {{localhost_prefix: {}}}", !rule.no_prefix)),
        PolicyRule::Header(rule) => header(out, rule),
        PolicyRule::Autopath(rule) => {
            let file = quoted(&rule.file.display().to_string());
            line(out, format_args!("        autopath: {{pods: {}, file: {file}}}", rule.pods));
        }
        PolicyRule::Dns64(rule) => line(
            out,
            format_args!(
                "        dns64: {{prefix: {}, translate_all: {}, allow_ipv4: {}}}",
                quoted(&rule.prefix.to_string()),
                rule.translate_all,
                rule.allow_ipv4
            ),
        ),
        PolicyRule::Chaos(rule) => line(
            out,
            format_args!(
                "        chaos: {{version: {}, hostname: {}, authors: {}}}",
                quoted(&rule.version),
                quoted(&rule.hostname),
                flow(&rule.authors)
            ),
        ),
        PolicyRule::Nsid(text) => line(out, format_args!("        nsid: {}", quoted(text))),
    }
}

fn acl(out: &mut String, entries: &[AclEntry]) {
    line(out, format_args!("        acl:{}", if entries.is_empty() { " []" } else { "" }));
    for entry in entries {
        let action = match entry.action {
            AclAction::Allow => "allow",
            AclAction::Block => "block",
            AclAction::Filter => "filter",
            AclAction::Drop => "drop",
        };
        let types = flow(entry.types.iter().map(|rtype| mnemonic::type_text(*rtype)));
        line(out, format_args!("          - {{action: {action}, nets: {}, types: {types}}}", flow(&entry.nets)));
    }
}

/// The kind of comparison, and the text.
fn matcher(matcher: &Matcher) -> (&'static str, &str) {
    match matcher {
        Matcher::Exact(text) => ("exact", text),
        Matcher::Prefix(text) => ("prefix", text),
        Matcher::Suffix(text) => ("suffix", text),
        Matcher::Substring(text) => ("substring", text),
        Matcher::Regex(pattern) => ("regex", pattern.as_str()),
    }
}

fn rewrite(out: &mut String, rule: &RewriteRule) {
    out.push_str("        rewrite:\n");
    let mut key = |key: &str, value: String| line(out, format_args!("          {key}: {value}"));
    key("then", if rule.proceed { "continue" } else { "stop" }.into());
    let mut numbers = |field: &str, from: Cow<'_, str>, to: Cow<'_, str>| {
        key("field", field.into());
        key("from", quoted(&from));
        key("to", quoted(&to));
    };
    match &rule.what {
        Rewrite::Type { from, to } => numbers("type", mnemonic::type_text(*from), mnemonic::type_text(*to)),
        Rewrite::Class { from, to } => numbers("class", mnemonic::class_text(*from), mnemonic::class_text(*to)),
        Rewrite::Name { from, to, answer } => {
            let (kind, text) = matcher(from);
            numbers("name", text.into(), to.as_str().into());
            key("match", kind.into());
            if answer.auto {
                key("answer_auto", "true".into());
            }
            let rules = answer.rules.iter().map(|rule| {
                let part = if rule.part == AnswerPart::Owner { "name" } else { "value" };
                format!("{{part: {part}, from: {}, to: {}}}", quoted(rule.from.as_str()), quoted(rule.to.as_str()))
            });
            let rules: Vec<String> = rules.collect();
            if !rules.is_empty() {
                key("answer", format!("[{}]", rules.join(", ")));
            }
        }
        Rewrite::Cname { target, to } => {
            let (kind, text) = matcher(target);
            numbers("cname", text.into(), to.as_str().into());
            key("match", kind.into());
        }
        Rewrite::Ttl { name, least, most } => {
            let (kind, text) = matcher(name);
            key("field", "ttl".into());
            key("match", kind.into());
            key("name", quoted(text));
            key("to", quoted(&format!("{least}-{most}")));
        }
        Rewrite::Rcode { name, from, to } => {
            let (kind, text) = matcher(name);
            numbers("rcode", rcode_word(*from).into(), rcode_word(*to).into());
            key("match", kind.into());
            key("name", quoted(text));
        }
    }
}

/// Its word, or its number where it has none.
fn rcode_word(rcode: Rcode) -> String {
    let word = rcode.to_text();
    if mnemonic::rcode_of(&word) == Some(rcode) { word.into_owned() } else { rcode.0.to_string() }
}

fn hosts(out: &mut String, rule: &HostsRule) {
    out.push_str("        hosts:\n");
    if let Some(file) = &rule.file {
        line(out, format_args!("          file: {}", quoted(&file.display().to_string())));
    }
    if !rule.inline.is_empty() {
        line(out, format_args!("          inline: {}", quoted(&rule.inline)));
    }
    line(out, format_args!("          ttl: {}s\n          reverse: {}", rule.ttl, rule.reverse));
    if !rule.fallthrough.is_empty() {
        line(out, format_args!("          fallthrough: {}", flow(&rule.fallthrough)));
        line(out, format_args!("          fallthrough_unsupported: {}", rule.fallthrough_unsupported));
    }
}

fn template(out: &mut String, rule: &TemplateRule) {
    out.push_str("        template:\n");
    let mut key = |key: &str, value: String| line(out, format_args!("          {key}: {value}"));
    key("class", quoted(&mnemonic::class_text(rule.class)));
    key("type", quoted(&mnemonic::type_text(rule.rtype)));
    if !rule.matches.is_empty() {
        key("match", flow(rule.matches.iter().map(|pattern| pattern.as_str())));
    }
    for (name, records) in [("answer", &rule.answer), ("authority", &rule.authority), ("additional", &rule.additional)]
    {
        if !records.is_empty() {
            key(name, flow(records.iter().map(|record| record.as_str())));
        }
    }
    key("rcode", quoted(&rcode_word(rule.rcode)));
    if let Some(ede) = &rule.ede {
        key("ede_code", ede.code.0.to_string());
        key("ede_text", quoted(ede.text()));
    }
    if !rule.fallthrough.is_empty() {
        key("fallthrough", flow(&rule.fallthrough));
    }
}

fn header(out: &mut String, rule: &HeaderRule) {
    let named = |flags: &[(HeaderFlag, bool)], on: bool| {
        let word = |flag: &HeaderFlag| match flag {
            HeaderFlag::Authoritative => "aa",
            HeaderFlag::RecursionAvailable => "ra",
            HeaderFlag::RecursionDesired => "rd",
        };
        flow(flags.iter().filter(|(_, set)| *set == on).map(|(flag, _)| word(flag)))
    };
    line(
        out,
        format_args!(
            "        header: {{query_set: {}, query_clear: {}, reply_set: {}, reply_clear: {}}}",
            named(&rule.query, true),
            named(&rule.query, false),
            named(&rule.reply, true),
            named(&rule.reply, false)
        ),
    );
}
