//! One question on its way through the rules, and its reply on the way back. It asks whoever drives it for what has to be looked up:
//! the same steps are taken in place, where nothing may wait, and in a task, where everything may.

use super::acl::Access;
use super::autopath::{Walk, Walked};
use super::compile::{Policy, Turn};
use super::dns64;
use super::message::Message;
use super::question::{Client, Question};
use super::reply::Finish;
use super::rewrite::{Undo, followed, redirected, undone};
use super::tally::{Event, Events};
use crate::answer::{Failure, by_rule};
use crate::config::policy::Dns64Rule;
use crate::wire::edns::option;
use crate::wire::{HEADER_LEN, Name, NameRef, Query, rtype};

/// Further look-ups for one question: addresses to translate, targets of CNAMEs. CoreDNS stops at about as many.
const MAX_LOOKUPS: usize = 8;

/// What is to be done with a question.
#[derive(Debug)]
pub enum Begin<'p> {
    /// Nothing: no rule is for it.
    Pass,
    /// It gets no reply.
    Drop,
    Work(Box<Work<'p>>),
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// This message is to be answered, whole, as if the client had sent it to a server without rules; the reply goes to [`Work::reply`].
    Ask(Vec<u8>),
    /// The reply to the client's own question.
    Done(Message),
    Drop,
}

/// A question under way.
#[derive(Debug)]
pub struct Work<'p> {
    policy: &'p Policy,
    client: Client<'p>,
    id: u16,
    /// How many records follow the question, as in the header, and what they are.
    counts: [u8; 8],
    tail: Box<[u8]>,
    wants_nsid: bool,
    asked: Name,
    next: Next,
    /// Who waits for the reply, the last one first.
    waiting: Vec<Frame<'p>>,
    lookups: usize,
    events: Events,
}

#[derive(Debug)]
enum Next {
    Enter(Question),
    /// Another name that it stands for, past what is done with the one that was asked; with that.
    Walk(Question, Name),
    Reply(Message),
    /// For [`Work::reply`].
    Wait,
    Drop,
}

#[derive(Debug)]
enum Frame<'p> {
    Undo {
        undo: Vec<Undo<'p>>,
        question: Question,
    },
    Finish(Finish<'p>),
    /// The answer may need addresses of IPv4.
    Dns64 {
        rule: Dns64Rule,
        question: Question,
    },
    /// Those addresses, for this answer.
    Translate {
        rule: Dns64Rule,
        reply: Message,
    },
    /// What the CNAME of this answer leads to.
    Append(Message),
    /// The next name of a search path.
    Walk(Walk),
    /// What the CNAME at this place of the answer is to lead to.
    Follow {
        reply: Message,
        place: usize,
        target: Name,
    },
}

impl Policy {
    /// Takes a question. `again`: it was seen before, in vain, and is not counted once more.
    #[must_use]
    pub fn begin<'p>(&'p self, message: &[u8], query: &Query<'_>, client: Client<'p>, again: bool) -> Begin<'p> {
        let asked = query.name.as_ref();
        let turn = Turn { asked, now: asked };
        let nsid = query.edns.is_some_and(|edns| edns.option(option::NSID).is_some()) && self.nsid(turn).is_some();
        if !nsid && !self.concerns(turn) {
            // Nothing but access: no copy of anything is made.
            let mut events = Events::new();
            let access = self.access(client.address, turn, query.qtype, 0, &mut events);
            self.tally.add(&mut events);
            match access {
                Access::Allowed => {
                    if !again && !self.acl.is_empty() {
                        self.tally.allow();
                    }
                    return Begin::Pass;
                }
                Access::Drop => return Begin::Drop,
                Access::Reply(_) => {}
            }
        }
        let question = Question::of(query);
        let behind = HEADER_LEN + query.raw_name.len() + 4;
        let mut counts = [0; 8];
        counts.copy_from_slice(&message[4..HEADER_LEN]);
        Begin::Work(Box::new(Work {
            policy: self,
            client,
            id: query.id,
            counts,
            tail: message[behind..].into(),
            wants_nsid: nsid,
            asked: question.name.clone(),
            next: Next::Enter(question),
            waiting: Vec::new(),
            lookups: 0,
            events: Events::new(),
        }))
    }

    /// Is any rule but those of access for this name?
    fn concerns(&self, turn: Turn<'_>) -> bool {
        self.local.iter().any(|rule| rule.sees(turn))
            || self.any.iter().any(|rule| rule.sees(turn))
            || self.chaos.iter().any(|rule| rule.sees(turn))
            || self.dns64.iter().any(|rule| rule.sees(turn))
            || self.rewrite.iter().any(|rule| rule.sees(turn))
            || self.header.iter().any(|rule| rule.sees(turn))
            || self.autopath.iter().any(|rule| rule.sees(turn))
            || self.minimal.iter().any(|rule| rule.sees(turn))
            || self.template.iter().any(|rule| rule.zone(turn).is_some())
            || self.hosts.iter().any(|rule| rule.scope.holds(turn.asked))
            || self.whoami.iter().any(|rule| rule.sees(turn))
    }
}

