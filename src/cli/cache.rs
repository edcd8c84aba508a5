//! `interlocal cache`: what a running instance keeps of others' answers, for a name; and forgetting it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

use super::{admin, output::Output};
use crate::server::admin::cache::{Flushed, Kept};
use crate::server::admin::json;
use crate::server::admin::params::Params;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The answers that are kept for a name, of all types and from everybody
    Get {
        name: String,
        #[command(flatten)]
        admin: admin::Instance,
        #[command(flatten)]
        output: Output,
    },
    /// Forget the answers for a name, or all; the next question is asked anew
    Flush {
        /// Every name if left out
        name: Option<String>,
        #[command(flatten)]
        admin: admin::Instance,
        #[command(flatten)]
        output: Output,
    },
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let other = "not the page of an instance of this version";
    let (page, text, found, output) = match &args.what {
        What::Get { name, admin, output } => {
            let page = admin.get(&Params::path("/cache", &[("name", name)]))?;
            let kept: Kept = json::read(&page).context(other)?;
            (page, table(&kept), !kept.entries.is_empty(), output)
        }
        What::Flush { name, admin, output } => {
            let page = admin.post(&Params::path("/cache/flush", &[("name", name.as_deref().unwrap_or_default())]))?;
            let Flushed { flushed } = json::read(&page).context(other)?;
            (page, format!("forgotten: {flushed}\n"), true, output)
        }
    };
    let text = if output.is_json() { page + "\n" } else { text };
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
}

fn table(kept: &Kept) -> String {
    if kept.entries.is_empty() {
        return format!("nothing is kept for {}\n", kept.name);
    }
    let mut text = String::new();
    for entry in &kept.entries {
        let from = entry.from.as_deref().unwrap_or("a route that is no more");
        let flags = [(entry.dnssec_ok, ", DO"), (entry.checking_disabled, ", CD")];
        let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, text)| *text).collect();
        text += &format!(
            "{} from {from}: {}, {}, {} s old, {} s left (server {}{flags})\n",
            entry.qtype, entry.rcode, entry.state, entry.age_s, entry.ttl_left_s, entry.server
        );
        text.extend(entry.answers.iter().chain(&entry.authority).map(|record| format!("  {record}\n")));
    }
    text
}
