//! The addresses that a client was given, and those of them that lead back to ourselves and are left out.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use parking_lot::Mutex;
use tokio::sync::watch;

/// Addresses as they were listed, in their order.
pub struct Listed {
    all: watch::Sender<Vec<SocketAddr>>,
    looping: Mutex<BTreeSet<SocketAddr>>,
}

impl Default for Listed {
    fn default() -> Self {
        Self { all: watch::Sender::new(Vec::new()), looping: Mutex::default() }
    }
}

impl Listed {
    /// Replaces the list, and says whether it was another one.
    pub fn set(&self, addresses: Vec<SocketAddr>) -> bool {
        self.all.send_if_modified(|old| {
            let differs = *old != addresses;
            *old = addresses;
            differs
        })
    }

    /// Leaves an address out, or takes it in again.
    pub fn set_looping(&self, address: SocketAddr, looping: bool) {
        let mut set = self.looping.lock();
        if looping {
            set.insert(address);
        } else {
            set.remove(&address);
        }
    }

    #[must_use]
    pub fn is_looping(&self, address: SocketAddr) -> bool {
        self.looping.lock().contains(&address)
    }

    /// Those that may be asked.
    #[must_use]
    pub fn fit(&self) -> Vec<SocketAddr> {
        let looping = self.looping.lock();
        self.all.borrow().iter().copied().filter(|address| !looping.contains(address)).collect()
    }

    /// Those that are left out.
    #[must_use]
    pub fn looping(&self) -> Vec<SocketAddr> {
        let looping = self.looping.lock();
        self.all.borrow().iter().copied().filter(|address| looping.contains(address)).collect()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.borrow().is_empty()
    }

    /// All of them, and each change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.all.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_loops_is_left_out_until_it_does_not() {
        let [one, two]: [SocketAddr; 2] =
            ["192.0.2.1:53", "192.0.2.2:53"].map(|text| text.parse().expect("an address"));
        let listed = Listed::default();
        assert!(listed.set(vec![one, two]) && !listed.set(vec![one, two]));
        listed.set_looping(one, true);
        assert_eq!((listed.fit(), listed.looping()), (vec![two], vec![one]));
        listed.set(vec![two]);
        assert_eq!(listed.looping(), [], "what is not listed does not matter");
        listed.set_looping(one, false);
        listed.set(vec![one]);
        assert_eq!(listed.fit(), [one]);
    }
}
