//! Certificate files: read, and what is wrong with them in words. It keeps nothing and watches nothing.

use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::expiry::{End, of_authorities};

/// More than any bundle of certificates has; a path that leads to something else is not read to its end.
const MOST_BYTES: u64 = 1 << 20;

/// Which of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Ca,
    Certificate,
    Key,
}

/// What is wrong, in words that end in an operator's `dig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Missing(Role),
    Unreadable(Role),
    /// Read, but there is no PEM of that kind in it.
    Empty(Role),
    /// PEM of the right kind, with something in it that makes no sense.
    Unusable(Role),
    /// The key is not the certificate's.
    Mismatch,
    /// No CA was named, and the system has none.
    NoSystemRoots,
}

/// A flaw, with the file that has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}{}", .path.display(), .flaw.words(), Detail(.detail))]
pub struct FileError {
    pub flaw: Flaw,
    pub path: PathBuf,
    pub detail: String,
}

struct Detail<'e>(&'e str);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

impl Flaw {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Missing(Role::Ca) => "CA file missing",
            Self::Missing(Role::Certificate) => "certificate file missing",
            Self::Missing(Role::Key) => "key file missing",
            Self::Unreadable(Role::Ca) => "CA file cannot be read",
            Self::Unreadable(Role::Certificate) => "certificate file cannot be read",
            Self::Unreadable(Role::Key) => "key file cannot be read",
            Self::Empty(Role::Ca) => "no certificate in the CA file",
            Self::Empty(Role::Certificate) => "no certificate in the certificate file",
            Self::Empty(Role::Key) => "no private key in the key file",
            Self::Unusable(Role::Ca) => "CA file has a broken certificate",
            Self::Unusable(Role::Certificate) => "certificate file has a broken certificate",
            Self::Unusable(Role::Key) => "private key cannot be used",
            Self::Mismatch => "key is not the certificate's",
            Self::NoSystemRoots => "no CA named and none in the system",
        }
    }
}

/// One file, as it was read.
pub(super) struct Text<'p> {
    role: Role,
    path: &'p Path,
    bytes: Vec<u8>,
}

/// A certificate with those that vouch for it, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl<'p> Text<'p> {
    pub(super) fn read(role: Role, path: &'p Path) -> Result<Self, FileError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map(|bytes| Self { role, path, bytes }).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fail(Flaw::Missing(role), path, ""),
            _ => fail(Flaw::Unreadable(role), path, error),
        })
    }

    /// The authorities, and when the last of them ends.
    pub(super) fn roots(&self, file: &'static str) -> Result<(RootCertStore, Option<End>), FileError> {
        let certificates = self.certificates()?;
        let end = of_authorities(file, &certificates);
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(|error| self.fail(Flaw::Unusable(self.role), error))?;
        }
        Ok((roots, end))
    }

    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, FileError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(found) if found.is_empty() => Err(self.fail(Flaw::Empty(self.role), "")),
            Ok(found) => Ok(found),
            Err(error) => Err(self.fail(Flaw::Unusable(self.role), error)),
        }
    }

    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, FileError> {
        use rustls::pki_types::pem::Error;
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            Error::NoItemsFound => self.fail(Flaw::Empty(self.role), ""),
            // What it says of a key file stays out of the log.
            _ => self.fail(Flaw::Unusable(self.role), ""),
        })
    }

    pub(super) fn fail(&self, flaw: Flaw, detail: impl ToString) -> FileError {
        fail(flaw, self.path, detail)
    }
}

/// A certificate and its key, which have to belong together.
pub(super) fn identity(certificate: &Text<'_>, key: &Text<'_>) -> Result<Identity, FileError> {
    Ok(Identity { chain: certificate.certificates()?, key: key.key()? })
}

/// Why rustls does not take what was read: the key, or both together.
pub(super) fn refused(certificate: &Text<'_>, key: &Text<'_>, error: &rustls::Error) -> FileError {
    match error {
        rustls::Error::InconsistentKeys(_) => key.fail(Flaw::Mismatch, ""),
        rustls::Error::InvalidCertificate(_) => certificate.fail(Flaw::Unusable(Role::Certificate), error),
        _ => key.fail(Flaw::Unusable(Role::Key), error),
    }
}

/// The certificates that the system trusts.
pub(super) fn system_roots() -> Result<RootCertStore, FileError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // A system's list may have entries that rustls does not take; the others count.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let detail = found.errors.first().map(ToString::to_string).unwrap_or_default();
        return Err(fail(Flaw::NoSystemRoots, Path::new("system's certificates"), detail));
    }
    Ok(roots)
}

/// A number that changes when a file does.
pub(super) fn digest(texts: &[&Text<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for text in texts {
        (text.path, &text.bytes).hash(&mut hasher);
    }
    hasher.finish()
}

fn fail(flaw: Flaw, path: &Path, detail: impl ToString) -> FileError {
    FileError { flaw, path: path.to_owned(), detail: detail.to_string() }
}
