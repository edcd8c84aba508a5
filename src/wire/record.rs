//! Resource records in a message that somebody else wrote: walked, checked, and copied without compression.

use super::name::{MAX_LABEL, NameBuf, NameRef};
use super::{HEADER_LEN, WireError, read_u16, read_u32, rtype};

/// Where one record lies in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The first octet of its owner name.
    pub start: usize,
    pub rtype: u16,
    pub class: u16,
    pub ttl: u32,
    /// The first octet of its TTL.
    pub ttl_at: usize,
    /// The first octet of its data.
    pub data: usize,
    /// One past its last octet.
    pub end: usize,
}

impl Record {
    /// Reads the record at `at`. Its owner, and the names in its data if the type is one that may compress them, are
    /// known to be well formed afterwards.
    ///
    /// # Errors
    /// If it is cut short or holds a malformed name.
    pub fn read(message: &[u8], at: usize) -> Result<Self, WireError> {
        Self::read_with(message, at, |name, at, _| name.read(message, at))
    }

    /// The same for a record that will be written again, behind another header and with other TTLs: no name of it may lead
    /// through those. `ttls` are the places of the TTLs before this record's, in order.
    ///
    /// # Errors
    /// As [`Record::read`], or if a name does.
    pub fn read_lasting(message: &[u8], at: usize, ttls: &[usize]) -> Result<Self, WireError> {
        Self::read_with(message, at, |name, at, own| {
            name.read_where(message, at, |from, to| {
                let apart = |ttl: &usize| to <= *ttl || *ttl + 4 <= from;
                let next = ttls.partition_point(|ttl| *ttl + 4 <= from);
                from >= HEADER_LEN && ttls.get(next).is_none_or(apart) && own.is_none_or(|own| apart(&own))
            })
        })
    }

    /// `read` is given the place of the record's own TTL for the names behind it.
    fn read_with(
        message: &[u8],
        at: usize,
        read: impl Fn(&mut NameBuf, usize, Option<usize>) -> Result<usize, WireError>,
    ) -> Result<Self, WireError> {
        let mut name = NameBuf::new();
        let fixed = read(&mut name, at, None)?;
        let length = usize::from(read_u16(message, fixed + 8).ok_or(WireError::Short)?);
        let record = Self {
            start: at,
            rtype: read_u16(message, fixed).ok_or(WireError::Short)?,
            class: read_u16(message, fixed + 2).ok_or(WireError::Short)?,
            ttl: read_u32(message, fixed + 4).ok_or(WireError::Short)?,
            ttl_at: fixed + 4,
            data: fixed + 10,
            end: fixed + 10 + length,
        };
        if record.end > message.len() {
            return Err(WireError::Short);
        }
        record.walk_data(message, |name, at| read(name, at, Some(record.ttl_at)), |_| {})?;
        Ok(record)
    }

