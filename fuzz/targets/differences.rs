//! Replies that one of us and hickory-proto reads and the other refuses: each kind of them is listed here with its reason, and
//! one that is not listed fails.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::Message;
use hickory_proto::rr::{Name as HickoryName, Record as HickoryRecord};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use interlocal::wire::record::Record;
use interlocal::wire::{NameBuf, rtype};

use super::answers;
use super::reading::question_end;

/// One kind of difference.
#[derive(Debug)]
pub struct Difference {
    /// `ours` or `hickory`: whoever refuses.
    refused_by: &'static str,
    /// Where it is wrong; see the functions below.
    part: &'static str,
    /// What is wrong: the name of the error, or `any`.
    error: &'static str,
    why: &'static str,
    /// How often it was seen in this process.
    seen: AtomicUsize,
}

impl Difference {
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}, {}: {}", self.seen(), self.refused_by, self.part, self.error, self.why)
    }
}

const fn row(refused_by: &'static str, part: &'static str, error: &'static str, why: &'static str) -> Difference {
    Difference { refused_by, part, error, why, seen: AtomicUsize::new(0) }
}

static KNOWN: [Difference; 9] = [
    row(
        "ours",
        "question",
        "LabelType",
        "no name stands before the question's, so a pointer in it leads into the header",
    ),
    row(
        "ours",
        "what changes",
        "Pointer",
        "a name that goes through the header or a TTL is another one in the reply that is made of it",
    ),
    row("ours", "old names", "any", "hickory does not know these types, and copies malformed names as they are"),
    row("hickory", "old names", "any", "it knows SIG and NAPTR, and reads what stands beside the name in them too"),
    row(
        "ours",
        "options",
        "Edns",
        "at most 32 options are read and none that overruns its record, where hickory ignores them; its owner is an octet of zero",
    ),
    row(
        "hickory",
        "options",
        "any",
        "hickory reads the data of every option that it knows; here whoever wants an option reads it, and nobody wants those",
    ),
    row(
        "hickory",
        "data",
        "any",
        "hickory reads the data of every type that it knows; a resolver passes on what it need not know (RFC 3597 3)",
    ),
    row(
        "hickory",
        "no data",
        "InvalidEmptyRecord",
        "the same for data of no octets, which only an update may have for hickory",
    ),
    row(
        "hickory",
        "section",
        "RecordNotInAdditionalSection",
        "SIG and TSIG belong to a whole message and stand at its end; elsewhere nobody acts on them, and they are data",
    ),
];

pub fn known_differences() -> &'static [Difference] {
    &KNOWN
}

/// Compares the verdicts on a message that is a reply with one question, which is what reaches our reader.
pub(crate) fn compare(message: &[u8]) {
    let reply = message.get(2).is_some_and(|flags| flags & 0xf8 == 0x80);
    if !reply || message.get(4..6) != Some(&[0, 1]) || message.len() < 12 {
        return;
    }
    let (refused_by, error, part) = match (answers::read(message), Message::from_vec(message)) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => return,
        (Err(error), Ok(_)) => ("ours", kind(&error), refused_by_us(message)),
        (Ok(_), Err(error)) => ("hickory", kind(&error), refused_by_hickory(message)),
    };
    let mut same = KNOWN.iter().filter(|row| row.refused_by == refused_by && row.part == part);
    let found = same.find(|row| row.error == "any" || row.error == error);
    match found {
        Some(row) => drop(row.seen.fetch_add(1, Ordering::Relaxed)),
        None => panic!("a new kind of difference: row(\"{refused_by}\", \"{part}\", \"{error}\", ...)"),
    }
}

/// The name of an error's variant.
fn kind(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.chars().take_while(|c| c.is_ascii_alphanumeric()).collect()
}

/// Records that each section has by the header.
fn sections(message: &[u8]) -> [usize; 3] {
    [6, 8, 10].map(|at| usize::from(message[at]) * 256 + usize::from(message[at + 1]))
}

fn records(message: &[u8]) -> usize {
    sections(message).iter().sum()
}

const SIG: u16 = 24;
/// Types whose data both read, to find their names: NS, CNAME, SOA, PTR, MX and SRV.
const BOTH: [u16; 6] = [2, 5, 6, 12, 15, 33];
/// Types whose names we read because old servers compress them, and hickory does not, or not as names: MD, MF, MB, MG, MR, MINFO,
/// RP, AFSDB, RT, SIG, PX, NXT, NAPTR, KX and DNAME.
const OURS: [u16; 15] = [3, 4, 7, 8, 9, 14, 17, 18, 21, SIG, 26, 30, 35, 36, 39];

/// Does hickory have to read the same data from what is made of the message? Names in data that is copied as it is must not be
/// compressed (RFC 3597 4, RFC 9460 2.2); where they are, nothing can be said. When chains are joined, names in old types' data
/// are written in full, which hickory takes for other data.
pub(crate) fn keeps_its_data(message: &[u8], joined: bool) -> bool {
    let mut at = question_end(message);
    (0..records(message)).all(|_| {
        let Ok(record) = Record::read(message, at) else { return false };
        at = record.end;
        match data_of(record.rtype) {
            "data" => record.data_in(message).iter().all(|octet| *octet < 0xc0),
            "old names" => !joined,
            _ => true,
        }
    })
}

fn data_of(record_type: u16) -> &'static str {
    match record_type {
        rtype::OPT => "options",
        both if BOTH.contains(&both) => "names",
        ours if OURS.contains(&ours) => "old names",
        _ => "data",
    }
}

pub(crate) fn refused_by_us(message: &[u8]) -> &'static str {
    let mut name = NameBuf::new();
    if name.read_plain(message, 12).is_err() {
        return "question";
    }
    let (mut at, mut ttls) = (question_end(message), Vec::new());
    for _ in 0..records(message) {
        let Ok(owner) = name.read(message, at) else { return "owner" };
        let Ok(record) = Record::read(message, at) else {
            return message.get(owner..owner + 2).map_or("end", |code| data_of(u16::from_be_bytes([code[0], code[1]])));
        };
        if Record::read_lasting(message, at, &ttls).is_err() {
            return "what changes";
        }
        if record.rtype == rtype::OPT && answers::read(message) == Err(interlocal::wire::WireError::Edns) {
            return "options";
        }
        ttls.push(record.ttl_at);
        at = record.end;
    }
    "end"
}

fn refused_by_hickory(message: &[u8]) -> &'static str {
    let mut at = question_end(message);
    let before_additional = sections(message)[..2].iter().sum();
    for number in 0..records(message) {
        let decoder = BinDecoder::new(message);
        let from_here = || decoder.clone(at as u16);
        if HickoryName::read(&mut from_here()).is_err() {
            return "owner";
        }
        let Ok(record) = Record::read(message, at) else { return "end" };
        if HickoryRecord::read(&mut from_here()).is_err() {
            return data_of(record.rtype);
        }
        if record.rtype != rtype::OPT && record.data == record.end {
            return "no data";
        }
        if number < before_additional && [SIG, rtype::TSIG].contains(&record.rtype) {
            return "section";
        }
        at = record.end;
    }
    "end"
}
