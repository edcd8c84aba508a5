//! `bind`: the addresses that a block listens on. Names of interfaces are refused: what addresses they have may change.

use std::net::IpAddr;

use crate::config::corefile::directive::Directive;
use crate::config::corefile::sources::{Sources, Spot};
use crate::config::error::Fault;

pub(super) fn read(directive: &Directive, sources: &Sources) -> Vec<(Spot, IpAddr)> {
    for line in directive.lines() {
        let fault = Fault::new(format!("`bind {{ {} }}` is not supported", line.name.text));
        sources.error(line.spot(), fault.help("name the addresses to listen on, and no others"));
    }
    if directive.args.is_empty() {
        let fault = Fault::new("`bind` names no address").help("write the addresses to listen on: `bind 10.0.0.1`");
        sources.error(directive.spot(), fault);
    }
    let mut addresses: Vec<(Spot, IpAddr)> = Vec::new();
    for token in &directive.args {
        match token.text.parse() {
            Ok(ip) if addresses.iter().any(|(_, other)| *other == ip) => {}
            Ok(ip) => addresses.push((token.spot, ip)),
            Err(_) => {
                let fault = Fault::new(format!("`{}` is not an address: interfaces are not looked up", token.text));
                let help = "write the address that it has; a variable may give it: `bind {$POD_IP}`";
                sources.error(token.spot, fault.help(help));
            }
        }
    }
    addresses
}
