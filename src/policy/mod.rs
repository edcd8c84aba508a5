//! What a server does with a question before it is looked up, and with its reply: access control, rewriting, tables and templates.
//! Pure: it is given a question and who asked, says what is to be looked up in its place, and is given the reply. It knows no cache,
//! no routes and no sockets; a server without rules has none of it.
//!
//! One fixed order, whatever order the rules are given in (rules of one kind keep theirs):
//!
//! ```text
//! acl → local, any, chaos → [dns64 → rewrite → acl → header → (autopath: acl → template → hosts → whoami → look-up)]
//!                           [dns64 ← rewrite ←               autopath ← header ← minimal                  ← reply ]
//! ```
//!
//! Access is decided by what the client asked, before anything else and whatever is in the cache, and once more by what that was
//! rewritten to: neither name is a way around the rules for the other.

mod acl;
mod autopath;
mod compile;
mod dns64;
mod fixed;
mod hosts;
mod message;
mod question;
mod reply;
mod rewrite;
mod tally;
mod template;
mod work;

pub use compile::{Identity, Policy};
pub use message::Message;
pub use question::Client;
pub use tally::{Event, Tally};
pub use work::{Begin, Step, Work};

#[cfg(test)]
mod tests;
