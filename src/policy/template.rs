//! Records made from the question itself.

use super::compile::{Policy, Rule, Turn};
use super::message::Message;
use super::question::{Client, Question, text_of};
use super::tally::{Event, Events};
use crate::answer::{Failure, by_rule};
use crate::config::policy::{Facts, RecordTemplate, TemplateRule};
use crate::wire::mnemonic::{class_text, type_text};
use crate::wire::text::OwnRecord;
use crate::wire::{Flags, NameRef, Rcode, class, rtype};

/// What a template says of a question.
enum Said {
    Nothing,
    Reply(Message),
}

impl Policy {
    /// The answer of the first template that fits.
    pub(super) fn template(
        &self,
        question: &Question,
        turn: Turn<'_>,
        client: Client<'_>,
        events: &mut Events,
    ) -> Option<Message> {
        self.template.iter().find_map(|rule| {
            let zone = rule.zone(turn)?;
            match one(rule, zone, question, client, events) {
                Said::Nothing => None,
                Said::Reply(reply) => Some(reply),
            }
        })
    }
}

fn one(
    rule: &Rule<TemplateRule>,
    zone: NameRef<'_>,
    question: &Question,
    client: Client<'_>,
    events: &mut Events,
) -> Said {
    let template = &rule.what;
    let (wanted, asked) = (template.class, question.qclass);
    let class_fits = wanted == class::ANY || asked == class::ANY || asked == wanted;
    let (wanted, asked) = (template.rtype, question.qtype);
    if !class_fits || !(wanted == rtype::ANY || asked == rtype::ANY || asked == wanted) {
        return Said::Nothing;
    }
    let found = template.matches.iter().find_map(|pattern| pattern.captures(&question.text));
    if found.is_none() && !template.matches.is_empty() {
        let through = template.fallthrough.iter().any(|zone| question.name.as_ref().is_in(zone.as_ref()));
        return if through { Said::Nothing } else { Said::Reply(failed(question, by_rule::NO_PATTERN)) };
    }
    let or = |asked, any, wanted| if asked == any { wanted } else { asked };
    let class = or(question.qclass, class::ANY, template.class);
    let rtype = or(question.qtype, rtype::ANY, template.rtype);
    events.push((Event::Template { class, rtype: counted(rtype) }, zone.to_name()));
    if template.rcode == Rcode::SERVFAIL {
        let silent = Message::new(Rcode::SERVFAIL, question.reply_flags());
        return Said::Reply(match &template.ede {
            Some(ede) => silent.because(ede.clone()),
            None => silent,
        });
    }
    let facts = Facts {
        name: &question.text,
        question: &question.text,
        zone: &text_of(zone),
        class: &class_text(class),
        rtype: &type_text(rtype),
        numbers: (question.qtype, question.qclass),
        remote: &client.address.to_canonical().to_string(),
        found: found.as_ref(),
    };
    let sections = [&template.answer, &template.authority, &template.additional];
    let mut reply = Message::new(template.rcode, question.reply_flags() | Flags::AA);
    for (section, templates) in sections.into_iter().enumerate() {
        let records: Option<Vec<OwnRecord>> = templates.iter().map(|text| record(text, &facts)).collect();
        let Some(records) = records else {
            events.push((Event::TemplateFailed { class, rtype: counted(rtype) }, zone.to_name()));
            return Said::Reply(failed(question, by_rule::NO_RECORD));
        };
        reply = reply.with(section, records);
    }
    reply.ede.clone_from(&template.ede);
    Said::Reply(reply)
}

fn record(template: &RecordTemplate, facts: &Facts<'_>) -> Option<OwnRecord> {
    OwnRecord::parse(&template.fill(facts)?).ok()
}

fn failed(question: &Question, what: &'static str) -> Message {
    Message::failed(question, &Failure::NoAnswerByRule { what })
}

/// The type for the counters: anybody can ask for any number.
fn counted(rtype: u16) -> u16 {
    if type_text(rtype).starts_with("TYPE") { 0 } else { rtype }
}
