//! What of a reply does not depend on who asked: the cache holds these, a fetch gives one to all who wait. Each asker gets
//! it with their own id, question, size and flags.

use self::turning::Turning;
use super::edns::{Ede, Edns};
use super::exchange::first_ede;
use super::name::{Name, NameBuf, NameRef};
use super::query::Query;
use super::record::{Record, skip_name};
use super::reply::{ReplyWriter, Section, Verdict};
use super::{Flags, HEADER_LEN, Rcode, WireError, class, read_u16, read_u32, rtype};

mod turning;

/// CNAME records followed inside one message; Unbound stops at 11 as well.
const MAX_CHAIN: usize = 11;

/// A reply without its asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyBody {
    pub rcode: Rcode,
    /// AA and AD as they came.
    pub flags: u16,
    pub ede: Option<Ede>,
    /// How long it may be kept, in seconds, by its records; `None`: not at all.
    pub ttl: Option<u32>,
    /// Where a chain of CNAMEs leads that the answer does not follow to its end.
    pub open_target: Option<Name>,
    /// The name at the end of the chain has records of the type that was asked.
    answered: bool,
    counts: [u16; 3],
    /// The records as they stood behind the question, without OPT. Compression pointers stay true as long as the question
    /// has the same length, which it has for the same name.
    records: Box<[u8]>,
    /// Where each TTL lies in `records`.
    ttls: Box<[u16]>,
    turning: Option<Turning>,
}

/// How a body is written for one asker.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Octets that the reply may take.
    pub max: usize,
    /// AA, RA and AD of the reply.
    pub flags: u16,
    /// In place of the body's own.
    pub ede: Option<&'a Ede>,
    /// One more option: code and data.
    pub option: Option<(u16, &'a [u8])>,
    /// See [`ReplyWriter::keepalive`].
    pub keepalive: Option<u16>,
    /// With which address they begin, another number for each reply.
    pub rotation: usize,
}

impl ReplyBody {
    /// Nothing but an rcode and its reason.
    #[must_use]
    pub fn failure(rcode: Rcode, ede: Option<Ede>) -> Self {
        Self {
            rcode,
            flags: 0,
            ede,
            ttl: None,
            open_target: None,
            answered: false,
            counts: [0; 3],
            records: Box::default(),
            ttls: Box::default(),
            turning: None,
        }
    }

    /// Reads a whole reply message to a question of type `qtype`, and gives its OPT record beside.
    ///
    /// # Errors
    /// If any record is malformed: then nothing of the message can be trusted.
    pub fn read(message: &[u8], qtype: u16) -> Result<(Self, Option<Edns<'_>>), WireError> {
        let field = |at: usize| read_u16(message, at).ok_or(WireError::Short);
        let flags = Flags(field(2)?);
        let mut name = NameBuf::new();
        let start = match field(4)? {
            0 => HEADER_LEN,
            1 => name.read_plain(message, HEADER_LEN)? + 4,
            _ => return Err(WireError::Question),
        };
        if start > message.len() {
            return Err(WireError::Short);
        }
        let mut walk = Walk { at: start, end: start, edns: None, ttls: Vec::new(), all: Vec::new() };
        let mut counts = [field(6)?, field(8)?, field(10)?];
        for (section, count) in counts.iter_mut().enumerate() {
            *count = walk.section(message, section, *count)?;
        }
        let edns = walk.edns;
        let ede = edns.as_ref().and_then(first_ede);
        let rcode = Rcode(flags.rcode() | edns.map_or(0, |edns| u16::from(edns.rcode_high) << 4));
        if start == HEADER_LEN {
            // A failure without a question: its records would stand elsewhere behind ours, and their pointers lead astray.
            return Ok((Self::failure(rcode, ede), edns));
        }
        let (answers, rest) = walk.all.split_at(usize::from(counts[0]));
        let soa = rest.iter().take(usize::from(counts[1])).find(|record| record.rtype == rtype::SOA);
        let chain = Chain::follow(message, answers, name, qtype);
        let ttl = lifetime(message, rcode, answers, chain.answered, soa).filter(|_| !flags.has(Flags::TC));
        let open = rcode == Rcode::NOERROR && !chain.answered && chain.links > 0 && soa.is_none();
        let body = Self {
            rcode,
            flags: flags.0 & (Flags::AA | Flags::AD),
            ede,
            ttl,
            open_target: open.then(|| chain.end.to_name()),
            answered: chain.answered,
            counts,
            records: message[start..walk.end].into(),
            ttls: walk.ttls.iter().map(|at| (at - start) as u16).collect(),
            // What has a section behind the answers keeps its order: a name there may point anywhere.
            turning: (counts[1..] == [0, 0]).then(|| Turning::find(message, start, &walk.all)).flatten(),
        };
        Ok((body, edns))
    }

    /// Records in the answer section.
    #[must_use]
    pub fn answers(&self) -> u16 {
        self.counts[0]
    }

