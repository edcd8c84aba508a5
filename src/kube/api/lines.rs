//! A watch's body as lines: one object each, however the pieces fall.

use super::access::Reply;
use super::failure::Failure;

/// Lines of one body.
pub(super) struct Lines {
    reply: Reply,
    buffer: Splitter,
}

impl Lines {
    pub(super) fn new(reply: Reply, longest: usize) -> Self {
        Self { reply, buffer: Splitter { longest, ..Splitter::default() } }
    }

    /// The next line, never empty; none at the end. Nothing is lost if the wait is given up.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        loop {
            if let Some(range) = self.buffer.line() {
                return Ok(Some(&self.buffer.bytes[range]));
            }
            match self.reply.piece().await? {
                Some(piece) => self.buffer.push(piece.as_ref())?,
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(Failure::Broken("in the middle of an object".into())),
            }
        }
    }
}

#[derive(Default)]
struct Splitter {
    bytes: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    /// How far we have looked for its end.
    looked: usize,
    longest: usize,
}

impl Splitter {
    fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        // What was handed out is over: only the beginning of one line is kept.
        self.bytes.drain(..self.start);
        self.looked -= self.start;
        self.start = 0;
        if self.bytes.len() + piece.len() > self.longest {
            return Err(Failure::Nonsense("object of a size that can be read"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn line(&mut self) -> Option<std::ops::Range<usize>> {
        loop {
            let end = self.bytes[self.looked..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|at| self.looked + at) else {
                self.looked = self.bytes.len();
                return None;
            };
            let line = self.start..end;
            self.start = end + 1;
            self.looked = self.start;
            if !self.bytes[line.clone()].trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes[self.start..].trim_ascii().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&str]) -> (Vec<String>, bool) {
        let mut splitter = Splitter { longest: 20, ..Splitter::default() };
        let mut lines = Vec::new();
        for piece in pieces {
            splitter.push(piece.as_bytes()).unwrap();
            while let Some(range) = splitter.line() {
                lines.push(String::from_utf8(splitter.bytes[range].to_vec()).unwrap());
            }
        }
        (lines, splitter.is_empty())
    }

    #[test]
    fn lines_come_out_however_the_pieces_fall() {
        let text = "one\n\r\ntwo\n\nthree";
        let whole = (vec!["one".to_owned(), "two".to_owned()], false);
        assert_eq!(lines(&[text]), whole);
        let bytes: Vec<&str> = text.split("").filter(|piece| !piece.is_empty()).collect();
        assert_eq!(lines(&bytes), whole);
        assert_eq!(lines(&["one\n", " \r\n"]), (vec!["one".to_owned()], true));
    }

    #[test]
    fn a_line_that_does_not_end_is_refused() {
        let mut splitter = Splitter { longest: 20, ..Splitter::default() };
        splitter.push(&[b'x'; 20]).unwrap();
        assert_eq!(splitter.line(), None);
        assert!(splitter.push(b"x").is_err());
    }
}