impl<'p> Work<'p> {
    /// What is next; after [`Step::Ask`] only once the reply is there.
    pub fn step(&mut self) -> Step {
        loop {
            self.next = match std::mem::replace(&mut self.next, Next::Wait) {
                Next::Enter(question) => match self.enter(question) {
                    Ok(next) => next,
                    Err(question) => return Step::Ask(question.message(self.id, &self.counts, &self.tail)),
                },
                Next::Walk(question, asked) => match self.walk(question, &asked) {
                    Ok(next) => next,
                    Err(question) => return Step::Ask(question.message(self.id, &self.counts, &self.tail)),
                },
                Next::Reply(reply) => match self.waiting.pop() {
                    Some(frame) => self.resume(frame, reply),
                    None => {
                        self.policy.tally.add(&mut self.events);
                        return Step::Done(self.named(reply));
                    }
                },
                Next::Drop => {
                    self.policy.tally.add(&mut self.events);
                    return Step::Drop;
                }
                // Nobody asks before the reply is there; a driver that does gets a failure and no loop.
                Next::Wait => Next::Reply(broken(&Failure::Panic)),
            };
        }
    }

    /// The reply to what was asked for.
    pub fn reply(&mut self, message: &[u8]) {
        self.next = Next::Reply(Message::read(message).unwrap_or_else(|_| broken(&Failure::Malformed)));
    }

    /// A question through the rules, up to what has to be looked up.
    fn enter(&mut self, mut question: Question) -> Result<Next, Question> {
        let (policy, client) = (self.policy, self.client);
        // Further questions stand for themselves, as if a client had asked them.
        let asked = if self.lookups == 0 { self.asked.clone() } else { question.name.clone() };
        let asked = asked.as_ref();
        let first = question.clone();
        let turn = Turn { asked, now: asked };
        if let Some(next) = self.judged(&first, turn) {
            return Ok(next);
        }
        if let Some(reply) = policy.fixed(&question, turn, &mut self.events) {
            return Ok(Next::Reply(reply));
        }
        if let Some(rule) = policy.dns64(&question, turn, client) {
            self.waiting.push(Frame::Dns64 { rule, question: question.clone() });
        }
        let Ok(undo) = policy.rewrite(&mut question, asked, &mut self.events) else {
            return Ok(Next::Reply(failed(&question, by_rule::NO_NAME)));
        };
        let name = question.name.clone();
        let turn = Turn { asked, now: name.as_ref() };
        if (question.qtype, &question.name) != (first.qtype, &first.name)
            && let Some(next) = self.judged(&question, turn)
        {
            return Ok(next);
        }
        if !policy.acl.is_empty() && self.lookups == 0 {
            self.events.push((Event::Allowed, Name::root()));
        }
        policy.header(&mut question, turn);
        if !undo.is_empty() {
            self.waiting.push(Frame::Undo { undo, question: question.clone() });
        }
        // What is asked for on the way of a walk is not walked for in its turn.
        if !self.waiting.iter().any(|frame| matches!(frame, Frame::Walk(_))) {
            self.waiting.extend(policy.walk(&question, turn, client).map(Frame::Walk));
        }
        self.behind(question, asked)
    }

    /// Another name that the question stands for: may it be asked, and what do rules say of it?
    fn walk(&mut self, question: Question, asked: &Name) -> Result<Next, Question> {
        let turn = Turn { asked: asked.as_ref(), now: question.name.as_ref() };
        match self.judged(&question, turn) {
            Some(next) => Ok(next),
            None => self.behind(question, asked.as_ref()),
        }
    }

    /// The rules that answer.
    fn behind(&mut self, question: Question, asked: NameRef<'_>) -> Result<Next, Question> {
        let (policy, client) = (self.policy, self.client);
        let name = question.name.clone();
        let turn = Turn { asked, now: name.as_ref() };
        self.waiting.extend(policy.finish(turn).map(Frame::Finish));
        if let Some(reply) = policy.template(&question, turn, client, &mut self.events) {
            return Ok(self.chased(reply, &question));
        }
        if let Some(reply) = policy.hosts(&question, turn, &mut self.events) {
            return Ok(Next::Reply(reply));
        }
        if let Some(reply) = policy.whoami(&question, turn, client, &mut self.events) {
            return Ok(Next::Reply(reply));
        }
        Err(question)
    }

