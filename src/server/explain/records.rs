//! Records as zone files have them (RFC 1035 5.1, RFC 3597 5), for people. It reads messages that were read before.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::wire::record::Record;
use crate::wire::{HEADER_LEN, NameBuf, NameRef, ReplyBody, mnemonic, read_u16, read_u32, rtype};

/// The answers and the authority records of a body, a line each.
pub(in crate::server) fn lines(body: &ReplyBody, name: NameRef<'_>, qtype: u16) -> [Vec<String>; 2] {
    let message = body.to_message(name, qtype);
    let counts = [6, 8].map(|at| read_u16(&message, at).unwrap_or(0));
    let mut at = HEADER_LEN + name.wire().len() + 4;
    counts.map(|count| {
        let mut lines = Vec::new();
        for _ in 0..count {
            let Ok(record) = Record::read(&message, at) else { break };
            at = record.end;
            lines.push(line(&record, &message));
        }
        lines
    })
}

fn line(record: &Record, message: &[u8]) -> String {
    let mut owner = NameBuf::new();
    let _ = owner.read(message, record.start);
    let data = data(record, message).unwrap_or_else(|| raw(record.data_in(message)));
    format!("{} {} IN {} {data}", dotted(&owner), record.ttl, mnemonic::type_text(record.rtype))
}

/// The data of the types that are met here; none for others, and for what does not read.
fn data(record: &Record, message: &[u8]) -> Option<String> {
    let bytes = record.data_in(message);
    let name = |offset: usize| {
        let mut name = NameBuf::new();
        record.name_in_data(message, offset, &mut name).ok().map(|()| dotted(&name))
    };
    let number = |at: usize| read_u16(bytes, at);
    Some(match record.rtype {
        rtype::A => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string(),
        rtype::AAAA => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string(),
        rtype::CNAME | rtype::NS | rtype::PTR | rtype::DNAME => name(0)?,
        rtype::MX => format!("{} {}", number(0)?, name(2)?),
        rtype::SRV => format!("{} {} {} {}", number(0)?, number(2)?, number(4)?, name(6)?),
        rtype::SOA => {
            let mut at = record.data;
            let mut names = Vec::new();
            for _ in 0..2 {
                let mut name = NameBuf::new();
                at = name.read(message, at).ok()?;
                names.push(dotted(&name));
            }
            let numbers = (0..5).map(|n| read_u32(message, at + n * 4).map(|number| number.to_string()));
            format!("{} {}", names.join(" "), numbers.collect::<Option<Vec<_>>>()?.join(" "))
        }
        rtype::TXT => texts(bytes)?,
        _ => return None,
    })
}

/// Strings in quotes.
fn texts(mut bytes: &[u8]) -> Option<String> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let (text, after) = rest.split_at_checked(usize::from(*length))?;
        texts.push(format!("\"{}\"", text.escape_ascii()));
        bytes = after;
    }
    Some(texts.join(" "))
}

/// Data of a type that nobody knows (RFC 3597 5).
fn raw(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\# {} {hex}", bytes.len()).trim_end().to_owned()
}

/// With the dot at its end.
fn dotted(name: &NameBuf) -> String {
    let text = name.as_ref().to_string();
    if text.ends_with('.') { text } else { text + "." }
}
