//! TCP framing: whatever a stream holds and however it is cut, the messages are those that its lengths say.
//!
//! Input: the number of cuts, as many octets with the length of each piece (used over and over), and the stream.

use interlocal::wire::MAX_MESSAGE;
use interlocal::wire::frames::{Frames, push_frame};

/// Room that one read makes, twice because a vector may double, and once more for what the allocator rounds up to.
const SLACK: usize = 3 * 4_096;

pub fn run(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else { return };
    let (cuts, stream) = rest.split_at(rest.len().min(usize::from(count)));
    let expected = obvious(stream);
    let mut frames = Frames::default();
    let mut got: Vec<Vec<u8>> = Vec::new();
    for piece in pieces(stream, cuts) {
        let space = frames.space();
        let waiting = space.len();
        assert!(waiting <= 2 + MAX_MESSAGE, "whole messages were left in the buffer");
        assert!(space.capacity() <= 2 * (waiting + piece.len()).max(16 * 1_024) + SLACK, "memory beyond what came");
        space.extend_from_slice(piece);
        while let Some(message) = frames.next() {
            got.push(message.to_vec());
        }
    }
    assert_eq!(got, expected);
    let mut again = Vec::new();
    got.iter().for_each(|message| push_frame(message, &mut again));
    assert_eq!(again, stream[..again.len()], "what is written is what was read");
}

fn pieces<'s>(stream: &'s [u8], cuts: &[u8]) -> Vec<&'s [u8]> {
    let mut lengths = cuts.iter().map(|length| usize::from(*length)).cycle();
    let (mut rest, mut pieces) = (stream, Vec::new());
    while !rest.is_empty() {
        let length = lengths.next().filter(|_| pieces.len() < stream.len()).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn obvious(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut at = 0;
    while at + 2 <= stream.len() {
        let length = usize::from(stream[at]) * 256 + usize::from(stream[at + 1]);
        if at + 2 + length > stream.len() {
            break;
        }
        messages.push(stream[at + 2..at + 2 + length].to_vec());
        at += 2 + length;
    }
    messages
}
