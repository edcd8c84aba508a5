//! The command line: one file a command. Data goes to stdout, talk goes to stderr.

mod admin;
mod ask;
mod demo;
mod files;
mod import;
mod peers;
mod serve;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Problems were found.
const FOUND: u8 = 1;
/// Usage or configuration.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(name = "interlocal", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer DNS questions until SIGTERM
    Serve(serve::Args),
    /// Run three regions in this process, on loopback, and ask each for the others' names
    Demo(demo::Args),
    /// Read configuration files, peer tables and manifests, and say what is wrong with them; no network is used
    Validate(validate::Args),
    /// Turn a Corefile into interlocal.yaml and peers.yaml, and say what they cannot carry
    Import(import::Args),
    /// How the other regions stand, as a running instance sees them
    Peers(peers::Args),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Validate(args) => validate::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Peers(args) => peers::run(&args),
    };
    result.unwrap_or_else(|error| {
        // Problems of a file have a form of their own, with place and help; everything else is one line.
        match error.downcast_ref::<files::Problems>() {
            Some(problems) => eprint!("{problems}"),
            None => eprintln!("error: {error:#}"),
        }
        ExitCode::from(USAGE)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn no_two_arguments_are_in_each_others_way() {
        Cli::command().debug_assert();
    }
}
