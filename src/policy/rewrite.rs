//! Questions become other questions, and replies to those become replies to what the client asked. It knows one question at a time.

use super::compile::{Policy, Turn};
use super::message::Message;
use super::options::Asks;
use super::question::{Client, Question, text_of};
use super::tally::{Event, Events};
use crate::config::policy::{AnswerPart, AnswerRewrite, AnswerRule, MatchKind, Matcher, Replacement, Rewrite};
use crate::wire::mnemonic::NAPTR;
use crate::wire::text::OwnRecord;
use crate::wire::{Name, NameBuf, NameRef, Rcode, rtype};

/// What has to be done with the reply, in the order of the rules; it is done backwards.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Undo<'p> {
    /// This name, and the names below it, become that one.
    Name {
        from: String,
        to: String,
    },
    /// Names that end so end so.
    Suffix {
        from: &'p str,
        to: &'p str,
    },
    Rule(&'p AnswerRule),
    Ttl {
        least: u32,
        most: u32,
    },
    Rcode {
        from: Rcode,
        to: Rcode,
    },
    Cname {
        target: &'p Matcher,
        to: &'p Replacement,
    },
}

/// A question that was rewritten to a text that is no name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAName;

impl Policy {
    /// Rewrites the question, and gives what to do with the reply.
    pub(super) fn rewrite(
        &self,
        question: &mut Question,
        asked: NameRef<'_>,
        client: Client,
        events: &mut Events,
    ) -> Result<Vec<Undo<'_>>, NotAName> {
        let mut undo = Vec::new();
        for rule in &self.rewrite {
            let name = question.name.clone();
            if !rule.sees(Turn { asked, now: name.as_ref() }) {
                continue;
            }
            if !apply(&rule.what.what, question, client, &mut undo)? {
                continue;
            }
            events.push((Event::Rewritten, rule.root.clone()));
            if !rule.what.proceed {
                break;
            }
        }
        Ok(undo)
    }
}

/// Whether the rule fits the question.
fn apply<'p>(
    rule: &'p Rewrite,
    question: &mut Question,
    client: Client,
    undo: &mut Vec<Undo<'p>>,
) -> Result<bool, NotAName> {
    Ok(match rule {
        Rewrite::Name { from, to, answer } => {
            let Some(text) = from.replace(&question.text, to) else { return Ok(false) };
            let renamed = question.renamed(&text).ok_or(NotAName)?;
            names(from, to, answer, question, &renamed, undo);
            *question = renamed;
            true
        }
        Rewrite::Type { from, to } => {
            let fits = question.qtype == *from;
            if fits {
                question.qtype = *to;
            }
            fits
        }
        Rewrite::Class { from, to } => {
            let fits = question.qclass == *from;
            if fits {
                question.qclass = *to;
            }
            fits
        }
        Rewrite::Ttl { name, least, most } => {
            let fits = name.fits(&question.text);
            undo.extend(fits.then_some(Undo::Ttl { least: *least, most: *most }));
            fits
        }
        Rewrite::Rcode { name, from, to } => {
            let fits = name.fits(&question.text);
            undo.extend(fits.then_some(Undo::Rcode { from: *from, to: *to }));
            fits
        }
        Rewrite::Edns0 { option, action } => {
            let (name, qtype) = (question.text.as_str(), question.qtype);
            question.options.apply(option, *action, Asks { name, qtype, client })
        }
        Rewrite::Cname { target, to } => {
            undo.push(Undo::Cname { target, to });
            true
        }
    })
}

/// How names of the reply get back to what the client knows.
fn names<'p>(
    from: &'p Matcher,
    to: &'p Replacement,
    answer: &'p AnswerRewrite,
    before: &Question,
    after: &Question,
    undo: &mut Vec<Undo<'p>>,
) {
    match from {
        Matcher::Suffix(suffix) if answer.auto => undo.push(Undo::Suffix { from: to.as_str(), to: suffix }),
        _ if answer.auto || from.kind() == MatchKind::Exact => {
            undo.push(Undo::Name { from: after.text.clone(), to: before.text.clone() });
        }
        _ => {}
    }
    undo.extend(answer.rules.iter().map(Undo::Rule));
}

