//! Messages out of a TCP stream, each behind its two-octet length (RFC 1035 4.2.2). The buffer grows as bytes arrive, never by
//! what a length promises.

/// Room made for the first read: a question or some. Thousands of connections may be open that say nothing.
const FIRST: usize = 256;
/// Room made for the next one if the last was full: 32 questions.
const CHUNK: usize = 2_048;
/// An empty buffer larger than this is given back, so more room need not be lent.
pub const KEEP: usize = 16 * 1_024;

/// What was read and not yet taken.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Octets in front that were taken.
    taken: usize,
}

impl Frames {
    /// Where the next read goes.
    pub fn space(&mut self) -> &mut Vec<u8> {
        let full = self.buffer.len() == self.buffer.capacity() && !self.buffer.is_empty();
        self.buffer.drain(..self.taken);
        self.taken = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
        }
        self.buffer.reserve(if full { CHUNK } else { FIRST });
        &mut self.buffer
    }

    /// Nothing that was read is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.taken == self.buffer.len()
    }

    /// Room for the next read, of whoever has some; an empty buffer is given up for it.
    pub fn lend(&mut self, room: Vec<u8>) {
        debug_assert!(self.is_empty() && room.is_empty());
        *self = Self { buffer: room, taken: 0 };
    }

    /// Nothing is about to come: room of more than this is given back, unless it is in use.
    pub fn rest(&mut self, keep: usize) -> Option<Vec<u8>> {
        let left = self.buffer.len() - self.taken;
        if self.buffer.capacity() <= keep || 4 * left > self.buffer.capacity() {
            return None;
        }
        let left = self.buffer[self.taken..].to_vec();
        self.taken = 0;
        let mut room = std::mem::replace(&mut self.buffer, left);
        room.clear();
        Some(room)
    }

    /// What it takes of memory.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// The next whole message; one of no octets is nothing that a client sends by mistake.
    #[allow(clippy::should_implement_trait, reason = "a message borrows the buffer, which no Iterator can say")]
    pub fn next(&mut self) -> Option<&[u8]> {
        let rest = self.buffer.get(self.taken..)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let message = rest.get(..length)?;
        self.taken += 2 + length;
        Some(message)
    }

    /// Is there a whole message?
    #[must_use]
    pub fn has_message(&self) -> bool {
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        rest.split_first_chunk::<2>()
            .is_some_and(|(length, rest)| rest.len() >= usize::from(u16::from_be_bytes(*length)))
    }
}

/// Appends a message with its length in front. None of ours is longer than a length can say.
pub fn push_frame(message: &[u8], out: &mut Vec<u8>) {
    debug_assert!(message.len() <= super::MAX_MESSAGE);
    out.extend_from_slice(&(message.len() as u16).to_be_bytes());
    out.extend_from_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let mut stream = Vec::new();
        for message in [&b"one"[..], b"", b"three"] {
            push_frame(message, &mut stream);
        }
        for cut in 0..stream.len() {
            let mut frames = Frames::default();
            let mut got: Vec<Vec<u8>> = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                frames.space().extend_from_slice(part);
                while let Some(message) = frames.next() {
                    got.push(message.to_vec());
                }
            }
            assert_eq!(got, [&b"one"[..], b"", b"three"], "cut at {cut}");
        }
    }

    #[test]
    fn silence_takes_next_to_no_memory_and_a_stream_gets_room() {
        let mut frames = Frames::default();
        assert!(frames.space().capacity() < 2 * FIRST);
        for _ in 0..10 {
            let space = frames.space();
            let room = space.capacity() - space.len();
            space.extend(std::iter::repeat_n(0, room));
            while frames.next().is_some() {}
        }
        assert!((CHUNK..=KEEP).contains(&frames.space().capacity()));
    }

    #[test]
    fn a_buffer_that_rests_keeps_what_is_not_whole() {
        let mut frames = Frames::default();
        frames.lend(Vec::with_capacity(KEEP));
        frames.space().extend_from_slice(&[0, 2, 7, 7, 0, 9]);
        assert!(frames.next().is_some());
        let room = frames.rest(FIRST).expect("half a message needs less");
        assert!(room.is_empty() && room.capacity() == KEEP && frames.capacity() < FIRST);
        frames.space().extend_from_slice(&[0; 9]);
        assert_eq!(frames.next(), Some(&[0; 9][..]));
        assert!(frames.is_empty() && frames.rest(2 * CHUNK).is_none());
        frames.space().extend_from_slice(&[0xff; KEEP]);
        assert_eq!(frames.rest(FIRST), None, "it is needed");
    }

    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut frames = Frames::default();
        frames.space().extend_from_slice(&[0xff, 0xff, 1]);
        assert!(frames.next().is_none());
        assert!(frames.space().capacity() < 3 * CHUNK);
    }
}
