//! The stamp: an EDNS option on questions that leave a cluster, with the path of clusters so far; and the reply option, with
//! which another interlocal says who it is. Read as far as it goes, so that old and new versions understand each other.
//!
//! ```text
//! stamp:  "ilc1" ( id[8] length[1] label[length] )*
//! reply:  "ilr1" id[8] length[1] label[length] synced[1] door[1] table[8]
//! ```

use std::fmt;

/// Code of the option unless configured otherwise ("Reserved for Local/Experimental Use", RFC 6891 9).
pub const DEFAULT_OPTION: u16 = 65_313;
/// Clusters in one path: more than any sane path, and all that is read of an insane one.
pub const MAX_PATH: usize = 16;

const STAMP_MAGIC: &[u8; 4] = b"ilc1";
const REPLY_MAGIC: &[u8; 4] = b"ilr1";
const ID_LEN: usize = 8;

/// A hash of what identifies a cluster; zero while nothing is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ClusterId(pub [u8; ID_LEN]);

impl ClusterId {
    /// Nothing is concluded from comparing an unknown id.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::default()
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One cluster of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop<'p> {
    pub id: ClusterId,
    /// Empty if the cluster has no region label.
    pub label: &'p [u8],
}

/// The path of clusters that a question has passed, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'p> {
    hops: &'p [u8],
}

impl<'p> Stamp<'p> {
    /// Reads the option's data; `None` if the magic is not ours.
    #[must_use]
    pub fn parse(data: &'p [u8]) -> Option<Self> {
        Some(Self { hops: data.strip_prefix(STAMP_MAGIC)? })
    }

    /// The clusters passed, first one first; a hop that is cut short ends the path.
    pub fn hops(&self) -> impl Iterator<Item = Hop<'p>> {
        let mut rest = self.hops;
        std::iter::from_fn(move || {
            let (hop, after) = read_hop(rest)?;
            rest = after;
            Some(hop)
        })
        .take(MAX_PATH)
    }

    /// Has the question passed this cluster? By id, or by label where one of the ids is unknown.
    #[must_use]
    pub fn passed(&self, own: Hop<'_>) -> bool {
        self.hops().any(|hop| {
            if hop.id.is_known() && own.id.is_known() {
                hop.id == own.id
            } else {
                !own.label.is_empty() && hop.label == own.label
            }
        })
    }

    /// The path for people: `east > west`, an id where a cluster has no label.
    #[must_use]
    pub fn path(&self) -> String {
        let hops: Vec<String> = self
            .hops()
            .map(|hop| match hop.label {
                [] => hop.id.to_string(),
                label => String::from_utf8_lossy(label).into_owned(),
            })
            .collect();
        hops.join(" > ")
    }
}

/// The option's data for a question that leaves `own`, having come with `before`.
#[must_use]
pub fn write_stamp(before: Option<Stamp<'_>>, own: Hop<'_>) -> Vec<u8> {
    let mut data = STAMP_MAGIC.to_vec();
    let passed = before.into_iter().flat_map(|stamp| stamp.hops().take(MAX_PATH - 1).collect::<Vec<_>>());
    for hop in passed.chain([own]) {
        write_hop(&mut data, hop);
    }
    data
}

/// What another interlocal says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyStamp {
    pub id: ClusterId,
    pub label: String,
    pub synced: bool,
    pub door: DoorSaid,
    /// Hash of its peer table.
    pub table: u64,
}

/// Which door answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorSaid {
    Pods,
    Peers,
    /// A number of a later version.
    Unknown(u8),
}

impl ReplyStamp {
    /// Reads the option's data; what is missing at the end takes the value that concludes nothing.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (hop, rest) = read_hop(data.strip_prefix(REPLY_MAGIC)?)?;
        let table = rest.get(2..10).map_or(0, |bytes| {
            let mut hash = [0; 8];
            hash.copy_from_slice(bytes);
            u64::from_be_bytes(hash)
        });
        let door = match rest.get(1) {
            Some(1) => DoorSaid::Pods,
            Some(2) => DoorSaid::Peers,
            other => DoorSaid::Unknown(other.copied().unwrap_or(0)),
        };
        Some(Self {
            id: hop.id,
            label: String::from_utf8_lossy(hop.label).into_owned(),
            synced: rest.first() == Some(&1),
            door,
            table,
        })
    }

    /// The option's data.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut data = REPLY_MAGIC.to_vec();
        write_hop(&mut data, Hop { id: self.id, label: self.label.as_bytes() });
        let door = match self.door {
            DoorSaid::Pods => 1,
            DoorSaid::Peers => 2,
            DoorSaid::Unknown(number) => number,
        };
        data.extend_from_slice(&[u8::from(self.synced), door]);
        data.extend_from_slice(&self.table.to_be_bytes());
        data
    }
}

