//! Messages in a TCP stream, each behind its length (RFC 1035 4.2.2). The buffer grows with the bytes that arrive, never with
//! the length that a client promises.

use crate::wire::MAX_MESSAGE;

/// Octets of the length in front.
pub const PREFIX: usize = 2;
/// Room that is made for the next read.
const READ: usize = 4_096;

/// Bytes that were read, and how far they are used.
#[derive(Debug, Default)]
pub struct Frames {
    buf: Vec<u8>,
    start: usize,
    end: usize,
}

/// What stands at the front of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'b> {
    Message(&'b [u8]),
    /// More bytes are needed, or nothing will ever come of it.
    Partial,
}

impl Frames {
    /// Takes the next message off the front.
    pub fn next(&mut self) -> Frame<'_> {
        let ready = &self.buf[self.start..self.end];
        let Some((prefix, rest)) = ready.split_first_chunk::<PREFIX>() else { return Frame::Partial };
        let len = usize::from(u16::from_be_bytes(*prefix));
        match rest.get(..len) {
            Some(_) if len > 0 => {
                let at = self.start + PREFIX;
                self.start = at + len;
                Frame::Message(&self.buf[at..at + len])
            }
            _ => Frame::Partial,
        }
    }

    /// Room for the next read; what is used up makes way first. One message and one read is the most that it holds.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let wanted = (self.end + READ).min(PREFIX + MAX_MESSAGE + READ);
        if self.buf.len() < wanted {
            self.buf.resize(wanted, 0);
        } else if self.end == 0 && self.buf.len() > READ {
            // A large message is rare; its buffer is not kept.
            self.buf.truncate(READ);
            self.buf.shrink_to_fit();
        }
        &mut self.buf[self.end..]
    }

    /// Says how much of the room was filled.
    pub fn filled(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// Does a message of no bytes stand at the front? Nobody sends that by mistake.
    pub fn is_empty_message(&self) -> bool {
        self.buf[self.start..self.end].starts_with(&[0; PREFIX])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(frames: &mut Frames, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = frames.space();
            let len = bytes.len().min(space.len());
            space[..len].copy_from_slice(&bytes[..len]);
            frames.filled(len);
            bytes = &bytes[len..];
        }
    }

    #[test]
    fn messages_come_out_as_they_went_in() {
        let mut frames = Frames::default();
        feed(&mut frames, b"\0\x03abc\0\x01d\0");
        assert_eq!(frames.next(), Frame::Message(b"abc"));
        assert_eq!(frames.next(), Frame::Message(b"d"));
        assert_eq!(frames.next(), Frame::Partial);
        feed(&mut frames, b"\x02e");
        assert_eq!(frames.next(), Frame::Partial);
        feed(&mut frames, b"f\0\0");
        assert_eq!(frames.next(), Frame::Message(b"ef"));
        assert_eq!(frames.next(), Frame::Partial);
        assert!(frames.is_empty_message());
    }

    #[test]
    fn a_promised_length_takes_no_memory() {
        let mut frames = Frames::default();
        feed(&mut frames, b"\xff\xff");
        assert_eq!(frames.next(), Frame::Partial);
        frames.space();
        assert!(frames.buf.capacity() <= 3 * READ);
    }

    #[test]
    fn the_largest_message_fits() {
        let mut frames = Frames::default();
        let message = vec![7; MAX_MESSAGE];
        feed(&mut frames, b"\xff\xff");
        feed(&mut frames, &message);
        assert_eq!(frames.next(), Frame::Message(&message));
    }
}
