//! Answers of peers and upstreams, kept for as long as they may be, and one fetch per question however many ask. Local names
//! are never here. No I/O and no clock: everything is given `now`.

mod census;
pub mod entry;
pub mod inflight;
pub mod key;
mod list;
pub mod look;
pub mod policy;
pub mod pressure;
pub mod store;

pub use census::Kinds;
pub use entry::Entry;
pub use inflight::{Follower, Inflight, Joined, Leader};
pub use key::{Key, KeyBuf, Parts};
pub use look::Look;
pub use policy::{Keep, Policy, Source};
pub use pressure::{Memory, Pressure};
pub use store::{Cache, Stats};
