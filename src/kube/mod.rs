//! Where the zone's objects come from, and the task that turns them into snapshots.

pub mod api;
pub mod convert;
pub mod diff;
pub mod feed;
pub mod lax;
pub mod manifest_source;
pub mod manifests;
pub mod objects;
pub mod selection;

pub use convert::Skipped;
pub use selection::Selection;
