//! A question while rules look at it: what the client asked, or what that was rewritten to. It knows no rules.

use std::net::IpAddr;

use crate::wire::{Flags, HEADER_LEN, Name, NameRef, Query};

/// Who asked, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client<'a> {
    pub address: IpAddr,
    /// 0 if it is not known.
    pub port: u16,
    pub tcp: bool,
    /// Of the pod with this address, if that was looked up.
    pub namespace: Option<&'a str>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub name: Name,
    /// The name in lower case with its final dot, which is what patterns see.
    pub text: String,
    /// As it was written, as long as it is that name.
    pub raw: Option<Box<[u8]>>,
    pub qtype: u16,
    pub qclass: u16,
    /// Of the header.
    pub flags: u16,
}

impl Question {
    pub(super) fn of(query: &Query<'_>) -> Self {
        let name = query.name.to_name();
        let (text, raw) = (text_of(name.as_ref()), Some(query.raw_name.into()));
        Self { name, text, raw, qtype: query.qtype, qclass: query.qclass, flags: query.flags.0 }
    }

    /// The same for another name; none if the text is not one.
    pub(super) fn renamed(&self, text: &str) -> Option<Self> {
        Some(self.of_name(text.parse().ok()?))
    }

    /// The same for this name.
    pub(super) fn of_name(&self, name: Name) -> Self {
        Self { text: text_of(name.as_ref()), name, raw: None, ..*self }
    }

    /// The message, with what stood behind the client's question behind this one.
    pub(super) fn message(&self, id: u16, counts: &[u8], tail: &[u8]) -> Vec<u8> {
        let name = self.raw.as_deref().unwrap_or(self.name.as_ref().wire());
        let mut message = Vec::with_capacity(HEADER_LEN + name.len() + 4 + tail.len());
        message.extend(id.to_be_bytes());
        message.extend(self.flags.to_be_bytes());
        message.extend_from_slice(counts);
        message.extend_from_slice(name);
        message.extend(self.qtype.to_be_bytes());
        message.extend(self.qclass.to_be_bytes());
        message.extend_from_slice(tail);
        message
    }

    /// What a reply that is made here has of it.
    pub(super) fn reply_flags(&self) -> u16 {
        Flags::RA | (self.flags & Flags::RD)
    }
}

/// A name in lower case with its final dot.
pub(super) fn text_of(name: NameRef<'_>) -> String {
    if name.is_root() { ".".to_owned() } else { format!("{name}.") }
}
