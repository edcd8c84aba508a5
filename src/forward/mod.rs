//! Asking upstreams: where names go that are neither ours nor a peer's. One client a zone, over UDP with retries elsewhere and
//! TCP where UDP does not do, or over TCP always with the peers' client. No cache, no routes, no chase of CNAMEs.
//!
//! * [`client::ForwardClient`]: one forward row; what the rest of the program sees.
//! * `servers`: who they are; [`pool`]: those over UDP; `tries` is one question's way through them, [`attempt`] one try, `walk` its
//!   whole way; [`upstream`] what is known of a server. [`flights`]: first tries of many questions at a time, [`first`] one of them.
//! * [`resolv_conf`]: servers out of a file. [`lookup`]: host names of peers' endpoints, resolved through these clients.

pub mod attempt;
pub mod client;
mod finish;
pub mod first;
pub mod flights;
pub mod lookup;
pub mod pool;
pub mod resolv_conf;
mod servers;
mod tries;
pub mod upstream;
mod walk;

pub use client::ForwardClient;
pub use lookup::HostLookup;
