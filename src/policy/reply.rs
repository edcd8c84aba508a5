//! What is done to every reply on its way out: sections that nobody needs, and flags.

use super::compile::{Policy, Turn};
use super::message::Message;
use super::question::Question;
use crate::config::policy::HeaderFlag;
use crate::wire::{Flags, Rcode, rtype};

/// The rules that a reply has to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finish<'p> {
    minimal: bool,
    flags: Vec<&'p [(HeaderFlag, bool)]>,
}

impl Policy {
    /// Changes the flags of a question.
    pub(super) fn header(&self, question: &mut Question, turn: Turn<'_>) {
        for rule in self.header.iter().filter(|rule| rule.sees(turn)) {
            question.flags = changed(question.flags, &rule.what.query);
        }
    }

    /// What its reply has to pass, if anything.
    pub(super) fn finish(&self, turn: Turn<'_>) -> Option<Finish<'_>> {
        let minimal = self.minimal.iter().any(|rule| rule.sees(turn));
        let rules = self.header.iter().filter(|rule| rule.sees(turn) && !rule.what.reply.is_empty());
        let flags: Vec<_> = rules.map(|rule| rule.what.reply.as_slice()).collect();
        (minimal || !flags.is_empty()).then_some(Finish { minimal, flags })
    }
}

impl Finish<'_> {
    pub(super) fn apply(&self, mut reply: Message) -> Message {
        if self.minimal && is_whole(&reply) {
            reply.sections[1].clear();
            reply.sections[2].clear();
        }
        reply.flags = self.flags.iter().fold(reply.flags, |flags, rules| changed(flags, rules));
        reply
    }
}

/// Neither a denial nor a delegation, whose authority section is what they are about.
fn is_whole(reply: &Message) -> bool {
    let denies = reply.sections[1].iter().any(|record| matches!(record.rtype, rtype::SOA | rtype::NS));
    reply.rcode == Rcode::NOERROR && (!reply.answers().is_empty() || !denies)
}

fn changed(flags: u16, rules: &[(HeaderFlag, bool)]) -> u16 {
    rules.iter().fold(flags, |flags, (flag, set)| {
        let bit = match flag {
            HeaderFlag::Authoritative => Flags::AA,
            HeaderFlag::RecursionAvailable => Flags::RA,
            HeaderFlag::RecursionDesired => Flags::RD,
        };
        if *set { flags | bit } else { flags & !bit }
    })
}
