//! The questions: names of every kind, types known and unknown, flags, payload sizes and transports, drawn by a generator with a
//! fixed start.

use super::data::Dice;
use super::world::{KINDS, ZONE};
use crate::support::raw::Raw;

/// A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, HTTPS, ANY, CAA, and three that have no name.
const TYPES: [u16; 16] = [1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 65, 255, 257, 731, 1_000, 65_280];
/// Half of all questions are for these.
const USUAL: [u16; 4] = [1, 28, 16, 15];
/// Of the OPT record; 0 is none.
const SIZES: [u16; 8] = [0, 0, 512, 700, 1_232, 1_232, 1_400, 4_096];
/// Every so many questions one comes again that was asked half as many before.
const AGAIN: usize = 50;
/// Variants of each kind.
const NUMBERS: u64 = 400;

#[derive(Debug, Clone)]
pub struct Question {
    /// With the final dot, in some case.
    pub name: String,
    pub kind: &'static str,
    pub qtype: u16,
    pub tcp: bool,
    pub size: u16,
    pub rd: bool,
    pub ad: bool,
    pub cd: bool,
    pub dnssec_ok: bool,
}

impl Question {
    pub fn raw(&self, id: u16) -> Raw {
        let mut raw = Raw::new(&self.name, self.qtype);
        raw.id = id;
        let set = |raw: Raw, on: bool, with: fn(Raw) -> Raw| if on { with(raw) } else { raw };
        raw = set(raw, self.rd, Raw::rd);
        raw = set(raw, self.ad, Raw::ad);
        raw = set(raw, self.cd, Raw::cd);
        if self.size > 0 {
            raw = raw.edns(self.size);
        }
        set(raw, self.dnssec_ok, Raw::dnssec_ok)
    }

    /// Octets that the asker takes.
    pub fn room(&self) -> usize {
        if self.tcp { 65_535 } else { usize::from(self.size.max(512)) }
    }
}

pub fn all(count: usize) -> Vec<Question> {
    let mut dice = Dice::of("questions");
    let mut all: Vec<Question> = (0..count).map(|_| one(&mut dice)).collect();
    // Now and then the same once more, without RD: it may be in somebody's memory.
    for place in (AGAIN..count).step_by(AGAIN) {
        all[place] = Question { rd: false, ..all[place - AGAIN / 2].clone() };
    }
    all
}

fn one(dice: &mut Dice) -> Question {
    let kind = KINDS[dice.below(KINDS.len() as u64) as usize];
    let usual = dice.below(2) == 0;
    let types: &[u16] = if usual { &USUAL } else { &TYPES };
    let size = SIZES[dice.below(8) as usize];
    let plain = format!("n{}.{kind}.{ZONE}", dice.below(NUMBERS));
    let spelled = dice.below(2) == 0;
    let mut letter = |c: char| if spelled && dice.below(2) == 0 { c.to_ascii_uppercase() } else { c };
    Question {
        name: plain.chars().map(&mut letter).collect(),
        kind,
        qtype: types[dice.below(types.len() as u64) as usize],
        tcp: dice.below(4) == 0,
        size,
        rd: dice.below(16) != 0,
        ad: dice.below(4) == 0,
        cd: dice.below(5) == 0,
        dnssec_ok: size > 0 && dice.below(4) == 0,
    }
}
