//! `interlocal completions`, `man` and `config`: what a shell, a reader and an editor want. They read nothing and ask nobody.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use super::Cli;

/// The whole configuration with every default and what it means.
const CONFIG: &str = include_str!("../../config/interlocal.yaml");
/// A peer table with every key.
const PEERS: &str = include_str!("../../config/peers.yaml");

#[derive(clap::Args)]
pub struct Completions {
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[derive(clap::Args)]
pub struct Man {
    /// Write a page for each command into this folder, in place of the first page to stdout
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Config {
    /// peers.yaml in place of interlocal.yaml
    #[arg(long)]
    peers: bool,
}

pub fn completions(args: &Completions) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "interlocal", &mut text);
    print(&text);
    Ok(ExitCode::SUCCESS)
}

pub fn man(args: &Man) -> anyhow::Result<ExitCode> {
    match &args.dir {
        Some(folder) => {
            clap_mangen::generate_to(Cli::command(), folder)
                .with_context(|| format!("cannot write to {}", folder.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).context("cannot make the page")?;
            print(&page);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub fn config(args: &Config) -> anyhow::Result<ExitCode> {
    print(if args.peers { PEERS } else { CONFIG }.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn print(text: &[u8]) {
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text);
}
