//! The rules of a server's policy stage: one row, one rule. Kinds with more to say have a file of their own.

mod rewrite;
mod spec;
mod template;

use std::path::Path;

use super::range;
use crate::config::error::{Fault, Report};
use crate::config::field::{At, Field, FieldList};
use crate::config::leaf::choice;
use crate::config::node::Place;
use crate::config::policy::{
    AclAction, AclEntry, AutopathRule, ChaosRule, Dns64Rule, HOSTS_TTL, HeaderFlag, HeaderRule, HostsRule, LocalRule,
    PolicyConfig, PolicyRule, Scope,
};
use crate::config::{Config, PodMode, defaults};
use crate::wire::mnemonic;
pub(in crate::config) use spec::PolicySpecs;
use spec::{AclSpec, AutopathSpec, ChaosSpec, Dns64Spec, HeaderSpec, HostsSpec, RuleSpec};

/// The longest TTL of a hosts table, as CoreDNS has it.
const MAX_HOSTS_TTL: std::time::Duration = std::time::Duration::from_secs(65_535);
const KINDS: &str = "acl, rewrite, hosts, template, any, local, minimal, header, autopath, dns64, whoami, chaos, nsid";

/// The rules, in order; relative paths are relative to `folder`.
pub(super) fn policy(specs: &PolicySpecs, folder: &Path, report: &Report<'_>) -> Vec<PolicyConfig> {
    let rows = specs.get().map_or(&[][..], Vec::as_slice).iter().filter_map(At::both);
    rows.filter_map(|(place, row)| one(place, row, folder, report)).collect()
}

/// Reports rules that need what the rest of the configuration does not give.
pub(super) fn check(config: &Config, place: Option<Place>, report: &Report<'_>) {
    let rules = config.servers.iter().flat_map(|server| &server.policy);
    let mut pods = rules.filter(|row| matches!(&row.rule, PolicyRule::Autopath(rule) if rule.pods));
    if let (Some(place), Some(_), false) = (place, pods.next(), config.kubernetes.pods == PodMode::Verified) {
        let fault = Fault::new("`autopath` needs to know which pod asks");
        report.error(place, fault.help("write `kubernetes: {pods: verified}`, or `pods: false` in the rule"));
    }
}

fn one(place: Place, row: &RuleSpec, folder: &Path, report: &Report<'_>) -> Option<PolicyConfig> {
    let mut rules: Vec<(Place, Option<PolicyRule>)> = Vec::new();
    let mut found = |place: Option<Place>, rule: Option<PolicyRule>| rules.extend(place.map(|place| (place, rule)));
    found(row.acl.place(), row.acl.get().map(|entries| acl(entries, report)));
    found(row.rewrite.place(), row.rewrite.both().and_then(|(place, spec)| rewrite::rewrite(place, spec, report)));
    found(row.hosts.place(), row.hosts.both().map(|(place, spec)| hosts(place, spec, folder, report)));
    found(row.template.place(), row.template.get().map(|spec| template::template(spec, report)));
    found(
        row.local.place(),
        row.local
            .get()
            .map(|spec| PolicyRule::Local(LocalRule { no_prefix: spec.localhost_prefix.scalar() == Some(false) })),
    );
    found(row.header.place(), row.header.get().map(|spec| header(spec, report)));
    found(row.autopath.place(), row.autopath.get().map(|spec| autopath(spec, folder)));
    found(row.dns64.place(), row.dns64.get().map(dns64));
    found(row.chaos.place(), row.chaos.get().map(chaos));
    found(row.nsid.place(), row.nsid.scalar().map(PolicyRule::Nsid));
    for (field, rule) in
        [(&row.any, PolicyRule::Any), (&row.minimal, PolicyRule::Minimal), (&row.whoami, PolicyRule::Whoami)]
    {
        found(field.place().filter(|_| field.scalar() != Some(false)), Some(rule));
    }
    let off = [&row.any, &row.minimal, &row.whoami].iter().any(|field| field.scalar() == Some(false));
    match rules.as_slice() {
        [] if off => {}
        [] => report.error(place, Fault::new("the row has no rule").help(format!("known: {KINDS}"))),
        [_] => {}
        [_, (second, _), ..] => {
            report.error(*second, Fault::new("the row has two rules").help("write one row for each"));
        }
    }
    let (_, rule) = rules.into_iter().next()?;
    let zones = row.zones.items().map(|(_, zone)| zone).collect();
    Some(PolicyConfig { scope: Scope::default(), zones, rule: rule? })
}

