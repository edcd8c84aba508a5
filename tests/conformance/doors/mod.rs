//! The two doors and what may pass them: who is answered what, the stamp, chains of CNAMEs across regions, loops of every kind, and
//! what an answer may cost.

mod binding;
mod bounds;
mod chase;
mod chase_peers;
mod heap;
mod loops;
mod loops_probed;
mod peers;
mod pods;
mod reverse;
mod setup;
mod stamp;
