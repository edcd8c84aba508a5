//! What is different between two replies to one question, part by part. Pure. Order within an RRset means nothing, as servers rotate
//! it, nor does the serial of a SOA.

use std::collections::BTreeSet;

use crate::cli::ask::whole::{Record, Reply};

/// A part of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Rcode,
    Answer,
    Authority,
    Additional,
    Ttl,
    /// AA.
    Authoritative,
    /// RA.
    Recursion,
    /// AD.
    Authentic,
}

/// What an operator thinks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    Rcode,
    Records,
    Ttl,
    Flags,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Rcode, Self::Records, Self::Ttl, Self::Flags];

    pub fn word(self) -> &'static str {
        match self {
            Self::Rcode => "rcode",
            Self::Records => "records",
            Self::Ttl => "ttl",
            Self::Flags => "flags",
        }
    }
}

impl Part {
    pub fn kind(self) -> Kind {
        match self {
            Self::Rcode => Kind::Rcode,
            Self::Answer | Self::Authority | Self::Additional => Kind::Records,
            Self::Ttl => Kind::Ttl,
            Self::Authoritative | Self::Recursion | Self::Authentic => Kind::Flags,
        }
    }
}

/// `apart`: how far TTLs may be from each other; kept answers count down.
pub fn between(ours: &Reply, theirs: &Reply, apart: u32) -> BTreeSet<Part> {
    let parts = [
        (Part::Rcode, ours.rcode == theirs.rcode),
        (Part::Answer, texts(&ours.answers) == texts(&theirs.answers)),
        (Part::Authority, texts(&ours.authority) == texts(&theirs.authority)),
        (Part::Additional, texts(&ours.additional) == texts(&theirs.additional)),
        (
            Part::Ttl,
            ttls_agree(&ours.answers, &theirs.answers, apart) && ttls_agree(&ours.authority, &theirs.authority, apart),
        ),
        (Part::Authoritative, ours.authoritative == theirs.authoritative),
        (Part::Recursion, ours.recursion == theirs.recursion),
        (Part::Authentic, ours.authentic == theirs.authentic),
    ];
    parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect()
}

/// Records as text without their TTLs.
pub fn texts(records: &[Record]) -> Vec<String> {
    let mut texts: Vec<String> = records.iter().map(|it| format!("{} {} {}", it.name, it.rtype, it.data)).collect();
    texts.sort_unstable();
    texts
}

fn ttls_agree(ours: &[Record], theirs: &[Record], apart: u32) -> bool {
    let same = |one: &Record, two: &Record| (&one.name, &one.rtype, &one.data) == (&two.name, &two.rtype, &two.data);
    ours.iter().all(|one| theirs.iter().filter(|two| same(one, two)).all(|two| one.ttl.abs_diff(two.ttl) <= apart))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(ttl: u32, addresses: &[&str]) -> Reply {
        let record =
            |address: &&str| Record { name: "web.shop.".into(), rtype: "A".into(), data: (*address).into(), ttl };
        Reply { rcode: "NOERROR".into(), answers: addresses.iter().map(record).collect(), ..Reply::default() }
    }

    #[test]
    fn parts_are_told_apart() {
        let one = reply(5, &["10.0.0.1", "10.0.0.2"]);
        assert!(between(&one, &reply(3, &["10.0.0.2", "10.0.0.1"]), 2).is_empty(), "they take turns, and count down");
        assert_eq!(between(&one, &reply(30, &["10.0.0.1", "10.0.0.2"]), 2), [Part::Ttl].into());
        assert_eq!(between(&one, &reply(5, &["10.0.0.1"]), 2), [Part::Answer].into());
        let other = Reply { rcode: "NXDOMAIN".into(), authoritative: true, ..reply(5, &[]) };
        assert_eq!(between(&one, &other, 2), [Part::Rcode, Part::Answer, Part::Authoritative].into());
    }
}
