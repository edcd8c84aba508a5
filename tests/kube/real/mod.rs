//! interlocal as a process of its own, with a real API server: TLS, tokens, roles, and the controllers that make Services and
//! Pods into EndpointSlices. Each test has a server or a namespace of its own, and does nothing on a machine without the
//! server's program.

mod access;
mod away;
mod changes;
mod credentials;
mod families;
mod history;
mod hung;
mod instance;
mod objects;
mod pages;
mod pods;
mod relay;
mod steady;
mod throttled;
mod timing;

pub use instance::Instance;
