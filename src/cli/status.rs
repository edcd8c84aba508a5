//! `interlocal status`: a running instance on one screen. Exit code 1 if something wants to be looked at.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

use super::{admin, columns, output::Output};
use crate::server::admin::json;
use crate::server::admin::status::{Region, Status};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    admin: admin::Instance,
    #[command(flatten)]
    output: Output,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let page = args.admin.get("/status")?;
    let status: Status = json::read(&page).context("not the page of an instance of this version")?;
    let text = if args.output.is_json() { page + "\n" } else { table(&status) };
    // A pipe that closes is the end of whoever read it, and no fault.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if status.complaints().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(super::FOUND) })
}

/// What is wrong first: it is read at three in the morning.
fn table(status: &Status) -> String {
    let complaints = status.complaints();
    let mut text: String = complaints.iter().map(|complaint| format!("! {complaint}\n")).collect();
    if complaints.is_empty() {
        text.push_str("all is well\n");
    }
    text.extend(status.notes.iter().map(|note| format!("{note}\n")));
    let zone = &status.zone;
    let synced = if zone.synced { "synced" } else { "not synced" };
    let looked_up = status.cache.hits + status.cache.misses;
    let share = if looked_up == 0 { 0.0 } else { status.cache.hits as f64 * 100.0 / looked_up as f64 };
    let own = status.region.as_deref().unwrap_or("no region");
    let rows: Vec<Vec<String>> = [
        ("instance", format!("{} on {}, {own} of {}", status.version, status.host, status.cluster_domain)),
        (
            "zone",
            format!(
                "{synced}, {} namespaces, {} services, {} endpoints; hash {}, serial {}",
                zone.namespaces, zone.services, zone.endpoints, zone.hash, zone.serial
            ),
        ),
        ("table", format!("{}, generation {}", status.table.hash, status.table.generation)),
        (
            "cache",
            format!(
                "{} answers, {} KiB, {share:.0} % of {looked_up} looked up were there, {} were stale",
                status.cache.entries,
                status.cache.bytes / 1_024,
                status.cache.stale
            ),
        ),
        ("in flight", format!("{} of {}", status.in_flight, status.in_flight_limit)),
    ]
    .into_iter()
    .map(|(what, text)| vec![what.to_owned(), text])
    .collect();
    text = text + "\n" + &columns::text(&rows);
    if !status.regions.is_empty() {
        let mut rows = vec![columns::head(&["REGION", "STATE", "ADDRESSES", "RTT", "STALE ANSWERS"])];
        rows.extend(status.regions.iter().map(region));
        text = text + "\n" + &columns::text(&rows);
    }
    if !status.upstreams.is_empty() {
        let mut rows = vec![columns::head(&["UPSTREAM", "SERVERS UP", "OVER"])];
        let upstreams = status.upstreams.iter();
        rows.extend(
            upstreams
                .map(|one| vec![one.zone.clone(), format!("{} of {}", one.up, one.servers), one.transport.clone()]),
        );
        text = text + "\n" + &columns::text(&rows);
    }
    text
}

fn region(region: &Region) -> Vec<String> {
    let state = match (region.own, region.dark) {
        (true, _) => "own",
        (false, true) => "dark",
        (false, false) => "up",
    };
    let none = || "-".to_owned();
    vec![
        region.label.clone(),
        state.to_owned(),
        if region.own { none() } else { format!("{} of {} up", region.up, region.addresses) },
        region.rtt_ms.map_or_else(none, |rtt| format!("{rtt:.1} ms")),
        region.stale_answers.to_string(),
    ]
}
