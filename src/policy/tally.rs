//! What the rules of one server did, counted. It outlives the rules: a reload starts no counter anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::question::text_of;
use crate::wire::Name;

/// Zones, classes and types come from the configuration and from a closed list, but the configuration may change often: rows
/// beyond these are counted under no zone.
const MAX_ROWS: usize = 1_000;

/// One thing that a rule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// By rules of access: there are some, and they let it through.
    Allowed,
    Blocked,
    Filtered,
    Dropped,
    /// A template was filled, for a question of this class and type.
    Template {
        class: u16,
        rtype: u16,
    },
    /// A template could not be filled, or did not become a record.
    TemplateFailed {
        class: u16,
        rtype: u16,
    },
    Hosts,
    Local,
    Any,
    Chaos,
    Whoami,
    Rewritten,
    Translated,
    /// A search path was walked to a name that is there.
    Autopath,
}

impl Event {
    /// The word for it in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Filtered => "filtered",
            Self::Dropped => "dropped",
            Self::Template { .. } => "template",
            Self::TemplateFailed { .. } => "template_failed",
            Self::Hosts => "hosts",
            Self::Local => "local",
            Self::Any => "any",
            Self::Chaos => "chaos",
            Self::Whoami => "whoami",
            Self::Rewritten => "rewritten",
            Self::Translated => "translated",
            Self::Autopath => "autopath",
        }
    }
}

/// What rules did to one question, each with the zone of its rule: counted when the question is done with.
pub(super) type Events = Vec<(Event, Name)>;

/// The counts.
#[derive(Debug, Default)]
pub struct Tally {
    allowed: AtomicU64,
    rows: Mutex<BTreeMap<(Event, String), u64>>,
}

impl Tally {
    pub(super) fn add(&self, events: &mut Events) {
        if events.is_empty() {
            return;
        }
        let mut rows = self.rows.lock();
        for (event, zone) in events.drain(..) {
            if event == Event::Allowed {
                self.allow();
                continue;
            }
            let key = (event, text_of(zone.as_ref()));
            let room = rows.len() < MAX_ROWS || rows.contains_key(&key);
            *rows.entry(if room { key } else { (event, String::new()) }).or_default() += 1;
        }
    }

    pub(super) fn allow(&self) {
        self.allowed.fetch_add(1, Ordering::Relaxed);
    }

    /// Questions that `acl` rules let through.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    /// Everything else, by what happened and in which zone of which rule.
    #[must_use]
    pub fn rows(&self) -> Vec<(Event, String, u64)> {
        self.rows.lock().iter().map(|((event, zone), count)| (*event, zone.clone(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_bounded() {
        let tally = Tally::default();
        for number in 0..2 * MAX_ROWS {
            let zone: Name = format!("z{number}").parse().unwrap();
            tally.add(&mut vec![(Event::Blocked, zone)]);
        }
        let rows = tally.rows();
        assert_eq!(rows.len(), MAX_ROWS + 1);
        assert_eq!(rows.iter().map(|(_, _, count)| count).sum::<u64>(), 2 * MAX_ROWS as u64);
        assert_eq!(rows[0], (Event::Blocked, String::new(), MAX_ROWS as u64));
    }
}
