//! The `tls` of a row: which files and which name. It reads no file: whether they are good shows when they are used.

use std::path::Path;

use super::row::Row;
use super::spec::TlsSpec;
use crate::config::error::Fault;
use crate::config::field::Field;
use crate::config::{RowTls, TableFile};
use crate::tls::PeerName;

/// If it is wrong the row is broken, and never asked in clear text instead.
pub(super) fn tls(row: &mut Row<'_>, spec: &TlsSpec, folder: &Path) -> RowTls {
    let mut file = |key: &str, field: &Field<String>| {
        let (place, text) = field.both()?;
        if text.0.is_empty() {
            row.wrong(
                place,
                Fault::new(format!("`tls.{key}` is empty")).help("write the path of a file, or leave it out"),
            );
            return None;
        }
        Some(TableFile { written: text.0.clone(), path: folder.join(&text.0) })
    };
    let (ca, cert, key) = (file("ca", &spec.ca), file("cert", &spec.cert), file("key", &spec.key));
    let server_name = spec.server_name.both().and_then(|(place, text)| {
        let name = PeerName::parse(&text.0);
        if name.is_none() {
            let fault = Fault::new(format!("`{}` is no name that a certificate can be for", text.0));
            row.wrong(place, fault.help("write a host name or an address"));
        }
        name
    });
    let half = match (spec.cert.place(), spec.key.place()) {
        (Some(place), None) => Some((place, "cert", "key")),
        (None, Some(place)) => Some((place, "key", "cert")),
        _ => None,
    };
    if let Some((place, there, missing)) = half {
        let fault = Fault::new(format!("`tls.{there}` without `tls.{missing}`"));
        row.wrong(place, fault.help("a certificate of our own needs both"));
    }
    RowTls { ca, server_name, identity: cert.zip(key) }
}
