//! The words of a server's script, and the pure step from a query to what leaves the socket. No sockets, no clock:
//! `server` reads, waits and writes.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsOption, OPT};
use hickory_proto::rr::{Name, Record, RecordType};

use super::rule::soa;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// Which questions a script is for.
#[derive(Clone)]
pub enum Asked {
    Anything,
    Exactly(Name, RecordType),
    Name(Name),
    /// The zone itself, and every name below it.
    Under(Name),
}

impl Asked {
    /// The name of the records of a rule for one name.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Self::Exactly(name, _) | Self::Name(name) => Some(name),
            Self::Anything | Self::Under(_) => None,
        }
    }

    pub fn covers(&self, query: &Message) -> bool {
        let Some(question) = query.queries.first() else { return matches!(self, Self::Anything) };
        match self {
            Self::Anything => true,
            Self::Exactly(name, rtype) => name == question.name() && *rtype == question.query_type(),
            Self::Name(name) => name == question.name(),
            Self::Under(zone) => zone.zone_of(question.name()),
        }
    }
}

/// How the encoded reply is spoiled.
#[derive(Clone)]
pub enum Spoil {
    Id,
    Question(Name),
    NoQuestion,
}

/// What happens to the conversation after the reply, or in place of it. Over UDP all of them are silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The connection is closed, unanswered.
    Close,
    /// The connection is reset (SO_LINGER 0), unanswered.
    Reset,
    /// The length and half of the reply, then the connection is closed.
    CloseHalfWay,
    /// The whole reply, then the connection is closed.
    CloseAfterAnswer,
}

/// What leaves the socket for one query.
#[derive(Debug, Clone, Default)]
pub struct Reaction {
    pub delay: Duration,
    /// Whole DNS messages, or garbage, in this order.
    pub sends: Vec<Vec<u8>>,
    pub ending: Option<Ending>,
    /// UDP: from a port that was not asked.
    pub other_port: bool,
}

pub type Edit = Arc<dyn Fn(&Message, &mut Message) + Send + Sync>;

/// What is done with the questions that it is for. It starts as an empty NOERROR with RA, at once.
#[derive(Clone)]
pub struct Script {
    pub(super) asked: Asked,
    pub(super) over: Option<Transport>,
    /// How many questions it still takes; none: no end.
    pub(super) left: Option<usize>,
    pub(super) delay: Duration,
    pub(super) rcode: ResponseCode,
    pub(super) authoritative: bool,
    pub(super) authentic: bool,
    pub(super) recursion: bool,
    pub(super) truncated: bool,
    pub(super) truncated_over_udp: bool,
    pub(super) ignores_size: bool,
    pub(super) answers: Vec<Record>,
    pub(super) authorities: Vec<Record>,
    pub(super) options: Vec<(u16, Vec<u8>)>,
    pub(super) echoes_options: bool,
    pub(super) leaves_out_opt: bool,
    pub(super) refuses_opt: Option<ResponseCode>,
    pub(super) edit: Option<Edit>,
    pub(super) spoil: Option<Spoil>,
    pub(super) then_right: bool,
    pub(super) other_port: bool,
    pub(super) raw: Option<Vec<u8>>,
    pub(super) silent: bool,
    pub(super) ending: Option<Ending>,
}

impl Script {
    pub fn new(asked: Asked) -> Self {
        Self {
            asked,
            over: None,
            left: None,
            delay: Duration::ZERO,
            rcode: ResponseCode::NoError,
            authoritative: false,
            authentic: false,
            recursion: true,
            truncated: false,
            truncated_over_udp: false,
            ignores_size: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            options: Vec::new(),
            echoes_options: false,
            leaves_out_opt: false,
            refuses_opt: None,
            edit: None,
            spoil: None,
            then_right: false,
            other_port: false,
            raw: None,
            silent: false,
            ending: None,
        }
    }

    /// What a server does that nobody told anything: NXDOMAIN with an SOA of half a minute.
    pub fn nxdomain() -> Self {
        let mut script = Self::new(Asked::Anything);
        script.rcode = ResponseCode::NXDomain;
        script.authorities.push(soa(".", 30));
        script
    }

