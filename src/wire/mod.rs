//! DNS messages as bytes: names, questions, replies, EDNS. No I/O, no clock, no policy, no allocation on the way of a
//! query that is answered from memory.

pub mod body;
pub mod edns;
pub mod exchange;
pub mod frames;
pub mod mnemonic;
pub mod name;
pub mod query;
pub mod record;
pub mod reply;
pub mod reverse;
pub mod spelling;
pub mod stamp;
pub mod text;

pub use body::ReplyBody;
pub use edns::{Ede, EdeCode, Edns};
pub use name::{Name, NameBuf, NameRef};
pub use query::{Incoming, Query};
pub use reply::ReplyWriter;

/// Octets of a message header (RFC 1035 4.1.1).
pub const HEADER_LEN: usize = 12;
/// The largest message over TCP, by its two-octet length (RFC 1035 4.2.2).
pub const MAX_MESSAGE: usize = 65_535;
/// "Messages carried by UDP are restricted to 512 bytes" without EDNS (RFC 1035 4.2.1), and a smaller EDNS size means
/// 512 too (RFC 6891 6.2.3).
pub const MIN_UDP_PAYLOAD: usize = 512;
/// The largest UDP reply that is never fragmented in practice (DNS flag day 2020; RFC 9715 3.2 allows 1,400).
pub const MAX_UDP_PAYLOAD: usize = 1_232;

/// Why bytes are not a DNS message that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("message ends in the middle of a field")]
    Short,
    #[error("name has a label of a reserved type")]
    LabelType,
    #[error("name is longer than 255 octets")]
    NameTooLong,
    #[error("compression pointer does not point backwards")]
    Pointer,
    #[error("record data does not match its length")]
    Rdata,
    #[error("reply is to another question")]
    Question,
    #[error("reply has another id")]
    Id,
    #[error("message is not a reply")]
    NotAReply,
    #[error("EDNS is malformed")]
    Edns,
}

/// Record types that the program itself treats specially; all others pass through as numbers (RFC 3597).
pub mod rtype {
    pub const A: u16 = 1;
    pub const NS: u16 = 2;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const PTR: u16 = 12;
    pub const HINFO: u16 = 13;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const AAAA: u16 = 28;
    pub const SRV: u16 = 33;
    pub const DNAME: u16 = 39;
    pub const OPT: u16 = 41;
    pub const DS: u16 = 43;
    pub const RRSIG: u16 = 46;
    pub const NSEC: u16 = 47;
    pub const DNSKEY: u16 = 48;
    pub const NSEC3: u16 = 50;
    pub const HTTPS: u16 = 65;
    pub const TKEY: u16 = 249;
    pub const TSIG: u16 = 250;
    pub const IXFR: u16 = 251;
    pub const AXFR: u16 = 252;
    pub const MAILB: u16 = 253;
    pub const MAILA: u16 = 254;
    pub const ANY: u16 = 255;
}

/// Classes (RFC 1035 3.2.4, RFC 2136 2.4).
pub mod class {
    pub const IN: u16 = 1;
    pub const CH: u16 = 3;
    pub const NONE: u16 = 254;
    pub const ANY: u16 = 255;
}

/// Response codes (RFC 1035 4.1.1, RFC 6891 9), the extended ones included: 12 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Rcode(pub u16);

impl Rcode {
    pub const NOERROR: Self = Self(0);
    pub const FORMERR: Self = Self(1);
    pub const SERVFAIL: Self = Self(2);
    pub const NXDOMAIN: Self = Self(3);
    pub const NOTIMP: Self = Self(4);
    pub const REFUSED: Self = Self(5);
    pub const BADVERS: Self = Self(16);

    /// The mnemonic, or `RCODE24`.
    #[must_use]
    pub fn to_text(self) -> std::borrow::Cow<'static, str> {
        mnemonic::rcode_text(self)
    }
}

/// The second 16 bits of the header: QR, opcode, AA, TC, RD, RA, Z, AD, CD and the low four bits of the rcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(pub u16);

impl Flags {
    pub const QR: u16 = 0x8000;
    pub const OPCODE: u16 = 0x7800;
    pub const AA: u16 = 0x0400;
    pub const TC: u16 = 0x0200;
    pub const RD: u16 = 0x0100;
    pub const RA: u16 = 0x0080;
    pub const AD: u16 = 0x0020;
    pub const CD: u16 = 0x0010;
    pub const RCODE: u16 = 0x000f;

    #[must_use]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
    #[must_use]
    pub const fn opcode(self) -> u16 {
        (self.0 & Self::OPCODE) >> 11
    }
    #[must_use]
    pub const fn rcode(self) -> u16 {
        self.0 & Self::RCODE
    }
}

/// The big-endian 16-bit number at `at`, if it is inside `bytes`.
#[inline]
#[must_use]
pub fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([field[0], field[1]]))
}

/// The big-endian 32-bit number at `at`, if it is inside `bytes`.
#[inline]
#[must_use]
pub fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([field[0], field[1], field[2], field[3]]))
}
