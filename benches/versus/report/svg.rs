//! The plot: answers per CPU-second as bars, and percentiles of latency at a fixed rate. It follows the reader's light or dark
//! background, and needs no script.

use std::fmt::Write;

use crate::results::Results;
use crate::support::world::Work;

const WIDTH: f64 = 760.0;
const NAMES: f64 = 210.0;
const LINE: f64 = 26.0;
/// Of the axis of latencies, in µs.
const DECADES: (f64, f64) = (10.0, 10_000.0);

const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
.title { font-weight: 600 } .own { fill: #1a7f64 } .other { fill: #8c959f } .grid { stroke: #d1d9e0 }
.p50 { fill: #1a7f64 } .p99 { fill: #bf8700 } .p999 { fill: #cf222e } .span { stroke: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .own { fill: #3fb68b } .other { fill: #6e7681 }
.grid { stroke: #3d444d } .p50 { fill: #3fb68b } .p99 { fill: #d29922 } .p999 { fill: #f85149 } .span { stroke: #6e7681 } }";

pub fn of(results: &Results) -> String {
    let mut body = String::new();
    let top = bars(&mut body, results).and_then(|top| points(&mut body, results, top));
    let height = top.unwrap_or(0.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Answers per CPU-second, and latency at 20,000 questions a second\">\n<style>\n{STYLE}\n</style>\n{body}</svg>\n"
    )
}

/// Gives where it ends.
fn bars(text: &mut String, results: &Results) -> Result<f64, std::fmt::Error> {
    let mut rows: Vec<(&str, &str, f64)> = Vec::new();
    for row in results.udp.iter().filter(|row| row.what == Work::ClusterIp) {
        if let Some(cpu) = row.median(|it| it.own.cpu) {
            rows.push((row.peer, &row.name, 1e6 / cpu));
        }
    }
    let echo = results.udp.iter().find(|row| row.peer == "interlocal" && row.what == Work::ClusterIp);
    if let Some(cpu) = echo.and_then(|row| row.median(|it| it.echo.cpu)) {
        rows.push(("echo", "an echo server: the limit", 1e6 / cpu));
    }
    rows.sort_by(|one, other| other.2.total_cmp(&one.2));
    let most = rows.first().map_or(1.0, |row| row.2);
    let mut top = 24.0;
    writeln!(
        text,
        "<text class=\"title\" x=\"8\" y=\"{top}\">Answers per CPU-second over UDP: a cluster IP among 1,000 Services</text>"
    )?;
    top += 12.0;
    for (peer, name, rate) in rows {
        let class = if peer == "interlocal" { "own" } else { "other" };
        let length = (WIDTH - NAMES - 80.0) * rate / most;
        writeln!(
            text,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{name}</text><rect class=\"{class}\" x=\"{NAMES}\" y=\"{top}\" width=\"{length:.1}\" \
             height=\"18\" rx=\"2\"/><text class=\"small\" x=\"{end:.1}\" y=\"{y}\">{rate}</text>",
            x = NAMES - 8.0,
            y = top + 14.0,
            end = NAMES + length + 6.0,
            rate = thousands(rate),
        )?;
        top += LINE;
    }
    Ok(top + 12.0)
}

fn points(text: &mut String, results: &Results, top: f64) -> Result<f64, std::fmt::Error> {
    let mut rows: Vec<_> = results
        .paced
        .iter()
        .filter_map(|row| {
            Some((&row.name, [row.median(|it| it.p50)?, row.median(|it| it.p99)?, row.median(|it| it.p999)?]))
        })
        .collect();
    rows.sort_by(|one, other| one.1[1].total_cmp(&other.1[1]));
    let (from, to) = DECADES;
    let place = |micros: f64| {
        let share = (micros.clamp(from, to) / from).ln() / (to / from).ln();
        NAMES + (WIDTH - NAMES - 40.0) * share
    };
    let mut at = top + 16.0;
    writeln!(text, "<text class=\"title\" x=\"8\" y=\"{at}\">Latency at 20,000 questions a second</text>")?;
    for (place, class, label) in
        [(NAMES + 120.0, "p50", "p50"), (NAMES + 180.0, "p99", "p99"), (NAMES + 240.0, "p999", "p99.9")]
    {
        let y = at - 4.0;
        writeln!(
            text,
            "<circle class=\"{class}\" cx=\"{place}\" cy=\"{y}\" r=\"5\"/><text class=\"small\" x=\"{x}\" y=\"{at}\">{label}</text>",
            x = place + 9.0
        )?;
    }
    at += 12.0;
    let end = at + LINE * rows.len() as f64;
    let mut tick = from;
    while tick <= to {
        let label = if tick < 1_000.0 { format!("{tick} µs") } else { format!("{} ms", tick / 1_000.0) };
        writeln!(
            text,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{at}\" x2=\"{x:.1}\" y2=\"{end}\"/><text class=\"small\" x=\"{x:.1}\" y=\"{y}\" \
             text-anchor=\"middle\">{label}</text>",
            x = place(tick),
            y = end + 14.0
        )?;
        tick *= 10.0;
    }
    for (name, [p50, p99, p999]) in rows {
        let y = at + 13.0;
        writeln!(
            text,
            "<text x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{name}</text>",
            x = NAMES - 8.0,
            base = y + 4.0
        )?;
        writeln!(
            text,
            "<line class=\"span\" x1=\"{:.1}\" y1=\"{y}\" x2=\"{:.1}\" y2=\"{y}\"/>",
            place(p50),
            place(p999)
        )?;
        for (micros, class) in [(p50, "p50"), (p99, "p99"), (p999, "p999")] {
            writeln!(text, "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{y}\" r=\"5\"/>", place(micros))?;
        }
        at += LINE;
    }
    Ok(end + 28.0)
}

/// `217,300`: four digits count.
fn thousands(number: f64) -> String {
    let rounded = (number / 100.0).round() as u64 * 100;
    format!("{},{:03}", rounded / 1_000, rounded % 1_000)
}
