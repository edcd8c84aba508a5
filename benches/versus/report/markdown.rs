//! The tables.

use std::fmt::Write;

use super::goals;
use crate::measure::paced::RATE;
use crate::results::{BesideEcho, Results, Row};
use crate::rounds::SHAPES;
use crate::support::world::Work;

pub fn of(results: &Results) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write_all(&mut text, results);
    text
}

fn write_all(text: &mut String, results: &Results) -> std::fmt::Result {
    let facts = &results.facts;
    writeln!(
        text,
        "Linux {}, {} cores ({}), {} rounds; {} sockets with {} questions out each. Lowest and highest round in parentheses.\n",
        facts.kernel, facts.cores, facts.processor, facts.rounds, facts.sockets, facts.window
    )?;
    let versions = facts.peers.iter().map(|(name, version)| format!("{name} {version}"));
    writeln!(text, "{}.", versions.collect::<Vec<_>>().join("; "))?;
    for (name, why) in &facts.missing {
        writeln!(text, "Not run: {name}: {why}.")?;
    }
    for work in [Work::ClusterIp, Work::Cached, Work::Search, Work::Headless] {
        let rows: Vec<_> = results.udp.iter().filter(|row| row.what == work).collect();
        beside_echo(text, &format!("UDP, {}", work.name()), &rows)?;
    }
    beside_echo(text, "UDP, forwarded: names that nobody asked before", &results.misses.iter().collect::<Vec<_>>())?;
    tcp(text, results)?;
    paced(text, results)?;
    others(text, results)?;
    writeln!(text, "\n**Goals**\n\n| | goal | measured | | the echo server's |\n|---|---|---|---|---|")?;
    for goal in goals::of(results) {
        let measured = goal.measured.as_deref().unwrap_or("not measured");
        let holds = goal.holds.map_or("", |holds| if holds { "holds" } else { "**missed**" });
        let echo = goal.echo.as_deref().unwrap_or("");
        writeln!(text, "| {} | {} | {measured} | {holds} | {echo} |", goal.what, goal.wanted)?;
    }
    Ok(())
}

fn beside_echo<K>(text: &mut String, title: &str, rows: &[&Row<K, BesideEcho>]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    let mut rows = rows.to_vec();
    let cost = |row: &Row<K, BesideEcho>| row.over_echo().map_or(f64::INFINITY, |it| it.median);
    rows.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    writeln!(
        text,
        "\n**{title}**\n\n| | answers per CPU-second | µs CPU an answer | x echo | limit |\n|---|---|---|---|---|"
    )?;
    for row in rows {
        let Some((cpu, ratio)) = row.median(|it| it.own.cpu).zip(row.over_echo()) else {
            writeln!(text, "| {} | {} | | | |", row.name, row.failure.as_deref().unwrap_or("not measured"))?;
            continue;
        };
        let by_load = row.samples.iter().filter(|it| it.own.load_is_the_limit()).count();
        let limit = if by_load * 2 > row.samples.len() { "the load" } else { "" };
        let lost: u64 = row.samples.iter().map(|it| it.own.lost).sum();
        let lost = if lost > 0 { format!(" {lost} lost") } else { String::new() };
        let failed = row.failure.as_ref().map(|why| format!(" {why}")).unwrap_or_default();
        writeln!(text, "| {} | {:.0} | {cpu:.2} | {} | {limit}{lost}{failed} |", row.name, 1e6 / cpu, ratio.text(2))?;
    }
    Ok(())
}

fn tcp(text: &mut String, results: &Results) -> std::fmt::Result {
    for shape in SHAPES {
        let mut rows: Vec<_> = results.tcp.iter().filter(|row| row.what == shape).collect();
        if rows.is_empty() {
            continue;
        }
        let cost = |row: &&crate::results::TcpRow| row.median(|it| it.cpu).unwrap_or(f64::INFINITY);
        rows.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
        writeln!(
            text,
            "\n**TCP, {} connections with {} in flight, cluster IP**\n\n| | answers per CPU-second | µs CPU an answer | limit |\n|---|---|---|---|",
            shape.connections, shape.depth
        )?;
        for row in rows {
            let Some(cpu) = row.spread(|it| it.cpu) else {
                writeln!(text, "| {} | {} | | |", row.name, row.failure.as_deref().unwrap_or("not measured"))?;
                continue;
            };
            let by_load = row.samples.iter().filter(|it| it.load_is_the_limit()).count();
            let limit = if by_load * 2 > row.samples.len() { "the load" } else { "" };
            writeln!(text, "| {} | {:.0} | {} | {limit} |", row.name, 1e6 / cpu.median, cpu.text(2))?;
        }
    }
    Ok(())
}

fn paced(text: &mut String, results: &Results) -> std::fmt::Result {
    if results.paced.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n**{RATE} questions a second over UDP, cluster IP**\n\n| | p50 µs | p99 µs | p99.9 µs | µs CPU an answer |\n|---|---|---|---|---|"
    )?;
    let mut rows: Vec<_> = results.paced.iter().collect();
    rows.sort_by(|one, other| {
        let slow = |row: &&crate::results::PacedRow| row.median(|it| it.p99).unwrap_or(f64::INFINITY);
        slow(one).total_cmp(&slow(other))
    });
    for row in rows {
        let (Some(p50), Some(p99), Some(p999), Some(cpu)) =
            (row.spread(|it| it.p50), row.spread(|it| it.p99), row.spread(|it| it.p999), row.spread(|it| it.cpu))
        else {
            writeln!(text, "| {} | {} | | | |", row.name, row.failure.as_deref().unwrap_or("not measured"))?;
            continue;
        };
        writeln!(text, "| {} | {} | {} | {} | {} |", row.name, p50.text(0), p99.text(0), p999.text(0), cpu.text(1))?;
    }
    Ok(())
}

fn others(text: &mut String, results: &Results) -> std::fmt::Result {
    if !results.region.is_empty() {
        let of = |number: fn(&crate::measure::region::Added) -> f64| {
            crate::stats::Spread::of(results.region.iter().map(number))
        };
        writeln!(text, "\n**Another region, one question after the other, µs**\n\n| | p50 | p99 |\n|---|---|---|")?;
        for (name, p50, p99) in [
            ("bare round trip on an open connection", of(|it| it.bare_p50), of(|it| it.bare_p99)),
            ("through interlocal", of(|it| it.miss_p50), of(|it| it.miss_p99)),
        ] {
            let show = |it: Option<crate::stats::Spread>| it.map(|it| it.text(0)).unwrap_or_default();
            writeln!(text, "| {name} | {} | {} |", show(p50), show(p99))?;
        }
    }
    if !results.coalesced.is_empty() {
        writeln!(
            text,
            "\n**10,000 equal questions at once**\n\n| | right answers | questions to the upstream |\n|---|---|---|"
        )?;
        for row in &results.coalesced {
            let least = row.samples.iter().map(|it| it.answered).min().unwrap_or(0);
            let most = row.samples.iter().map(|it| it.upstream).max().unwrap_or(0);
            writeln!(text, "| {} | {least} | {most} | ", row.name)?;
        }
    }
    if !results.memory.is_empty() {
        writeln!(
            text,
            "\n**Resident memory with 10,000 Services, 150,000 endpoints and 10,000 cached answers**\n\n| | MiB |\n|---|---|"
        )?;
        for row in &results.memory {
            let octets = row.median(|octets| *octets as f64).unwrap_or(f64::NAN);
            writeln!(text, "| {} | {:.0} |", row.name, octets / f64::from(1 << 20))?;
        }
    }
    Ok(())
}