    /// The record's data as it stands in the message, compression included.
    #[must_use]
    pub fn data_in<'m>(&self, message: &'m [u8]) -> &'m [u8] {
        &message[self.data..self.end]
    }

    /// Reads a name that starts `offset` octets into the data.
    ///
    /// # Errors
    /// If the name is malformed.
    pub fn name_in_data(&self, message: &[u8], offset: usize, into: &mut NameBuf) -> Result<(), WireError> {
        into.read(message, self.data + offset).map(|_| ())
    }

    /// Appends the record to `out`, the message of a question for `asked`, with no compression left in it but for an owner that
    /// is that name: it stays what the question has, in the case that the asker wrote.
    ///
    /// # Errors
    /// If its data holds a malformed name.
    pub fn copy_uncompressed(&self, message: &[u8], asked: NameRef<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
        let mut name = NameBuf::new();
        let fixed = name.read(message, self.start)?;
        if name.as_ref() == asked {
            out.extend_from_slice(&(0xc000 | HEADER_LEN as u16).to_be_bytes());
        } else {
            out.extend_from_slice(name.as_ref().wire());
        }
        out.extend_from_slice(&message[fixed..fixed + 8]);
        let length_at = out.len();
        out.extend_from_slice(&[0, 0]);
        self.walk_data(message, |name, at| name.read(message, at), |bytes| out.extend_from_slice(bytes))?;
        let length = u16::try_from(out.len() - length_at - 2).map_err(|_| WireError::Rdata)?;
        out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Gives the data piece by piece, names expanded.
    fn walk_data(
        &self,
        message: &[u8],
        read: impl Fn(&mut NameBuf, usize) -> Result<usize, WireError>,
        mut piece: impl FnMut(&[u8]),
    ) -> Result<(), WireError> {
        let Layout { prefix, strings, names, suffix } = layout(self.rtype);
        let mut at = self.data;
        if names > 0 {
            at += prefix;
            for _ in 0..strings {
                at += 1 + usize::from(*message.get(at).ok_or(WireError::Rdata)?);
            }
            piece(message.get(self.data..at).filter(|_| at <= self.end).ok_or(WireError::Rdata)?);
        }
        for _ in 0..names {
            let mut name = NameBuf::new();
            at = read(&mut name, at)?;
            piece(name.as_ref().wire());
        }
        let rest = message.get(at..self.end).ok_or(WireError::Rdata)?;
        if names > 0 && suffix.is_some_and(|suffix| rest.len() != suffix) {
            return Err(WireError::Rdata);
        }
        piece(rest);
        Ok(())
    }
}

/// Where the names are in a type's data.
struct Layout {
    /// Octets before the first one.
    prefix: usize,
    /// Character strings behind those (RFC 1035 3.3), each with its length in front.
    strings: usize,
    /// How many follow one another.
    names: usize,
    /// Octets behind the last one; none: whatever there is.
    suffix: Option<usize>,
}

/// The types that a server may compress (RFC 1035 4.1.4), or that older servers did: "Receiving servers ... SHOULD also decompress RRs
/// of type RP, AFSDB, RT, SIG, PX, NXT, NAPTR, and SRV" (RFC 3597 4). All other types are copied as they are.
const fn layout(record_type: u16) -> Layout {
    let (prefix, strings, names, suffix) = match record_type {
        // NS MD MF CNAME MB MG MR PTR DNAME
        rtype::NS | 3 | 4 | rtype::CNAME | 7 | 8 | 9 | rtype::PTR | rtype::DNAME => (0, 0, 1, Some(0)),
        // Serial, three timers and the minimum (RFC 1035 3.3.13).
        rtype::SOA => (0, 0, 2, Some(20)),
        // MINFO RP
        14 | 17 => (0, 0, 2, Some(0)),
        // MX AFSDB RT KX
        rtype::MX | 18 | 21 | 36 => (2, 0, 1, Some(0)),
        // SIG: eighteen octets of numbers, and the signature behind the name (RFC 2535 4.1).
        24 => (18, 0, 1, None),
        // PX
        26 => (2, 0, 2, Some(0)),
        // NXT: a bitmap behind the name (RFC 2535 5.2).
        30 => (0, 0, 1, None),
        rtype::SRV => (6, 0, 1, Some(0)),
        // NAPTR: order, preference, flags, services, regexp (RFC 3403 4.1).
        35 => (4, 3, 1, Some(0)),
        _ => (0, 0, 0, None),
    };
    Layout { prefix, strings, names, suffix }
}

