//! A reply, written straight into the send buffer: header, the asker's own question, records, OPT. It never writes past the
//! asker's size, never half a record, and keeps room for the OPT record first, so that a cut reply still has it.

use super::edns::{Ede, OPT_LEN, OPTION_HEADER, option};
use super::query::Query;
use super::{Flags, HEADER_LEN, MAX_UDP_PAYLOAD, MIN_UDP_PAYLOAD, NameRef, Rcode, class, rtype};

/// Sections behind the question, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Answer,
    Authority,
    Additional,
}

/// The owner of a record that is written.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'n> {
    /// The name that was asked.
    Question,
    /// A name that stands at this place of the message; that of the question starts at [`HEADER_LEN`].
    At(usize),
    Name(NameRef<'n>),
}

/// What the header and the OPT record say, known last.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'a> {
    pub rcode: Rcode,
    /// AA, RA and AD; the rest of the flags follow from the question.
    pub flags: u16,
    pub ede: Option<&'a Ede>,
    /// One more option: code and data.
    pub option: Option<(u16, &'a [u8])>,
}

/// A reply in the making.
pub struct ReplyWriter<'b> {
    buf: &'b mut [u8],
    /// Where the next record goes.
    at: usize,
    /// Where records must end.
    limit: usize,
    /// Where the reply must end, OPT included.
    max: usize,
    counts: [u16; 3],
    truncated: bool,
    /// For who asked how long an idle connection stays open, in units of 100 ms.
    keepalive: Option<u16>,
}

/// How large a UDP reply to this question may be (RFC 6891 6.2.3; capped, so that it is never fragmented).
#[inline]
#[must_use]
pub fn udp_limit(query: &Query<'_>) -> usize {
    match query.edns {
        Some(edns) => usize::from(edns.udp_size).clamp(MIN_UDP_PAYLOAD, MAX_UDP_PAYLOAD),
        None => MIN_UDP_PAYLOAD,
    }
}

impl<'b> ReplyWriter<'b> {
    /// Starts a reply of at most `max` octets: the question is written, in the asker's case. `buf` holds at least
    /// [`MIN_UDP_PAYLOAD`] octets, and so does `max`; the question takes at most 12 + 255 + 4 of them.
    #[inline]
    pub fn start(buf: &'b mut [u8], query: &Query<'_>, max: usize) -> Self {
        let max = max.min(buf.len());
        let limit = max - if query.edns.is_some() { OPT_LEN } else { 0 };
        let end = HEADER_LEN + query.raw_name.len();
        buf[HEADER_LEN..end].copy_from_slice(query.raw_name);
        buf[end..end + 2].copy_from_slice(&query.qtype.to_be_bytes());
        buf[end + 2..end + 4].copy_from_slice(&query.qclass.to_be_bytes());
        Self { buf, at: end + 4, limit, max, counts: [0; 3], truncated: false, keepalive: None }
    }

    /// Writes one record whose data is the pieces in a row, and gives the place of its data. If it does not fit, nothing is
    /// written; in the answer and authority sections that cuts the reply (RFC 2181 9).
    pub fn push(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        record_type: u16,
        ttl: u32,
        data: &[&[u8]],
    ) -> Option<usize> {
        let data_len: usize = data.iter().map(|piece| piece.len()).sum();
        let owner_len = match owner {
            Owner::Name(name) => name.wire().len(),
            _ => 2,
        };
        if self.truncated || self.at + owner_len + 10 + data_len > self.limit {
            self.truncated |= section != Section::Additional;
            return None;
        }
        match owner {
            Owner::Question => self.put(&pointer(HEADER_LEN)),
            Owner::At(place) => self.put(&pointer(place)),
            Owner::Name(name) => self.put(name.wire()),
        }
        self.put(&record_type.to_be_bytes());
        self.put(&class::IN.to_be_bytes());
        self.put(&ttl.to_be_bytes());
        self.put(&(data_len as u16).to_be_bytes());
        let place = self.at;
        data.iter().for_each(|piece| self.put(piece));
        self.counts[section as usize] += 1;
        Some(place)
    }

    /// Writes records that are ready-made for the question's name, each `stride` octets long, starting with the one
    /// numbered `first` and wrapping around: an address RRset, rotated. As many as fit. Another owner is put in their place,
    /// which must not be an [`Owner::Name`]: these records hold a two-octet pointer.
    #[inline]
    pub fn push_rotated(&mut self, section: Section, owner: Owner<'_>, records: &[u8], stride: usize, first: usize) {
        let count = records.len() / stride;
        let fit = if self.truncated { 0 } else { (self.limit - self.at) / stride };
        let write = count.min(fit);
        let split = (first % count.max(1)) * stride;
        let (head, tail) = records.split_at(split);
        let from_tail = tail.len().min(write * stride);
        self.put(&tail[..from_tail]);
        self.put(&head[..write * stride - from_tail]);
        if let Owner::At(place) = owner {
            let start = self.at - write * stride;
            for record in self.buf[start..self.at].chunks_exact_mut(stride) {
                record[..2].copy_from_slice(&pointer(place));
            }
        }
        self.counts[section as usize] += write as u16;
        self.truncated |= write < count && section != Section::Additional;
    }

