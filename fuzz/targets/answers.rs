//! Replies of upstreams and peers: read, kept, chained, and written again for askers of every size.
//!
//! Input: four octets (how the askers differ; flags of the second message; the length of the first message), the first message,
//! and then what a second one has behind its question: it answers the name that the first one's chain leads to.

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use interlocal::wire::body::Asker;
use interlocal::wire::exchange::{Asked, Question, Received};
use interlocal::wire::stamp::DEFAULT_OPTION;
use interlocal::wire::{Flags, Incoming, MAX_MESSAGE, Name, NameBuf, Query, ReplyBody, WireError, class, read_u16};

use super::{differences, reading};

const HEADER: usize = 12;

pub fn run(data: &[u8]) {
    let Some((control, rest)) = data.split_first_chunk::<4>() else { return };
    let length = usize::from(u16::from_be_bytes([control[2], control[3]]));
    let (message, second) = rest.split_at(length.min(rest.len()));
    differences::compare(message);
    let Some(question) = question(message) else { return };
    let asked = question.asked();
    let id = read_u16(message, 0).unwrap_or_default();
    assert!(asked.matches(id.wrapping_add(1), message).is_err(), "another id");
    let other = Asked { qtype: asked.qtype ^ 1, ..asked };
    assert!(other.matches(id, message).is_err() || read_u16(message, 4) == Some(0), "another question");
    if asked.matches(id, message).is_err() {
        return;
    }
    let Ok(received) = Received::parse(&asked, message, DEFAULT_OPTION) else { return };
    let body = received.body;
    let source = read_by_hickory(message, false);
    let how = How(control[0]);
    written(&body, &question, how, source.as_ref());
    copied(&body, how);
    if let Some(target) = &body.open_target {
        chain(&body, &question, target, &second_message(control[1], target, &question, second), how);
    }
}

/// What the message is a reply to: its own question, or any if it has none.
pub(crate) fn question(message: &[u8]) -> Option<Question> {
    let mut name = NameBuf::new();
    let (end, count) = match read_u16(message, 4)? {
        0 => (HEADER, 0),
        count => (name.read_plain(message, HEADER).ok()?, count),
    };
    let number = |at| if count == 0 { Some(1) } else { read_u16(message, at) };
    let (qtype, qclass) = (number(end)?, number(end + 2)?);
    Some(Question {
        name: name.to_name(),
        qtype,
        qclass,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    })
}

/// What hickory reads, if what is made of it has to read the same.
fn read_by_hickory(message: &[u8], joined: bool) -> Option<Message> {
    let read = Message::from_vec(message).ok()?;
    (read.queries.len() == 1 && differences::keeps_its_data(message, joined)).then_some(read)
}

/// The askers of one input.
#[derive(Clone, Copy)]
struct How(u8);

impl How {
    fn sizes(self) -> [usize; 3] {
        [512, 512 + 8 * usize::from(self.0 >> 1), MAX_MESSAGE]
    }
    fn edns(self) -> bool {
        self.0 & 1 == 1
    }
    /// TTLs as the cache gives them: capped, and less the age.
    fn ttl(self, original: u32) -> u32 {
        original.min(u32::from(self.0) * 1_000).saturating_sub(u32::from(self.0 >> 4))
    }
}

/// Writes the body for each asker; gives what hickory read of the largest. `source` is what it read of the original.
fn written(body: &ReplyBody, question: &Question, how: How, source: Option<&Message>) {
    let asked = question_message(question, how.edns());
    let mut name = NameBuf::new();
    let Incoming::Query(query) = Query::parse(&asked, &mut name) else { panic!("a question") };
    for max in how.sizes() {
        let mut out = vec![0xee; MAX_MESSAGE];
        let asker = Asker { max, flags: Flags::RA, ede: None, option: None, keepalive: None, rotation: 0 };
        let len = body.write(&query, &mut out, asker, |ttl| how.ttl(ttl));
        assert!(len <= max, "{len} octets, and {max} are allowed");
        if let Some(source) = source {
            let read = reading::reply(&asked, &out[..len], max);
            let whole = !read.metadata.truncation;
            same(&read.answers, &source.answers, whole, how);
            same(&read.authorities, &source.authorities, whole, how);
            same(&read.additionals, &source.additionals, false, how);
            assert_eq!(read.edns.is_some(), how.edns(), "OPT for OPT");
        }
    }
}

