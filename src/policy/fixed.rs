//! Answers that need no look-up: this host's own names, ANY, what the server is called, and who asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::compile::{Policy, Turn};
use super::message::Message;
use super::question::{Client, Question};
use super::tally::{Event, Events};
use crate::wire::text::OwnRecord;
use crate::wire::{Flags, Name, Rcode, class, rtype};

/// TTL of what never changes, as CoreDNS has it: a week.
const LOCAL_TTL: u32 = 604_800;
/// TTL of the HINFO record: the number of the RFC, as CoreDNS and others have it.
const ANY_TTL: u32 = 8_482;
/// Octets of a character string (RFC 1035 3.3).
const MAX_STRING: usize = 255;
const LOCALHOST: &str = "localhost.";
/// Reverse zones of the addresses that nobody has (RFC 6303 4.2), as far as CoreDNS serves them.
const REVERSE: [&str; 3] = ["0.in-addr.arpa.", "127.in-addr.arpa.", "255.in-addr.arpa."];

impl Policy {
    /// The answer that does not depend on anything outside, if there is one.
    pub(super) fn fixed(&self, question: &Question, turn: Turn<'_>, events: &mut Events) -> Option<Message> {
        let mut seen = |event, zone: &Name| events.push((event, zone.clone()));
        if let Some(rule) = self.local.iter().find(|rule| rule.sees(turn))
            && let Some(reply) = local(question, rule.what.no_prefix)
        {
            seen(Event::Local, &rule.root);
            return Some(reply);
        }
        if question.qtype == rtype::ANY
            && let Some(rule) = self.any.iter().find(|rule| rule.sees(turn))
        {
            seen(Event::Any, &rule.root);
            let data = strings(["ANY obsoleted", "See RFC 8482"]);
            return Some(answer(question, 0, rtype::HINFO, ANY_TTL, [data]));
        }
        if question.qclass == class::CH
            && question.qtype == rtype::TXT
            && let Some(rule) = self.chaos.iter().find(|rule| rule.sees(turn))
        {
            let texts = self.chaos(&rule.what, &question.text)?;
            seen(Event::Chaos, &rule.root);
            let data = texts.into_iter().map(|text| strings([text]));
            return Some(answer(question, 0, rtype::TXT, 0, data));
        }
        None
    }

    fn chaos<'a>(&'a self, rule: &'a crate::config::policy::ChaosRule, name: &str) -> Option<Vec<&'a str>> {
        let or = |own: &'a str, otherwise: &'a str| vec![if own.is_empty() { otherwise } else { own }];
        match name {
            "version.bind." | "version.server." => Some(or(&rule.version, &self.identity.version)),
            "hostname.bind." | "id.server." => Some(or(&rule.hostname, &self.identity.hostname)),
            "authors.bind." => Some(rule.authors.iter().map(String::as_str).collect()),
            _ => None,
        }
    }

    /// Who asked, for a name that nobody else answers.
    pub(super) fn whoami(
        &self,
        question: &Question,
        turn: Turn<'_>,
        client: Client<'_>,
        events: &mut Events,
    ) -> Option<Message> {
        let rule = self.whoami.iter().find(|rule| rule.sees(turn))?;
        if self.claimed.iter().any(|zone| turn.now.is_in(zone.as_ref())) {
            return None;
        }
        events.push((Event::Whoami, rule.root.clone()));
        let record = |owner, rtype, data| OwnRecord { owner, rtype, class: question.qclass, ttl: 0, data };
        let address = match client.address.to_canonical() {
            IpAddr::V4(v4) => record(question.name.clone(), rtype::A, v4.octets().to_vec()),
            IpAddr::V6(v6) => record(question.name.clone(), rtype::AAAA, v6.octets().to_vec()),
        };
        let proto = if client.tcp { "_tcp" } else { "_udp" };
        let mut data = vec![0; 4];
        data.extend(client.port.to_be_bytes());
        data.push(0);
        let port = question.name.prepend(proto).ok().map(|owner| record(owner, rtype::SRV, data));
        let reply = Message::new(Rcode::NOERROR, question.reply_flags() | Flags::AA);
        Some(reply.with(2, [address]).with(2, port))
    }

    /// What the server is called, for who asks with the option.
    pub(super) fn nsid(&self, turn: Turn<'_>) -> Option<&str> {
        let rule = self.nsid.iter().find(|rule| rule.sees(turn))?;
        Some(if rule.what.is_empty() { &self.identity.hostname } else { &rule.what })
    }
}

/// What a name of this host gets; none if it is not one.
fn local(question: &Question, no_prefix: bool) -> Option<Message> {
    let name = question.text.as_str();
    let below =
        name.ends_with(".localhost.") || (!no_prefix && name.len() > LOCALHOST.len() && name.starts_with(LOCALHOST));
    let itself = name == LOCALHOST;
    let reverse =
        REVERSE.iter().find(|zone| name == **zone || name.strip_suffix(**zone).is_some_and(|rest| rest.ends_with('.')));
    if !(below || itself || reverse.is_some()) {
        return None;
    }
    let zone = reverse.filter(|zone| name != **zone).map_or_else(|| question.name.clone(), |zone| known(zone));
    let nodata = || Message::new(Rcode::NOERROR, question.reply_flags()).with(1, [soa(&zone)]);
    let found = |rtype, data| answer(question, 0, rtype, LOCAL_TTL, [data]);
    let name_data = || known(LOCALHOST).as_ref().wire().to_vec();
    let apex = itself || reverse.is_some_and(|zone| name == *zone);
    Some(match question.qtype {
        rtype::A if itself || below => found(rtype::A, Ipv4Addr::LOCALHOST.octets().to_vec()),
        rtype::AAAA if itself || below => found(rtype::AAAA, Ipv6Addr::LOCALHOST.octets().to_vec()),
        rtype::SOA if apex => found(rtype::SOA, soa(&zone).data),
        rtype::NS if apex => found(rtype::NS, name_data()),
        rtype::PTR if name == "1.0.0.127.in-addr.arpa." => found(rtype::PTR, name_data()),
        _ if apex || below || name == "1.0.0.127.in-addr.arpa." => nodata(),
        _ => Message { rcode: Rcode::NXDOMAIN, ..nodata() },
    })
}

fn soa(owner: &Name) -> OwnRecord {
    let mut data = known(LOCALHOST).as_ref().wire().to_vec();
    data.extend_from_slice(known("root.localhost.").as_ref().wire());
    for field in [1, 0, 0, 0, LOCAL_TTL] {
        data.extend(field.to_be_bytes());
    }
    OwnRecord { owner: owner.clone(), rtype: rtype::SOA, class: class::IN, ttl: LOCAL_TTL, data }
}

/// A reply with these records for the question's own name.
pub(super) fn answer(
    question: &Question,
    flags: u16,
    rtype: u16,
    ttl: u32,
    data: impl IntoIterator<Item = Vec<u8>>,
) -> Message {
    let class = if question.qclass == class::ANY { class::IN } else { question.qclass };
    let records = data.into_iter().map(|data| OwnRecord { owner: question.name.clone(), rtype, class, ttl, data });
    Message::new(Rcode::NOERROR, question.reply_flags() | flags).with(0, records)
}

/// Character strings, each cut to what one takes.
fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut data = Vec::new();
    for text in texts {
        let text = &text.as_bytes()[..text.len().min(MAX_STRING)];
        data.push(text.len() as u8);
        data.extend_from_slice(text);
    }
    data
}

fn known(text: &str) -> Name {
    text.parse().expect("a name of ours is one")
}
