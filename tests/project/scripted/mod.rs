//! The tests of the test support: each thing that the scriptable server can do, as a raw client sees it. A scenario
//! that passes because its server did not do what the script says would prove nothing.

mod answers;
mod connections;
mod judges;
mod lies;
