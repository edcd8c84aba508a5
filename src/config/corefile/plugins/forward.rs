//! `forward`: whom questions go to that are not answered here.

use std::path::Path;

use crate::config::corefile::directive::{Directive, Line, said, zones};
use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::config::{Endpoint, Host, Upstream};
use crate::wire::Name;

/// CoreDNS takes no more.
const MOST: usize = 15;

/// Options that say how an upstream is asked, and what takes their place.
const TUNING: [(&str, &str); 12] = [
    ("max_fails", "not needed: an upstream that is silent three times is left out until it answers again"),
    ("health_check", "not needed: what an upstream answers to questions says how it is"),
    ("expire", "not needed: connections are kept while they are in use"),
    ("max_age", "not needed: connections are replaced by themselves"),
    ("max_idle_conns", "not needed: one or two connections carry everything"),
    ("read_timeout", "better: an upstream that is late is not waited for, the next one is asked meanwhile"),
    ("max_connect_attempts", "not needed: `limits.forward_tries` bounds them"),
    ("max_concurrent", "better: `limits.in_flight` bounds questions under way, and equal ones are asked once"),
    ("policy", "better: the upstream that answers fastest is asked, and a silent one is left out"),
    ("failfast_all_unhealthy_upstreams", "not needed: a question ends at its deadline"),
    ("prefer_udp", "the same: UDP first, TCP where an answer does not fit"),
    ("resolver", "not needed: host names are looked up by whom this file forwards to"),
];

/// Options that change answers.
const REFUSED: [(&str, &str, &str); 4] = [
    (
        "next",
        "the next `forward` would not be asked",
        "give each zone the upstreams that know it, or name all of them in one `forward`",
    ),
    ("next_on_nodata", "the next `forward` would not be asked", "give each zone the upstreams that know it"),
    ("source_address", "questions would leave from another address", "let the routes of the node choose it"),
    ("doh_method", "there are no upstreams over HTTPS", "name an upstream that answers over UDP or TCP"),
];

const OTHERS: [&str; 5] = ["except", "force_tcp", "failover", "tls", "tls_servername"];

#[derive(Debug, Clone)]
pub(in crate::config::corefile) struct Forward {
    pub(in crate::config::corefile) spot: Spot,
    pub(in crate::config::corefile) from: Vec<Name>,
    pub(in crate::config::corefile) to: Vec<(Spot, To)>,
    pub(in crate::config::corefile) except: Vec<Name>,
    pub(in crate::config::corefile) tcp: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config::corefile) enum To {
    Upstream(Upstream),
    /// A name, whose addresses are looked up; a region's resolver may have one.
    Host(Endpoint),
}

pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Forward> {
    let Some((from, to)) = directive.args.split_first() else {
        let fault =
            Fault::new("`forward` names no zone").help("write a zone and an upstream: `forward . /etc/resolv.conf`");
        sources.error(directive.spot(), fault);
        return None;
    };
    if to.is_empty() {
        let fault = Fault::new("`forward` names no upstream");
        sources
            .error(from.spot, fault.help("write an address or a file behind the zone: `forward . /etc/resolv.conf`"));
        return None;
    }
    if let Some(extra) = to.get(MOST) {
        let fault = Fault::new(format!("`forward` names more than {MOST} upstreams"));
        sources.error(extra.spot, fault.help("leave the others out: one that fails is left out at once"));
    }
    let mut forward = Forward {
        spot: directive.spot(),
        from: zones(std::slice::from_ref(from), sources),
        to: to.iter().filter_map(|token| Some((token.spot, upstream(token, sources)?))).collect(),
        except: Vec::new(),
        tcp: false,
    };
    for line in directive.lines() {
        option(directive, line, &mut forward, sources);
    }
    Some(forward)
}

fn option(directive: &Directive, line: &Line, forward: &mut Forward, sources: &Sources) {
    let name = line.name.text.as_str();
    if let Some((_, note)) = TUNING.iter().find(|(known, _)| *known == name) {
        checked(line, sources);
        sources.note(line.spot(), name, *note);
        return;
    }
    if let Some((_, what, instead)) = REFUSED.iter().find(|(known, ..)| *known == name) {
        sources.error(line.spot(), Fault::new(format!("`{name}` is not supported: {what}")).help(*instead));
        return;
    }
    match name {
        "except" => {
            if line.args.is_empty() {
                _ = line.one("zone", sources);
            }
            forward.except.extend(zones(&line.args, sources));
        }
        "force_tcp" => {
            line.at_most(0, sources);
            forward.tcp = true;
        }
        "failover" => failover(line, sources),
        "tls" | "tls_servername" => sources.note(line.spot(), name, "not needed: no upstream of it is asked over TLS"),
        _ => {
            let known: Vec<&str> = TUNING
                .iter()
                .map(|(name, _)| *name)
                .chain(REFUSED.iter().map(|(name, ..)| *name))
                .chain(OTHERS)
                .collect();
            directive.unknown(line, &known, sources);
        }
    }
}

/// What CoreDNS refuses of the options that mean nothing here is refused too.
fn checked(line: &Line, sources: &Sources) {
    match line.name.text.as_str() {
        "max_fails" | "max_concurrent" | "max_idle_conns" | "max_connect_attempts" => _ = line.number(sources),
        "expire" | "max_age" | "read_timeout" => _ = line.duration(sources),
        "prefer_udp" | "failfast_all_unhealthy_upstreams" => line.at_most(0, sources),
        "policy" => {
            let known = ["random", "round_robin", "sequential"].map(|word| (word, ()));
            if let Some(token) = line.one("policy", sources) {
                said(token, crate::config::leaf::choice(&token.text, &known), sources);
            }
        }
        "health_check" => {
            if let Some(token) = line.args.first() {
                said(token, crate::config::corefile::duration::duration(&token.text), sources);
            } else {
                _ = line.one("duration", sources);
            }
        }
        _ => {}
    }
}

/// Servers that say so are no use, and the next one is asked anyway; a denial is an answer.
fn failover(line: &Line, sources: &Sources) {
    if line.args.is_empty() {
        _ = line.one("rcode", sources);
    }
    for rcode in &line.args {
        match rcode.text.to_ascii_uppercase().as_str() {
            "SERVFAIL" | "REFUSED" | "NOTIMP" | "FORMERR" => {
                let note = "the same: the next upstream is asked when one fails or refuses";
                sources.note(line.spot(), "failover", note);
            }
            other => {
                let fault = Fault::new(format!("`failover {other}` is not supported: that is an answer, and is given"));
                sources.error(rcode.spot, fault.help("give each zone the upstreams that know it"));
            }
        }
    }
}

fn upstream(token: &Token, sources: &Sources) -> Option<To> {
    let text = token.text.strip_prefix("dns://").unwrap_or(&token.text);
    if let Some((scheme, _)) = text.split_once("://") {
        let fault = Fault::new(format!("upstreams over `{scheme}://` are not supported"));
        let help = "name one that answers over UDP or TCP; regions are asked over TLS by the peer table";
        sources.error(token.spot, fault.help(help));
        return None;
    }
    if text.starts_with('/') {
        return Some(To::Upstream(Upstream::ResolvConf(text.into())));
    }
    if text.contains('/') {
        return Some(To::Upstream(Upstream::ResolvConf(sources.folder(token.spot.source).join(Path::new(text)))));
    }
    let endpoint = said(token, text.parse::<Endpoint>(), sources)?;
    Some(match endpoint.host {
        Host::Address(ip) => To::Upstream(Upstream::Address((ip, endpoint.port).into())),
        Host::Name(_) => To::Host(endpoint),
    })
}