fn read_hop(data: &[u8]) -> Option<(Hop<'_>, &[u8])> {
    let (id, rest) = data.split_first_chunk::<ID_LEN>()?;
    let (&len, rest) = rest.split_first()?;
    let label = rest.get(..usize::from(len))?;
    Some((Hop { id: ClusterId(*id), label }, &rest[usize::from(len)..]))
}

/// A region label is one DNS label, so its length fits; whatever else is cut at what a length octet can say.
fn write_hop(data: &mut Vec<u8>, hop: Hop<'_>) {
    let label = &hop.label[..hop.label.len().min(usize::from(u8::MAX))];
    data.extend_from_slice(&hop.id.0);
    data.push(label.len() as u8);
    data.extend_from_slice(label);
}

#[cfg(test)]
mod tests {
    use super::*;

    const EAST: Hop<'static> = Hop { id: ClusterId([1; 8]), label: b"east" };
    const WEST: Hop<'static> = Hop { id: ClusterId([2; 8]), label: b"west" };

    #[test]
    fn a_path_grows_hop_by_hop() {
        let first = write_stamp(None, EAST);
        assert_eq!(first, b"ilc1\x01\x01\x01\x01\x01\x01\x01\x01\x04east", "the bytes that other versions know");
        let second = write_stamp(Stamp::parse(&first), WEST);
        let stamp = Stamp::parse(&second).expect("our magic");
        assert_eq!(stamp.path(), "east > west");
        assert!(stamp.passed(EAST));
        assert!(!stamp.passed(Hop { id: ClusterId([3; 8]), label: b"east" }), "another cluster with our label");
        assert!(stamp.passed(Hop { id: ClusterId::default(), label: b"east" }), "the label decides without an id");
        assert!(!stamp.passed(Hop { id: ClusterId::default(), label: b"" }));
    }

    #[test]
    fn foreign_and_cut_options_conclude_nothing() {
        assert_eq!(Stamp::parse(b"ilr1"), None, "an echo of a reply is no stamp");
        assert_eq!(Stamp::parse(b"il"), None);
        let mut cut = write_stamp(None, EAST);
        cut.extend_from_slice(&[9; 12]);
        assert_eq!(Stamp::parse(&cut).expect("our magic").hops().count(), 1);
    }

    #[test]
    fn a_path_is_bounded() {
        let mut data = write_stamp(None, EAST);
        for _ in 0..40 {
            data = write_stamp(Stamp::parse(&data), WEST);
        }
        assert_eq!(Stamp::parse(&data).expect("our magic").hops().count(), MAX_PATH);
    }

    #[test]
    fn reply_options_are_read_as_far_as_they_go() {
        let full = ReplyStamp {
            id: ClusterId([7; 8]),
            label: "east".into(),
            synced: true,
            door: DoorSaid::Peers,
            table: 0x0102_0304_0506_0708,
        };
        let data = full.write();
        let golden = b"ilr1\x07\x07\x07\x07\x07\x07\x07\x07\x04east\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08";
        assert_eq!(data, golden, "the bytes that other versions know");
        assert_eq!(ReplyStamp::parse(&data), Some(full.clone()));
        let mut longer = data.clone();
        longer.extend_from_slice(b"of a later version");
        assert_eq!(ReplyStamp::parse(&longer), Some(full));
        let shorter = ReplyStamp::parse(&data[..17]).expect("as far as it goes");
        assert_eq!((shorter.synced, shorter.door, shorter.table), (false, DoorSaid::Unknown(0), 0));
        assert_eq!(ReplyStamp::parse(&write_stamp(None, EAST)), None, "an echo of a stamp is no reply");
    }
}
