//! The command line: one file a command. Data goes to stdout, talk goes to stderr.

mod admin;
mod ask;
mod cache;
mod check;
mod columns;
mod compare;
mod config;
mod demo;
mod descriptors;
mod files;
mod import;
mod output;
mod peers;
mod query;
mod schema;
mod serve;
mod shell;
mod status;
mod validate;
mod zone;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Problems were found.
const FOUND: u8 = 1;
/// Usage or configuration.
const USAGE: u8 = 2;
/// With the commit, where the build knew it.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("INTERLOCAL_BUILD"));

#[derive(Parser)]
#[command(name = "interlocal", version = VERSION, about, max_term_width = 100)]
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
    /// What an instance would answer, stage by stage, and why
    Query(query::Args),
    /// A running instance on one screen: what is wrong, zone, regions, upstreams, cache
    Status(status::Args),
    /// Look at everything that has to be right, live, and say what is wrong, why and how to mend it
    Check(check::Args),
    /// Ask this server and another one the same, and say where they differ: before switching from CoreDNS
    Compare(compare::Args),
    /// How the other regions stand, as a running instance sees them
    Peers(peers::Args),
    /// What a running instance keeps of others' answers
    Cache(cache::Args),
    /// Which Services a running instance has read
    Zone(zone::Args),
    /// The whole configuration with every default, and what it means
    Config(config::Args),
    /// The JSON Schema of our two files, for editors
    Schema(schema::Args),
    /// Completions for a shell
    Completions(shell::Completions),
    /// Manual pages
    Man(shell::Man),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Validate(args) => validate::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Peers(args) => peers::run(&args),
        Command::Cache(args) => cache::run(&args),
        Command::Zone(args) => zone::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Schema(args) => Ok(schema::run(&args)),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
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
