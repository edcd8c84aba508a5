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
            if let Some(range) = self.buffer.line()? {
                return Ok(Some(&self.buffer.bytes[range]));
            }
            match self.reply.piece().await? {
                Some(piece) => self.buffer.push(piece.as_ref()),
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
    fn push(&mut self, piece: &[u8]) {
        // What was handed out is over: only the beginning of one line is kept.
        self.bytes.drain(..self.start);
        self.looked -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(piece);
    }

    /// The next whole line. What is kept is at most one line of the longest kind, and one piece.
    fn line(&mut self) -> Result<Option<std::ops::Range<usize>>, Failure> {
        loop {
            let end = self.bytes[self.looked..].iter().position(|byte| *byte == b'\n').map(|at| self.looked + at);
            let line = self.start..end.unwrap_or(self.bytes.len());
            if line.len() > self.longest {
                return Err(Failure::TooLarge { what: "object", most: self.longest, limit: "watch_line_bytes" });
            }
            let Some(end) = end else {
                self.looked = self.bytes.len();
                return Ok(None);
            };
            self.start = end + 1;
            self.looked = self.start;
            if !self.bytes[line.clone()].trim_ascii().is_empty() {
                return Ok(Some(line));
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
            splitter.push(piece.as_bytes());
            while let Some(range) = splitter.line().unwrap() {
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
        let splitter = || Splitter { longest: 20, ..Splitter::default() };
        let mut endless = splitter();
        endless.push(&[b'x'; 20]);
        assert_eq!(endless.line(), Ok(None));
        endless.push(b"x");
        assert!(endless.line().is_err());
        let mut whole = splitter();
        whole.push(&[[b'x'; 20].as_slice(), b"\n", &[b'x'; 20], b"\n", &[b'x'; 21], b"\n"].concat());
        assert_eq!((whole.line(), whole.line()), (Ok(Some(0..20)), Ok(Some(21..41))), "a piece may have many lines");
        assert!(whole.line().is_err());
    }
}
