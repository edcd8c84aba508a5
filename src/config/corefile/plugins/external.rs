//! `k8s_external`: names of load balancers in zones of their own.

use std::time::Duration;

use super::{Block, Sources, fallthrough};
use crate::config::ExternalConfig;
use crate::config::corefile::directive::{Directive, number, zones};
use crate::config::corefile::sources::Spot;
use crate::config::error::Fault;
use crate::wire::Name;

const MOST_TTL: u64 = 3_600;

#[derive(Debug)]
pub(in crate::config::corefile) struct External {
    pub(in crate::config::corefile) spot: Spot,
    /// As named; none: those of the block.
    pub(in crate::config::corefile) zones: Vec<Name>,
    /// For any zone.
    like: ExternalConfig,
    fallthrough: Vec<Name>,
}

/// `k8s_external [ZONE...] { apex LABEL; ttl TTL; headless; fallthrough [ZONE...] }`.
pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<External> {
    let mut like = ExternalConfig::new(Name::root());
    let mut falls = Vec::new();
    for line in directive.lines() {
        match line.name.text.as_str() {
            "apex" => {
                if let Some(apex) = line.one("label", sources) {
                    like.apex = apex.text.to_ascii_lowercase();
                }
            }
            "ttl" => {
                let ttl = line.one("number", sources).and_then(|token| Some((token, number(token, sources)?)));
                match ttl {
                    Some((_, ttl @ 0..=MOST_TTL)) => like.ttl = Duration::from_secs(ttl),
                    Some((token, ttl)) => {
                        let fault = Fault::new(format!("the TTL `{ttl}` is out of range")).help("0 to 3600");
                        sources.error(token.spot, fault);
                    }
                    None => {}
                }
            }
            "headless" => {
                line.at_most(0, sources);
                like.headless = true;
            }
            "fallthrough" => falls = fallthrough(&line.args, sources),
            _ => directive.unknown(line, &["apex", "ttl", "headless", "fallthrough"], sources),
        }
    }
    Some(External { spot: directive.spot(), zones: zones(&directive.args, sources), like, fallthrough: falls })
}

/// Who has no cluster has no names of it, and neither has CoreDNS.
pub(super) fn without_cluster(block: &mut Block, sources: &Sources) {
    if let Some(external) = block.external.take_if(|_| block.kubernetes.is_none()) {
        let note = "it does nothing without `kubernetes` in this block, as in CoreDNS";
        sources.note(external.spot, "k8s_external", note);
    }
}

impl External {
    /// What it says of one zone.
    pub(in crate::config::corefile) fn of(&self, zone: &Name) -> ExternalConfig {
        let falls = self.fallthrough.iter().any(|of| zone.as_ref().is_in(of.as_ref()));
        ExternalConfig { zone: zone.clone(), fallthrough: falls, ..self.like.clone() }
    }
}
