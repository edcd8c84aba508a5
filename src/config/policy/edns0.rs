//! EDNS options that questions to upstreams get by a rule, and how they are written. It builds no option.

use crate::config::defaults::STAMP_OPTION;
use crate::config::error::Fault;

/// Data of one option: longer ones belong in no question.
const MAX_DATA: usize = 255;
/// Codes up to here are, or may soon be, the DNS's own (IANA, DNS EDNS0 Option Codes): each has a meaning that octets from a file
/// do not have, and cookies, keepalives and the like are between one server and the next.
const LAST_OF_DNS: u16 = 255;

/// Which option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edns0Option {
    Local {
        code: u16,
        data: Edns0Data,
    },
    /// Who are you? (RFC 5001)
    Nsid,
    /// The network of the client, this many bits of its address (RFC 7871).
    Subnet {
        v4: u8,
        v6: u8,
    },
}

/// What an option of one's own says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edns0Data {
    Octets(Vec<u8>),
    /// The name as it is by then, with its final dot.
    Name,
    /// Two octets.
    Type,
    /// Four octets, or sixteen.
    ClientAddress,
    /// Two octets.
    ClientPort,
    /// `udp` or `tcp`.
    Protocol,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edns0Action {
    /// Whatever is there.
    Set,
    /// Only if it is not there.
    Append,
    /// Only if it is there.
    Replace,
    Unset,
}

impl Edns0Action {
    pub const WORDS: [(&str, Self); 4] =
        [("set", Self::Set), ("append", Self::Append), ("replace", Self::Replace), ("unset", Self::Unset)];
}

const VARIABLES: [(&str, Edns0Data); 5] = [
    ("{qname}", Edns0Data::Name),
    ("{qtype}", Edns0Data::Type),
    ("{client_ip}", Edns0Data::ClientAddress),
    ("{client_port}", Edns0Data::ClientPort),
    ("{protocol}", Edns0Data::Protocol),
];

/// Reads the code of an option: a number, or one in hexadecimal behind `0x`.
///
/// # Errors
/// If it is none, or the option is not for everybody to use.
pub fn local_code(text: &str) -> Result<u16, Fault> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let help = "write one for local use, 65001 to 65534 (RFC 6891 9), such as `0xffee`";
    match number {
        // Numbers are read with a sign too.
        _ if text.contains('+') => Err(Fault::new(format!("`{text}` is no code of an option")).help(help)),
        Err(_) => Err(Fault::new(format!("`{text}` is no code of an option")).help(help)),
        Ok(code) if code <= LAST_OF_DNS => {
            Err(Fault::new(format!("the option {code} is the DNS's own, and not for any text")).help(help))
        }
        Ok(STAMP_OPTION) => {
            Err(Fault::new(format!("the option {STAMP_OPTION} says which clusters a question passed")).help(help))
        }
        Ok(code) => Ok(code),
    }
}

/// Reads what an option says: text, octets in hexadecimal behind `0x`, or what is to be put there, as in `{client_ip}`.
///
/// # Errors
/// If it is none of these, or too long.
pub fn local_data(text: &str) -> Result<Edns0Data, Fault> {
    let octets = match text.strip_prefix("0x") {
        Some(digits) => hex(digits).ok_or_else(|| {
            Fault::new(format!("`{text}` is no row of octets")).help("write two digits for each: `0x61626364`")
        })?,
        None if text.starts_with('{') && text.ends_with('}') => {
            let found = VARIABLES.iter().find(|(word, _)| *word == text);
            let known = VARIABLES.map(|(word, _)| word).join(", ");
            return found.map(|(_, data)| data.clone()).ok_or_else(|| {
                let fault = Fault::new(format!("an option cannot say `{text}`: it is not known here"));
                fault.help(format!("write one of {known}"))
            });
        }
        None => text.as_bytes().to_vec(),
    };
    if octets.len() > MAX_DATA {
        let fault = Fault::new(format!("the option has {} octets", octets.len()));
        return Err(fault.help(format!("at most {MAX_DATA}")));
    }
    Ok(Edns0Data::Octets(octets))
}

/// Reads how many bits of an address are told.
///
/// # Errors
/// If it is no number of bits.
pub fn prefix_length(text: &str, most: u8) -> Result<u8, Fault> {
    let bits = text.parse().ok().filter(|bits| *bits <= most);
    bits.ok_or_else(|| Fault::new(format!("`{text}` is no number of bits")).help(format!("0 to {most}")))
}

impl Edns0Data {
    /// As [`local_data`] reads it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Octets(octets) => {
                let digits = octets.iter().map(|octet| format!("{octet:02x}"));
                format!("0x{}", digits.collect::<String>())
            }
            of_question => {
                let found = VARIABLES.iter().find(|(_, data)| data == of_question);
                found.map_or(String::new(), |(word, _)| (*word).to_owned())
            }
        }
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_data_are_read_and_written() {
        assert_eq!((local_code("0xffee").ok(), local_code("65001").ok()), (Some(0xffee), Some(65_001)));
        for wrong in ["", "x", "0x1ffff", "8", "0xf", "65313", "-1", "+65001"] {
            assert!(local_code(wrong).is_err(), "{wrong}");
        }
        assert_eq!(local_data("abcd").ok(), local_data("0x61626364").ok());
        assert_eq!(local_data("").ok(), local_data("0x").ok());
        for text in ["0x", "0x00ff", "{qname}", "{qtype}", "{client_ip}", "{client_port}", "{protocol}"] {
            assert_eq!(local_data(text).unwrap().text(), text);
        }
        for wrong in ["0x1", "0xzz", "0x+1", "{server_ip}", "{server_port}", "{some/label}", &"x".repeat(256)] {
            assert!(local_data(wrong).is_err(), "{wrong}");
        }
        assert_eq!((prefix_length("24", 32).ok(), prefix_length("33", 32).ok()), (Some(24), None));
    }
}
