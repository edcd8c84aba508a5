//! What is asked, and how the answer to it is known: by id, question, rcode and number of records.

use interlocal::wire::exchange::{Manner, Question as Asked};

/// Octets of the first label of names that nobody asked before.
const UNIQUE: usize = 12;

/// One question and its answer.
pub struct Question {
    /// With any id.
    pub message: Vec<u8>,
    /// Of the answer: rcode, and records in the answer section; none if the server only echoes.
    pub expected: Option<(u8, u16)>,
}

/// Questions that are asked in turn: an id decides which one it is.
pub struct Questions {
    all: Vec<Question>,
    /// The first label is another one for each id and socket, beginning with this number.
    unique: Option<u16>,
}

/// A question with EDNS, as stub resolvers write it.
pub fn question(name: &str, qtype: u16, expected: Option<(u8, u16)>) -> Question {
    let name = name.parse().expect("a name");
    let asked = Asked { name, qtype, qclass: 1, dnssec_ok: false, checking_disabled: false, options: Box::default() };
    Question { message: asked.asked().write(0, Manner { edns: true, option: None }), expected }
}

impl Questions {
    pub fn new(all: Vec<Question>) -> Self {
        assert!(!all.is_empty(), "there is something to ask");
        Self { all, unique: None }
    }

    /// Names below `zone` that nobody has asked, as long as `run` is another number each time.
    pub fn unique(zone: &str, qtype: u16, expected: (u8, u16), run: u16) -> Self {
        let name = format!("{}.{zone}", "x".repeat(UNIQUE));
        Self { all: vec![question(&name, qtype, Some(expected))], unique: Some(run) }
    }

    /// The same questions to a server that only echoes.
    pub fn echoed(mut self) -> Self {
        self.all.iter_mut().for_each(|question| question.expected = None);
        self
    }

    /// Writes the question with this id.
    pub fn write(&self, socket: usize, id: u16, message: &mut Vec<u8>) {
        message.clear();
        message.extend_from_slice(&self.of(id).message);
        message[..2].copy_from_slice(&id.to_be_bytes());
        if let Some(run) = self.unique {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let number = u64::from(run) << 32 | (socket as u64) << 16 | u64::from(id);
            for (at, octet) in message[13..13 + UNIQUE].iter_mut().enumerate() {
                *octet = DIGITS[(number >> (4 * (UNIQUE - 1 - at)) & 15) as usize];
            }
        }
    }

    /// Is this the reply to `asked`, which was written with this id? The records themselves are for the tests.
    pub fn is_right(&self, asked: &[u8], reply: &[u8]) -> bool {
        let id = u16::from_be_bytes([asked[0], asked[1]]);
        let Some(name) = asked[12..].iter().position(|octet| *octet == 0) else { return false };
        let end = 12 + name + 5;
        if reply.len() < end || reply[..2] != asked[..2] || reply[2] & 0x80 == 0 || reply[12..end] != asked[12..end] {
            return false;
        }
        match self.of(id).expected {
            Some((rcode, answers)) => reply[3] & 15 == rcode && reply[6..8] == answers.to_be_bytes(),
            None => reply[3..] == asked[3..],
        }
    }

    fn of(&self, id: u16) -> &Question {
        &self.all[usize::from(id) % self.all.len()]
    }
}
