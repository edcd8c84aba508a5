//! As many file descriptors as the system lets us have: a question that waits has a socket, and so has every connection. What a
//! process is given is often less than what it may take, for the sake of programs that use select(2).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one; what is refused stays as it was.
pub fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is no limit.
    if current.is_none() || current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(from = current, to = maximum, "file descriptors"),
        Err(error) => tracing::warn!(%error, current, "cannot have more file descriptors"),
    }
}
