//! The zone from the outside: objects go in, questions are asked as bytes, and hickory reads the replies.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asking;
mod external;
mod forms;
mod heap;
mod histories;
mod making;
mod oracle;
mod random;
mod replies;
