//! What was asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

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
}

impl Options {
    /// The words behind the program's name; cargo adds `--bench`.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let columns = vec![Column::Interlocal, Column::CoreDns];
        let mut options = Self { only: Vec::new(), quick: false, json: None, columns, soak: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                "--bench" => {}
                "--quick" => options.quick = true,
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--soak" => {
                    let seconds = value()?.parse().map_err(|_| "--soak wants seconds")?;
                    options.soak = Some(Duration::from_secs(seconds));
                }
                "--json" => options.json = Some(value()?.into()),
                "--column" => {
                    options.columns = match value()?.as_str() {
                        "interlocal" => vec![Column::Interlocal],
                        "coredns" => vec![Column::CoreDns],
                        other => return Err(format!("no column `{other}`; there are: interlocal, coredns")),
                    };
                }
                other => {
                    return Err(format!(
                        "`{other}`? There are: --only ROW,ROW  --quick  --json FILE  --column interlocal|coredns  \
                         --soak SECONDS"
                    ));
                }
            }
        }
        Ok(options)
    }
}
