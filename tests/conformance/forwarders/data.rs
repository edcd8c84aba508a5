//! Records of any type with data that is drawn, octet by octet, from a generator that the question seeds.

use std::hash::Hasher;

use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::world::ZONE;

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Dice(u64);

impl Dice {
    /// The same numbers for the same text, in every process.
    pub fn of(text: &str) -> Self {
        // FNV-1a: no library's hasher promises to stay what it is.
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        hash.write(text.as_bytes());
        Self(hash.finish())
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn octets(&mut self, count: u64) -> Vec<u8> {
        (0..count).map(|_| self.roll() as u8).collect()
    }
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// CNAME, SOA and DNAME.
const ALONE: [u16; 3] = [5, 6, 39];

/// So many different ones; of a type that stands alone, one.
pub fn records(owner: &Name, rtype: RecordType, ttl: u32, count: u64, dice: &mut Dice) -> Vec<Record> {
    let rtype = u16::from(rtype);
    let count = if ALONE.contains(&rtype) { 1 } else { count };
    (0..count).map(|number| record(owner, rtype.into(), ttl, wire(rtype, number, dice))).collect()
}

pub fn record(owner: &Name, rtype: RecordType, ttl: u32, data: Vec<u8>) -> Record {
    let rdata = NULL::with(data);
    Record::from_rdata(owner.clone(), ttl, RData::Unknown { code: RecordType::Unknown(u16::from(rtype)), rdata })
}

/// Data of a type, different for each number.
fn wire(rtype: u16, number: u64, dice: &mut Dice) -> Vec<u8> {
    let host = wire_name(&format!("h{number}-{}.hosts.{ZONE}", dice.below(1_000)));
    match rtype {
        1 => vec![192, 0, 2, number as u8],
        28 => [&[0x20, 1, 0x0d, 0xb8][..], &dice.octets(11), &[number as u8]].concat(),
        2 | 5 | 12 | 39 => host,
        6 => [host.clone(), wire_name(&format!("admin.{ZONE}")), [[0, 0, 0, 60]; 5].concat()].concat(),
        15 => [vec![0, number as u8], host].concat(),
        33 => [vec![0, 1, 0, number as u8, 0, 80], host].concat(),
        // Two strings, any octets.
        16 => {
            let length = 1 + dice.below(40);
            [vec![1, number as u8, length as u8], dice.octets(length)].concat()
        }
        257 => [&b"\0\x05issue"[..], format!("ca{number}.example").as_bytes()].concat(),
        64 | 65 => [vec![0, number as u8 + 1], host, b"\0\x01\0\x03\x02h2".to_vec()].concat(),
        _ => {
            let length = 1 + dice.below(60);
            [dice.octets(length), vec![number as u8]].concat()
        }
    }
}

pub fn wire_name(text: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in text.trim_end_matches('.').split('.') {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}
