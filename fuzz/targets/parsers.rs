//! One message, three readers: ours, hickory-proto's and domain's. They agree on whether it can be read and on what it says, or
//! the difference is on the list in `parsers/known.rs`.
//!
//! Input: a query or a reply with one question. Everything else is answered by its header alone, and its rcode is the `query`
//! target's.

mod known;
mod readers;

pub use known::known_differences;

const HEADER: usize = 12;

/// Size, version, high bits of the rcode, DO.
type Edns = (u16, u8, u8, bool);
/// Owner, type, class and TTL of a record.
type One = (Vec<u8>, u16, u16, u32);

/// What a message says, as far as two readers can both tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    id: u16,
    /// The second line of the header (RFC 1035 4.1.1), without the reserved bit.
    flags: u16,
    question: (Vec<u8>, u16, u16),
    edns: Option<Edns>,
    /// But OPT and the signatures of the whole message; none in a query, where we read nothing of them.
    records: Option<Vec<One>>,
}

pub fn run(data: &[u8]) {
    if data.len() < HEADER || data[2] & 0x78 != 0 || data[4..6] != [0, 1] {
        return;
    }
    let reply = data[2] & 0x80 != 0;
    let ours = if reply { readers::our_reply(data) } else { readers::our_query(data) };
    for (peer, theirs) in [("hickory", readers::hickory(data, reply)), ("domain", readers::domain(data, reply))] {
        match (&ours, theirs) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => assert_eq!(*ours, theirs, "ours, and {peer}'s"),
            // The other target has a finer list of these.
            _ if reply && peer == "hickory" => {}
            (None, Some(_)) => known::explain("ours", peer, reply, data),
            (Some(_), None) => known::explain(peer, peer, reply, data),
        }
    }
}
