//! The questions of one connection that wait for their answer, by id. Pure: an answer is taken by id **and** question, and
//! only when all of it can be read; anything else changes nothing.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::wire::exchange::{Question, Received};
use crate::wire::read_u16;

/// Ids in use at one time at most, whatever is configured, so that a random unused one is found soon.
pub(super) const MOST: usize = 1 << 14;
/// The order of sending may have this many places more than twice the questions, before it is cleared of those answered.
const SLACK: usize = 64;

/// `T` is what waits; it is none once it has given up, while the id stays taken until the answer comes.
pub(super) struct Table<T> {
    entries: HashMap<u16, Entry<T>>,
    /// In the order of sending; those that were answered meanwhile are still there for a while.
    order: VecDeque<Ticket>,
    entered: u64,
    waiting: usize,
    lost: usize,
}

struct Entry<T> {
    question: Question,
    waiter: Option<T>,
    sent: Instant,
    number: u64,
    /// Nobody waits for it, and it has had its time.
    lost: bool,
}

/// Tells one question from all others that ever had its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub(super) id: u16,
    number: u64,
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
        Self { entries: HashMap::new(), order: VecDeque::new(), entered: 0, waiting: 0, lost: 0 }
    }
}

impl<T> Table<T> {
    /// Ids that are taken, those of lost questions too.
    pub(super) fn ids(&self) -> usize {
        self.entries.len()
    }

