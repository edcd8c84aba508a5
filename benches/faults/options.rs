//! What was asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::support::words::Words;

/// Which server is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Interlocal,
    CoreDns,
}

impl Column {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interlocal => "interlocal",
            Self::CoreDns => "coredns",
        }
    }
}

pub struct Options {
    /// Empty is all.
    pub only: Vec<String>,
    pub quick: bool,
    pub json: Option<PathBuf>,
    pub columns: Vec<Column>,
    /// How long the soak takes, if not as long as it does by itself.
    pub soak: Option<Duration>,
    /// The same for faults in random order.
    pub random: Option<Duration>,
    /// In which order those come.
    pub seed: u64,
}

const USAGE: &str =
    "cargo bench --bench faults -- [--only ROW,ROW] [--quick] [--json FILE] [--column interlocal|coredns]
  --soak SECONDS     how long the soak takes
  --random SECONDS   how long faults come in random order; --seed NUMBER: in this one";

impl Options {
    /// The words behind the program's name.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let columns = vec![Column::Interlocal, Column::CoreDns];
        let seed = interlocal::clock::unix_seconds();
        let mut options = Self { only: Vec::new(), quick: false, json: None, columns, soak: None, random: None, seed };
        let mut words = Words::new(words, USAGE);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => options.quick = true,
                "--only" => options.only = words.list(&word)?,
                "--soak" => options.soak = Some(words.seconds(&word)?),
                "--random" => options.random = Some(words.seconds(&word)?),
                "--seed" => options.seed = words.number(&word)?,
                "--json" => options.json = Some(words.value(&word)?.into()),
                "--column" => {
                    options.columns = match words.value(&word)?.as_str() {
                        "interlocal" => vec![Column::Interlocal],
                        "coredns" => vec![Column::CoreDns],
                        other => return Err(format!("no column `{other}`; there are: interlocal, coredns")),
                    };
                }
                _ => return words.unknown(&word),
            }
        }
        Ok(options)
    }
}
