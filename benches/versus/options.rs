//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

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
    pub fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
            match &*word {
                "--quick" => options.quick = true,
                "--only" => options.only = list(&value()?),
                "--sections" => options.sections = list(&value()?),
                "--json" => options.json = Some(value()?.into()),
                "--markdown" => options.markdown = Some(value()?.into()),
                "--svg" => options.svg = Some(value()?.into()),
                "--write" => options.write = true,
                // What cargo adds.
                "--bench" => {}
                _ => bail!("{word} is not known\n{USAGE}"),
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

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|word| word.trim().to_owned()).collect()
}