    /// Is it an answer, rather than a denial or a failure?
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.rcode == Rcode::NOERROR && !self.is_negative()
    }

    /// Does it deny the name or the type, be it at the end of a chain (RFC 2308 2)?
    #[must_use]
    pub fn is_negative(&self) -> bool {
        let nodata = self.rcode == Rcode::NOERROR && !self.answered && self.open_target.is_none();
        nodata || self.rcode == Rcode::NXDOMAIN
    }

    /// Octets on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let ede = self.ede.as_ref().map_or(0, Ede::wire_len);
        let target = self.open_target.as_ref().map_or(0, |name| name.as_ref().wire().len());
        self.records.len() + self.ttls.len() * 2 + ede + target
    }

    /// Writes the reply for one asker; `ttl` gives each record's TTL from its original one.
    pub fn write(&self, query: &Query<'_>, out: &mut [u8], asker: Asker<'_>, ttl: impl Fn(u32) -> u32) -> usize {
        let mut writer = ReplyWriter::start(out, query, asker.max);
        writer.keepalive(asker.keepalive);
        let (counts, len) = self.fitting(writer.room());
        if len < self.records.len() && (counts[0] < self.counts[0] || counts[1] < self.counts[1]) {
            writer.truncate();
        }
        if let Some(place) = writer.push_ready(counts, &self.records[..len]) {
            let written = writer.written();
            if let Some(turning) = self.turning {
                turning.turn(&mut written[place..place + len], asker.rotation);
            }
            for at in self.ttls.iter().map(|at| place + usize::from(*at)).take_while(|at| *at < place + len) {
                let value = ttl(read_u32(written, at).unwrap_or(0));
                written[at..at + 4].copy_from_slice(&value.to_be_bytes());
            }
        }
        let verdict = Verdict {
            rcode: self.rcode,
            flags: asker.flags,
            ede: asker.ede.or(self.ede.as_ref()),
            option: asker.option,
        };
        writer.finish(query, verdict)
    }

    /// How many records of each section, and octets, fit into `room`: whole records, from the front. A pointer only ever
    /// points backwards, so a cut behind any record is sound.
    fn fitting(&self, room: usize) -> ([u16; 3], usize) {
        if self.records.len() <= room {
            return (self.counts, self.records.len());
        }
        let (mut counts, mut at) = ([0; 3], 0);
        for (section, count) in self.counts.iter().enumerate() {
            for _ in 0..*count {
                // The records were read when the body was made, so each has an owner, a fixed part and its data.
                let Some(end) = record_end(&self.records, at).filter(|end| *end <= room) else {
                    return (counts, at);
                };
                at = end;
                counts[section] += 1;
            }
        }
        (counts, at)
    }

    /// The same with other TTLs, each made from the original one.
    #[must_use]
    pub fn with_ttls(&self, ttl: impl Fn(u32) -> u32) -> Self {
        let mut body = self.clone();
        for at in self.ttls.iter().map(|at| usize::from(*at)) {
            let value = ttl(read_u32(&self.records, at).unwrap_or(0));
            body.records[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        body.ttl = self.ttl.map(ttl);
        body
    }

    /// The same answer, but it ends with its open CNAME, and says why.
    #[must_use]
    pub fn ended(&self, rcode: Rcode, ede: Ede) -> Self {
        // A failure is nobody's authority.
        let failed = !matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        let flags = if failed { self.flags & !Flags::AA } else { self.flags };
        Self { rcode, flags, ede: Some(ede), open_target: None, ..self.clone() }
    }

    /// The body as a message again, for whoever has to read its records.
    #[must_use]
    pub fn to_message(&self, name: NameRef<'_>, qtype: u16) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEADER_LEN + name.wire().len() + 4 + self.records.len());
        let flags = Flags::QR | self.flags | (self.rcode.0 & Flags::RCODE);
        for field in [0, flags, 1, self.counts[0], self.counts[1], self.counts[2]] {
            message.extend_from_slice(&field.to_be_bytes());
        }
        message.extend_from_slice(name.wire());
        message.extend_from_slice(&qtype.to_be_bytes());
        message.extend_from_slice(&class::IN.to_be_bytes());
        message.extend_from_slice(&self.records);
        message
    }

    /// This body's answers for `name`, which end in an open CNAME, followed by `rest`: what `target` gave.
    ///
    /// # Errors
    /// If one of the two does not read back, or the whole is longer than a message can be.
    pub fn chained(&self, name: NameRef<'_>, target: NameRef<'_>, rest: &Self, qtype: u16) -> Result<Self, WireError> {
        let mut message = self.to_message(name, qtype);
        message.truncate(HEADER_LEN + name.wire().len() + 4);
        let mut counts = [0u16; 3];
        let mut append = |body: &Self, owner: NameRef<'_>, sections: usize| -> Result<(), WireError> {
            let source = body.to_message(owner, qtype);
            let mut at = HEADER_LEN + owner.wire().len() + 4;
            for (section, count) in body.counts.iter().enumerate().take(sections) {
                for _ in 0..*count {
                    let record = Record::read(&source, at)?;
                    record.copy_uncompressed(&source, name, &mut message)?;
                    counts[section] += 1;
                    at = record.end;
                }
            }
            Ok(())
        };
        append(self, name, 1)?;
        append(rest, target, 3)?;
        if message.len() > super::MAX_MESSAGE {
            return Err(WireError::Short);
        }
        let flags = Flags::QR | (rest.rcode.0 & Flags::RCODE);
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        for (section, count) in counts.iter().enumerate() {
            message[6 + section * 2..8 + section * 2].copy_from_slice(&count.to_be_bytes());
        }
        let (mut body, _) = Self::read(&message, qtype)?;
        body.rcode = rest.rcode;
        // What ends a chain says more than what is odd about its first link.
        body.ede = rest.ede.as_ref().or(self.ede.as_ref()).cloned();
        // AA is about "the first owner name in the answer section" (RFC 1035 4.1.1), AD about all of it (RFC 4035 3.2.3). A
        // failure is nobody's authority.
        let failed = !matches!(rest.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        let authoritative = if failed { 0 } else { self.flags & Flags::AA };
        body.flags = authoritative | (self.flags & rest.flags & Flags::AD);
        Ok(body)
    }
}

/// Where the record at `at` ends, its owner not followed.
fn record_end(records: &[u8], at: usize) -> Option<usize> {
    let fixed = skip_name(records, at).ok()?;
    Some(fixed + 10 + usize::from(read_u16(records, fixed + 8)?))
}

/// The records of a message, read in order up to its OPT record: what stands behind that is dropped, because pointers of later
/// records would no longer be true, and only signatures of the whole message belong there (RFC 8945 5.1).
struct Walk<'m> {
    at: usize,
    end: usize,
    edns: Option<Edns<'m>>,
    ttls: Vec<usize>,
    all: Vec<Record>,
}

