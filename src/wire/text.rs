//! One record in the form of a zone file (RFC 1035 5.1), read and taken apart: `name 60 IN A 192.0.2.1`. Names are absolute with or
//! without the final dot. It knows one line, no directives, and no message.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::mnemonic::{CAA, NAPTR, class_of, type_of};
use super::{Name, class, rtype};

/// TTL of a record that says none.
pub const DEFAULT_TTL: u32 = 3_600;
/// Octets of a character string (RFC 1035 3.3).
const MAX_STRING: usize = 255;

/// A record by itself; names in its data are in lower case and not compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRecord {
    pub owner: Name,
    pub rtype: u16,
    pub class: u16,
    pub ttl: u32,
    pub data: Vec<u8>,
}

/// Why a text is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("a record is `NAME [TTL] [CLASS] TYPE DATA`")]
    Incomplete,
    #[error("`{0}` is neither a TTL, a class nor a type")]
    Word(String),
    #[error("`{0}` is not what the type wants there")]
    Field(String),
    #[error("there is too much behind the data: `{0}`")]
    Rest(String),
    #[error("data of this type is written as `\\# LENGTH HEX`")]
    Generic,
    #[error("a quote or a parenthesis is not closed")]
    Open,
}

impl OwnRecord {
    /// Reads one record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut words = Words { words: split(text)?.into_iter() };
        let owner = words.name()?;
        let (mut ttl, mut class, mut word) = (None, None, words.next()?);
        let rtype = loop {
            if let (None, Ok(number)) = (ttl, word.parse::<u32>()) {
                ttl = Some(number);
            } else if let (None, Some(number)) = (class, class_of(&word).filter(|_| word != "ANY")) {
                class = Some(number);
            } else if let Some(number) = type_of(&word) {
                break number;
            } else {
                return Err(TextError::Word(word));
            }
            word = words.next()?;
        };
        let data = words.data(rtype)?;
        if let Some(rest) = words.words.next() {
            return Err(TextError::Rest(rest));
        }
        Ok(Self { owner, rtype, class: class.unwrap_or(class::IN), ttl: ttl.unwrap_or(DEFAULT_TTL), data })
    }
}

/// The words of a record, one after another.
struct Words {
    words: std::vec::IntoIter<String>,
}

impl Words {
    fn next(&mut self) -> Result<String, TextError> {
        self.words.next().ok_or(TextError::Incomplete)
    }

    fn name(&mut self) -> Result<Name, TextError> {
        let word = self.next()?;
        word.parse().map_err(|_| TextError::Field(word))
    }

    fn read<T: std::str::FromStr>(&mut self) -> Result<T, TextError> {
        let word = self.next()?;
        word.parse().map_err(|_| TextError::Field(word))
    }

    fn data(&mut self, record_type: u16) -> Result<Vec<u8>, TextError> {
        if self.words.as_slice().first().is_some_and(|word| word == "\\#") {
            return self.generic();
        }
        let mut data = Vec::new();
        match record_type {
            rtype::A => data.extend(self.read::<Ipv4Addr>()?.octets()),
            rtype::AAAA => data.extend(self.read::<Ipv6Addr>()?.octets()),
            rtype::NS | rtype::CNAME | rtype::PTR | rtype::DNAME => data.extend(self.name()?.as_ref().wire()),
            rtype::MX => {
                data.extend(self.read::<u16>()?.to_be_bytes());
                data.extend(self.name()?.as_ref().wire());
            }
            rtype::SRV => {
                for _field in 0..3 {
                    data.extend(self.read::<u16>()?.to_be_bytes());
                }
                data.extend(self.name()?.as_ref().wire());
            }
            rtype::SOA => {
                data.extend(self.name()?.as_ref().wire());
                data.extend(self.name()?.as_ref().wire());
                for _field in 0..5 {
                    data.extend(self.read::<u32>()?.to_be_bytes());
                }
            }
            rtype::TXT | 99 => {
                let first = self.next()?;
                string(&first, &mut data);
                self.words.by_ref().for_each(|word| string(&word, &mut data));
            }
            rtype::HINFO => (0..2).try_for_each(|_| self.next().map(|word| string(&word, &mut data)))?,
            NAPTR => {
                for _field in 0..2 {
                    data.extend(self.read::<u16>()?.to_be_bytes());
                }
                (0..3).try_for_each(|_| self.next().map(|word| string(&word, &mut data)))?;
                data.extend(self.name()?.as_ref().wire());
            }
            CAA => {
                data.push(self.read()?);
                let tag = self.next()?;
                string(&tag, &mut data);
                data.extend(self.next()?.bytes());
            }
            _ => return Err(TextError::Generic),
        }
        Ok(data)
    }

