//! `autopath`: search paths walked by the server, of pods or of a file.

use super::{Block, Rule, Sources};
use crate::config::corefile::directive::{Directive, zones};
use crate::config::error::Fault;
use crate::config::policy::{AutopathRule, PolicyRule};
use crate::config::{PodMode, defaults};

/// `autopath [ZONE...] RESOLV-CONF`, `autopath [ZONE...] @kubernetes`.
pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Rule> {
    directive.no_block(sources);
    let Some((from, zone_args)) = directive.args.split_last() else {
        let fault = Fault::new("`autopath` names no search path");
        sources
            .error(directive.spot(), fault.help("write `autopath @kubernetes`, or the file with the path behind it"));
        return None;
    };
    let rule = match from.text.strip_prefix('@') {
        // Behind a pod's own domains come those of the host, as CoreDNS sees them.
        Some("kubernetes") => AutopathRule { pods: true, file: defaults::RESOLV_CONF.into() },
        Some(other) => {
            let fault = Fault::new(format!("`@{other}` is not supported: it says no search path here"));
            sources.error(from.spot, fault.help("write `@kubernetes`, or a file like `/etc/resolv.conf`"));
            return None;
        }
        None => AutopathRule { pods: false, file: sources.folder(from.spot.source).join(&from.text) },
    };
    let note = match rule.pods {
        true => "the same: by the pod that asks, and behind its domains those of /etc/resolv.conf",
        false => "the same: the file is watched",
    };
    sources.note(directive.spot(), "autopath", note);
    Some(Rule { zones: zones(zone_args, sources), rule: PolicyRule::Autopath(rule) })
}

/// Who does not know its pods walks no path of theirs, and neither does CoreDNS.
pub(super) fn without_pods(block: &mut Block, sources: &Sources) {
    if block.kubernetes.as_ref().is_some_and(|kubernetes| kubernetes.config.pods == PodMode::Verified) {
        return;
    }
    let before = block.policy.len();
    block.policy.retain(|rule| !matches!(&rule.rule, PolicyRule::Autopath(rule) if rule.pods));
    if let Some(spot) = block.spot.filter(|_| block.policy.len() < before) {
        let note = "but it does nothing without `kubernetes` and `pods verified` in this block, as in CoreDNS";
        sources.note(spot, "autopath", note);
    }
}
