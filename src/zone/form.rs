//! Which form a name has in front of its origin: those of the Kubernetes DNS specification 1.1.0, and what CoreDNS adds to them.
//! It looks nothing up.

use crate::wire::NameBuf;

/// The labels of a name that mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'n> {
    Apex,
    /// `svc`, `pod` and `dns`, which are there for the names below them.
    Between,
    Namespace {
        namespace: &'n [u8],
    },
    /// A Service, or a name so many labels below it.
    Service {
        namespace: &'n [u8],
        service: &'n [u8],
        below: usize,
    },
    /// A namespace below `pod`, or what stands for an address there.
    Pod {
        namespace: &'n [u8],
        label: Option<&'n [u8]>,
    },
    NameServer,
    Version,
    Unknown,
}

impl<'n> Form<'n> {
    /// `labels` stand in front of the origin.
    #[inline]
    pub(super) fn of(name: &'n NameBuf, labels: usize) -> Self {
        let Some(last) = labels.checked_sub(1) else { return Self::Apex };
        match (name.label(last), last) {
            (b"svc" | b"dns" | b"pod", 0) => Self::Between,
            (b"svc", 1) => Self::Namespace { namespace: name.label(0) },
            (b"svc", 2..=4) => {
                Self::Service { namespace: name.label(last - 1), service: name.label(last - 2), below: last - 2 }
            }
            (b"pod", 1) => Self::Pod { namespace: name.label(0), label: None },
            (b"pod", 2) => Self::Pod { namespace: name.label(1), label: Some(name.label(0)) },
            (b"dns", 1) if name.label(0) == b"ns" => Self::NameServer,
            (b"dns-version", 0) => Self::Version,
            _ => Self::Unknown,
        }
    }
}