    /// For this question, over this transport, and not used up.
    pub fn takes(&self, query: &Message, transport: Transport) -> bool {
        self.left != Some(0) && self.over.is_none_or(|over| over == transport) && self.asked.covers(query)
    }

    pub fn react(&self, query: &Message, transport: Transport) -> Reaction {
        let mut reaction =
            Reaction { delay: self.delay, ending: self.ending, other_port: self.other_port, ..Reaction::default() };
        if self.silent {
            return reaction;
        }
        if let Some(raw) = &self.raw {
            reaction.sends.push(raw.clone());
            return reaction;
        }
        let right = self.reply(query, transport);
        if let Some(spoil) = &self.spoil {
            let mut wrong = right.clone();
            match spoil {
                Spoil::Id => wrong.metadata.id = right.id.wrapping_add(1),
                Spoil::Question(name) => wrong.queries.iter_mut().for_each(|query| query.name = name.clone()),
                Spoil::NoQuestion => wrong.queries.clear(),
            }
            reaction.sends.push(wrong.to_vec().unwrap());
        }
        if self.spoil.is_none() || self.then_right {
            reaction.sends.push(self.fitted(&right, query, transport));
        }
        reaction
    }

    fn reply(&self, query: &Message, transport: Transport) -> Message {
        let mut reply = Message::response(query.id, query.op_code);
        reply.metadata.recursion_desired = query.recursion_desired;
        reply.metadata.checking_disabled = query.checking_disabled;
        reply.add_queries(query.queries.iter().cloned());
        if let (Some(rcode), Some(_)) = (self.refuses_opt, &query.edns) {
            reply.metadata.response_code = rcode;
            return reply;
        }
        reply.metadata.authoritative = self.authoritative;
        reply.metadata.authentic_data = self.authentic;
        reply.metadata.recursion_available = self.recursion;
        reply.metadata.truncation = self.truncated;
        reply.metadata.response_code = self.rcode;
        reply.answers.clone_from(&self.answers);
        reply.authorities.clone_from(&self.authorities);
        reply.edns = query.edns.as_ref().filter(|_| !self.leaves_out_opt).map(|asked| self.edns(asked));
        if let Some(edit) = &self.edit {
            edit(query, &mut reply);
        }
        if self.truncated_over_udp && transport == Transport::Udp { reply.truncate() } else { reply }
    }

    fn edns(&self, asked: &Edns) -> Edns {
        let mut edns = Edns::new();
        edns.set_max_payload(1232).set_dnssec_ok(asked.flags().dnssec_ok).set_rcode_high(self.rcode.high());
        let mut options = OPT::default();
        if self.echoes_options {
            asked.options().options.iter().for_each(|(_, option)| options.insert(option.clone()));
        }
        for (code, data) in &self.options {
            options.insert(EdnsOption::Unknown(*code, data.clone()));
        }
        *edns.options_mut() = options;
        edns
    }

    /// Over UDP, cut to what the asker takes: 512 bytes without EDNS (RFC 1035 4.2.1).
    fn fitted(&self, reply: &Message, query: &Message, transport: Transport) -> Vec<u8> {
        let whole = reply.to_vec().unwrap();
        let room = query.edns.as_ref().map_or(512, |edns| edns.max_payload().max(512));
        if transport == Transport::Tcp || self.ignores_size || whole.len() <= usize::from(room) {
            return whole;
        }
        reply.truncate().to_vec().unwrap()
    }
}

/// What is done with bytes that hickory cannot read: FORMERR if there is a header to answer to, else silence.
pub fn react_to_garbage(query: &[u8]) -> Reaction {
    let mut reaction = Reaction::default();
    if let [high, low, flags, ..] = *query
        && query.len() >= 12
        && flags & 0x80 == 0
    {
        let id = u16::from_be_bytes([high, low]);
        let reply = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
        reaction.sends.push(reply.to_vec().unwrap());
    }
    reaction
}
