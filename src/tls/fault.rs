//! Why there is no TLS connection, as one of a few causes: each has words for an operator's `dig` and a label for a metric.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::files::Flaw;

/// Why a client has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFault {
    /// Our own files are wrong.
    Files(Flaw),
    TimedOut,
    Expired,
    NotYetValid,
    NotTrusted,
    WrongName,
    BadCertificate,
    /// The other side does not want our certificate, or wants one and got none.
    Refused,
    /// What came was no TLS.
    NotTls,
    Closed,
    Other,
}

impl ClientFault {
    /// One of each label.
    pub const ALL: [Self; 11] = [
        Self::Files(Flaw::Mismatch),
        Self::TimedOut,
        Self::Expired,
        Self::NotYetValid,
        Self::NotTrusted,
        Self::WrongName,
        Self::BadCertificate,
        Self::Refused,
        Self::NotTls,
        Self::Closed,
        Self::Other,
    ];

    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Files(flaw) => flaw.words(),
            Self::TimedOut => "TLS handshake timed out",
            Self::Expired => "certificate expired",
            Self::NotYetValid => "certificate not valid yet",
            Self::NotTrusted => "certificate not trusted",
            Self::WrongName => "certificate is for another name",
            Self::BadCertificate => "certificate cannot be used",
            Self::Refused => "our certificate was refused",
            Self::NotTls => "server does not speak TLS",
            Self::Closed => "connection closed in the TLS handshake",
            Self::Other => "TLS handshake failed",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::TimedOut => "timeout",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::NotTrusted => "not_trusted",
            Self::WrongName => "wrong_name",
            Self::BadCertificate => "bad_certificate",
            Self::Refused => "refused",
            Self::NotTls => "not_tls",
            Self::Closed => "closed",
            Self::Other => "other",
        }
    }

    /// Of an error of the stream, in the handshake or later.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        let Some(error) = inner(error) else { return Self::Closed };
        match error {
            Error::InvalidCertificate(why) => match why {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::NotTrusted,
                // A certificate of an authority, shown as a server's own.
                CertificateError::Other(_) => Self::NotTrusted,
                _ => Self::BadCertificate,
            },
            Error::AlertReceived(alert) if is_about_certificates(*alert) => Self::Refused,
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => Self::NotTls,
            _ => Self::Other,
        }
    }
}

/// Why a server has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFault {
    /// Our own files are wrong.
    Files,
    TimedOut,
    NoClientCertificate,
    BadClientCertificate,
    /// The client does not want our certificate.
    Refused,
    NotTls,
    /// The client went away, as those that only look whether somebody listens do.
    Closed,
    Other,
}

impl ServerFault {
    pub const ALL: [Self; 8] = [
        Self::Files,
        Self::TimedOut,
        Self::NoClientCertificate,
        Self::BadClientCertificate,
        Self::Refused,
        Self::NotTls,
        Self::Closed,
        Self::Other,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::TimedOut => "timeout",
            Self::NoClientCertificate => "no_client_certificate",
            Self::BadClientCertificate => "bad_client_certificate",
            Self::Refused => "refused",
            Self::NotTls => "not_tls",
            Self::Closed => "closed",
            Self::Other => "other",
        }
    }

    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        let Some(error) = inner(error) else { return Self::Closed };
        match error {
            Error::NoCertificatesPresented => Self::NoClientCertificate,
            Error::InvalidCertificate(_) => Self::BadClientCertificate,
            Error::AlertReceived(alert) if is_about_certificates(*alert) => Self::Refused,
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => Self::NotTls,
            _ => Self::Other,
        }
    }
}

/// rustls' own error; none if the stream itself ended.
fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
    )
}