impl<'m> Walk<'m> {
    fn section(&mut self, message: &'m [u8], section: usize, count: u16) -> Result<u16, WireError> {
        let mut kept = 0;
        for _ in 0..count {
            let record = Record::read_lasting(message, self.at, &self.ttls)?;
            self.at = record.end;
            if record.rtype == rtype::OPT {
                // "MUST be 0 (root domain)", and one of them at most (RFC 6891 6.1.1 and 6.1.2).
                if section != Section::Additional as usize || self.edns.is_some() || message[record.start] != 0 {
                    return Err(WireError::Edns);
                }
                self.edns = Some(Edns::parse(record.class, record.ttl, record.data_in(message))?);
            } else if self.edns.is_none() {
                self.end = record.end;
                self.ttls.push(record.ttl_at);
                self.all.push(record);
                kept += 1;
            }
        }
        Ok(kept)
    }
}

/// The chain of CNAMEs that starts at the name that was asked.
struct Chain {
    end: NameBuf,
    links: usize,
    /// The name at its end has records of the type that was asked.
    answered: bool,
}

impl Chain {
    fn follow(message: &[u8], answers: &[Record], start: NameBuf, qtype: u16) -> Self {
        let mut chain = Self { end: start, links: 0, answered: false };
        while !chain.answered && chain.links < MAX_CHAIN {
            let mut next = None;
            for record in answers {
                let mut owner = NameBuf::new();
                if owner.read(message, record.start).is_err() || owner.as_ref() != chain.end.as_ref() {
                    continue;
                }
                if record.rtype == qtype || qtype == rtype::ANY {
                    chain.answered = true;
                } else if record.rtype == rtype::CNAME && next.is_none() {
                    let mut target = NameBuf::new();
                    if record.name_in_data(message, 0, &mut target).is_ok() {
                        next = Some(target);
                    }
                }
            }
            match next {
                Some(target) if !chain.answered => {
                    chain.end = target;
                    chain.links += 1;
                }
                _ => break,
            }
        }
        chain
    }
}

/// How long a message may be kept: the least TTL of its answers, and for a denial that of its SOA, which is "the minimum of
/// the MINIMUM field of the SOA record and the TTL of the SOA itself" (RFC 2308 5). No SOA, no keeping a denial.
fn lifetime(message: &[u8], rcode: Rcode, answers: &[Record], answered: bool, soa: Option<&Record>) -> Option<u32> {
    // TTLs with the top bit set are zero (RFC 2181 8).
    let sane = |ttl: u32| if ttl > i32::MAX as u32 { 0 } else { ttl };
    let least = answers.iter().map(|record| sane(record.ttl)).min();
    match rcode {
        // An open chain is kept like an answer: whoever reads it follows it to its end.
        Rcode::NOERROR if answered || (least.is_some() && soa.is_none()) => least,
        Rcode::NOERROR | Rcode::NXDOMAIN => {
            let soa = soa?;
            let minimum = read_u32(message, soa.end.checked_sub(4)?)?;
            Some(sane(soa.ttl).min(sane(minimum)).min(least.unwrap_or(u32::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
