//! A question that we ask ourselves, and the reply to it: written, matched by id and question, and read.

use super::edns::{Ede, Edns, OPT_LEN, OPTION_HEADER, option};
use super::name::{Name, NameBuf, NameRef};
use super::stamp::ReplyStamp;
use super::{Flags, HEADER_LEN, MAX_UDP_PAYLOAD, ReplyBody, WireError, read_u16, rtype};

/// What is asked of another server: the parts that decide the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked<'n> {
    pub name: NameRef<'n>,
    pub qtype: u16,
    pub qclass: u16,
    /// DO.
    pub dnssec_ok: bool,
    /// CD.
    pub checking_disabled: bool,
    /// EDNS options that are asked with it, as they stand in a message: rules may want some; nearly always none.
    pub options: &'n [u8],
}

/// The same, owned: what a cache entry and a fetch are known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    pub name: Name,
    pub qtype: u16,
    pub qclass: u16,
    pub dnssec_ok: bool,
    pub checking_disabled: bool,
    pub options: Box<[u8]>,
}

impl Question {
    #[must_use]
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            name: self.name.as_ref(),
            qtype: self.qtype,
            qclass: self.qclass,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
            options: &self.options,
        }
    }
}

/// How it is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner<'o> {
    /// With an OPT record; some old servers answer FORMERR to it.
    pub edns: bool,
    /// One option: code and data.
    pub option: Option<(u16, &'o [u8])>,
}

impl Asked<'_> {
    #[must_use]
    pub fn to_question(&self) -> Question {
        Question {
            name: self.name.to_name(),
            qtype: self.qtype,
            qclass: self.qclass,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
            options: self.options.into(),
        }
    }

    /// The message, with RD: every server that we ask is a resolver to us.
    #[must_use]
    pub fn write(&self, id: u16, manner: Manner<'_>) -> Vec<u8> {
        let option = manner.option.filter(|_| manner.edns);
        let passed = if manner.edns { self.options } else { &[] };
        let option_len = option.map_or(0, |(_, data)| OPTION_HEADER + data.len()) + passed.len();
        let mut message = Vec::with_capacity(HEADER_LEN + self.name.wire().len() + 4 + OPT_LEN + option_len);
        let flags = Flags::RD | if self.checking_disabled { Flags::CD } else { 0 };
        for field in [id, flags, 1, 0, 0, u16::from(manner.edns)] {
            message.extend_from_slice(&field.to_be_bytes());
        }
        message.extend_from_slice(self.name.wire());
        message.extend_from_slice(&self.qtype.to_be_bytes());
        message.extend_from_slice(&self.qclass.to_be_bytes());
        if manner.edns {
            let ttl = if self.dnssec_ok { 0x8000u32 } else { 0 };
            message.push(0);
            message.extend_from_slice(&rtype::OPT.to_be_bytes());
            message.extend_from_slice(&(MAX_UDP_PAYLOAD as u16).to_be_bytes());
            message.extend_from_slice(&ttl.to_be_bytes());
            message.extend_from_slice(&(option_len as u16).to_be_bytes());
        }
        if let Some((code, data)) = option {
            message.extend_from_slice(&code.to_be_bytes());
            message.extend_from_slice(&(data.len() as u16).to_be_bytes());
            message.extend_from_slice(data);
        }
        message.extend_from_slice(passed);
        message
    }

    /// Is this the reply to our question, asked with this id? Cheap, so that a forgery is found before it is read.
    ///
    /// # Errors
    /// What does not match.
    pub fn matches(&self, id: u16, message: &[u8]) -> Result<(), WireError> {
        if read_u16(message, 0).ok_or(WireError::Short)? != id {
            return Err(WireError::Id);
        }
        let flags = Flags(read_u16(message, 2).ok_or(WireError::Short)?);
        if !flags.has(Flags::QR) || flags.opcode() != 0 {
            return Err(WireError::NotAReply);
        }
        // A server that cannot read our question may answer with a header alone (RFC 8906 3.1.4).
        if read_u16(message, 4) == Some(0) && flags.rcode() != 0 {
            return Ok(());
        }
        if read_u16(message, 4) != Some(1) {
            return Err(WireError::Question);
        }
        let mut name = NameBuf::new();
        let end = name.read_plain(message, HEADER_LEN)?;
        let same = name.as_ref() == self.name
            && read_u16(message, end) == Some(self.qtype)
            && read_u16(message, end + 2) == Some(self.qclass);
        if same { Ok(()) } else { Err(WireError::Question) }
    }
}

/// A reply, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub body: ReplyBody,
    /// TC: something was left out.
    pub truncated: bool,
    pub authoritative: bool,
    /// An OPT record was there.
    pub edns: bool,
    /// What an interlocal said of itself.
    pub stamp: Option<ReplyStamp>,
}

impl Received {
    /// Reads a reply that [`Asked::matches`] has accepted. `stamp_option` is the code of the reply option.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn parse(asked: &Asked<'_>, message: &[u8], stamp_option: u16) -> Result<Self, WireError> {
        let flags = Flags(read_u16(message, 2).ok_or(WireError::Short)?);
        let (body, edns) = ReplyBody::read(message, asked.qtype)?;
        let find = |edns: Edns<'_>| edns.option(stamp_option).and_then(ReplyStamp::parse);
        Ok(Self {
            body,
            truncated: flags.has(Flags::TC),
            authoritative: flags.has(Flags::AA),
            edns: edns.is_some(),
            stamp: edns.and_then(find),
        })
    }
}

/// The first EDE of a message's OPT record.
#[must_use]
pub fn first_ede(edns: &Edns<'_>) -> Option<Ede> {
    edns.option(option::EDE).and_then(Ede::parse)
}
