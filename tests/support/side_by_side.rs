//! One question to two servers: how a test writes it, what of the replies is different, and whether that is wanted. Order within a
//! section means nothing; RA is ours alone to set, and how large an OPT may be is nobody's business. It starts no server.

use std::collections::BTreeSet;

use hickory_proto::op::Message;
use hickory_proto::rr::{DNSClass, Record, RecordType};

use super::client::Ask;
pub use super::differential::Part;
use super::differential::different;
use super::read::extended_errors;
use super::secs;

/// A question whose replies differ, in what, and why that is wanted.
pub type Wanted = (&'static str, &'static [Part], &'static str);

/// The question that a line says: `NAME TYPE [CH] [+nsid] [+norec] [+large]`, the last with room for 4096 octets.
pub fn question(asked: &str) -> Ask {
    let mut words = asked.split(' ');
    let (name, rtype) = (words.next().unwrap(), words.next().unwrap());
    let rtype = rtype.parse().unwrap_or_else(|_| RecordType::Unknown(rtype[4..].parse().unwrap()));
    // Silence is an answer too, and both are on loopback.
    let ask = Ask::new(name, rtype).patience(secs(2));
    words.fold(ask, |ask, word| match word {
        "CH" => ask.class(DNSClass::CH),
        "+nsid" => ask.option(3, &[]),
        "+norec" => ask.no_rd(),
        "+large" => ask.edns(4_096),
        // How and where it is asked is the runner's.
        "+tcp" | "@2" => ask,
        other => panic!("{other}?"),
    })
}

/// The parts that are wanted to differ for this question.
pub fn wanted(asked: &str, all: &[Wanted]) -> BTreeSet<Part> {
    let found = all.iter().find(|(question, ..)| *question == asked);
    found.map(|(_, parts, _)| parts.iter().copied().collect()).unwrap_or_default()
}

/// A wanted difference of a question that nobody asks is a mistake of the list.
pub fn all_are_asked(asked: &[&str], all: &[Wanted]) {
    let unasked = all.iter().find(|(question, ..)| !asked.contains(question));
    assert!(unasked.is_none(), "nobody asks {unasked:?}");
}

pub fn differences(ours: Option<&Message>, theirs: Option<&Message>) -> BTreeSet<Part> {
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        (None, None) => return BTreeSet::new(),
        _ => return [Part::Silence].into(),
    };
    let codes = |message| extended_errors(message).into_iter().collect::<Vec<_>>();
    let ttls = |message: &Message| message.answers.iter().map(|record| record.ttl).collect::<BTreeSet<_>>();
    // What is left of a cut reply is not to be used (RFC 2181 9).
    let cut = ours.truncation && theirs.truncation;
    different([
        (Part::Rcode, ours.response_code == theirs.response_code),
        (Part::Aa, ours.authoritative == theirs.authoritative),
        (Part::Rd, ours.recursion_desired == theirs.recursion_desired),
        (Part::Tc, ours.truncation == theirs.truncation),
        (Part::Answer, cut || set(&ours.answers) == set(&theirs.answers)),
        (Part::Ttl, cut || ttls(ours) == ttls(theirs)),
        (Part::Authority, cut || set(&ours.authorities) == set(&theirs.authorities)),
        (Part::Additional, cut || set(&ours.additionals) == set(&theirs.additionals)),
        (Part::Ede, codes(ours) == codes(theirs)),
        (Part::Option, nsid(ours) == nsid(theirs)),
    ])
}

/// A reply as a text, for whoever has to find out why.
pub fn shown(message: Option<&Message>) -> String {
    let Some(message) = message else { return "nothing".into() };
    let sections =
        [&message.answers, &message.authorities, &message.additionals].map(|records| set(records).join("; "));
    let flags = [("aa", message.authoritative), ("rd", message.recursion_desired), ("tc", message.truncation)];
    let flags: Vec<&str> = flags.into_iter().filter(|(_, set)| *set).map(|(word, _)| word).collect();
    let ede: Vec<String> = extended_errors(message).into_iter().map(|error| format!("{error:?}")).collect();
    let ttls: Vec<u32> = message.answers.iter().map(|record| record.ttl).collect();
    format!("{} [{}] {:?} {ttls:?} {ede:?} {:?}", message.response_code, flags.join(" "), sections, nsid(message))
}

fn set(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| {
        let owner = record.name.to_string().to_lowercase();
        format!("{owner} {} {} {}", record.dns_class, record.record_type(), record.data)
    };
    let mut texts: Vec<String> = records.iter().map(text).collect();
    texts.sort_unstable();
    texts
}

fn nsid(message: &Message) -> Option<String> {
    let edns = message.edns.as_ref()?;
    let option = edns.options().as_ref().iter().find(|(code, _)| u16::from(*code) == 3)?;
    Some(format!("{:?}", option.1))
}
