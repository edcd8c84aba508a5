//! Which rcode and which Extended DNS Error a question gets that cannot be answered as asked: the one place where a cause
//! becomes words that an operator reads in `dig`.

use std::borrow::Cow;
use std::fmt;

use crate::wire::{Ede, EdeCode, Name, Rcode, ReplyBody, rtype};

/// The sentences of [`Failure::NoAnswerByRule`].
pub mod by_rule {
    pub const NOT_IN_TABLE: &str = "not in the hosts table, and no fallthrough";
    pub const NO_PATTERN: &str = "no pattern of the template fits, and no fallthrough";
    pub const NO_RECORD: &str = "the template makes no record of this name";
    pub const NO_NAME: &str = "rewritten to what is no name";
    pub const NOT_ALLOWED: &str = "not allowed by the acl of this name";
}

/// Why there is no proper answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No address of the region answered in time.
    RegionDark { region: String, cause: &'static str },
    /// The region has no address to ask.
    RegionWithoutAddress { region: String, why: String },
    /// The region's resolver answered, but with an rcode that is not the pod's business.
    RegionRefused { region: String, rcode: Rcode },
    /// No upstream of the zone answered in time.
    UpstreamDark { zone: Name, cause: Option<&'static str> },
    /// The zone has no upstream to ask.
    UpstreamWithoutAddress { zone: Name },
    /// The question has been here before.
    Loop { path: String },
    /// The route was found to lead back to ourselves.
    RouteLoops { zone: Name },
    /// A question from another cluster for a third one's name.
    FromCluster,
    /// Nothing that the peers' door answers.
    NotHere,
    /// No zone, and no upstream either.
    NoRoute,
    /// Neither a namespace nor a region, but nearly a region: perhaps the table lacks it, or it is mistyped.
    NoSuchRegion { label: String, known: String },
    /// The Service is there, and without a ready endpoint its name does not exist.
    NoReadyEndpoint,
    /// An upstream's own failure, of which it says nothing more.
    UpstreamFailed { zone: Name, rcode: Rcode },
    /// A version of EDNS that nobody has seen yet.
    EdnsVersion,
    /// The asker is not in `listen.peers_allow`.
    NotAllowed,
    /// Class CH: who answers is not for this asker.
    NotTold,
    /// The zone has not been read from the API yet.
    NotReady,
    /// RD=0, and not in memory.
    NoRecursion,
    /// `limits.in_flight` is reached.
    Overloaded,
    /// This client has its share of `limits.in_flight`.
    ClientOverloaded,
    /// More CNAMEs than `limits.cname_links`, or a loop of them.
    ChainTooLong,
    /// A region's CNAME leads to a name that only that region can resolve.
    TargetPrivate { region: String },
    /// A type or class that is never answered, as a sentence.
    NotAnswered { what: &'static str },
    /// A policy rule has no answer for a name that is its own, as a sentence of [`by_rule`].
    NoAnswerByRule { what: &'static str },
    /// A server sent something that is not DNS.
    Malformed,
    /// The panic of one question.
    Panic,
}

impl Failure {
    /// The rcode.
    #[must_use]
    pub fn rcode(&self) -> Rcode {
        match self {
            Self::FromCluster
            | Self::NotHere
            | Self::NoRoute
            | Self::NotAllowed
            | Self::NotTold
            | Self::NoRecursion
            | Self::NotAnswered { .. } => Rcode::REFUSED,
            Self::TargetPrivate { .. } => Rcode::NOERROR,
            Self::NoSuchRegion { .. } | Self::NoReadyEndpoint => Rcode::NXDOMAIN,
            Self::UpstreamFailed { rcode, .. } => *rcode,
            Self::EdnsVersion => Rcode::BADVERS,
            _ => Rcode::SERVFAIL,
        }
    }

    /// The cause in words.
    #[must_use]
    pub fn ede(&self) -> Ede {
        let (code, text): (_, Cow<'static, str>) = match self {
            Self::RegionDark { region, cause } => {
                (EdeCode::NO_REACHABLE_AUTHORITY, format!("region {region} does not answer: {cause}").into())
            }
            Self::RegionWithoutAddress { region, why } => {
                (EdeCode::NO_REACHABLE_AUTHORITY, format!("region {region} has no address: {why}").into())
            }
            Self::RegionRefused { region, rcode } => {
                (EdeCode::NETWORK_ERROR, format!("region {region} answered {}", rcode.to_text()).into())
            }
            Self::UpstreamDark { zone, cause } => {
                let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                (EdeCode::NO_REACHABLE_AUTHORITY, format!("no upstream of {zone} answers{cause}").into())
            }
            Self::UpstreamWithoutAddress { zone } => {
                (EdeCode::NO_REACHABLE_AUTHORITY, format!("{zone} has no upstream to ask").into())
            }
            Self::Loop { path } => (EdeCode::OTHER, format!("loop: {path}").into()),
            Self::RouteLoops { zone } => (EdeCode::OTHER, format!("loop: the route for {zone} leads back here").into()),
            Self::FromCluster => (EdeCode::PROHIBITED, "came from a cluster".into()),
            Self::NotHere => (EdeCode::PROHIBITED, "not a name of this region".into()),
            Self::NoRoute => (EdeCode::NOT_AUTHORITATIVE, "no zone and no upstream for this name".into()),
            Self::NoSuchRegion { label, known } => {
                (EdeCode::OTHER, format!("no such region `{label}`; known: {known}").into())
            }
            Self::NoReadyEndpoint => (EdeCode::OTHER, "Service without a ready endpoint".into()),
            Self::UpstreamFailed { zone, rcode } => {
                (EdeCode::NETWORK_ERROR, format!("an upstream of {zone} answered {}", rcode.to_text()).into())
            }
            Self::EdnsVersion => (EdeCode::NOT_SUPPORTED, "EDNS version 0 is the only one".into()),
            Self::NotAllowed => (EdeCode::PROHIBITED, "address not in listen.peers_allow".into()),
            Self::NotTold => (EdeCode::PROHIBITED, "who answers is told to listed addresses only".into()),
            Self::NotReady => (EdeCode::NOT_READY, "zone not read from the Kubernetes API yet".into()),
            Self::NoRecursion => (EdeCode::NOT_AUTHORITATIVE, "recursion not asked for, and not in memory".into()),
            Self::Overloaded => (EdeCode::OTHER, "too many questions in flight".into()),
            Self::ClientOverloaded => (EdeCode::OTHER, "too many questions of this client in flight".into()),
            Self::ChainTooLong => (EdeCode::OTHER, "CNAME chain too long or a loop".into()),
            Self::TargetPrivate { region } => (EdeCode::OTHER, format!("target private to {region}").into()),
            Self::NoAnswerByRule { what } => (EdeCode::OTHER, (*what).into()),
            Self::NotAnswered { what } => (EdeCode::NOT_SUPPORTED, (*what).into()),
            Self::Malformed => (EdeCode::NETWORK_ERROR, "malformed reply".into()),
            Self::Panic => (EdeCode::OTHER, "internal error".into()),
        };
        Ede::new(code, text)
    }

    /// The whole reply.
    #[must_use]
    pub fn body(&self) -> ReplyBody {
        ReplyBody::failure(self.rcode(), Some(self.ede()))
    }
}

/// Why an answer is given past its TTL, where no [`Failure`] says it. The Extended DNS Error has its age in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale<'r> {
    /// No address of the region is worth asking.
    Dark { region: &'r str },
    /// The region was asked, and has not answered within `peers.stale_after`.
    Late { region: &'r str },
    /// `limits.in_flight` is reached: nobody can be asked.
    Overloaded,
    /// The region denies what it had, but never said that it knows its zone.
    Doubted { region: &'r str },
}

impl fmt::Display for Stale<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dark { region } => write!(f, "region {region} does not answer"),
            Self::Late { region } => write!(f, "region {region} has not answered yet"),
            Self::Overloaded => f.write_str("too many questions in flight"),
            Self::Doubted { region } => write!(f, "region {region} denies it, but may not be synced"),
        }
    }
}

/// Types that are never looked up: they belong to a message, to a transaction or to a transfer, not to a name.
#[must_use]
pub fn unanswerable(qtype: u16) -> Option<Failure> {
    let what = match qtype {
        rtype::OPT => "a question for OPT is not answered",
        rtype::TKEY | rtype::TSIG => "a question for a transaction signature is not answered",
        rtype::AXFR | rtype::IXFR => "a zone transfer is not answered",
        rtype::MAILA | rtype::MAILB => "a question for MAILA or MAILB is not answered",
        _ => return None,
    };
    Some(Failure::NotAnswered { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_which_region_or_zone() {
        let dark = Failure::RegionDark { region: "east".into(), cause: "timed out" };
        assert_eq!((dark.rcode(), dark.ede().text()), (Rcode::SERVFAIL, "region east does not answer: timed out"));
        let long = Failure::Loop { path: "east > west > ".repeat(20) };
        assert!(long.ede().text().len() <= crate::wire::edns::MAX_EDE_TEXT);
    }

    /// One of each.
    fn all() -> Vec<Failure> {
        let (region, zone): (String, Name) = ("east".into(), "corp.example".parse().expect("a name"));
        let what = unanswerable(rtype::AXFR);
        let mut all = vec![
            Failure::RegionDark { region: region.clone(), cause: "timed out" },
            Failure::RegionWithoutAddress { region: region.clone(), why: "no endpoints".into() },
            Failure::RegionRefused { region: region.clone(), rcode: Rcode::REFUSED },
            Failure::UpstreamDark { zone: zone.clone(), cause: None },
            Failure::UpstreamWithoutAddress { zone: zone.clone() },
            Failure::Loop { path: "east > west > east".into() },
            Failure::RouteLoops { zone },
            Failure::FromCluster,
            Failure::NotHere,
            Failure::NotAllowed,
            Failure::NotReady,
            Failure::NoRecursion,
            Failure::Overloaded,
            Failure::ChainTooLong,
            Failure::TargetPrivate { region },
            Failure::Malformed,
            Failure::Panic,
            Failure::NoRoute,
        ];
        all.extend(what);
        all.push(Failure::NoSuchRegion { label: "eats".into(), known: "central, east, west".into() });
        all.push(Failure::NotTold);
        all.push(Failure::NoReadyEndpoint);
        all.push(Failure::UpstreamFailed { zone: "corp.example".parse().expect("a name"), rcode: Rcode::SERVFAIL });
        all.push(Failure::EdnsVersion);
        all.push(Failure::ClientOverloaded);
        all.push(Failure::NoAnswerByRule { what: by_rule::NOT_IN_TABLE });
        all
    }

    #[test]
    fn page_has_a_row_for_every_stale_answer() {
        let page = include_str!("../docs/answers.md");
        let region = "east";
        for stale in [Stale::Dark { region }, Stale::Late { region }, Stale::Overloaded, Stale::Doubted { region }] {
            let row = format!("| `100 s old: {stale}` | NOERROR | 3 Stale Answer | ");
            assert!(page.lines().any(|line| line.starts_with(&row)), "{row}");
        }
    }

    /// Grows with the enum, or does not compile: then `all` and the page need one more too.
    fn number(failure: &Failure) -> usize {
        match failure {
            Failure::RegionDark { .. } => 0,
            Failure::RegionWithoutAddress { .. } => 1,
            Failure::RegionRefused { .. } => 2,
            Failure::UpstreamDark { .. } => 3,
            Failure::UpstreamWithoutAddress { .. } => 4,
            Failure::Loop { .. } => 5,
            Failure::RouteLoops { .. } => 6,
            Failure::FromCluster => 7,
            Failure::NotHere => 8,
            Failure::NotAllowed => 9,
            Failure::NotReady => 10,
            Failure::NoRecursion => 11,
            Failure::Overloaded => 12,
            Failure::ChainTooLong => 13,
            Failure::TargetPrivate { .. } => 14,
            Failure::Malformed => 15,
            Failure::Panic => 16,
            Failure::NoRoute => 17,
            Failure::NotAnswered { .. } => 18,
            Failure::NoSuchRegion { .. } => 19,
            Failure::NotTold => 20,
            Failure::NoReadyEndpoint => 21,
            Failure::UpstreamFailed { .. } => 22,
            Failure::EdnsVersion => 23,
            Failure::ClientOverloaded => 24,
            Failure::NoAnswerByRule { .. } => 25,
        }
    }

    #[test]
    fn page_has_a_row_for_every_failure_with_its_rcode_and_code() {
        let page = include_str!("../docs/answers.md");
        let rows = page.lines().filter(|line| line.starts_with("| `") && line.split(" | ").count() == 4).count();
        // Five of them are stale answers, and the rules of a policy have five words in all.
        assert_eq!(rows, all().len() + 5 + 4, "the page has a row that nothing says");
        for (place, failure) in all().iter().enumerate() {
            assert_eq!(number(failure), place);
            has_row(failure, page);
        }
        for what in [by_rule::NO_PATTERN, by_rule::NO_RECORD, by_rule::NO_NAME, by_rule::NOT_ALLOWED] {
            has_row(&Failure::NoAnswerByRule { what }, page);
        }
    }

    fn has_row(failure: &Failure, page: &str) {
        let (ede, rcode) = (failure.ede(), failure.rcode().to_text());
        let row = format!("| `{}` | {rcode} | {} ", ede.text(), ede.code.0);
        assert!(page.lines().any(|line| line.starts_with(&row)), "{row}");
    }
}
