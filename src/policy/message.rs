//! A reply taken apart into records, so that rules can change them, and put together again. It knows no rules and no asker.

use super::question::Question;
use crate::answer::Failure;
use crate::wire::edns::Edns;
use crate::wire::exchange::first_ede;
use crate::wire::record::Record;
use crate::wire::text::OwnRecord;
use crate::wire::{
    Ede, Flags, HEADER_LEN, MAX_MESSAGE, NameBuf, NameRef, Rcode, ReplyBody, WireError, class, read_u16, rtype,
};

/// The flags that rules may change.
pub(super) const FLAGS: u16 = Flags::AA | Flags::RA | Flags::RD | Flags::AD;
/// A compression pointer leads no further (RFC 1035 4.1.4).
const POINTER_LIMIT: usize = 0x3fff;
/// Names of one message that are looked for again: enough for any chain, and short to search.
const REMEMBERED: usize = 16;

/// A whole reply. The question is the asker's, and stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub rcode: Rcode,
    /// AA, RA, RD and AD.
    pub flags: u16,
    /// Something was left out already.
    pub truncated: bool,
    pub ede: Option<Ede>,
    /// What the server is called, for who asked with the option (RFC 5001).
    pub nsid: Option<String>,
    /// Octets that it may have over UDP, if rules say so.
    pub limit: Option<u16>,
    /// Answer, authority, additional.
    pub sections: [Vec<OwnRecord>; 3],
}

impl Message {
    pub(super) fn new(rcode: Rcode, flags: u16) -> Self {
        Self { rcode, flags, truncated: false, ede: None, nsid: None, limit: None, sections: Default::default() }
    }

    /// A reply that says what failed.
    pub(super) fn failed(question: &Question, failure: &Failure) -> Self {
        Self::new(failure.rcode(), question.reply_flags()).because(failure.ede())
    }

    /// Reads a reply message.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn read(message: &[u8]) -> Result<Self, WireError> {
        let field = |at: usize| read_u16(message, at).ok_or(WireError::Short);
        let flags = Flags(field(2)?);
        let mut read = Self::new(Rcode(flags.rcode()), flags.0 & FLAGS);
        read.truncated = flags.has(Flags::TC);
        let mut name = NameBuf::new();
        let mut at = HEADER_LEN;
        if field(4)? == 1 {
            at = name.read_plain(message, at)? + 4;
        }
        let mut copy = Vec::new();
        for (section, count) in [field(6)?, field(8)?, field(10)?].into_iter().enumerate() {
            for _ in 0..count {
                let record = Record::read(message, at)?;
                at = record.end;
                if record.rtype == rtype::OPT {
                    let edns = Edns::parse(record.class, record.ttl, record.data_in(message))?;
                    read.rcode.0 |= u16::from(edns.rcode_high) << 4;
                    read.ede = first_ede(&edns);
                } else {
                    read.sections[section].push(own(&record, message, &mut copy)?);
                }
            }
        }
        Ok(read)
    }

    /// The reply without its asker, to be written for the question that it is an answer to.
    ///
    /// # Errors
    /// If it is longer than a message can be.
    pub fn body(&self, question: NameRef<'_>, qtype: u16) -> Result<ReplyBody, WireError> {
        let mut out = Vec::with_capacity(512);
        let counts = self.sections.each_ref().map(|section| section.len() as u16);
        let flags = Flags::QR | (self.flags & (Flags::AA | Flags::AD)) | (self.rcode.0 & Flags::RCODE);
        for field in [0, flags, 1, counts[0], counts[1], counts[2]] {
            out.extend(field.to_be_bytes());
        }
        out.extend_from_slice(question.wire());
        out.extend(qtype.to_be_bytes());
        out.extend(class::IN.to_be_bytes());
        let mut places = vec![(question, HEADER_LEN)];
        for record in self.sections.iter().flatten() {
            let owner = record.owner.as_ref();
            match places.iter().find(|(name, _)| *name == owner) {
                Some((_, place)) => out.extend((0xc000 | *place as u16).to_be_bytes()),
                None => {
                    if places.len() < REMEMBERED && out.len() <= POINTER_LIMIT {
                        places.push((owner, out.len()));
                    }
                    out.extend_from_slice(owner.wire());
                }
            }
            out.extend(record.rtype.to_be_bytes());
            out.extend(record.class.to_be_bytes());
            out.extend(record.ttl.to_be_bytes());
            out.extend(u16::try_from(record.data.len()).map_err(|_| WireError::Rdata)?.to_be_bytes());
            out.extend_from_slice(&record.data);
        }
        if out.len() > MAX_MESSAGE {
            return Err(WireError::Short);
        }
        let (mut body, _) = ReplyBody::read(&out, qtype)?;
        body.rcode = self.rcode;
        body.ede.clone_from(&self.ede);
        Ok(body)
    }

    pub(super) fn answers(&self) -> &[OwnRecord] {
        &self.sections[0]
    }

    pub(super) fn with(mut self, section: usize, records: impl IntoIterator<Item = OwnRecord>) -> Self {
        self.sections[section].extend(records);
        self
    }

    pub(super) fn because(self, ede: Ede) -> Self {
        Self { ede: Some(ede), ..self }
    }
}

/// A record by itself, its names expanded.
fn own(record: &Record, message: &[u8], copy: &mut Vec<u8>) -> Result<OwnRecord, WireError> {
    let mut owner = NameBuf::new();
    owner.read(message, record.start)?;
    // The root in place of the question: the owner is then written whole, but for a root, which is two octets.
    copy.clear();
    record.copy_uncompressed(message, NameBuf::new().as_ref(), copy)?;
    let owner_len = if owner.label_count() == 0 { 2 } else { owner.as_ref().wire().len() };
    Ok(OwnRecord {
        owner: owner.to_name(),
        rtype: record.rtype,
        class: record.class,
        ttl: record.ttl,
        data: copy.get(owner_len + 10..).ok_or(WireError::Short)?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Name;
    use crate::wire::body::Asker;
    use crate::wire::{Incoming, Query};

    #[test]
    fn a_reply_survives_being_taken_apart() {
        let question: Name = "web.x".parse().unwrap();
        let records = ["web.x. 60 CNAME a.b.y", "a.b.y. 30 A 192.0.2.1", "a.b.y. 30 A 192.0.2.2"];
        let mut message = Message::new(Rcode::NOERROR, Flags::AA | Flags::RA)
            .with(0, records.map(|text| OwnRecord::parse(text).unwrap()))
            .with(1, [OwnRecord::parse("y. 60 SOA ns.y. h.y. (1 2 3 4 5)").unwrap()])
            .with(2, [OwnRecord::parse(". 60 NS ns.y.").unwrap()]);
        let body = message.body(question.as_ref(), rtype::A).unwrap();
        let asked = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03wEb\x01x\0\0\x01\0\x01";
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(asked, &mut name) else { panic!("a question") };
        let mut out = vec![0; MAX_MESSAGE];
        let asker =
            Asker { max: MAX_MESSAGE, flags: message.flags, ede: None, option: None, keepalive: None, rotation: 0 };
        let len = body.write(&query, &mut out, asker, |ttl| ttl);
        message.flags |= Flags::RD;
        assert_eq!(Message::read(&out[..len]).unwrap(), message);
        let bytes: usize = records.iter().map(|text| text.len()).sum();
        assert!(len < HEADER_LEN + 10 + bytes + 3 * 16 + 60, "owners are written once: {len}");
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        assert_eq!(Message::read(&[0; 11]), Err(WireError::Short));
        assert_eq!(Message::read(&[0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Err(WireError::Short));
    }
}
