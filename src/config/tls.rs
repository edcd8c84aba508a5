//! The `tls` of a row, of a region or of upstreams: which files and which name. It reads no file: whether they are good shows when
//! they are used.

use std::path::Path;

use serde::Deserialize;

use super::error::Fault;
use super::field::{At, Field};
use super::node::Place;
use super::{RowTls, TableFile};
use crate::tls::PeerName;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TlsSpec {
    pub(super) ca: Field<String>,
    pub(super) server_name: Field<String>,
    pub(super) cert: Field<String>,
    pub(super) key: Field<String>,
}

impl TlsSpec {
    pub(super) fn any_failed(&self) -> bool {
        [&self.ca, &self.server_name, &self.cert, &self.key].into_iter().any(At::failed)
    }

    /// Paths are relative to `folder`. What is wrong is told, and a row with it is never asked in clear text instead.
    pub(super) fn read(&self, folder: &Path, wrong: &mut dyn FnMut(Place, Fault)) -> RowTls {
        let mut file = |key: &str, field: &Field<String>| {
            let (place, text) = field.both()?;
            if text.0.is_empty() {
                let fault = Fault::new(format!("`tls.{key}` is empty"));
                wrong(place, fault.help("write the path of a file, or leave it out"));
                return None;
            }
            Some(TableFile { written: text.0.clone(), path: folder.join(&text.0) })
        };
        let (ca, cert, key) = (file("ca", &self.ca), file("cert", &self.cert), file("key", &self.key));
        let server_name = self.server_name.both().and_then(|(place, text)| {
            let name = PeerName::parse(&text.0);
            if name.is_none() {
                let fault = Fault::new(format!("`{}` is no name that a certificate can be for", text.0));
                wrong(place, fault.help("write a host name or an address"));
            }
            name
        });
        let half = match (self.cert.place(), self.key.place()) {
            (Some(place), None) => Some((place, "cert", "key")),
            (None, Some(place)) => Some((place, "key", "cert")),
            _ => None,
        };
        if let Some((place, there, missing)) = half {
            let fault = Fault::new(format!("`tls.{there}` without `tls.{missing}`"));
            wrong(place, fault.help("a certificate of our own needs both"));
        }
        RowTls { ca, server_name, identity: cert.zip(key) }
    }
}

impl RowTls {
    /// Every file that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.ca.iter().chain(identity).map(|file| file.path.as_path())
    }
}