/// The first records, or all of them, with other TTLs.
fn same(read: &[Record], source: &[Record], whole: bool, how: How) {
    assert!(read.len() <= source.len() && (!whole || read.len() == source.len()), "records are missing without TC");
    for (read, source) in read.iter().zip(source) {
        // With the top bit set it is zero (RFC 2181 8).
        let original = if source.ttl >> 31 == 1 { 0 } else { source.ttl };
        assert_eq!(read.ttl, how.ttl(original));
        assert!(read.ttl <= source.ttl);
        assert_eq!((&read.name, read.dns_class, &read.data), (&source.name, source.dns_class, &source.data));
    }
}

/// The other ways to a body with other TTLs, and to a message.
fn copied(body: &ReplyBody, how: How) {
    let aged = body.with_ttls(|ttl| how.ttl(ttl));
    assert_eq!((aged.answers(), aged.heap_bytes()), (body.answers(), body.heap_bytes()));
    assert!(aged.ttl <= body.ttl);
    assert!(!body.is_positive() || !body.is_negative());
}

fn chain(body: &ReplyBody, question: &Question, target: &Name, message: &[u8], how: How) {
    let Ok((rest, _)) = ReplyBody::read(message, question.qtype) else { return };
    let Ok(joined) = body.chained(question.name.as_ref(), target.as_ref(), &rest, question.qtype) else { return };
    assert_eq!(joined.answers(), body.answers() + rest.answers());
    assert!(joined.rcode == rest.rcode && joined.ttl.is_none_or(|ttl| Some(ttl) <= body.ttl.or(Some(ttl))));
    let first = body.to_message(question.name.as_ref(), question.qtype);
    if let (Some(source), Some(first)) = (read_by_hickory(message, true), read_by_hickory(&first, true)) {
        let mut expected = source;
        let answers = first.answers.into_iter().chain(std::mem::take(&mut expected.answers));
        expected.answers = answers.collect();
        written(&joined, question, how, Some(&expected));
    } else {
        written(&joined, question, how, None);
    }
}

/// The second message: flags and records of the input, the question that it has to have.
fn second_message(flags: u8, target: &Name, first: &Question, rest: &[u8]) -> Vec<u8> {
    let (counts, records) = rest.split_at(rest.len().min(3));
    let count = |at: usize| u16::from(counts.get(at).copied().unwrap_or(0)).to_be_bytes();
    let mut message = vec![0, 7, 0x84, flags & 0x0f, 0, 1];
    (0..3).for_each(|at| message.extend_from_slice(&count(at)));
    message.extend_from_slice(target.as_ref().wire());
    message.extend_from_slice(&first.qtype.to_be_bytes());
    message.extend_from_slice(&class::IN.to_be_bytes());
    message.extend_from_slice(records);
    message
}

fn question_message(question: &Question, edns: bool) -> Vec<u8> {
    question.asked().write(7, interlocal::wire::exchange::Manner { edns, option: None })
}

/// Reads as the clients do, and gives what is wrong.
pub(crate) fn read(message: &[u8]) -> Result<ReplyBody, WireError> {
    let mut name = NameBuf::new();
    let end = name.read_plain(message, HEADER)?;
    let qtype = read_u16(message, end).ok_or(WireError::Short)?;
    read_u16(message, end + 2).ok_or(WireError::Short)?;
    ReplyBody::read(message, qtype).map(|(body, _)| body)
}