/// Changes the reply as all of these want it, but for CNAMEs that have to be followed elsewhere: see [`redirected`].
pub(super) fn undone(mut reply: Message, undo: &[Undo<'_>]) -> Message {
    for step in undo.iter().rev() {
        if let Undo::Rcode { from, to } = step
            && reply.rcode == *from
        {
            reply.rcode = *to;
        }
    }
    for record in reply.sections.iter_mut().flatten() {
        undo.iter().rev().for_each(|step| one(record, step));
    }
    reply
}

/// The first CNAME of the answer that has to lead elsewhere: its place, and where.
pub(super) fn redirected(reply: &Message, undo: &[Undo<'_>]) -> Option<(usize, Name)> {
    let rules = undo.iter().rev().filter_map(|step| match step {
        Undo::Cname { target, to } => Some((*target, *to)),
        _ => None,
    });
    let cnames = || reply.answers().iter().enumerate().filter(|(_, record)| record.rtype == rtype::CNAME);
    rules.into_iter().find_map(|(target, to)| {
        cnames().find_map(|(place, record)| {
            let name = text_of(value(record)?.name.as_ref());
            Some((place, target.replace(&name, to)?.parse().ok()?))
        })
    })
}

/// The reply with the CNAME at this place leading to `target`, and what that gave behind it.
pub(super) fn followed(mut reply: Message, place: usize, target: &Name, rest: Message) -> Message {
    let mut answers = std::mem::take(&mut reply.sections[0]);
    answers.truncate(place + 1);
    answers.retain(|record| record.rtype == rtype::CNAME);
    if let Some(last) = answers.last_mut() {
        last.data = target.as_ref().wire().to_vec();
    }
    let [rest_answers, ..] = rest.sections;
    answers.extend(rest_answers);
    reply.sections[0] = answers;
    reply.truncated = rest.truncated;
    reply
}

fn one(record: &mut OwnRecord, step: &Undo<'_>) {
    match step {
        Undo::Ttl { least, most } => record.ttl = record.ttl.clamp(*least, *most),
        Undo::Name { from, to } => both(record, |name| {
            if name == from {
                return Some(to.clone());
            }
            let below = name.strip_suffix(from.as_str()).filter(|rest| rest.ends_with('.'))?;
            Some([below, to].concat())
        }),
        Undo::Suffix { from, to } => both(record, |name| Some([name.strip_suffix(from)?, *to].concat())),
        Undo::Rule(rule) => {
            let change = |name: &str| rule.from.captures(name).map(|found| rule.to.expand(&found));
            match rule.part {
                AnswerPart::Owner => owner(record, change),
                AnswerPart::Value => in_data(record, change),
            }
        }
        Undo::Rcode { .. } | Undo::Cname { .. } => {}
    }
}

fn both(record: &mut OwnRecord, change: impl Fn(&str) -> Option<String>) {
    owner(record, &change);
    in_data(record, change);
}

/// A text that is no name changes nothing.
fn owner(record: &mut OwnRecord, change: impl Fn(&str) -> Option<String>) {
    if let Some(name) = change(&text_of(record.owner.as_ref())).and_then(|text| text.parse().ok()) {
        record.owner = name;
    }
}

fn in_data(record: &mut OwnRecord, change: impl Fn(&str) -> Option<String>) {
    let Some(Value { name, start, end }) = value(record) else { return };
    if let Some(name) = change(&text_of(name.as_ref())).and_then(|text| text.parse::<Name>().ok()) {
        record.data.splice(start..end, name.as_ref().wire().iter().copied());
    }
}

/// The name in a record's data, and where it stands.
struct Value {
    name: Name,
    start: usize,
    end: usize,
}

fn value(record: &OwnRecord) -> Option<Value> {
    let data = &record.data;
    let start = match record.rtype {
        rtype::CNAME | rtype::DNAME | rtype::NS | rtype::PTR | rtype::SOA => 0,
        rtype::MX => 2,
        rtype::SRV => 6,
        // Order and preference, then three strings (RFC 3403 4.1).
        NAPTR => (0..3).try_fold(4, |at, _| Some(at + 1 + usize::from(*data.get(at)?)))?,
        _ => return None,
    };
    let mut name = NameBuf::new();
    let end = name.read_plain(data, start).ok()?;
    Some(Value { name: name.to_name(), start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::policy::Pattern;

    fn record(text: &str) -> OwnRecord {
        OwnRecord::parse(text).unwrap()
    }

    #[test]
    fn names_in_data_are_found_in_every_type() {
        for text in [
            "x. 60 CNAME web.in.",
            "x. 60 MX 10 web.in.",
            "x. 60 SRV 1 2 3 web.in.",
            "x. 60 SOA web.in. h.in. (1 2 3 4 5)",
            "x. 60 NAPTR 1 2 \"U\" \"SIP\" \"\" web.in.",
            "x. 60 PTR web.in.",
        ] {
            let mut changed = record(text);
            one(&mut changed, &Undo::Suffix { from: ".in.", to: ".out.example." });
            assert_eq!(changed, record(&text.replace("web.in.", "web.out.example.")), "{text}");
        }
        let mut opaque = record("x. 60 TXT \"web.in.\"");
        one(&mut opaque, &Undo::Suffix { from: ".in.", to: ".out." });
        assert_eq!(opaque, record("x. 60 TXT \"web.in.\""));
    }

    #[test]
    fn rules_are_undone_backwards() {
        let pattern = Pattern::new(r"(.*)\.b\.$").unwrap();
        let to = Replacement::of_pattern("{1}.c", &pattern).unwrap();
        let rule = AnswerRule { part: AnswerPart::Owner, from: pattern, to };
        let undo = [
            Undo::Rule(&rule),
            Undo::Name { from: "x.a.".into(), to: "x.b.".into() },
            Undo::Ttl { least: 30, most: 40 },
            Undo::Rcode { from: Rcode::SERVFAIL, to: Rcode::NOERROR },
        ];
        let reply =
            Message::new(Rcode::SERVFAIL, 0).with(0, [record("x.a. 5 A 1.2.3.4"), record("y.x.a. 60 A 1.2.3.4")]);
        let reply = undone(reply, &undo);
        assert_eq!(reply.answers(), [record("x.c. 30 A 1.2.3.4"), record("y.x.c. 40 A 1.2.3.4")]);
        assert_eq!(reply.rcode, Rcode::NOERROR);
    }

    #[test]
    fn a_cname_leads_elsewhere() {
        let target = Matcher::of_target(MatchKind::Suffix, ".cdn.net.").unwrap();
        let to = Replacement::of_target(".other.net.", &target).unwrap();
        let undo = [Undo::Cname { target: &target, to: &to }];
        let answers = ["a. 60 CNAME b.", "b. 60 CNAME c.cdn.net.", "c.cdn.net. 60 A 1.2.3.4"].map(record);
        let reply = Message::new(Rcode::NOERROR, 0).with(0, answers);
        let (place, name) = redirected(&reply, &undo).unwrap();
        assert_eq!((place, name.to_string().as_str()), (1, "c.other.net"));
        let rest = Message::new(Rcode::NOERROR, 0).with(0, [record("c.other.net. 9 A 5.6.7.8")]);
        let expected = ["a. 60 CNAME b.", "b. 60 CNAME c.other.net.", "c.other.net. 9 A 5.6.7.8"].map(record);
        let reply = followed(reply, place, &name, rest);
        assert_eq!(reply.answers(), expected);
        assert_eq!(redirected(&reply, &undo), None);
    }
}
