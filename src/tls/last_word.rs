//! What the other side said last before it ended a connection. In TLS 1.3 a server judges the client's certificate after the
//! client has done its part, so that a refusal comes where an answer was expected (RFC 8446 4.4.2.4, Appendix E.1.2).

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::fault::ClientFault;

/// Shared by the connections to one server.
#[derive(Debug, Default)]
pub struct LastWord(AtomicBool);

impl LastWord {
    /// A read ended so.
    pub fn failed(&self, error: &io::Error) {
        if ClientFault::of(error) == ClientFault::Refused {
            self.0.store(true, Relaxed);
        }
    }

    /// Something was read.
    pub fn worked(&self) {
        if self.0.load(Relaxed) {
            self.0.store(false, Relaxed);
        }
    }

    /// The refusal, if that is what there was.
    #[must_use]
    pub fn get(&self) -> Option<ClientFault> {
        self.0.load(Relaxed).then_some(ClientFault::Refused)
    }
}
