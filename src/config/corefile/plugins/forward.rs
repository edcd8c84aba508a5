//! `forward`: whom questions go to that are not answered here.

use std::collections::BTreeSet;

use super::upstream::{To, files, server_name, upstream};
use super::words;
use crate::config::corefile::directive::{Directive, Line, said, zones};
use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::config::{Outcome, RowTls, Upstream, defaults};
use crate::wire::{Name, Rcode};

/// CoreDNS takes no more.
const MOST: usize = 15;

/// Options that say how an upstream is asked, and what takes their place.
const TUNING: [(&str, &str); 11] = [
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
];

/// Options that change answers.
const REFUSED: [(&str, &str, &str); 2] = [
    ("source_address", "questions would leave from another address", "let the routes of the node choose it"),
    ("doh_method", "there are no upstreams over HTTPS", "name an upstream that answers over UDP, TCP or TLS"),
];

const OTHERS: [&str; 8] =
    ["except", "force_tcp", "failover", "next", "next_on_nodata", "tls", "tls_servername", "resolver"];

/// What is no use to anybody, so that the next server is asked in any case.
const UNWILLING: [Rcode; 4] = [Rcode::SERVFAIL, Rcode::REFUSED, Rcode::NOTIMP, Rcode::FORMERR];

#[derive(Debug, Clone)]
pub(in crate::config::corefile) struct Forward {
    pub(in crate::config::corefile) spot: Spot,
    pub(in crate::config::corefile) from: Vec<Name>,
    pub(in crate::config::corefile) to: Vec<(Spot, To)>,
    pub(in crate::config::corefile) except: Vec<Name>,
    pub(in crate::config::corefile) tcp: bool,
    /// None: in clear text.
    pub(in crate::config::corefile) tls: Option<RowTls>,
    /// Answers behind which the other upstreams are asked too; those of [`UNWILLING`] always are.
    pub(in crate::config::corefile) failover: BTreeSet<Rcode>,
    /// Answers behind which the next `forward` is asked.
    pub(in crate::config::corefile) next: BTreeSet<Outcome>,
    pub(in crate::config::corefile) resolver: Vec<Upstream>,
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
        to: Vec::new(),
        except: Vec::new(),
        tcp: false,
        tls: None,
        failover: BTreeSet::new(),
        next: BTreeSet::new(),
        resolver: defaults::resolvers(),
    };
    let named: Vec<_> = to.iter().filter_map(|token| Some((token.spot, upstream(token, sources)?))).collect();
    let mut tls = RowTls { ca: None, server_name: None, identity: None };
    for line in directive.lines() {
        option(directive, line, &mut forward, &mut tls, sources);
    }
    let over_tls = named.iter().any(|(_, (_, tls))| *tls);
    if let Some((spot, _)) = named.iter().find(|(_, (_, tls))| over_tls && !tls) {
        let fault = Fault::new("some upstreams of one `forward` are asked over TLS, and this one in clear text");
        sources.error(*spot, fault.help("write `tls://` in front of all of them, or of none"));
    }
    forward.to = named.into_iter().map(|(spot, (to, _))| (spot, to)).collect();
    if over_tls {
        forward.tls = Some(judged(&forward, tls, sources));
    } else {
        for line in directive.lines().iter().filter(|line| line.name.text.starts_with("tls")) {
            sources.note(line.spot(), &line.name.text, "not needed: no upstream of it is asked over TLS");
        }
    }
    Some(forward)
}

/// How upstreams over TLS are known.
fn judged(forward: &Forward, tls: RowTls, sources: &Sources) -> RowTls {
    let own_name = forward.to.iter().find(|(_, to)| matches!(to, To::Upstream(Upstream::Named(..))));
    if let (Some((spot, _)), Some(name)) = (own_name, &tls.server_name) {
        let fault = Fault::new(format!("`tls_servername {name}` is for all of them, and this one has another name"));
        sources.error(*spot, fault.help("remove `tls_servername`, or the name behind `%`"));
    }
    let text = match tls.ca {
        Some(_) => "asked over TLS, over kept connections",
        None => {
            "asked over TLS; without a CA file the system's certificates count, and our image has none: mount them, or name a file"
        }
    };
    sources.note(forward.spot, "forward", text);
    tls
}

fn option(directive: &Directive, line: &Line, forward: &mut Forward, tls: &mut RowTls, sources: &Sources) {
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
        "failover" => failover(line, forward, sources),
        "next" => {
            let rcodes = rcodes(line, sources);
            forward.next.extend(rcodes.map(|(_, rcode)| Outcome::Rcode(rcode)));
        }
        "next_on_nodata" => {
            line.at_most(0, sources);
            forward.next.insert(Outcome::NoData);
        }
        "tls" => files(line, tls, sources),
        "tls_servername" => server_name(line, tls, sources),
        "resolver" => resolver(line, forward, sources),
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

/// Servers that say what is no use are passed over anyway; what else is named here is an answer otherwise.
fn failover(line: &Line, forward: &mut Forward, sources: &Sources) {
    for (token, rcode) in rcodes(line, sources) {
        if rcode == Rcode::NOERROR {
            let fault = Fault::new("`failover NOERROR`: that is what every upstream is asked for");
            sources.error(token.spot, fault.help("name what is no answer, such as `NXDOMAIN`"));
        } else if UNWILLING.contains(&rcode) {
            let note = "the same: the next upstream is asked when one fails or refuses";
            sources.note(line.spot(), "failover", note);
        } else {
            forward.failover.insert(rcode);
        }
    }
}

fn rcodes<'l>(line: &'l Line, sources: &'l Sources) -> impl Iterator<Item = (&'l Token, Rcode)> {
    if line.args.is_empty() {
        _ = line.one("rcode", sources);
    }
    line.args.iter().filter_map(|token| Some((token, words::rcode(token, sources)?)))
}

/// Who knows the addresses of host names.
fn resolver(line: &Line, forward: &mut Forward, sources: &Sources) {
    if line.args.is_empty() {
        _ = line.one("address", sources);
        return;
    }
    forward.resolver.clear();
    for token in &line.args {
        match upstream(token, sources) {
            Some((To::Upstream(address @ Upstream::Address(_)), false)) => forward.resolver.push(address),
            Some(_) => {
                let fault = Fault::new(format!("`{}` is not the address of a resolver", token.text));
                sources.error(token.spot, fault.help("write an address, with a port if it is not 53"));
            }
            None => {}
        }
    }
}
