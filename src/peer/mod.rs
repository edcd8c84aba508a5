//! Asking other regions: addresses, their connections, their health, and which one is asked next. The machinery asks any
//! server over TCP, so `forward` uses it for upstreams that are asked that way. No cache, no routes, no chase of CNAMEs.
//!
//! * [`region::RegionClient`]: one row of the peer table; what the rest of the program sees.
//! * [`group`]: some addresses that are as good as each other; `asking` is one question's way through them, `attempts` what
//!   follows from its sends.
//! * [`address`]: one address with its connections and health; `opening` and `probing` are parts of it. [`connection`]: one TCP
//!   connection; `minder` is the task beside it.
//! * [`dialer`]: how servers are connected to, in clear text or over TLS.
//! * Pure: [`health`], [`choice`], [`hedge`], [`stall`], [`minding`], [`warm`], [`rtt`], [`percentile`], [`backoff`], `table`,
//!   [`sync`]. I/O calls them.
//! * [`listed`]: what a client was given to ask, less what leads back to ourselves.
//! * [`resolve`]: host names become addresses. [`probe`]: does an address lead back to ourselves? [`look`]: all that a server
//!   shows, for tools.

pub mod address;
pub mod answered;
mod asking;
mod attempts;
pub mod backoff;
pub mod bells;
pub mod choice;
pub mod connection;
pub mod counters;
pub mod datagram;
pub mod dial;
pub mod dialer;
pub mod endpoints;
pub mod group;
pub mod health;
pub mod hedge;
pub mod listed;
pub mod look;
mod minder;
pub mod minding;
mod opening;
pub mod percentile;
pub mod probe;
mod probing;
pub mod race;
pub mod random;
pub mod region;
pub mod resolve;
pub mod rtt;
pub mod sends;
pub mod settings;
pub mod stall;
mod stream;
pub mod sync;
mod table;
pub mod warm;

pub use answered::Answered;
pub use region::RegionClient;
pub use settings::Settings;