    /// `\# LENGTH HEX`, for whatever type (RFC 3597 5).
    fn generic(&mut self) -> Result<Vec<u8>, TextError> {
        self.next()?;
        let len: usize = self.read()?;
        let hex: String = self.words.by_ref().collect();
        let octet = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let data: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(octet).collect();
        data.filter(|data| data.len() == len && hex.len() == 2 * len).ok_or(TextError::Field(hex))
    }
}

/// A character string, in as many pieces as its length takes.
fn string(text: &str, data: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (piece, behind) = rest.split_at(rest.len().min(MAX_STRING));
        data.push(piece.len() as u8);
        data.extend_from_slice(piece);
        if behind.is_empty() {
            return;
        }
        rest = behind;
    }
}

/// The words, with quotes taken off, parentheses left out, and nothing of a comment.
fn split(text: &str) -> Result<Vec<String>, TextError> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut quoted, mut depth) = (false, 0u32);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted => {
                quoted = false;
                words.extend(word.take());
            }
            '"' => {
                quoted = true;
                words.extend(word.replace(String::new()));
            }
            '\\' if quoted => word.get_or_insert_default().extend(chars.next()),
            // Names are read with their escapes.
            '\\' => word.get_or_insert_default().extend([Some(c), chars.next()].into_iter().flatten()),
            _ if quoted => word.get_or_insert_default().push(c),
            ';' => break,
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or(TextError::Open)?,
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quoted || depth > 0 { Err(TextError::Open) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HEADER_LEN;
    use hickory_proto::op::Message;

    /// The data as an independent reader shows it.
    fn shown(record: &OwnRecord) -> String {
        let mut message = vec![0; HEADER_LEN];
        (message[2], message[7]) = (0x80, 1);
        message.extend_from_slice(record.owner.as_ref().wire());
        message.extend(record.rtype.to_be_bytes());
        message.extend(record.class.to_be_bytes());
        message.extend(record.ttl.to_be_bytes());
        message.extend((record.data.len() as u16).to_be_bytes());
        message.extend_from_slice(&record.data);
        let read = Message::from_vec(&message).expect("hickory reads it");
        format!("{} {}", read.answers[0].record_type(), read.answers[0].data)
    }

    #[test]
    fn records_are_read_as_others_read_them() {
        for (text, expected) in [
            ("a.x. 60 IN A 192.0.2.1", "A 192.0.2.1"),
            ("a.x A 192.0.2.1 ; comment", "A 192.0.2.1"),
            ("a.x IN 60 AAAA 2001:db8::1", "AAAA 2001:db8::1"),
            ("a.x 60 CNAME b.X", "CNAME b.x."),
            ("a.x 60 IN MX 10 mail.x.", "MX 10 mail.x."),
            ("a.x 60 IN SRV 0 100 80 web.x.", "SRV 0 100 80 web.x."),
            ("x 60 IN SOA ns.x hostmaster.x (1 60 60 60 60)", "SOA ns.x. hostmaster.x. 1 60 60 60 60"),
            ("a.x 60 IN TXT \"one two\" three", "TXT one twothree"),
            ("a.x 60 IN PTR web.x.", "PTR web.x."),
            ("a.x 60 IN HINFO \"ANY obsoleted\" \"See RFC 8482\"", "HINFO ANY obsoleted See RFC 8482"),
            ("a.x 60 IN CAA 0 issue \"ca.example\"", "CAA 0 issue \"ca.example\""),
            ("a.x 60 IN TYPE1 \\# 4 c0000201", "A 192.0.2.1"),
        ] {
            let record = OwnRecord::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(shown(&record), expected, "{text}");
        }
        let record = OwnRecord::parse("a.x. CH TXT v").unwrap();
        assert_eq!((record.class, record.ttl), (class::CH, DEFAULT_TTL));
        assert_eq!(OwnRecord::parse("a.x 60 IN TXT \"\"").unwrap().data, [0]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", TextError::Incomplete),
            ("a.x. 60 IN", TextError::Incomplete),
            ("a.x. 60 IN A", TextError::Incomplete),
            ("a.x. 60 60 IN A 1.2.3.4", TextError::Word("60".into())),
            ("a.x. 60 IN A 1.2.3", TextError::Field("1.2.3".into())),
            ("a..x. 60 IN A 1.2.3.4", TextError::Field("a..x.".into())),
            ("a.x. 60 IN A 1.2.3.4 5", TextError::Rest("5".into())),
            ("a.x. 60 IN TXT \"a", TextError::Open),
            ("a.x. 60 IN SOA (a. b. 1 2 3 4 5", TextError::Open),
            ("a.x. 60 IN HTTPS 1 .", TextError::Generic),
            ("a.x. 60 IN TYPE1 \\# 4 c00002", TextError::Field("c00002".into())),
            ("<no value> 60 IN A 1.2.3.4", TextError::Word("value>".into())),
        ] {
            assert_eq!(OwnRecord::parse(text).unwrap_err(), error, "{text}");
        }
    }
}