fn acl(entries: &[At<AclSpec>], report: &Report<'_>) -> PolicyRule {
    let known = [
        ("allow", AclAction::Allow),
        ("block", AclAction::Block),
        ("filter", AclAction::Filter),
        ("drop", AclAction::Drop),
    ];
    let entries = entries.iter().filter_map(At::both).filter_map(|(place, spec)| {
        if spec.action.place().is_none() {
            let fault = Fault::new("the entry has no `action`");
            report.error(place, fault.help("write `action: block`, `filter`, `drop` or `allow`"));
        }
        Some(AclEntry {
            action: word(&spec.action, &known, report)?,
            nets: spec.nets.items().map(|(_, net)| net).collect(),
            types: spec
                .types
                .items()
                .filter_map(|(place, word)| number(place, &word, "type", mnemonic::type_of, report))
                .collect(),
        })
    });
    PolicyRule::Acl(entries.collect())
}

fn hosts(place: Place, spec: &HostsSpec, folder: &Path, report: &Report<'_>) -> PolicyRule {
    if spec.file.place().is_none() && spec.inline.place().is_none() {
        let fault = Fault::new("the hosts table is empty");
        report.error(place, fault.help("write `file: /etc/hosts`, or lines in `inline: |`"));
    }
    let default = std::time::Duration::from_secs(HOSTS_TTL.into());
    let ttl = range::ttl(&spec.ttl, MAX_HOSTS_TTL, default, report);
    let fallthrough: Vec<_> = spec.fallthrough.items().map(|(_, zone)| zone).collect();
    let unsupported = spec.fallthrough_unsupported.scalar() == Some(true);
    if let Some(place) = spec.fallthrough_unsupported.place().filter(|_| unsupported && fallthrough.is_empty()) {
        let fault = Fault::new("`fallthrough_unsupported` without `fallthrough` does nothing");
        report.error(place, fault.help("write `fallthrough: [.]` too"));
    }
    PolicyRule::Hosts(HostsRule {
        file: spec.file.scalar().filter(|path| !path.is_empty()).map(|path| folder.join(path)),
        inline: spec.inline.scalar().unwrap_or_default(),
        ttl: u32::try_from(ttl.as_secs()).unwrap_or(HOSTS_TTL),
        reverse: spec.reverse.scalar().unwrap_or(true),
        fallthrough,
        fallthrough_unsupported: unsupported,
    })
}

fn header(spec: &HeaderSpec, report: &Report<'_>) -> PolicyRule {
    let known = [
        ("aa", HeaderFlag::Authoritative),
        ("ra", HeaderFlag::RecursionAvailable),
        ("rd", HeaderFlag::RecursionDesired),
    ];
    let flags = |list: &FieldList<String>, set: bool| {
        let items: Vec<_> = list.items().collect();
        let flags = items.into_iter().filter_map(|(place, word)| {
            choice(&word, &known).map_err(|fault| report.error(place, fault)).ok().map(|flag| (flag, set))
        });
        flags.collect::<Vec<_>>()
    };
    let both = |set, clear| [flags(set, true), flags(clear, false)].concat();
    PolicyRule::Header(HeaderRule {
        query: both(&spec.query_set, &spec.query_clear),
        reply: both(&spec.reply_set, &spec.reply_clear),
    })
}

fn autopath(spec: &AutopathSpec, folder: &Path) -> PolicyRule {
    let file = spec.file.scalar().filter(|path| !path.is_empty());
    let file = folder.join(file.as_deref().unwrap_or(defaults::RESOLV_CONF));
    PolicyRule::Autopath(AutopathRule { pods: spec.pods.scalar().unwrap_or(true), file })
}

fn dns64(spec: &Dns64Spec) -> PolicyRule {
    PolicyRule::Dns64(Dns64Rule {
        prefix: spec.prefix.scalar().unwrap_or(Dns64Rule::default().prefix),
        translate_all: spec.translate_all.scalar().unwrap_or(false),
        allow_ipv4: spec.allow_ipv4.scalar().unwrap_or(false),
    })
}

fn chaos(spec: &ChaosSpec) -> PolicyRule {
    PolicyRule::Chaos(ChaosRule {
        version: spec.version.scalar().unwrap_or_default(),
        hostname: spec.hostname.scalar().unwrap_or_default(),
        authors: spec.authors.items().map(|(_, author)| author).collect(),
    })
}

/// One of the words that are known; none, and reported, for any other.
fn word<T: Copy>(field: &Field<String>, known: &[(&str, T)], report: &Report<'_>) -> Option<T> {
    let (place, text) = field.both()?;
    choice(&text.0, known).map_err(|fault| report.error(place, fault)).ok()
}

/// A type, a class or an rcode by its word.
fn number<T>(place: Place, word: &str, what: &str, of: impl Fn(&str) -> Option<T>, report: &Report<'_>) -> Option<T> {
    let number = of(word);
    if number.is_none() {
        report
            .error(place, Fault::new(format!("`{word}` is no {what}")).help("write its word, such as it is in `dig`"));
    }
    number
}

#[cfg(test)]
mod tests;
