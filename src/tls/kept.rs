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

    /// Why the newest files are not in use, if they are not.
    pub(super) fn error(&self) -> Option<FileError> {
        self.0.read().error.clone()
    }

    /// Are the newest files in use?
    pub(super) fn is_ok(&self) -> bool {
        let state = self.0.read();
        state.error.is_none() && state.value.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Role;

    fn wrong(flaw: Flaw) -> FileError {
        FileError { flaw, path: "f".into(), detail: String::new() }
    }

    /// Reads this text, and makes itself of it unless it is `bad`.
    fn take(kept: &Kept<&'static str>, text: &'static str) -> Outcome {
        let read = if text == "gone" { Err(wrong(Flaw::Missing(Role::Ca))) } else { Ok(text) };
        let make = |text: &&'static str| if *text == "bad" { Err(wrong(Flaw::Mismatch)) } else { Ok(*text) };
        kept.take(read, |text| text.len() as u64, make)
    }

    fn value(kept: &Kept<&'static str>) -> Result<&'static str, Flaw> {
        kept.get().map(|value| *value)
    }

    #[test]
    fn what_was_good_stays_until_something_better_comes() {
        let kept = Kept::new();
        assert_eq!(take(&kept, "gone"), Outcome::Refused(wrong(Flaw::Missing(Role::Ca))));
        assert_eq!((value(&kept), kept.is_ok()), (Err(Flaw::Missing(Role::Ca)), false));
        assert_eq!(take(&kept, "bad"), Outcome::Refused(wrong(Flaw::Mismatch)));
        assert_eq!(value(&kept), Err(Flaw::Mismatch), "the newest reason");
        assert_eq!(take(&kept, "bad"), Outcome::Same, "said once");
        assert_eq!(take(&kept, "one"), Outcome::Taken);
        assert_eq!((value(&kept), kept.is_ok()), (Ok("one"), true));
        assert_eq!(take(&kept, "one"), Outcome::Same);
        let before = kept.get().expect("it is there");
        assert_eq!(take(&kept, "gone"), Outcome::Refused(wrong(Flaw::Missing(Role::Ca))));
        assert_eq!((value(&kept), kept.is_ok()), (Ok("one"), false));
        assert_eq!(take(&kept, "one"), Outcome::Taken, "nothing is wrong any more");
        assert!(kept.is_ok() && Arc::ptr_eq(&before, &kept.get().expect("it is there")), "and nothing was made anew");
        assert_eq!((take(&kept, "three"), value(&kept)), (Outcome::Taken, Ok("three")));
    }
}
