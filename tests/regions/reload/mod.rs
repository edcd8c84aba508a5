//! Files that change while questions are asked: what is edited shows in the answers, what is wrong changes nothing, and
//! what did not change is not touched.

mod bad;
mod edits;
mod hiding;
mod kept;
mod load;
mod making;
mod restart;
