//! What a test wants out of a message. It only reads, and says what is there in plain Rust types.

use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{RData, Record};

/// Extended DNS Error (RFC 8914 2).
pub const EDE: u16 = 15;

/// The addresses of the answer section, in the order they came.
pub fn addresses(message: &Message) -> Vec<IpAddr> {
    let address = |record: &Record| match record.data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    message.answers.iter().filter_map(address).collect()
}

/// The strings of the TXT records of the answer section.
pub fn texts(message: &Message) -> Vec<String> {
    let mut texts = Vec::new();
    for record in &message.answers {
        if let RData::TXT(txt) = &record.data {
            texts.extend(txt.txt_data.iter().map(|text| String::from_utf8_lossy(text).into_owned()));
        }
    }
    texts
}

/// The targets of the CNAME records of the answer section, as text with the final dot.
pub fn aliases(message: &Message) -> Vec<String> {
    let alias = |record: &Record| match &record.data {
        RData::CNAME(target) => Some(target.0.to_ascii()),
        _ => None,
    };
    message.answers.iter().filter_map(alias).collect()
}

/// Whether the authority section has an SOA record, without which a negative answer cannot be cached (RFC 2308 5).
pub fn has_soa(message: &Message) -> bool {
    message.authorities.iter().any(|record| matches!(record.data, RData::SOA(_)))
}

/// Every Extended DNS Error: code and text.
pub fn extended_errors(message: &Message) -> Vec<(u16, String)> {
    let read = |data: Vec<u8>| {
        assert!(data.len() >= 2, "an extended error of {} bytes has no code (RFC 8914 2)", data.len());
        (u16::from_be_bytes([data[0], data[1]]), String::from_utf8(data[2..].to_vec()).unwrap())
    };
    options(message, EDE).into_iter().map(read).collect()
}

/// Every EDNS option with this number, as bytes.
pub fn options(message: &Message, code: u16) -> Vec<Vec<u8>> {
    let Some(edns) = &message.edns else { return Vec::new() };
    let bytes = |option: &EdnsOption| Vec::<u8>::try_from(option).unwrap();
    edns.options().get_all(EdnsCode::from(code)).into_iter().map(bytes).collect()
}
