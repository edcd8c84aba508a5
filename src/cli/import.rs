//! `interlocal import`: a Corefile becomes `interlocal.yaml` and `peers.yaml`, with a word about every directive, and a list of
//! what the two files do not carry. Nothing that is there already is written over.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::files::Problems;
use crate::app::corefile;
use crate::config::Overrides;
use crate::config::corefile::write;
use crate::limits::Limits;

#[derive(clap::Args)]
pub struct Args {
    /// The Corefile
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the files go [default: the folder that we are in]
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// Which region we are, so that its own stanza is left out
    #[arg(long, value_name = "LABEL")]
    region: Option<String>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let overrides = Overrides { region: args.region.clone(), ..Overrides::default() };
    let attempt = corefile::attempt(&args.file, &Limits::default(), &overrides);
    let Some(read) = attempt.corefile else {
        return Err(Problems(attempt.errors).into());
    };
    let written = write::files(&read.config, &read.notes, &args.file.display().to_string());
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    put(&args.out.join("interlocal.yaml"), &written.config, args.force)?;
    if let Some(peers) = &written.peers {
        put(&args.out.join("peers.yaml"), peers, args.force)?;
    }
    for warning in &attempt.warnings {
        println!("{warning}\n");
    }
    if attempt.errors.is_empty() && written.left_out.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("Not carried over:\n");
    for error in &attempt.errors {
        println!("{error}\n");
    }
    for text in &written.left_out {
        println!("{text}\n");
    }
    Ok(ExitCode::from(super::FOUND))
}

fn put(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true).create_new(!force);
    let mut file =
        open.open(path).with_context(|| format!("cannot write {} (--force writes over it)", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