/// The place behind the name at `at`, without following its pointer.
///
/// # Errors
/// If it is cut short or has a reserved label type.
#[inline]
pub fn skip_name(message: &[u8], mut at: usize) -> Result<usize, WireError> {
    loop {
        match usize::from(*message.get(at).ok_or(WireError::Short)?) {
            0 => return Ok(at + 1),
            len @ 1..=MAX_LABEL => at += len + 1,
            0xc0.. => return Ok(at + 2),
            _ => return Err(WireError::LabelType),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "x." at 0, then an MX record whose owner and exchange point there.
    const MESSAGE: &[u8] = b"\x01x\0\xc0\x00\0\x0f\0\x01\0\0\0\x3c\0\x06\0\x0a\x01m\xc0\x00";

    #[test]
    fn copies_without_compression() {
        let record = Record::read(MESSAGE, 3).expect("well formed");
        assert_eq!((record.rtype, record.ttl, record.end), (rtype::MX, 60, MESSAGE.len()));
        let mut out = Vec::new();
        let elsewhere = NameBuf::new();
        record.copy_uncompressed(MESSAGE, elsewhere.as_ref(), &mut out).expect("well formed");
        assert_eq!(out, b"\x01x\0\0\x0f\0\x01\0\0\0\x3c\0\x07\0\x0a\x01m\x01x\0");
        let mut asked = NameBuf::new();
        asked.push(b"x").expect("it fits");
        out.clear();
        record.copy_uncompressed(MESSAGE, asked.as_ref(), &mut out).expect("well formed");
        assert_eq!(out, b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x07\0\x0a\x01m\x01x\0", "the question's own name");
    }

    #[test]
    fn data_that_does_not_match_its_length_is_refused() {
        let mut short = MESSAGE.to_vec();
        short[14] = 1;
        assert_eq!(Record::read(&short, 3), Err(WireError::Rdata), "prefix longer than the data");
        short[14] = 4;
        assert_eq!(Record::read(&short, 3), Err(WireError::Rdata), "name longer than the data");
        short[14] = 7;
        assert_eq!(Record::read(&short, 3), Err(WireError::Short), "beyond the message");
        short.push(0);
        assert_eq!(Record::read(&short, 3), Err(WireError::Rdata), "an octet behind the name");
    }

    /// The data of a record of this type with "m" and a pointer to "x" where its name is.
    fn uncompressed(rtype: u8, before: &[u8], behind: &[u8]) -> Vec<u8> {
        let data = [before, b"\x01m\xc0\x00", behind].concat();
        let head = [b"\x01x\0\xc0\x00\0".as_slice(), &[rtype], b"\0\x01\0\0\0\x3c\0", &[data.len() as u8]].concat();
        let message = [head, data].concat();
        let mut out = Vec::new();
        let record = Record::read(&message, 3).expect("well formed");
        record.copy_uncompressed(&message, NameBuf::new().as_ref(), &mut out).expect("well formed");
        out.split_off(13)
    }

    #[test]
    fn old_types_are_copied_without_compression_too() {
        let name = b"\x01m\x01x\0";
        let naptr = b"\0\x0a\0\x0a\x01U\x03SIP\x02!!";
        for (rtype, before, behind) in
            [(24, &[7; 18][..], &b"signature"[..]), (30, b"", b"\x40\x01"), (35, naptr, b""), (33, &[0; 6], b"")]
        {
            assert_eq!(uncompressed(rtype, before, behind), [before, name, behind].concat(), "{rtype}");
        }
    }

    #[test]
    fn a_string_longer_than_the_data_is_refused() {
        let message = b"\x01x\0\xc0\x00\0\x23\0\x01\0\0\0\x3c\0\x09\0\x0a\0\x0a\x01U\0\x40m\xc0\x00";
        assert_eq!(Record::read(message, 3), Err(WireError::Rdata));
    }

    #[test]
    fn unknown_types_are_opaque() {
        let message = b"\0\xff\x00\0\x01\0\0\0\x01\0\x03\xc0\xff\x40";
        let record = Record::read(message, 0).expect("opaque data is not read");
        let mut out = Vec::new();
        let mut asked = NameBuf::new();
        asked.push(b"x").expect("it fits");
        record.copy_uncompressed(message, asked.as_ref(), &mut out).expect("opaque data is copied");
        assert_eq!(out, message);
    }
}
