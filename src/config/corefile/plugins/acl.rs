//! `acl`: who may ask what.

use super::words::rtype;
use super::{Rule, Sources};
use crate::config::corefile::directive::{Directive, Line, said, zones};
use crate::config::error::Fault;
use crate::config::policy::{AclAction, AclEntry, PolicyRule};

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Rule> {
    let entries = directive.lines().iter().filter_map(|line| entry(directive, line, sources)).collect();
    Some(Rule { zones: zones(&directive.args, sources), rule: PolicyRule::Acl(entries) })
}

/// `ACTION [type TYPE...] [net NETWORK...]`.
fn entry(directive: &Directive, line: &Line, sources: &Sources) -> Option<AclEntry> {
    let action = match line.name.text.as_str() {
        "allow" => AclAction::Allow,
        "block" => AclAction::Block,
        "filter" => AclAction::Filter,
        "drop" => AclAction::Drop,
        _ => {
            directive.unknown(line, &["allow", "block", "filter", "drop"], sources);
            return None;
        }
    };
    let mut entry = AclEntry { action, nets: Vec::new(), types: Vec::new() };
    let mut section = None;
    for token in &line.args {
        match (token.text.as_str(), section) {
            ("type" | "net", _) => section = Some(token.is("net")),
            ("*", Some(_)) => {}
            (_, Some(false)) => entry.types.extend(rtype(token, sources)),
            (text, Some(true)) => {
                let whole = text.parse().or_else(|_| text.parse().map(|ip: std::net::IpAddr| ip.into()));
                let wrong = |_| {
                    Fault::new(format!("`{text}` is not a network"))
                        .help("write an address, or one with its prefix: `10.0.0.0/8`")
                };
                let net: Option<ipnet::IpNet> = said(token, whole.map_err(wrong), sources);
                entry.nets.extend(net.map(|net| net.trunc()));
            }
            (text, None) => {
                let fault = Fault::new(format!("expected `type` or `net`, found `{text}`"));
                sources.error(token.spot, fault.help("write `block type A net 10.0.0.0/8`"));
            }
        }
    }
    Some(entry)
}
