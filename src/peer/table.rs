//! The questions of one connection that wait for their answer, by id. Pure: an answer is taken by id **and** question, and
//! only when all of it can be read; anything else changes nothing.

use std::collections::HashMap;

use crate::wire::exchange::{Question, Received};
use crate::wire::read_u16;

/// Ids in use at one time at most, whatever is configured, so that a random unused one is found soon.
pub(super) const MOST: usize = 1 << 14;

/// `T` is what waits; it is none once it has given up, while the id stays taken until the answer comes.
pub(super) struct Table<T> {
    entries: HashMap<u16, (Question, Option<T>)>,
    waiting: usize,
}

/// A reply that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stray {
    /// It answers a question that was given up.
    Late,
    /// It answers no question, or cannot be read.
    Mismatched,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), waiting: 0 }
    }
}

impl<T> Table<T> {
    /// Ids that are taken: the other side still has these questions.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Questions that somebody waits for.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Enters a question under an id that is not in use; `draw` gives random ones.
    pub(super) fn enter(&mut self, question: Question, waiter: T, mut draw: impl FnMut() -> u16) -> u16 {
        debug_assert!(self.entries.len() < MOST);
        let mut id = draw();
        while self.entries.contains_key(&id) {
            id = draw();
        }
        self.entries.insert(id, (question, Some(waiter)));
        self.waiting += 1;
        id
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self, id: u16) {
        if let Some((_, waiter)) = self.entries.get_mut(&id)
            && waiter.take().is_some()
        {
            self.waiting -= 1;
        }
    }

    /// Finds who waits for this reply.
    pub(super) fn take(&mut self, message: &[u8], stamp_option: u16) -> Result<(T, Received), Stray> {
        let id = read_u16(message, 0).ok_or(Stray::Mismatched)?;
        let (question, _) = self.entries.get(&id).ok_or(Stray::Mismatched)?;
        let asked = question.asked();
        let read = asked.matches(id, message).and_then(|()| Received::parse(&asked, message, stamp_option));
        let received = read.map_err(|_| Stray::Mismatched)?;
        let (_, waiter) = self.entries.remove(&id).ok_or(Stray::Mismatched)?;
        let waiter = waiter.ok_or(Stray::Late)?;
        self.waiting -= 1;
        Ok((waiter, received))
    }

    /// Everybody who waits, at the end.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.waiting = 0;
        std::mem::take(&mut self.entries).into_values().filter_map(|(_, waiter)| waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::exchange::Manner;
    use crate::wire::rtype;

    fn question(name: &str) -> Question {
        Question {
            name: name.parse().expect("a name"),
            qtype: rtype::A,
            qclass: 1,
            dnssec_ok: false,
            checking_disabled: false,
        }
    }

    fn reply(name: &str, id: u16) -> Vec<u8> {
        let mut message = question(name).asked().write(id, Manner::default());
        message[2] |= 0x80;
        message
    }

    #[test]
    fn an_answer_needs_id_and_question() {
        let mut table = Table::default();
        let (one, two) = (table.enter(question("one.x"), 1, || 1), table.enter(question("two.x"), 2, || 2));
        assert_eq!(table.take(&reply("two.x", one), 0).map(|got| got.0), Err(Stray::Mismatched), "another's question");
        assert_eq!(table.take(&reply("one.x", 3), 0).map(|got| got.0), Err(Stray::Mismatched), "an id not in use");
        assert_eq!(table.take(b"\0", 0).map(|got| got.0), Err(Stray::Mismatched), "not a message");
        let mut broken = reply("one.x", one);
        broken[7] = 1;
        assert_eq!(table.take(&broken, 0).map(|got| got.0), Err(Stray::Mismatched), "a record that is not there");
        assert_eq!(table.waiting(), 2, "none of these ended a wait");
        assert_eq!(table.take(&reply("two.x", two), 0).map(|got| got.0), Ok(2));
        assert_eq!(table.take(&reply("two.x", two), 0).map(|got| got.0), Err(Stray::Mismatched), "a second copy");
        assert_eq!(table.take(&reply("one.x", one), 0).map(|got| got.0), Ok(1));
    }

    #[test]
    fn ids_in_use_are_not_given_again() {
        let mut table = Table::default();
        let mut draws = [7, 7, 8].into_iter();
        let mut draw = || draws.next().expect("three draws");
        let first = table.enter(question("x"), (), &mut draw);
        assert_eq!((first, table.enter(question("x"), (), &mut draw)), (7, 8));
        table.give_up(7);
        assert_eq!((table.len(), table.waiting()), (2, 1), "given up, but the other side still has it");
        assert_eq!(table.take(&reply("x", 7), 0).map(|got| got.0), Err(Stray::Late));
        assert_eq!((table.len(), table.waiting(), table.drain().count()), (1, 1, 1));
    }
}
