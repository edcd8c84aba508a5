//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

use crate::support::words::Words;

const USAGE: &str = "cargo bench --bench versus -- [--quick] [--only NAME,NAME] [--json FILE] [--markdown FILE] \
                     [--svg FILE] [--write]
  --quick      two minutes in place of ten
  --only       these peers beside interlocal and the echo: coredns, knot, nsd, unbound, dnsdist, dnsmasq, hickory
  --sections   some of: udp, tcp, paced, misses, regions, coalescing, memory
  --json FILE, --markdown FILE, --svg FILE    where the results go
  --write      into benches/README.md, benches/versus.json and benches/versus.svg";

#[derive(Debug, Clone, Default)]
pub struct Options {
    pub quick: bool,
    /// Empty: all.
    pub only: Vec<String>,
    pub sections: Vec<String>,
    pub json: Option<PathBuf>,
    pub markdown: Option<PathBuf>,
    pub svg: Option<PathBuf>,
    pub write: bool,
}

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    pub period: Duration,
    /// At a fixed rate.
    pub paced: Duration,
    /// Questions one after the other to another region.
    pub steps: usize,
}

impl Options {
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = Words::new(words, USAGE);
        while let Some(word) = words.next() {
            match &*word {
                "--quick" => options.quick = true,
                "--only" => options.only = words.list(&word)?,
                "--sections" => options.sections = words.list(&word)?,
                "--json" => options.json = Some(words.value(&word)?.into()),
                "--markdown" => options.markdown = Some(words.value(&word)?.into()),
                "--svg" => options.svg = Some(words.value(&word)?.into()),
                "--write" => options.write = true,
                _ => return words.unknown(&word),
            }
        }
        Ok(options)
    }

    pub fn effort(&self) -> Effort {
        let millis = Duration::from_millis;
        if self.quick {
            Effort { rounds: 3, period: millis(150), paced: millis(500), steps: 500 }
        } else {
            Effort { rounds: 9, period: millis(300), paced: millis(1_500), steps: 2_000 }
        }
    }

    pub fn wants(&self, peer: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == peer)
    }

    pub fn measures(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|name| name == section)
    }
}
