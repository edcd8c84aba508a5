//! When a wanted difference is what is seen: one predicate for each. They look at what the upstream says, so that an entry does
//! not hide another difference of the same part of a reply.

use super::questions::Question;
use super::wanted::Peer;
use super::world::{self, Answer};
use crate::support::name;
use crate::support::raw::Reply;

/// One question with both replies.
pub struct Case<'a> {
    pub peer: Peer,
    pub question: &'a Question,
    pub ours: &'a Reply,
    pub theirs: &'a Reply,
    /// Seconds that an answer may be old.
    pub age: u32,
}

impl Case<'_> {
    /// What the upstream says.
    pub fn source(&self) -> Answer {
        world::answer(&name(&self.question.name), self.question.qtype.into())
    }
}
