//! What the upstream says to a question: a pure function of its name and type, so that whoever asks, however often, gets the
//! same. The label before `example.com` is the kind of answer, the first one the number of the variant.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{Name, Record, RecordType};

use super::data::{self, Dice};
use crate::support::name;
use crate::support::read::EDE;

pub const ZONE: &str = "example.com.";

/// Kinds of names; `chainN` has N links before its end, which `chain0` is.
pub const KINDS: [&str; 24] = [
    "plain",
    "nx",
    "nodata",
    "nx-bare",
    "nodata-bare",
    "servfail",
    "refused",
    "formerr",
    "notimp",
    "yxdomain",
    "badcookie",
    "chain0",
    "chain1",
    "chain3",
    "chain9",
    "chain14",
    "loop",
    "large",
    "tc",
    "ede",
    "ttl",
    "flags",
    "extra",
    "twice",
];

/// Kinds of names that have data of every type that is asked for.
const WITH_DATA: [&str; 8] = ["plain", CUT, "ede", "flags", "extra", "twice", "large", "ttl"];

/// Of a kind that is answered over TCP only.
pub const CUT: &str = "tc";

/// What is said, whoever asks.
#[derive(Debug, Default, Clone)]
pub struct Answer {
    pub rcode: ResponseCode,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    pub additionals: Vec<Record>,
    pub aa: bool,
    pub ad: bool,
    pub no_ra: bool,
    pub ede: Option<(u16, &'static str)>,
}

/// Puts the answer into the reply.
pub fn fill(query: &Message, reply: &mut Message) {
    let Some(question) = query.queries.first() else { return };
    let answer = answer(question.name(), question.query_type());
    reply.metadata.response_code = answer.rcode;
    reply.metadata.authoritative = answer.aa;
    reply.metadata.authentic_data = answer.ad;
    reply.metadata.recursion_available = !answer.no_ra;
    (reply.answers, reply.authorities, reply.additionals) = (answer.answers, answer.authorities, answer.additionals);
    let Some(edns) = &mut reply.edns else { return };
    edns.set_rcode_high(answer.rcode.high());
    if let Some((code, text)) = answer.ede {
        let data = [&code.to_be_bytes(), text.as_bytes()].concat();
        edns.options_mut().insert(EdnsOption::Unknown(EDE, data));
    }
}

/// The kind of a name of this world, and its number.
pub fn kind(asked: &Name) -> Option<(String, u64)> {
    let text = asked.to_ascii().to_ascii_lowercase();
    let (number, kind) = text.strip_suffix(&format!(".{ZONE}"))?.split_once('.')?;
    Some((kind.to_owned(), number.strip_prefix('n')?.parse().ok()?))
}

pub fn answer(asked: &Name, rtype: RecordType) -> Answer {
    let Some((kind, number)) = kind(asked) else { return denial(ResponseCode::NXDomain, true) };
    if rtype == RecordType::CNAME && WITH_DATA.contains(&kind.as_str()) {
        // Nothing is beside a CNAME (RFC 1034 3.6.2).
        return denial(ResponseCode::NoError, true);
    }
    // ANY is answered with one of the types that there are.
    let any = (rtype == RecordType::ANY).then_some(rtype);
    let rtype = any.map_or(rtype, |_| RecordType::TXT);
    let mut dice = Dice::of(&format!("{kind} {number} {rtype}"));
    let records = |dice: &mut Dice, count: u64| data::records(asked, rtype, 300, count, dice);
    let some = 1 + dice.below(4);
    let mut answer = Answer::default();
    match kind.as_str() {
        "plain" | CUT | "ede" | "flags" | "extra" | "twice" => answer.answers = records(&mut dice, some),
        "nx" => answer = denial(ResponseCode::NXDomain, true),
        "nodata" => answer = denial(ResponseCode::NoError, true),
        "nx-bare" => answer = denial(ResponseCode::NXDomain, false),
        "nodata-bare" => answer = denial(ResponseCode::NoError, false),
        "servfail" => answer.rcode = ResponseCode::ServFail,
        "refused" => answer.rcode = ResponseCode::Refused,
        "formerr" => answer.rcode = ResponseCode::FormErr,
        "notimp" => answer.rcode = ResponseCode::NotImp,
        "yxdomain" => answer.rcode = ResponseCode::YXDomain,
        "badcookie" => answer.rcode = ResponseCode::BADCOOKIE,
        "large" => answer.answers = records(&mut dice, 20 + number % 120),
        "ttl" => {
            let ttl = [0, 1, 29, 31, 86_400, 604_801, 0x7fff_ffff, 0x8000_0000, u32::MAX][(number % 9) as usize];
            answer.answers = data::records(asked, rtype, ttl, some, &mut dice);
        }
        "loop" | "ring" => answer.answers.push(alias(asked, if kind == "loop" { "ring" } else { "loop" }, number)),
        _ => return link(asked, any.unwrap_or(rtype), &kind, number),
    }
    match kind.as_str() {
        "ede" => {
            answer.ede =
                Some([(0, "anything"), (4, "forged here"), (15, ""), (3, "of yesterday")][(number % 4) as usize]);
            let denied = [ResponseCode::NoError, ResponseCode::NXDomain, ResponseCode::ServFail][(number % 3) as usize];
            if denied != ResponseCode::NoError {
                answer = Answer { ede: answer.ede, ..denial(denied, denied == ResponseCode::NXDomain) };
            }
        }
        "flags" => (answer.aa, answer.ad, answer.no_ra) = (number & 1 != 0, number & 2 != 0, number & 4 != 0),
        "extra" => extra(&mut answer, number, &mut dice),
        "twice" => answer.answers.extend(answer.answers.clone()),
        _ => {}
    }
    answer
}

/// Beside the answer: records that nobody asked for, in each section.
fn extra(answer: &mut Answer, number: u64, dice: &mut Dice) {
    let other = name(&format!("n{number}.plain.{ZONE}"));
    let poison = data::records(&other, RecordType::A, 300, 1, dice);
    match number % 3 {
        0 => answer.answers.extend(poison),
        1 => answer.authorities.extend(data::records(&name(ZONE), RecordType::NS, 300, 2, dice)),
        _ => answer.additionals.extend(poison),
    }
}

/// A chain: whole in one answer where the number is even, else one link at a time. Its end is data, a missing type or a
/// missing name.
fn link(asked: &Name, rtype: RecordType, kind: &str, number: u64) -> Answer {
    let Some(left) = kind.strip_prefix("chain").and_then(|left| left.parse::<u64>().ok()) else {
        return denial(ResponseCode::NXDomain, true);
    };
    if left == 0 {
        return match number % 5 {
            _ if rtype == RecordType::CNAME => denial(ResponseCode::NoError, true),
            3 => denial(ResponseCode::NoError, true),
            4 => denial(ResponseCode::NXDomain, true),
            _ => {
                let rtype = if rtype == RecordType::ANY { RecordType::TXT } else { rtype };
                let mut dice = Dice::of(&format!("chain0 {number} {rtype}"));
                Answer { answers: data::records(asked, rtype, 300, 2, &mut dice), ..Answer::default() }
            }
        };
    }
    let next = format!("chain{}", left - 1);
    let first = alias(asked, &next, number);
    if [RecordType::CNAME, RecordType::ANY].contains(&rtype) || number % 2 == 1 {
        return Answer { answers: vec![first], ..Answer::default() };
    }
    let mut rest = link(&name(&format!("n{number}.{next}.{ZONE}")), rtype, &next, number);
    rest.answers.insert(0, first);
    rest
}

fn alias(asked: &Name, kind: &str, number: u64) -> Record {
    data::record(asked, RecordType::CNAME, 300, data::wire_name(&format!("n{number}.{kind}.{ZONE}")))
}

fn denial(rcode: ResponseCode, soa: bool) -> Answer {
    let authorities = if soa { vec![crate::support::rule::soa(ZONE, 60)] } else { Vec::new() };
    Answer { rcode, authorities, ..Answer::default() }
}
