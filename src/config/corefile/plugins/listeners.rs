//! `health`, `ready` and `prometheus`: the pages that others look at, each on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::Listen;
use crate::config::corefile::directive::{Directive, said};
use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::{Sources, Spot};
use crate::config::error::Fault;

/// As `shutdown.lameduck` has it.
const MOST_LAMEDUCK: Duration = Duration::from_secs(600);

/// Where a page is.
#[derive(Debug, Clone, Copy)]
pub(in crate::config::corefile) struct Http {
    pub(in crate::config::corefile) spot: Spot,
    pub(in crate::config::corefile) listen: Listen,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::config::corefile) struct Health {
    pub(in crate::config::corefile) http: Http,
    pub(in crate::config::corefile) lameduck: Duration,
}

pub(super) fn health(directive: &Directive, sources: &Sources) -> Option<Health> {
    let mut lameduck = Duration::ZERO;
    for line in directive.lines() {
        match line.name.text.as_str() {
            "lameduck" => {
                lameduck = line.duration(sources).unwrap_or(lameduck);
                if lameduck > MOST_LAMEDUCK {
                    sources.error(line.spot(), Fault::new("`lameduck` is longer than ten minutes").help("at most 10m"));
                }
            }
            _ => directive.unknown(line, &["lameduck"], sources),
        }
    }
    Some(Health { http: http(directive, Listen::Port(8_080), sources)?, lameduck })
}

pub(super) fn ready(directive: &Directive, sources: &Sources) -> Option<Http> {
    for line in directive.lines() {
        match line.name.text.as_str() {
            "monitor" => {
                if let Some(token) = line.one("mode", sources) {
                    let known = [("until-ready", ()), ("continuously", ())];
                    said(token, crate::config::leaf::choice(&token.text, &known), sources);
                }
                sources.note(line.spot(), "monitor", "better: /ready says what is so now, and 503 from SIGTERM on");
            }
            _ => directive.unknown(line, &["monitor"], sources),
        }
    }
    http(directive, Listen::Port(8_181), sources)
}

pub(super) fn prometheus(directive: &Directive, sources: &Sources) -> Option<Http> {
    for line in directive.lines() {
        sources.note(
            line.spot(),
            &line.name.text,
            "not needed: certificates and runtime metrics are not CoreDNS's here",
        );
    }
    // CoreDNS's own default is for nobody else to see.
    http(directive, Listen::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, 9_153))), sources)
}

fn http(directive: &Directive, default: Listen, sources: &Sources) -> Option<Http> {
    directive.at_most(1, sources);
    let listen = match directive.args.first() {
        None => default,
        Some(token) => said(token, listen(token), sources)?,
    };
    Some(Http { spot: directive.spot(), listen })
}

/// `:8080`, `10.0.0.1:8080`, `localhost:8080`.
fn listen(token: &Token) -> Result<Listen, Fault> {
    match token.text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse(),
        None => token.text.parse(),
    }
}
