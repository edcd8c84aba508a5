//! The values that labels can have, as places in an array: few, known beforehand, and found without a look-up.

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proto {
    Udp,
    Tcp,
}

impl Proto {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// The address family of the asker, by the numbers that CoreDNS uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::V4 => "1",
            Self::V6 => "2",
        }
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answerer {
    /// The zone of the cluster.
    Local,
    /// Memory: what a peer or an upstream had said.
    Cache,
    /// The same, when what they had said is that there is nothing.
    CachedDenial,
    /// Either of them, past its TTL.
    Stale,
    Peer,
    Forward,
    /// Nobody was asked: refused, malformed, overloaded.
    Own,
}

impl Answerer {
    pub(super) const ALL: [Self; 7] =
        [Self::Local, Self::Cache, Self::CachedDenial, Self::Stale, Self::Peer, Self::Forward, Self::Own];

    /// The plugin that does the same in CoreDNS.
    pub(super) const fn plugin(self) -> &'static str {
        match self {
            Self::Local => "kubernetes",
            Self::Cache | Self::CachedDenial | Self::Stale => "cache",
            Self::Peer | Self::Forward => "forward",
            Self::Own => "",
        }
    }
}

/// Why there was no answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Too short to have an id, or itself a reply.
    NotAQuery,
    /// The socket did not take the answer.
    Send,
    /// An `acl` rule says so.
    Policy,
}

impl DropReason {
    pub(super) const ALL: [Self; 3] = [Self::NotAQuery, Self::Send, Self::Policy];

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::NotAQuery => "not_a_query",
            Self::Send => "send",
            Self::Policy => "policy",
        }
    }
}

/// Types that have a place of their own: CoreDNS's list.
pub(super) const TYPES: [(u16, &str); 18] = [
    (1, "A"),
    (28, "AAAA"),
    (15, "MX"),
    (6, "SOA"),
    (5, "CNAME"),
    (12, "PTR"),
    (16, "TXT"),
    (2, "NS"),
    (33, "SRV"),
    (43, "DS"),
    (48, "DNSKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (50, "NSEC3"),
    (65, "HTTPS"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
];
pub(super) const TYPE_SLOTS: usize = TYPES.len() + 1;

/// A and AAAA are nearly all questions, and stand in front.
#[inline]
pub(super) fn type_slot(qtype: u16) -> usize {
    TYPES.iter().position(|(number, _)| *number == qtype).unwrap_or(TYPES.len())
}

pub(super) fn type_text(slot: usize) -> &'static str {
    TYPES.get(slot).map_or("other", |(_, text)| text)
}

/// Rcodes 0 to 5, which are their own places, then BADVERS and all others.
const RCODES: [&str; 8] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "BADVERS", "other"];
pub(super) const RCODE_SLOTS: usize = RCODES.len();
const BADVERS: u16 = 16;

#[inline]
pub(super) fn rcode_slot(rcode: u16) -> usize {
    match rcode {
        0..=5 => usize::from(rcode),
        BADVERS => 6,
        _ => 7,
    }
}

pub(super) fn rcode_text(slot: usize) -> &'static str {
    RCODES[slot]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_rcodes_have_the_names_that_dashboards_know() {
        let type_of = |number| type_text(type_slot(number));
        assert_eq!([1, 28, 33, 255, 13, 65_280].map(type_of), ["A", "AAAA", "SRV", "ANY", "other", "other"]);
        let rcode_of = |number| rcode_text(rcode_slot(number));
        assert_eq!(
            [0, 2, 3, 5, 16, 9].map(rcode_of),
            ["NOERROR", "SERVFAIL", "NXDOMAIN", "REFUSED", "BADVERS", "other"]
        );
    }
}
