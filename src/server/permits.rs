//! How many of something there are, held below a limit that a reload may change; and that no client takes what the others need:
//! it may have as many as there is room left for. So one that asks for all gets half, two get a third each, and there is always
//! room for somebody new.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Clients that come at the same time seldom meet in one of these.
const SHARDS: usize = 16;

/// The count; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Permits(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicUsize,
    /// Of the clients that have any; whoever has none is not remembered.
    clients: [Mutex<HashMap<IpAddr, usize>>; SHARDS],
}

/// One of them, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the place to somebody else"]
pub struct Permit {
    permits: Permits,
    client: Option<IpAddr>,
    amount: usize,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// For nobody.
    All,
    /// For this client: it has as many as there is room left.
    Client,
}

impl Permits {
    /// One more, unless there are `limit` already. `client`: whose share it is taken from; none: of nobody's.
    ///
    /// # Errors
    /// What is full.
    pub fn take(&self, client: Option<IpAddr>, limit: usize) -> Result<Permit, Full> {
        self.take_some(1, client, limit)
    }

    /// So many at once, or none.
    ///
    /// # Errors
    /// What is full.
    pub fn take_some(&self, amount: usize, client: Option<IpAddr>, limit: usize) -> Result<Permit, Full> {
        let before = self.0.all.fetch_add(amount, Ordering::Relaxed);
        let mut permit = Permit { permits: self.clone(), client: None, amount };
        if before.saturating_add(amount) > limit {
            return Err(Full::All);
        }
        if let Some(address) = client {
            let mut clients = self.shard(address).lock();
            let own = clients.entry(address).or_default();
            if *own > limit - before {
                return Err(Full::Client);
            }
            *own += amount;
            permit.client = client;
        }
        Ok(permit)
    }

    /// What would keep the next one of this client out.
    #[must_use]
    pub fn full(&self, client: Option<IpAddr>, limit: usize) -> Option<Full> {
        let taken = self.taken();
        if taken >= limit {
            return Some(Full::All);
        }
        let own = client.and_then(|client| self.shard(client).lock().get(&client).copied()).unwrap_or(0);
        (own > limit - taken).then_some(Full::Client)
    }

    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.all.load(Ordering::Relaxed)
    }

    fn shard(&self, client: IpAddr) -> &Mutex<HashMap<IpAddr, usize>> {
        let last = match client {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[15],
        };
        &self.0.clients[usize::from(last) % SHARDS]
    }
}

impl Permit {
    /// How many it is for.
    #[must_use]
    pub const fn amount(&self) -> usize {
        self.amount
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(client) = self.client {
            let mut clients = self.permits.shard(client).lock();
            if let Some(own) = clients.get_mut(&client) {
                *own -= self.amount;
                if *own == 0 {
                    clients.remove(&client);
                }
            }
        }
        self.permits.0.all.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Option<IpAddr> {
        Some([10, 0, 0, last].into())
    }

    /// As many as it gets.
    fn greedy(permits: &Permits, client: Option<IpAddr>, limit: usize) -> (Vec<Permit>, Full) {
        let mut held = Vec::new();
        loop {
            match permits.take(client, limit) {
                Ok(permit) => held.push(permit),
                Err(full) => return (held, full),
            }
        }
    }

    #[test]
    fn there_are_never_more_than_the_limit() {
        let permits = Permits::default();
        let (held, full) = greedy(&permits, None, 2);
        assert_eq!((held.len(), full), (2, Full::All));
        assert_eq!(permits.full(None, 2), Some(Full::All));
        assert_eq!(permits.taken(), 2, "a refusal leaves nothing behind");
        assert!(permits.take(None, 3).is_ok(), "a higher limit counts at once");
        drop(held);
        assert_eq!(permits.taken(), 0);
        assert!(permits.take(client(1), 1).is_ok(), "the last one is anybody's");
    }

    #[test]
    fn one_client_gets_half_and_leaves_room_for_the_others() {
        let permits = Permits::default();
        let (first, full) = greedy(&permits, client(1), 1_000);
        assert_eq!((first.len(), full), (501, Full::Client));
        assert_eq!(permits.full(client(1), 1_000), Some(Full::Client));
        assert_eq!(permits.full(client(2), 1_000), None);
        // It is refused as often as it comes, and takes nothing from the others by that.
        for _ in 0..10_000 {
            assert!(permits.take(client(1), 1_000).is_err());
        }
        let others: Vec<_> = (2..202).map(|last| permits.take(client(last), 1_000)).collect();
        assert!(others.iter().all(Result::is_ok));
        drop((first, others));
        assert!(permits.0.clients.iter().all(|shard| shard.lock().is_empty()), "nobody is remembered");
    }

    /// With real threads, in every way in which they happen to meet.
    #[test]
    fn there_are_never_more_than_the_limit_however_many_take() {
        const LIMIT: usize = 5;
        let permits = Permits::default();
        let held = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4u8)
            .map(|number| {
                let (permits, held) = (permits.clone(), Arc::clone(&held));
                std::thread::spawn(move || {
                    let mut taken = 0;
                    for round in 0..20_000 {
                        let amount = 1 + round % 3;
                        let Ok(permit) = permits.take_some(amount, client(number % 2), LIMIT) else { continue };
                        let all = held.fetch_add(amount, Ordering::SeqCst) + amount;
                        assert!(all <= LIMIT, "{all}");
                        taken += 1;
                        held.fetch_sub(amount, Ordering::SeqCst);
                        drop(permit);
                    }
                    taken
                })
            })
            .collect();
        let taken: usize = threads.into_iter().map(|thread| thread.join().expect("no more than the limit")).sum();
        assert!(taken > 100, "{taken}");
        assert_eq!(permits.taken(), 0);
        assert!(permits.0.clients.iter().all(|shard| shard.lock().is_empty()), "nobody is remembered");
    }

    /// What is counted may be of any size.
    #[test]
    fn so_many_at_once_are_all_or_none() {
        let permits = Permits::default();
        let held = permits.take_some(60, client(1), 100);
        assert_eq!(held.as_ref().map(Permit::amount).ok(), Some(60));
        assert_eq!(permits.take_some(41, client(2), 100).err(), Some(Full::All));
        assert_eq!(permits.take_some(1, client(1), 100).err(), Some(Full::Client), "it has more than is left");
        assert_eq!(permits.taken(), 60, "a refusal leaves nothing behind");
        assert!(permits.take_some(40, client(2), 100).is_ok());
        drop(held);
        assert_eq!(permits.taken(), 0);
    }

    /// However many want all there is, somebody new gets one.
    #[test]
    fn there_is_room_for_somebody_new() {
        let permits = Permits::default();
        let held: Vec<_> = (1..=9).map(|last| greedy(&permits, client(last), 4_096).0).collect();
        let taken: Vec<usize> = held.iter().map(Vec::len).collect();
        assert!(permits.taken() < 4_096, "{taken:?}");
        assert!(permits.take(client(200), 4_096).is_ok(), "{taken:?}");
    }
}
