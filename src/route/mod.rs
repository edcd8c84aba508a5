//! Where a question goes: to the cluster's own zone, to a region, to an upstream, or nowhere. Pure: it knows the tables and
//! the door and the stamp of the question, nothing else. The rule that makes loops impossible lives in `decide`, and nowhere
//! else.

mod claim;
mod decide;
mod follow;
mod near;
mod suffixes;
mod table;

pub use claim::{Claim, ClaimKind};
pub use decide::{Decision, Door, Otherwise, Remote, ReverseQuestion, Whence};
pub use follow::{Follow, Source};
pub use table::{Own, Routes};
