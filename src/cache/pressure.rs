//! How much of the memory that is left the cache may take: what it holds can be asked for again, and what the cluster's zone holds
//! cannot. Pure: it is told what there is.

/// Octets of memory, as the system counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Of this process.
    pub used: u64,
    /// Beyond it the process is killed.
    pub limit: u64,
}

/// What the cache is allowed, from one look at the memory to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    allowed: usize,
    /// What was used when it was made smaller last. What the cache gives back stays with the process, for the zone to use: the
    /// system does not see it, and only more use than then is a reason to give more.
    shrunk_at: u64,
}

impl Pressure {
    #[must_use]
    pub fn new(configured: usize) -> Self {
        Self { allowed: configured, shrunk_at: 0 }
    }

    /// The octets that the cache may take from now on: less when more than four fifths of the limit are used, and step by step what
    /// is configured again when it is less than three quarters of that.
    #[must_use]
    pub fn look(&mut self, memory: Memory, configured: usize, kept: usize) -> usize {
        let most = memory.limit / 5 * 4;
        if memory.used > most.max(self.shrunk_at) {
            let excess = usize::try_from(memory.used - most).unwrap_or(usize::MAX);
            self.allowed = self.allowed.min(kept).saturating_sub(excess);
            self.shrunk_at = memory.used;
        } else if memory.used < most / 4 * 3 {
            self.allowed = self.allowed.saturating_add(configured / 16 + 1);
            self.shrunk_at = 0;
        }
        self.allowed = self.allowed.min(configured);
        self.allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn memory(used: usize) -> Memory {
        Memory { used: (used * MIB) as u64, limit: 100 << 20 }
    }

    #[test]
    fn it_gives_what_is_too_much_and_takes_it_back_slowly() {
        let mut pressure = Pressure::new(16 * MIB);
        let mut look = |used, kept| pressure.look(memory(used), 16 * MIB, kept * MIB) / MIB;
        assert_eq!(look(60, 16), 16, "there is enough");
        assert_eq!(look(79, 16), 16);
        assert_eq!(look(84, 16), 12, "four too many");
        assert_eq!(look(84, 12), 12, "what it gave is used by nobody yet");
        assert_eq!(look(86, 12), 6);
        assert_eq!(look(70, 6), 6, "enough, but not plenty");
        let grown: Vec<usize> = (0..12).map(|_| look(50, 6)).collect();
        assert_eq!((grown[0], grown[11]), (7, 16), "{grown:?}");
        assert_eq!(look(99, 3), 0, "nothing at all if need be");
    }

    #[test]
    fn a_new_configuration_counts_at_once() {
        let mut pressure = Pressure::new(16 * MIB);
        assert_eq!(pressure.look(memory(10), 4 * MIB, 0), 4 * MIB);
        assert_eq!(pressure.look(memory(10), 0, 0), 0);
    }
}
