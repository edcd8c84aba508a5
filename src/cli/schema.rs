//! `interlocal schema`: the JSON Schema of our two files, for editors (`# yaml-language-server: $schema=…`). The keys of `interlocal.yaml`
//! are those of the table in docs/configuration.md, which a test holds against the reader: there is no second list.

mod json;
mod kinds;
mod peers;

use std::process::ExitCode;

use self::json::Json;

/// The page with the table of keys.
const PAGE: &str = include_str!("../../docs/configuration.md");
/// What `yaml-language-server` knows best.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

#[derive(clap::Args)]
pub struct Args {
    /// Of which file
    #[arg(value_enum, default_value_t)]
    file: File,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum File {
    /// interlocal.yaml
    #[default]
    Config,
    /// peers.yaml
    Peers,
}

pub fn run(args: &Args) -> ExitCode {
    let schema = match args.file {
        File::Config => config(),
        File::Peers => peers::schema(),
    };
    println!("{}", crate::server::admin::json::write(&schema));
    ExitCode::SUCCESS
}

/// One row of the table.
struct Row<'p> {
    key: &'p str,
    kind: &'p str,
    default: &'p str,
    range: &'p str,
    meaning: &'p str,
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    let table = PAGE.split_once("| key | type | default | range | meaning |").map_or("", |(_, rest)| rest);
    let lines = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    lines.filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').splitn(5, " |").map(str::trim).collect();
        let &[key, kind, default, range, meaning] = cells.as_slice() else { return None };
        Some(Row { key: key.trim_matches('`'), kind, default, range, meaning })
    })
}

fn config() -> Json {
    let mut top: Vec<(String, Json)> = Vec::new();
    for row in rows() {
        let property = kinds::property(&row);
        let (section, key, list) = match row.key.split_once('.') {
            None => {
                top.push((row.key.to_owned(), property));
                continue;
            }
            Some((section, key)) => match section.strip_suffix("[]") {
                Some(section) => (section, key, true),
                None => (section, key, false),
            },
        };
        let at = top.iter().position(|(name, _)| name == section).unwrap_or_else(|| {
            top.push((section.to_owned(), kinds::section(list)));
            top.len() - 1
        });
        kinds::add(&mut top[at].1, key, property);
    }
    Json::map([
        ("$schema", Json::text(DRAFT)),
        ("title", Json::text("interlocal.yaml")),
        ("type", Json::texts(&["object", "null"])),
        ("properties", Json::Map(top)),
        ("additionalProperties", Json::Bool(false)),
    ])
}
