//! The hash of a table: of what it means, so that comments, order and spelling do not change it, and the same on every
//! machine and in every version, because replicas and regions are compared by it.

use crate::config::{RegionRow, RowTls};

/// FNV-1a of 64 bits: small and stable. Nobody gains by a collision, tables come from the operator.
struct Fnv(u64);

impl Fnv {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_be_bytes());
    }

    /// With its length, so that no two lists of texts look alike.
    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes(text.as_bytes());
    }

    /// A row without it has the hash that it had before there was TLS. Paths count as they are written: where the table lies is
    /// each machine's own affair.
    fn tls(&mut self, tls: &RowTls) {
        let RowTls { ca, server_name, identity } = tls;
        let (certificate, key) =
            identity.as_ref().map_or((None, None), |(certificate, key)| (Some(certificate), Some(key)));
        self.bytes(b"tls");
        for file in [ca.as_ref(), certificate, key] {
            self.set(file.iter().map(|file| file.written.clone()));
        }
        self.set(server_name.iter().map(ToString::to_string));
    }

    fn set(&mut self, texts: impl Iterator<Item = String>) {
        let mut texts: Vec<String> = texts.collect();
        texts.sort_unstable();
        self.number(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }
}

/// The hash of rows that are in the order of their labels.
pub(super) fn hash(rows: &[RegionRow]) -> u64 {
    let mut fnv = Fnv(Fnv::OFFSET);
    fnv.number(rows.len());
    for row in rows {
        let RegionRow { label, zones, mesh, cidrs, endpoints, allow_tld, override_local, tls, broken } = row;
        fnv.text(label.as_str());
        fnv.set(zones.iter().map(ToString::to_string));
        fnv.set(mesh.iter().map(ToString::to_string));
        fnv.set(cidrs.iter().map(ToString::to_string));
        fnv.set(endpoints.iter().map(ToString::to_string));
        fnv.bytes(&[u8::from(*allow_tld), u8::from(*override_local), u8::from(broken.is_some())]);
        if let Some(tls) = tls {
            fnv.tls(tls);
        }
    }
    fnv.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_fnv_1a() {
        // From the vectors of the FNV draft.
        let of = |text: &str| {
            let mut fnv = Fnv(Fnv::OFFSET);
            fnv.bytes(text.as_bytes());
            fnv.0
        };
        assert_eq!(of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of("foobar"), 0x8594_4171_f739_67e8);
    }
}
