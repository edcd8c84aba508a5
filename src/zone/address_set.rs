//! The A and AAAA RRsets of one name, ready-made for the send buffer: `C0 0C`, type, class, TTL, length, address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::{HEADER_LEN, class, rtype};

/// Octets of a ready-made record without its address: owner, type, class, TTL, length.
const FIXED: usize = 12;
const V4_STRIDE: usize = FIXED + 4;
const V6_STRIDE: usize = FIXED + 16;

/// Distinct addresses in order, those of IPv4 first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AddressSet {
    v4: Box<[u8]>,
    v6: Box<[u8]>,
}

/// Which record of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

const V6: u32 = 1 << 31;

/// Ready-made records of one type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'s> {
    pub(super) bytes: &'s [u8],
    pub(super) stride: usize,
}

impl AddressSet {
    /// `addresses` are sorted and distinct.
    pub(super) fn new(addresses: &[IpAddr], ttl: u32) -> Self {
        let split = addresses.partition_point(IpAddr::is_ipv4);
        let (four, six) = addresses.split_at(split);
        let mut v4 = Vec::with_capacity(four.len() * V4_STRIDE);
        let mut v6 = Vec::with_capacity(six.len() * V6_STRIDE);
        for address in four.iter().chain(six) {
            match address {
                IpAddr::V4(address) => encode(&mut v4, rtype::A, ttl, &address.octets()),
                IpAddr::V6(address) => encode(&mut v6, rtype::AAAA, ttl, &address.octets()),
            }
        }
        Self { v4: v4.into(), v6: v6.into() }
    }

    /// The records that answer a type: ANY gets one RRset of those there are (RFC 8482 4.1), types without addresses none.
    #[inline]
    pub(super) fn records(&self, qtype: u16) -> Records<'_> {
        match qtype {
            rtype::A => Records { bytes: &self.v4, stride: V4_STRIDE },
            rtype::AAAA => Records { bytes: &self.v6, stride: V6_STRIDE },
            rtype::ANY if self.v4.is_empty() => self.records(rtype::AAAA),
            rtype::ANY => self.records(rtype::A),
            _ => Records { bytes: &[], stride: V4_STRIDE },
        }
    }

    /// One record, and its type.
    pub(super) fn record(&self, place: Place) -> (Records<'_>, u16) {
        let at = (place.0 & !V6) as usize;
        if place.0 & V6 == 0 {
            (Records { bytes: &self.v4[at * V4_STRIDE..][..V4_STRIDE], stride: V4_STRIDE }, rtype::A)
        } else {
            (Records { bytes: &self.v6[at * V6_STRIDE..][..V6_STRIDE], stride: V6_STRIDE }, rtype::AAAA)
        }
    }

    /// One address.
    pub(super) fn address(&self, place: Place) -> IpAddr {
        decode(self.record(place).0.bytes)
    }

    /// Where an address is.
    pub(super) fn place(&self, address: IpAddr) -> Option<Place> {
        let (bytes, stride, family) = match address {
            IpAddr::V4(_) => (&self.v4, V4_STRIDE, 0),
            IpAddr::V6(_) => (&self.v6, V6_STRIDE, V6),
        };
        let (mut low, mut high) = (0, bytes.len() / stride);
        while low < high {
            let middle = usize::midpoint(low, high);
            let found = decode(&bytes[middle * stride..][..stride]);
            match found.cmp(&address) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                // A set holds fewer than 2^31 addresses: they would not fit into memory.
                std::cmp::Ordering::Equal => return Some(Place(middle as u32 | family)),
            }
        }
        None
    }

    /// All addresses, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = IpAddr> + Clone {
        self.v4.chunks_exact(V4_STRIDE).chain(self.v6.chunks_exact(V6_STRIDE)).map(decode)
    }
}

impl Records<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

fn encode(into: &mut Vec<u8>, record_type: u16, ttl: u32, address: &[u8]) {
    into.extend_from_slice(&(0xc000 | HEADER_LEN as u16).to_be_bytes());
    into.extend_from_slice(&record_type.to_be_bytes());
    into.extend_from_slice(&class::IN.to_be_bytes());
    into.extend_from_slice(&ttl.to_be_bytes());
    into.extend_from_slice(&(address.len() as u16).to_be_bytes());
    into.extend_from_slice(address);
}

/// The address of a ready-made record.
fn decode(record: &[u8]) -> IpAddr {
    match <[u8; 4]>::try_from(&record[FIXED..]) {
        Ok(octets) => IpAddr::V4(Ipv4Addr::from(octets)),
        Err(_) => {
            let mut octets = [0; 16];
            octets.copy_from_slice(&record[FIXED..]);
            IpAddr::V6(Ipv6Addr::from(octets))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_and_are_found() {
        let mut addresses: Vec<IpAddr> =
            ["10.0.0.9", "10.0.0.10", "2001:db8::1", "9.255.0.1", "::2"].map(|text| text.parse().expect("one")).into();
        addresses.sort();
        let set = AddressSet::new(&addresses, 5);
        assert_eq!(set.iter().collect::<Vec<_>>(), addresses);
        for address in &addresses {
            let (record, _) = set.record(set.place(*address).expect("in the set"));
            assert_eq!(decode(record.bytes), *address);
        }
        assert_eq!(set.place("10.0.0.8".parse().expect("an address")), None);
        assert_eq!(set.place("::1".parse().expect("an address")), None);
        assert_eq!(set.records(rtype::A).bytes[..16], *b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x09\xff\0\x01");
    }

    #[test]
    fn any_is_one_rrset() {
        let six = AddressSet::new(&["::2".parse().expect("an address")], 5);
        assert_eq!(six.records(rtype::ANY).bytes.len(), V6_STRIDE);
        assert!(six.records(rtype::A).is_empty());
        assert!(six.records(rtype::TXT).is_empty());
        assert!(AddressSet::default().records(rtype::ANY).is_empty());
    }
}
