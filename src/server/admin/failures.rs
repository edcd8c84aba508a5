//! `/failures`: what went wrong of late, and with which question. Names of questions are the business of whoever is on the pod: a
//! listener that is not on loopback has no such page.

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::server::core::Core;
use crate::wire::mnemonic;

/// The page, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    pub failures: Vec<Failure>,
}

/// One distinct failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The code of RFC 8914.
    pub ede: u16,
    pub text: String,
    pub rcode: String,
    pub count: u64,
    pub first_s: u64,
    pub last_s: u64,
    /// One of the questions that met it.
    pub name: String,
    #[serde(rename = "type")]
    pub qtype: String,
}

impl Failures {
    #[must_use]
    pub fn now(core: &Core) -> Self {
        let now = clock::now();
        let failures = core.failures.list().into_iter().map(|seen| Failure {
            ede: seen.ede.code.0,
            text: seen.ede.text().to_owned(),
            rcode: seen.rcode.to_text().into_owned(),
            count: seen.count,
            first_s: now.saturating_duration_since(seen.first).as_secs(),
            last_s: now.saturating_duration_since(seen.last).as_secs(),
            name: format!("{}.", seen.question.0),
            qtype: mnemonic::type_text(seen.question.1).into_owned(),
        });
        Self { failures: failures.collect() }
    }
}
