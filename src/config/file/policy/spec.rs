//! The rows of `policy` as they are written: every key, optional, with its place. Nothing is judged here.

use ipnet::{IpNet, Ipv6Net};
use serde::Deserialize;

use crate::config::error::Fault;
use crate::config::field::{At, Field, FieldList, Leaf};
use crate::config::units::Time;
use crate::wire::Name;

/// The list of a server.
pub(in crate::config) type PolicySpecs = At<Vec<At<RuleSpec>>>;

/// One row: one rule, and the zones that it is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct RuleSpec {
    pub(super) zones: FieldList<Name>,
    pub(super) acl: At<Vec<At<AclSpec>>>,
    pub(super) rewrite: At<RewriteSpec>,
    pub(super) hosts: At<HostsSpec>,
    pub(super) template: At<TemplateSpec>,
    pub(super) any: Field<bool>,
    pub(super) local: At<LocalSpec>,
    pub(super) minimal: Field<bool>,
    pub(super) header: At<HeaderSpec>,
    pub(super) autopath: At<AutopathSpec>,
    pub(super) dns64: At<Dns64Spec>,
    pub(super) whoami: Field<bool>,
    pub(super) chaos: At<ChaosSpec>,
    pub(super) nsid: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct AclSpec {
    pub(super) action: Field<String>,
    pub(super) nets: FieldList<IpNet>,
    pub(super) types: FieldList<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct RewriteSpec {
    pub(super) field: Field<String>,
    pub(super) r#match: Field<String>,
    pub(super) name: Field<String>,
    pub(super) from: Field<String>,
    pub(super) to: Field<String>,
    pub(super) answer_auto: Field<bool>,
    pub(super) answer: At<Vec<At<AnswerSpec>>>,
    pub(super) then: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct AnswerSpec {
    pub(super) part: Field<String>,
    pub(super) from: Field<String>,
    pub(super) to: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct HostsSpec {
    pub(super) file: Field<String>,
    pub(super) inline: Field<String>,
    pub(super) ttl: Field<Time>,
    pub(super) reverse: Field<bool>,
    pub(super) fallthrough: FieldList<Name>,
    pub(super) fallthrough_unsupported: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct TemplateSpec {
    pub(super) class: Field<String>,
    pub(super) r#type: Field<String>,
    pub(super) r#match: FieldList<String>,
    pub(super) answer: FieldList<String>,
    pub(super) authority: FieldList<String>,
    pub(super) additional: FieldList<String>,
    pub(super) rcode: Field<String>,
    pub(super) ede_code: Field<u64>,
    pub(super) ede_text: Field<String>,
    pub(super) fallthrough: FieldList<Name>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct LocalSpec {
    pub(super) localhost_prefix: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct HeaderSpec {
    pub(super) query_set: FieldList<String>,
    pub(super) query_clear: FieldList<String>,
    pub(super) reply_set: FieldList<String>,
    pub(super) reply_clear: FieldList<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct AutopathSpec {
    pub(super) pods: Field<bool>,
    pub(super) file: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Dns64Spec {
    pub(super) prefix: Field<Ipv6Net>,
    pub(super) translate_all: Field<bool>,
    pub(super) allow_ipv4: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct ChaosSpec {
    pub(super) version: Field<String>,
    pub(super) hostname: Field<String>,
    pub(super) authors: FieldList<String>,
}

impl Leaf for Ipv6Net {
    const EXPECTED: &'static str = "a network of IPv6 such as `64:ff9b::/96`";

    fn read(text: &str) -> Result<Self, Fault> {
        let wrong = |help: &str| Fault::new(format!("`{text}` is no prefix for DNS64")).help(help);
        let net: Self = text.parse().map_err(|_| wrong("write a network of IPv6: `64:ff9b::/96`"))?;
        if net.trunc() != net {
            return Err(wrong(&format!("did you mean `{}`?", net.trunc())));
        }
        match net.prefix_len() {
            32 | 40 | 48 | 56 | 64 | 96 => Ok(net),
            _ => Err(wrong("its length must be 32, 40, 48, 56, 64 or 96 (RFC 6052 2.2)")),
        }
    }
}
