//! `interlocal completions` and `man`: what a shell and a reader want. They read nothing and ask nobody.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use super::Cli;

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

fn print(text: &[u8]) {
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text);
}