    /// Questions that the other side has, and may well answer.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.lost
    }

    /// Questions that somebody waits for.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Enters a question under an id that is not in use; `draw` gives random ones.
    pub(super) fn enter(
        &mut self,
        question: Question,
        waiter: T,
        now: Instant,
        mut draw: impl FnMut() -> u16,
    ) -> Ticket {
        debug_assert!(self.entries.len() < MOST);
        let mut id = draw();
        while self.entries.contains_key(&id) {
            id = draw();
        }
        self.entered += 1;
        let ticket = Ticket { id, number: self.entered };
        let entry = Entry { question, waiter: Some(waiter), sent: now, number: ticket.number, lost: false };
        self.entries.insert(id, entry);
        self.order.push_back(ticket);
        if self.order.len() > 2 * self.entries.len() + SLACK {
            let entries = &self.entries;
            self.order
                .retain(|one| entries.get(&one.id).is_some_and(|entry| entry.number == one.number && !entry.lost));
        }
        self.waiting += 1;
        ticket
    }

    /// When the oldest question was sent that may still be answered. One that was given up has `patience` from then on, and is
    /// lost afterwards: a name that is never answered must not speak against a connection for ever.
    pub(super) fn oldest(&mut self, now: Instant, patience: Duration) -> Option<(Ticket, Instant)> {
        while let Some(first) = self.order.front() {
            if let Some(entry) = self.entries.get_mut(&first.id).filter(|entry| entry.number == first.number) {
                if entry.waiter.is_some() || now < entry.sent + patience {
                    return Some((*first, entry.sent));
                }
                entry.lost = true;
                self.lost += 1;
            }
            self.order.pop_front();
        }
        None
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entries.get_mut(&ticket.id)
            && entry.number == ticket.number
            && entry.waiter.take().is_some()
        {
            self.waiting -= 1;
        }
    }

    /// Finds who waits for this reply.
    pub(super) fn take(&mut self, message: &[u8], stamp_option: u16) -> Result<(T, Received), Stray> {
        let id = read_u16(message, 0).ok_or(Stray::Mismatched)?;
        let entry = self.entries.get(&id).ok_or(Stray::Mismatched)?;
        let asked = entry.question.asked();
        let read = asked.matches(id, message).and_then(|()| Received::parse(&asked, message, stamp_option));
        let received = read.map_err(|_| Stray::Mismatched)?;
        let entry = self.entries.remove(&id).ok_or(Stray::Mismatched)?;
        self.lost -= usize::from(entry.lost);
        let waiter = entry.waiter.ok_or(Stray::Late)?;
        self.waiting -= 1;
        Ok((waiter, received))
    }

    /// Everybody who waits, at the end.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        (self.waiting, self.lost) = (0, 0);
        self.order.clear();
        std::mem::take(&mut self.entries).into_values().filter_map(|entry| entry.waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::exchange::Manner;
    use crate::wire::rtype;

    const SECOND: Duration = Duration::from_secs(1);

    fn question(name: &str) -> Question {
        Question {
            name: name.parse().expect("a name"),
            qtype: rtype::A,
            qclass: 1,
            dnssec_ok: false,
            checking_disabled: false,
            options: Box::default(),
        }
    }

    fn reply(name: &str, id: u16) -> Vec<u8> {
        let mut message = question(name).asked().write(id, Manner::default());
        message[2] |= 0x80;
        message
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_needs_id_and_question() {
        let (mut table, now) = (Table::default(), Instant::now());
        let one = table.enter(question("one.x"), 1, now, || 1).id;
        let two = table.enter(question("two.x"), 2, now, || 2).id;
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

    #[tokio::test(start_paused = true)]
    async fn ids_in_use_are_not_given_again() {
        let (mut table, now) = (Table::default(), Instant::now());
        let mut draws = [7, 7, 8].into_iter();
        let mut draw = || draws.next().expect("three draws");
        let first = table.enter(question("x"), (), now, &mut draw);
        assert_eq!((first.id, table.enter(question("x"), (), now, &mut draw).id), (7, 8));
        table.give_up(first);
        assert_eq!((table.len(), table.waiting()), (2, 1), "given up, but the other side still has it");
        assert_eq!(table.take(&reply("x", 7), 0).map(|got| got.0), Err(Stray::Late));
        assert_eq!((table.len(), table.waiting(), table.drain().count()), (1, 1, 1));
    }

    /// Whoever was answered lets go of a question whose id is another's by then.
    #[tokio::test(start_paused = true)]
    async fn giving_up_an_answered_question_does_not_touch_the_next_one_of_its_id() {
        let (mut table, now) = (Table::default(), Instant::now());
        let first = table.enter(question("x"), (), now, || 7);
        assert!(table.take(&reply("x", 7), 0).is_ok());
        table.enter(question("x"), (), now, || 7);
        table.give_up(first);
        assert_eq!(table.waiting(), 1);
    }

    fn sent(oldest: Option<(Ticket, Instant)>) -> Option<Instant> {
        oldest.map(|(_, sent)| sent)
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_question_is_the_one_that_may_still_be_answered() {
        let (mut table, start, mut tickets) = (Table::default(), Instant::now(), Vec::new());
        assert_eq!(table.oldest(start, SECOND), None);
        for id in 1..=3u16 {
            tickets.push(table.enter(question("x"), (), start + SECOND * u32::from(id), || id));
        }
        assert_eq!(sent(table.oldest(start, SECOND)), Some(start + SECOND));
        assert!(table.take(&reply("x", 1), 0).is_ok());
        assert_eq!(sent(table.oldest(start, SECOND)), Some(start + 2 * SECOND));
        table.give_up(tickets[1]);
        assert_eq!(
            sent(table.oldest(start + 2 * SECOND, SECOND)),
            Some(start + 2 * SECOND),
            "it has its time all the same"
        );
        assert_eq!(sent(table.oldest(start + 3 * SECOND, SECOND)), Some(start + 3 * SECOND));
        assert_eq!((table.ids(), table.len(), table.waiting()), (2, 1, 1));
        assert_eq!(sent(table.oldest(start + 99 * SECOND, SECOND)), Some(start + 3 * SECOND), "somebody waits for it");
        assert_eq!(table.take(&reply("x", 2), 0).map(|got| got.0), Err(Stray::Late));
        assert_eq!((table.ids(), table.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_order_does_not_grow_with_the_questions_of_a_busy_connection() {
        let (mut table, now) = (Table::default(), Instant::now());
        table.enter(question("slow.x"), (), now, || 0);
        for _ in 0..10_000 {
            table.enter(question("x"), (), now, || 1);
            assert!(table.take(&reply("x", 1), 0).is_ok());
        }
        assert!(table.order.len() <= SLACK + 4, "{}", table.order.len());
        assert_eq!(sent(table.oldest(now, SECOND)), Some(now));
    }
}
