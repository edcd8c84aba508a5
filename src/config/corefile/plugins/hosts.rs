//! `hosts`: names from a file in the form of `/etc/hosts`, and from lines of the block.

use super::{Rule, Sources, fallthrough};
use crate::config::corefile::directive::{Directive, number, zones};
use crate::config::error::Fault;
use crate::config::policy::{HostsRule, PolicyRule};

/// What CoreDNS reads if no file is named.
const FILE: &str = "/etc/hosts";
/// CoreDNS takes no more.
const MOST_TTL: u64 = 65_535;

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Rule> {
    let (file, zone_args) = match directive.args.split_first() {
        Some((file, rest)) => (sources.folder(file.spot.source).join(&file.text), rest),
        None => (FILE.into(), &[][..]),
    };
    let mut rule = HostsRule { file: Some(file), ..HostsRule::default() };
    for line in directive.lines() {
        match line.name.text.as_str() {
            "fallthrough" => rule.fallthrough = fallthrough(&line.args, sources),
            "fallthrough_unsupported" => rule.fallthrough_unsupported = true,
            "no_reverse" => rule.reverse = false,
            "ttl" => {
                let ttl = line.one("number", sources).and_then(|token| Some((token, number(token, sources)?)));
                match ttl {
                    Some((_, ttl @ 1..=MOST_TTL)) => rule.ttl = u32::try_from(ttl).unwrap_or(u32::MAX),
                    Some((token, _)) => {
                        sources.error(token.spot, Fault::new("the TTL is out of range").help("1 to 65535"))
                    }
                    None => {}
                }
            }
            "reload" => {
                _ = line.duration(sources);
                sources.note(line.spot(), "reload", "better: the file is watched, and read again when it changes");
            }
            address if address.parse::<std::net::IpAddr>().is_ok() => {
                rule.inline.push_str(address);
                for name in &line.args {
                    rule.inline.push(' ');
                    rule.inline.push_str(&name.text);
                }
                rule.inline.push('\n');
            }
            _ => directive.unknown(
                line,
                &["fallthrough", "fallthrough_unsupported", "no_reverse", "ttl", "reload"],
                sources,
            ),
        }
    }
    Some(Rule { zones: zones(zone_args, sources), rule: PolicyRule::Hosts(rule) })
}