    /// What the rules of access say against it.
    fn judged(&mut self, question: &Question, turn: Turn<'_>) -> Option<Next> {
        let flags = question.reply_flags();
        match self.policy.access(self.client.address, turn, question.qtype, flags, &mut self.events) {
            Access::Allowed => None,
            Access::Reply(reply) => Some(Next::Reply(reply)),
            // What the client did not ask itself is a look-up that failed.
            Access::Drop if self.lookups > 0 => Some(Next::Reply(failed(question, by_rule::NOT_ALLOWED))),
            Access::Drop => Some(Next::Drop),
        }
    }

    /// A reply for whoever waits for it.
    fn resume(&mut self, frame: Frame<'p>, reply: Message) -> Next {
        match frame {
            Frame::Finish(finish) => Next::Reply(finish.apply(reply)),
            Frame::Undo { undo, question } => match redirected(&reply, &undo) {
                Some((place, target)) if self.lookups < MAX_LOOKUPS => {
                    let further = Question { raw: None, ..question.clone() }.renamed(&target.to_string());
                    let Some(further) = further else { return Next::Reply(undone(reply, &undo)) };
                    // The rest is undone once the chain is whole, and that rule is done with.
                    let rest = undo.into_iter().filter(|step| !matches!(step, Undo::Cname { .. })).collect();
                    self.waiting.push(Frame::Undo { undo: rest, question });
                    self.waiting.push(Frame::Follow { reply, place, target });
                    self.further(further)
                }
                _ => Next::Reply(undone(reply, &undo)),
            },
            Frame::Dns64 { rule, question } => {
                if !dns64::wanted(rule, &reply) || self.lookups >= MAX_LOOKUPS {
                    return Next::Reply(reply);
                }
                self.waiting.push(Frame::Translate { rule, reply });
                self.further(Question { qtype: rtype::A, ..question })
            }
            Frame::Translate { rule, reply: v6 } => {
                self.events.push((Event::Translated, Name::root()));
                Next::Reply(dns64::translated(rule, &v6, reply))
            }
            Frame::Append(mut before) => {
                let [answers, ..] = reply.sections;
                before.sections[0].extend(answers);
                before.truncated |= reply.truncated;
                Next::Reply(before)
            }
            Frame::Walk(walk) => {
                let zone = walk.zone.clone();
                match walk.step(reply) {
                    Walked::Here(reply) => {
                        self.events.push((Event::Autopath, zone));
                        Next::Reply(reply)
                    }
                    Walked::Nowhere(reply) => Next::Reply(reply),
                    Walked::On(question, walk) => {
                        let asked = walk.asked.clone();
                        self.waiting.push(Frame::Walk(walk));
                        Next::Walk(question, asked)
                    }
                }
            }
            Frame::Follow { reply: before, place, target } => Next::Reply(followed(before, place, &target, reply)),
        }
    }

    /// A template's answer, with what its last CNAME leads to.
    fn chased(&mut self, reply: Message, question: &Question) -> Next {
        let last = reply.answers().last().filter(|record| record.rtype == rtype::CNAME);
        let target = last.and_then(|record| {
            let mut name = crate::wire::NameBuf::new();
            name.read_plain(&record.data, 0).ok().map(|_| name.to_name())
        });
        let wanted = matches!(question.qtype, rtype::A | rtype::AAAA) && self.lookups < MAX_LOOKUPS;
        match target.filter(|_| wanted).and_then(|target| question.renamed(&target.to_string())) {
            Some(further) => {
                self.waiting.push(Frame::Append(reply));
                self.further(further)
            }
            None => Next::Reply(reply),
        }
    }

    /// One more question, from the start.
    fn further(&mut self, question: Question) -> Next {
        self.lookups += 1;
        Next::Enter(question)
    }

    fn named(&self, mut reply: Message) -> Message {
        let asked = self.asked.as_ref();
        if self.wants_nsid {
            reply.nsid = self.policy.nsid(Turn { asked, now: asked }).map(str::to_owned);
        }
        reply
    }
}

fn failed(question: &Question, what: &'static str) -> Message {
    Message::failed(question, &Failure::NoAnswerByRule { what })
}

/// What a look-up gave that cannot be used.
fn broken(failure: &Failure) -> Message {
    Message::new(failure.rcode(), crate::wire::Flags::RA).because(failure.ede())
}