    /// Copies records that were made for this very question, with their count for each section, and gives where they start.
    /// None, and nothing is written, if they do not fit.
    #[inline]
    pub fn push_ready(&mut self, counts: [u16; 3], records: &[u8]) -> Option<usize> {
        let place = self.at;
        if place + records.len() > self.limit {
            return None;
        }
        self.put(records);
        self.counts = counts;
        Some(place)
    }

    /// Octets left for records.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit - self.at
    }

    /// Says how long an idle connection stays open, in units of 100 ms (RFC 7828 3.1).
    pub fn keepalive(&mut self, units: Option<u16>) {
        self.keepalive = units;
    }

    /// Says that something of the answer was left out.
    pub fn truncate(&mut self) {
        self.truncated = true;
    }

    /// The message written so far; the header comes with [`ReplyWriter::finish`].
    pub fn written(&mut self) -> &mut [u8] {
        &mut self.buf[..self.at]
    }

    /// Writes header and OPT, and gives the length of the message. Options that do not fit are left out, EDE first.
    #[inline]
    pub fn finish(mut self, query: &Query<'_>, verdict: Verdict<'_>) -> usize {
        let mut flags = Flags::QR | (query.flags.0 & (Flags::OPCODE | Flags::RD | Flags::CD)) | verdict.flags;
        flags |= match query.edns {
            // Without OPT there is no room for the high bits, and the low ones alone would say something else.
            None if verdict.rcode.0 > Flags::RCODE => Rcode::SERVFAIL.0,
            _ => verdict.rcode.0 & Flags::RCODE,
        };
        if self.truncated {
            flags |= Flags::TC;
        }
        let additional = self.counts[2] + u16::from(query.edns.is_some());
        self.buf[0..2].copy_from_slice(&query.id.to_be_bytes());
        self.buf[2..4].copy_from_slice(&flags.to_be_bytes());
        self.buf[4..6].copy_from_slice(&1u16.to_be_bytes());
        self.buf[6..8].copy_from_slice(&self.counts[0].to_be_bytes());
        self.buf[8..10].copy_from_slice(&self.counts[1].to_be_bytes());
        self.buf[10..12].copy_from_slice(&additional.to_be_bytes());
        if let Some(edns) = query.edns {
            self.put_opt(edns.dnssec_ok, verdict);
        }
        self.at
    }

    #[inline]
    fn put_opt(&mut self, dnssec_ok: bool, verdict: Verdict<'_>) {
        let flags = if dnssec_ok { 0x8000u16 } else { 0 };
        self.put(&[0]);
        self.put(&rtype::OPT.to_be_bytes());
        self.put(&(MAX_UDP_PAYLOAD as u16).to_be_bytes());
        self.put(&[(verdict.rcode.0 >> 4) as u8, 0]);
        self.put(&flags.to_be_bytes());
        self.put(&[0, 0]);
        let start = self.at;
        if let Some(units) = self.keepalive {
            self.put_option(option::TCP_KEEPALIVE, &[&units.to_be_bytes()]);
        }
        if let Some((code, data)) = verdict.option {
            self.put_option(code, &[data]);
        }
        if let Some(ede) = verdict.ede {
            self.put_option(option::EDE, &[&ede.code.0.to_be_bytes(), ede.text().as_bytes()]);
        }
        let len = (self.at - start) as u16;
        self.buf[start - 2..start].copy_from_slice(&len.to_be_bytes());
    }

    fn put_option(&mut self, code: u16, data: &[&[u8]]) {
        let len: usize = data.iter().map(|piece| piece.len()).sum();
        if self.at + OPTION_HEADER + len > self.max {
            return;
        }
        self.put(&code.to_be_bytes());
        self.put(&(len as u16).to_be_bytes());
        data.iter().for_each(|piece| self.put(piece));
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.buf[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

/// A compression pointer (RFC 1035 4.1.4). Places come from the start of a message, well below its limit of 16,383.
const fn pointer(place: usize) -> [u8; 2] {
    (0xc000 | (place as u16 & 0x3fff)).to_be_bytes()
}

/// The reply to a message that could not be read: its id and opcode, and nothing behind the header.
#[must_use]
pub fn header_only(message: &[u8], rcode: Rcode, out: &mut [u8]) -> usize {
    let flags = Flags::QR | (u16::from_be_bytes([message[2], message[3]]) & Flags::OPCODE) | rcode.0;
    out[..HEADER_LEN].fill(0);
    out[0..2].copy_from_slice(&message[0..2]);
    out[2..4].copy_from_slice(&flags.to_be_bytes());
    HEADER_LEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::edns::EdeCode;
    use crate::wire::{Incoming, Name, NameBuf};
    use hickory_proto::op::Message;

    fn question(edns_size: Option<u16>) -> Vec<u8> {
        let mut message = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03wEb\x01x\0\0\x01\0\x01".to_vec();
        if let Some(size) = edns_size {
            message[11] = 1;
            message.extend_from_slice(b"\0\0\x29");
            message.extend_from_slice(&size.to_be_bytes());
            message.extend_from_slice(b"\0\0\x80\0\0\0");
        }
        message
    }

    fn reply(question: &[u8], make: impl FnOnce(&Query<'_>, &mut [u8]) -> usize) -> (Vec<u8>, Message) {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(question, &mut name) else { panic!("a question") };
        let mut out = vec![0; 65_535];
        let len = make(&query, &mut out);
        out.truncate(len);
        let message = Message::from_vec(&out).expect("hickory reads what we write");
        (out, message)
    }

    const VERDICT: Verdict<'static> =
        Verdict { rcode: Rcode::NOERROR, flags: Flags::AA | Flags::RA, ede: None, option: None };

    #[test]
    fn hickory_reads_every_owner_form() {
        let glue: Name = "ep.far.y".parse().expect("a name");
        let (bytes, message) = reply(&question(Some(1232)), |query, out| {
            let mut writer = ReplyWriter::start(out, query, 1232);
            let target = b"\x01t\x01x\0";
            let at = writer.push(Section::Answer, Owner::Question, rtype::CNAME, 5, &[target]).expect("fits");
            writer.push(Section::Answer, Owner::At(at), rtype::A, 5, &[&[192, 0, 2, 1]]).expect("fits");
            writer.push(Section::Authority, Owner::At(HEADER_LEN + 4), rtype::NS, 5, &[target]).expect("fits");
            writer.push(Section::Additional, Owner::Name(glue.as_ref()), rtype::A, 5, &[&[1, 2, 3, 4]]);
            writer.finish(query, VERDICT)
        });
        assert_eq!(&bytes[12..19], b"\x03wEb\x01x\0", "the asker's case");
        let owners: Vec<_> = message.all_sections().map(|record| record.name.to_string()).collect();
        assert_eq!(owners, ["wEb.x.", "t.x.", "x.", "ep.far.y."]);
        assert!(message.edns.is_some_and(|edns| edns.flags().dnssec_ok));
    }

    #[test]
    fn a_cut_reply_keeps_its_opt_and_whole_records() {
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 0, 0];
        let records: Vec<u8> = (0..100u8).flat_map(|n| [&record[..15], &[n]].concat()).collect();
        let (bytes, message) = reply(&question(Some(600)), |query, out| {
            let mut writer = ReplyWriter::start(out, query, udp_limit(query));
            writer.push_rotated(Section::Answer, Owner::Question, &records, 16, 98);
            writer.finish(query, VERDICT)
        });
        assert!(bytes.len() <= 600);
        assert!(message.metadata.truncation);
        assert!(message.edns.is_some());
        let first: Vec<_> = message.answers.iter().take(3).map(|record| record.data.to_string()).collect();
        assert_eq!(first, ["10.0.0.98", "10.0.0.99", "10.0.0.0"], "rotated, wrapping around");
        assert_eq!(message.answers.len(), (600 - 12 - 11 - 11) / 16);
    }

    #[test]
    fn ede_is_left_out_when_there_is_no_room() {
        let ede = Ede::new(EdeCode::OTHER, "x".repeat(80));
        for (size, fits) in [(512, false), (1232, true)] {
            let (bytes, message) = reply(&question(Some(size)), |query, out| {
                let mut writer = ReplyWriter::start(out, query, udp_limit(query));
                while writer.room() > 60 {
                    writer.push(Section::Answer, Owner::Question, rtype::TXT, 5, &[b"\x0aabcdefghij"]);
                    if size == 1232 {
                        break;
                    }
                }
                writer.finish(query, Verdict { ede: Some(&ede), ..VERDICT })
            });
            assert!(bytes.len() <= usize::from(size));
            let edns = message.edns.expect("OPT stays");
            assert_eq!(edns.options().as_ref().len(), usize::from(fits));
        }
    }

    #[test]
    fn an_extended_rcode_without_opt_is_a_failure() {
        for (size, rcode) in [(None, 2), (Some(1232), 23)] {
            let (bytes, message) = reply(&question(size), |query, out| {
                ReplyWriter::start(out, query, 512).finish(query, Verdict { rcode: Rcode(23), ..VERDICT })
            });
            let high = message.edns.map_or(0, |edns| u16::from(edns.rcode_high()));
            assert_eq!(high << 4 | u16::from(bytes[3] & 15), rcode);
        }
    }

    #[test]
    fn sizes_follow_rfc_6891() {
        for (asked, allowed) in [(None, 512), (Some(1), 512), (Some(700), 700), (Some(65_535), 1232)] {
            let message = question(asked);
            let mut name = NameBuf::new();
            let Incoming::Query(query) = Query::parse(&message, &mut name) else { panic!("a question") };
            assert_eq!(udp_limit(&query), allowed);
        }
    }
}
