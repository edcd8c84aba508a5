//! `interlocal zone`: which Services a running instance has read, and what it would make of one.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

use super::{admin, columns, output::Output};
use crate::server::admin::json;
use crate::server::admin::params::Params;
use crate::server::admin::zone::{Service, Zone};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The Services, of all namespaces or of one
    List {
        namespace: Option<String>,
        #[command(flatten)]
        admin: admin::Instance,
        #[command(flatten)]
        output: Output,
    },
    /// One Service with its ready endpoints
    Get {
        #[arg(value_name = "NAMESPACE/NAME", value_parser = path)]
        service: (String, String),
        #[command(flatten)]
        admin: admin::Instance,
        #[command(flatten)]
        output: Output,
    },
}

fn path(text: &str) -> Result<(String, String), String> {
    let (namespace, name) = text.split_once('/').ok_or("write NAMESPACE/NAME")?;
    Ok((namespace.to_owned(), name.to_owned()))
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (params, admin, output) = match &args.what {
        What::List { namespace, admin, output } => {
            ([("namespace", namespace.as_deref().unwrap_or_default()), ("service", "")], admin, output)
        }
        What::Get { service: (namespace, name), admin, output } => {
            ([("namespace", namespace.as_str()), ("service", name)], admin, output)
        }
    };
    let page = admin.get(&Params::path("/zone", &params))?;
    let zone: Zone = json::read(&page).context("not the page of an instance of this version")?;
    let text = if output.is_json() { page + "\n" } else { table(&zone) };
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if zone.synced { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
}

fn table(zone: &Zone) -> String {
    let mut rows = vec![columns::head(&["NAMESPACE", "SERVICE", "KIND", "ADDRESSES", "READY", "PORTS"])];
    rows.extend(zone.services.iter().map(row));
    let mut text = columns::text(&rows);
    for endpoint in zone.services.iter().flat_map(|service| &service.endpoints) {
        text += &format!("  {} {}\n", endpoint.name, list(&endpoint.addresses));
    }
    let synced = if zone.synced { "" } else { ", not synced" };
    text + &format!("\n{} services; zone {}, serial {}{synced}\n", zone.services.len(), zone.hash, zone.serial)
}

fn row(service: &Service) -> Vec<String> {
    let addresses = service.target.clone().unwrap_or_else(|| list(&service.addresses));
    let ready = service.ready.to_string();
    let ports = service.ports.join(", ");
    vec![service.namespace.clone(), service.name.clone(), service.kind.clone(), dash(addresses), ready, dash(ports)]
}

fn dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

fn list(addresses: &[std::net::IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
