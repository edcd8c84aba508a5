//! Mutations of seeds, the same in every run: a generator with a fixed start decides.

/// SplitMix64 (Steele, Lea and Flood 2014): small, and good enough to pick places.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Below `end`; 0 if there is nothing below it.
    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }
}

pub struct Mutator<'s> {
    seeds: &'s [(String, Vec<u8>)],
    dice: Dice,
}

/// Octets that mean something in DNS messages, YAML or lengths.
const TELLING: &[u8] = b"\x00\x01\x02\x05\x06\x0c\x29\x3f\x40\x7f\x80\xc0\xff\n -:{}[]#'\"&*!|>~.,";

impl<'s> Mutator<'s> {
    pub fn new(seeds: &'s [(String, Vec<u8>)]) -> Self {
        Self { seeds, dice: Dice(2_026) }
    }

    /// The seed's file, and what became of it.
    pub fn next(&mut self) -> (&'s str, Vec<u8>) {
        let (file, seed) = &self.seeds[self.dice.below(self.seeds.len())];
        let mut bytes = seed.clone();
        for _ in 0..=self.dice.below(4) {
            self.change(&mut bytes);
        }
        (file, bytes)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.dice.below(bytes.len());
        let to = at + self.dice.below((bytes.len() - at).min(24) + 1);
        match self.dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.dice.below(8),
            1 if at < bytes.len() => bytes[at] = TELLING[self.dice.below(TELLING.len())],
            2 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(if self.dice.below(2) == 0 { 1 } else { 0xff }),
            3 => drop(bytes.drain(at..to)),
            4 => {
                let piece = bytes[at..to].to_vec();
                let place = self.dice.below(bytes.len() + 1);
                bytes.splice(place..place, piece);
            }
            5 => {
                let (_, other) = &self.seeds[self.dice.below(self.seeds.len())];
                let from = self.dice.below(other.len());
                let end = from + self.dice.below((other.len() - from).min(64) + 1);
                bytes.splice(at..to, other[from..end].iter().copied());
            }
            _ => bytes.insert(at, TELLING[self.dice.below(TELLING.len())]),
        }
    }
}
