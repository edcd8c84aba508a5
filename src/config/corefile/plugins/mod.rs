//! The directives of a block as typed settings: one small file each. What a block's settings come to beside those of the
//! others is for `assemble` to say.

mod acl;
mod autopath;
mod bind;
mod cache;
mod external;
mod forward;
mod hosts;
mod kubernetes;
mod listeners;
mod log;
mod noted;
mod refused;
mod rewrite;
mod small;
mod template;
mod upstream;
mod words;

use std::collections::HashMap;
use std::net::IpAddr;

pub(super) use cache::{Cache, nothing};
pub(super) use external::External;
pub(super) use forward::Forward;
pub(super) use kubernetes::Kubernetes;
pub(super) use listeners::{Health, Http};
pub(super) use log::Log;
pub(super) use upstream::To;

use super::directive::Directive;
use super::expand::Written;
use super::key::{self, Key};
use super::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::config::policy::PolicyRule;
use crate::wire::Name;

/// Those that CoreDNS takes more than once in a block.
const REPEATABLE: [&str; 7] = ["forward", "rewrite", "template", "log", "acl", "errors", "import"];

/// Those that say something of their own here.
const READ: [&str; 27] = [
    "acl",
    "any",
    "autopath",
    "bind",
    "bufsize",
    "cache",
    "chaos",
    "dns64",
    "errors",
    "forward",
    "header",
    "health",
    "hosts",
    "import",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "local",
    "log",
    "loop",
    "minimal",
    "nsid",
    "prometheus",
    "ready",
    "reload",
    "rewrite",
    "template",
];

/// A server block, read.
#[derive(Debug, Default)]
pub(in crate::config::corefile) struct Block {
    pub(super) keys: Vec<Key>,
    pub(super) spot: Option<Spot>,
    pub(super) kubernetes: Option<Kubernetes>,
    pub(super) external: Option<External>,
    pub(super) forward: Vec<Forward>,
    pub(super) cache: Option<Cache>,
    pub(super) health: Option<Health>,
    pub(super) ready: Option<Http>,
    pub(super) prometheus: Option<Http>,
    pub(super) bind: Vec<(Spot, IpAddr)>,
    /// The rules of its policy stage, with the zones that each names.
    pub(super) policy: Vec<Rule>,
    pub(super) log: Vec<Log>,
    /// Every directive of the block.
    pub(super) named: Vec<String>,
}

/// A rule of the policy stage, as a directive has it.
#[derive(Debug)]
pub(in crate::config::corefile) struct Rule {
    /// Empty: those of the block.
    pub(super) zones: Vec<Name>,
    pub(super) rule: PolicyRule,
}

/// Every directive that is understood, in one way or another.
#[must_use]
pub fn directives() -> Vec<&'static str> {
    let mut all: Vec<&str> = READ.to_vec();
    all.push("whoami");
    all.extend(noted::NOTED.iter().map(|(name, _)| *name));
    all.extend(refused::REFUSED.iter().map(|(name, ..)| *name));
    all.sort_unstable();
    all
}

/// What a block says.
pub(super) fn block(written: &Written, sources: &Sources) -> Block {
    let mut block = Block { spot: written.keys.first().map(|key| key.spot), ..Block::default() };
    block.keys = written.keys.iter().flat_map(|token| key::keys(token, sources)).collect();
    let mut seen: HashMap<&str, Spot> = HashMap::new();
    for directive in &written.directives {
        let name = directive.name.text.as_str();
        if let Some(first) = seen.insert(name, directive.spot())
            && !REPEATABLE.contains(&name)
        {
            let fault = Fault::new(format!("`{name}` is there twice in one block"));
            let line = first.place.line;
            sources.error(
                directive.spot(),
                fault.help(format!("the first is in line {line}; write one with all that is meant")),
            );
            continue;
        }
        block.named.push(name.to_owned());
        read(&mut block, directive, sources);
    }
    autopath::without_pods(&mut block, sources);
    external::without_cluster(&mut block, sources);
    block
}

fn read(block: &mut Block, directive: &Directive, sources: &Sources) {
    let rule = |zones: Vec<Name>, rule: PolicyRule| Rule { zones, rule };
    let mut add = |new: Option<Rule>| block.policy.extend(new);
    match directive.name.text.as_str() {
        "kubernetes" => block.kubernetes = kubernetes::read(directive, sources),
        "k8s_external" => block.external = external::read(directive, sources),
        "forward" => block.forward.extend(forward::read(directive, sources)),
        "cache" => block.cache = cache::read(directive, sources),
        "health" => block.health = listeners::health(directive, sources),
        "ready" => block.ready = listeners::ready(directive, sources),
        "prometheus" => block.prometheus = listeners::prometheus(directive, sources),
        "bind" => block.bind = bind::read(directive, sources),
        "acl" => add(acl::read(directive, sources)),
        "autopath" => add(autopath::read(directive, sources)),
        "hosts" => add(hosts::read(directive, sources)),
        "template" => add(template::read(directive, sources)),
        "rewrite" => add(rewrite::read(directive, sources).map(|read| rule(Vec::new(), read))),
        "any" => add(small::plain(directive, PolicyRule::Any, sources)),
        "minimal" => add(small::plain(directive, PolicyRule::Minimal, sources)),
        "whoami" => add(small::plain(directive, PolicyRule::Whoami, sources)),
        "local" => add(small::local(directive, sources)),
        "chaos" => add(small::chaos(directive)),
        "nsid" => add(small::nsid(directive)),
        "header" => add(small::header(directive, sources)),
        "dns64" => add(small::dns64(directive, sources)),
        "bufsize" => add(small::bufsize(directive, sources)),
        "errors" => small::errors(directive, sources),
        "log" => block.log.extend(log::read(directive, sources)),
        "loop" => small::no_arguments(
            directive,
            "found without ending the process, while it lasts, and asked for again",
            sources,
        ),
        "loadbalance" => small::loadbalance(directive, sources),
        "reload" => small::reload(directive, sources),
        other => {
            if !(noted::read(directive, sources) || refused::read(directive, sources)) {
                let known = directives();
                let fault = Fault::new(format!("`{other}` is no directive"));
                sources.error(directive.spot(), fault.did_you_mean(other, &known));
            }
        }
    }
}

/// The zones of a `fallthrough`; `.` is every name.
fn fallthrough(args: &[super::lexer::Token], sources: &Sources) -> Vec<Name> {
    if args.is_empty() { vec![Name::root()] } else { super::directive::zones(args, sources) }
}
