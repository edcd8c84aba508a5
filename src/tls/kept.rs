//! What was made of files, and stays in use while newer ones are wrong: certificate and key are two files, and for a moment one of
//! them may be the older one.

use std::sync::Arc;

use parking_lot::RwLock;

use super::files::{FileError, Flaw};

/// The newest good value.
pub(super) struct Kept<T>(RwLock<State<T>>);

struct State<T> {
    /// Of the files that the value was made of.
    digest: Option<u64>,
    value: Result<Arc<T>, Flaw>,
    /// Why newer files are not in use.
    error: Option<FileError>,
}

/// What became of a look at the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They are as they were.
    Same,
    /// In use from the next handshake on.
    Taken,
    /// Not in use. What was good before still is.
    Refused(FileError),
}

impl<T> Kept<T> {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self(RwLock::new(State { digest: None, value: Err(Flaw::NoSystemRoots), error: None }))
    }

    /// Takes what was read of the files now: its digest, and what it makes.
    pub(super) fn take<R>(
        &self,
        read: Result<R, FileError>,
        digest: impl FnOnce(&R) -> u64,
        make: impl FnOnce(&R) -> Result<T, FileError>,
    ) -> Outcome {
        let mut state = self.0.write();
        let made = read.and_then(|read| {
            let digest = digest(&read);
            let known = state.digest == Some(digest);
            Ok((digest, if known { None } else { Some(make(&read)?) }))
        });
        match made {
            // Back to what is in use, or never away from it.
            Ok((_, None)) => match state.error.take() {
                Some(_) => Outcome::Taken,
                None => Outcome::Same,
            },
            Ok((digest, Some(value))) => {
                *state = State { digest: Some(digest), value: Ok(Arc::new(value)), error: None };
                Outcome::Taken
            }
            Err(error) if state.error.as_ref() == Some(&error) => Outcome::Same,
            Err(error) => {
                if let Err(flaw) = &mut state.value {
                    *flaw = error.flaw;
                }
                state.error = Some(error.clone());
                Outcome::Refused(error)
            }
        }
    }

    pub(super) fn get(&self) -> Result<Arc<T>, Flaw> {
        self.0.read().value.clone()
    }

    /// Are the newest files in use?
    pub(super) fn is_ok(&self) -> bool {
        let state = self.0.read();
        state.error.is_none() && state.value.is_ok()
    }
}
