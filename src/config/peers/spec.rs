//! `peers.yaml` as it is written: every key, optional, with its place. Nothing is judged here.

use ipnet::IpNet;
use serde::Deserialize;

use crate::config::endpoint::Written;
use crate::config::field::{At, Field, FieldList, Mapping};
use crate::config::tls::TlsSpec;
use crate::wire::Name;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TableSpec {
    pub(super) version: Field<u64>,
    pub(super) domain: Field<Name>,
    pub(super) regions: At<Mapping<RowSpec>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RowSpec {
    pub(super) endpoints: FieldList<Written>,
    pub(super) zones: FieldList<Name>,
    pub(super) mesh: Field<Name>,
    pub(super) cidrs: FieldList<IpNet>,
    pub(super) allow_tld: Field<bool>,
    pub(super) override_local: Field<bool>,
    pub(super) tls: At<TlsSpec>,
}

impl RowSpec {
    /// The first key whose value cannot be read.
    pub(super) fn unreadable(&self) -> Option<&'static str> {
        let keys = [
            ("endpoints", self.endpoints.any_failed()),
            ("zones", self.zones.any_failed()),
            ("mesh", self.mesh.failed()),
            ("cidrs", self.cidrs.any_failed()),
            ("allow_tld", self.allow_tld.failed()),
            ("override_local", self.override_local.failed()),
            ("tls", self.tls.failed() || self.tls.get().is_some_and(TlsSpec::any_failed)),
        ];
        keys.into_iter().find_map(|(key, failed)| failed.then_some(key))
    }
}
