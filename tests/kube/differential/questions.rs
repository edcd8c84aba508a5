//! Names times types times ways of asking. The whole is too much for every day, so that a sample of it has one of each kind
//! and then every so many; both are the same on every machine.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;

use super::names::{Form, Names};
use super::random::Random;

/// What is in a Kubernetes zone, and what clients ask it for none the less.
const TYPES: [RecordType; 18] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::CNAME,
    RecordType::PTR,
    RecordType::TXT,
    RecordType::ANY,
    RecordType::SOA,
    RecordType::NS,
    RecordType::MX,
    RecordType::HTTPS,
    RecordType::SVCB,
    RecordType::CAA,
    RecordType::NAPTR,
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::TLSA,
    RecordType::Unknown(65280),
];

/// What names of a form are there for: these types are asked in every way.
fn frequent(form: Form) -> &'static [RecordType] {
    match form {
        Form::Reverse => &[RecordType::PTR],
        Form::Service | Form::Outside => &[RecordType::A, RecordType::AAAA, RecordType::SRV],
        Form::Zone => &[RecordType::A, RecordType::AAAA, RecordType::SOA, RecordType::NS, RecordType::TXT],
        _ => &[],
    }
}

/// What clients ask for.
const USUAL: [RecordType; 4] = [RecordType::A, RecordType::AAAA, RecordType::SRV, RecordType::PTR];

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Without EDNS: 512 octets.
    Udp,
    /// With EDNS and this payload size.
    UdpEdns(u16),
    /// With AD, CD and DO.
    UdpFlags,
    Tcp,
    TcpEdns,
    /// Without RD, over TCP so that only that is different.
    NoRecursion,
}

const WAYS: [Way; 8] = [
    Way::Udp,
    Way::UdpEdns(1232),
    Way::Tcp,
    Way::UdpEdns(512),
    Way::TcpEdns,
    Way::UdpEdns(4096),
    Way::UdpFlags,
    Way::NoRecursion,
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    pub rtype: RecordType,
    pub way: Way,
    pub form: Form,
}

/// All of them, in an order that means nothing and is another one for each seed.
pub fn all(names: &Names, seed: u64) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut random = Random::new(seed);
    for (name, form) in names.iter() {
        for rtype in TYPES {
            let question = |way| Question { name: name.to_owned(), rtype, way, form };
            if frequent(form).contains(&rtype) {
                questions.extend(WAYS.map(question));
            } else {
                let way = usize::try_from(random.below(WAYS.len() as u64)).unwrap();
                questions.push(question(WAYS[way]));
            }
        }
    }
    // Transfers are for zones (RFC 5936).
    for (name, form) in names.iter().filter(|(_, form)| *form == Form::Zone) {
        for rtype in [RecordType::AXFR, RecordType::IXFR] {
            questions.push(Question { name: name.to_owned(), rtype, way: Way::Tcp, form });
        }
    }
    shuffle(&mut questions, &mut random);
    questions
}

/// About `count` of them: first one of each form, type and way, then whatever comes, two of three of the usual types.
pub fn sample(questions: &[Question], count: usize) -> Vec<Question> {
    let mut kinds = BTreeSet::new();
    let (mut first, mut usual, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for question in questions {
        let way = USUAL.contains(&question.rtype).then_some(question.way);
        if kinds.insert((question.form, u16::from(question.rtype), way)) {
            first.push(question.clone());
        } else if way.is_some() {
            usual.push(question.clone());
        } else {
            other.push(question.clone());
        }
    }
    let more = count.saturating_sub(first.len());
    let of_usual = usual.len().min(more.saturating_sub(other.len()).max(more * 2 / 3));
    first.extend(usual.into_iter().take(of_usual));
    first.extend(other.into_iter().take(more - of_usual));
    first
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for end in (1..items.len()).rev() {
        let other = usize::try_from(random.below(end as u64 + 1)).unwrap();
        items.swap(end, other);
    }
}
