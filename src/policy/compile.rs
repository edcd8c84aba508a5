//! The rules of one server made ready: each kind apart, in its order, with its tables read. It decides nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::autopath::Search;
use super::tally::Tally;
use crate::config::ServerConfig;
use crate::config::policy::{
    AclEntry, ChaosRule, Dns64Rule, HeaderRule, HostTable, HostsRule, LocalRule, PolicyConfig, PolicyRule, RewriteRule,
    Scope, TemplateRule,
};
use crate::wire::{Name, NameRef};

/// Who we are, for those who ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Of this program.
    pub version: String,
    pub hostname: String,
}

/// The policy stage of one server.
#[derive(Debug)]
pub struct Policy {
    pub(super) acl: Vec<Rule<Vec<AclEntry>>>,
    pub(super) local: Vec<Rule<LocalRule>>,
    pub(super) any: Vec<Rule<()>>,
    pub(super) chaos: Vec<Rule<ChaosRule>>,
    pub(super) dns64: Vec<Rule<Dns64Rule>>,
    pub(super) rewrite: Vec<Rule<RewriteRule>>,
    pub(super) header: Vec<Rule<HeaderRule>>,
    pub(super) autopath: Vec<Rule<Search>>,
    pub(super) minimal: Vec<Rule<()>>,
    pub(super) template: Vec<Rule<TemplateRule>>,
    pub(super) hosts: Vec<Rule<Hosts>>,
    pub(super) whoami: Vec<Rule<()>>,
    pub(super) nsid: Vec<Rule<String>>,
    /// Zones that the server answers or forwards: `whoami` is for the rest.
    pub(super) claimed: Vec<Name>,
    /// The zones of the cluster among them.
    pub(super) cluster: Vec<Name>,
    pub(super) identity: Identity,
    pub(super) tally: Arc<Tally>,
}

/// One rule with the questions that it is for.
#[derive(Debug)]
pub(super) struct Rule<T> {
    pub scope: Scope,
    pub zones: Vec<Name>,
    /// What a rule for every name calls its zone.
    pub root: Name,
    pub what: T,
}

/// A question by its names when it is a rule's turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    /// As the client asked it.
    pub asked: NameRef<'a>,
    /// As it is now.
    pub now: NameRef<'a>,
}

/// A hosts rule with its tables: what the file says, then what stands in the configuration.
#[derive(Debug)]
pub(super) struct Hosts {
    pub rule: HostsRule,
    pub tables: Vec<HostTable>,
}

impl Policy {
    /// Makes the rules of a server ready; none if it has none. `files` are the texts of the files that they name, where there are any;
    /// `tally` counts on.
    #[must_use]
    pub fn compile(
        server: &ServerConfig,
        files: &HashMap<PathBuf, String>,
        identity: &Identity,
        tally: Arc<Tally>,
    ) -> Option<Self> {
        if server.policy.is_empty() {
            return None;
        }
        let forwarded = server.forward.iter().map(|row| &row.zone);
        let external = server.external.iter().map(|external| &external.zone);
        let mut policy = Self {
            acl: Vec::new(),
            local: Vec::new(),
            any: Vec::new(),
            chaos: Vec::new(),
            dns64: Vec::new(),
            rewrite: Vec::new(),
            header: Vec::new(),
            autopath: Vec::new(),
            minimal: Vec::new(),
            template: Vec::new(),
            hosts: Vec::new(),
            whoami: Vec::new(),
            nsid: Vec::new(),
            claimed: server.zones.iter().chain(forwarded).chain(external).cloned().collect(),
            cluster: server.zones.clone(),
            identity: identity.clone(),
            tally,
        };
        for config in &server.policy {
            policy.add(config, files);
        }
        Some(policy)
    }

    /// What the rules did, for whoever wants to count on.
    #[must_use]
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Names and addresses of all hosts rules, by their file; those that stand in the configuration count with it.
    #[must_use]
    pub fn hosts_entries(&self) -> Vec<(String, usize)> {
        let entries = |hosts: &Hosts| hosts.tables.iter().map(HostTable::entries).sum();
        let path = |hosts: &Hosts| hosts.rule.file.as_ref().map_or(String::new(), |path| path.display().to_string());
        self.hosts.iter().map(|rule| (path(&rule.what), entries(&rule.what))).collect()
    }

    fn add(&mut self, config: &PolicyConfig, files: &HashMap<PathBuf, String>) {
        match &config.rule {
            PolicyRule::Acl(entries) => self.acl.push(Rule::of(config, entries.clone())),
            PolicyRule::Rewrite(rule) => self.rewrite.push(Rule::of(config, rule.clone())),
            PolicyRule::Hosts(rule) => {
                let hosts = Rule::of(config, ());
                let tables = tables(rule, files, |name| hosts.zone_of(name).is_some());
                self.hosts.push(Rule::of(config, Hosts { rule: rule.clone(), tables }));
            }
            PolicyRule::Template(rule) => self.template.push(Rule::of(config, rule.clone())),
            PolicyRule::Any => self.any.push(Rule::of(config, ())),
            PolicyRule::Local(rule) => self.local.push(Rule::of(config, *rule)),
            PolicyRule::Minimal => self.minimal.push(Rule::of(config, ())),
            PolicyRule::Header(rule) => self.header.push(Rule::of(config, rule.clone())),
            PolicyRule::Autopath(rule) => {
                let text = files.get(&rule.file).map_or("", String::as_str);
                self.autopath.push(Rule::of(config, Search::of(rule.pods, text)));
            }
            PolicyRule::Dns64(rule) => self.dns64.push(Rule::of(config, *rule)),
            PolicyRule::Whoami => self.whoami.push(Rule::of(config, ())),
            PolicyRule::Chaos(rule) => self.chaos.push(Rule::of(config, rule.clone())),
            PolicyRule::Nsid(name) => self.nsid.push(Rule::of(config, name.clone())),
        }
    }
}

impl<T> Rule<T> {
    fn of(config: &PolicyConfig, what: T) -> Self {
        Self { scope: config.scope.clone(), zones: config.zones.clone(), root: Name::root(), what }
    }
}

fn tables(rule: &HostsRule, files: &HashMap<PathBuf, String>, keep: impl Fn(NameRef<'_>) -> bool) -> Vec<HostTable> {
    let file = rule.file.as_ref().and_then(|path| files.get(path)).map(String::as_str);
    let texts = file.into_iter().chain([rule.inline.as_str()]);
    texts.map(|text| HostTable::parse(text, rule.reverse, &keep)).collect()
}
