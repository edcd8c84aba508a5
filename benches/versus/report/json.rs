//! Everything as numbers, for other programs.

use serde_json::{Value, json};

use super::goals;
use crate::results::{BesideEcho, Results, Row};
use crate::stats::Spread;

pub fn of(results: &Results) -> String {
    let facts = &results.facts;
    let pairs = |pairs: &[(String, String)], value: &str| -> Vec<Value> {
        pairs.iter().map(|(name, other)| json!({"name": name, value: other})).collect()
    };
    let udp = results.udp.iter().map(|row| beside_echo(row, row.what.name()));
    let goals = goals::of(results).into_iter().map(|goal| {
        let (what, wanted, measured) = (goal.what, goal.wanted, goal.measured);
        json!({"what": what, "goal": wanted, "measured": measured, "holds": goal.holds, "echo": goal.echo})
    });
    let all = json!({
        "kernel": facts.kernel, "cores": facts.cores, "processor": facts.processor, "rounds": facts.rounds,
        "sockets": facts.sockets, "window": facts.window,
        "servers": pairs(&facts.peers, "version"), "not_run": pairs(&facts.missing, "why"),
        "udp": udp.collect::<Vec<_>>(),
        "forwarded": results.misses.iter().map(|row| beside_echo(row, "forwarded")).collect::<Vec<_>>(),
        "tcp": results.tcp.iter().map(|row| json!({
            "server": row.name, "connections": row.what.connections, "in_flight": row.what.depth, "failure": row.failure,
            "answers_per_second": number(row.spread(|it| it.rate)), "cpu_us": number(row.spread(|it| it.cpu)),
            "server_busy": number(row.spread(|it| it.server_busy)), "load_busy": number(row.spread(|it| it.load_busy)),
        })).collect::<Vec<_>>(),
        "paced": results.paced.iter().map(|row| json!({
            "server": row.name, "failure": row.failure, "p50_us": number(row.spread(|it| it.p50)),
            "p99_us": number(row.spread(|it| it.p99)), "p999_us": number(row.spread(|it| it.p999)),
            "cpu_us": number(row.spread(|it| it.cpu)), "lost": row.samples.iter().map(|it| it.lost).sum::<u64>(),
            "disturbed": number(row.spread(|it| it.disturbed)),
        })).collect::<Vec<_>>(),
        "another_region": {
            "bare_p50_us": number(Spread::of(results.region.iter().map(|it| it.bare_p50))),
            "bare_p99_us": number(Spread::of(results.region.iter().map(|it| it.bare_p99))),
            "miss_p50_us": number(Spread::of(results.region.iter().map(|it| it.miss_p50))),
            "miss_p99_us": number(Spread::of(results.region.iter().map(|it| it.miss_p99))),
        },
        "equal_questions": results.coalesced.iter().map(|row| json!({
            "server": row.name, "failure": row.failure,
            "answered": row.samples.iter().map(|it| it.answered).collect::<Vec<_>>(),
            "upstream": row.samples.iter().map(|it| it.upstream).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "resident_bytes": results.memory.iter().map(|row| json!({
            "server": row.name, "failure": row.failure, "bytes": row.samples.first(),
        })).collect::<Vec<_>>(),
        "goals": goals.collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

fn beside_echo<K>(row: &Row<K, BesideEcho>, what: &str) -> Value {
    json!({
        "server": row.name, "what": what, "failure": row.failure,
        "answers_per_second": number(row.spread(|it| it.own.rate)), "cpu_us": number(row.spread(|it| it.own.cpu)),
        "echo_cpu_us": number(row.spread(|it| it.echo.cpu)), "over_echo": number(row.over_echo()),
        "server_busy": number(row.spread(|it| it.own.server_busy)), "load_busy": number(row.spread(|it| it.own.load_busy)),
        "lost": row.samples.iter().map(|it| it.own.lost).sum::<u64>(),
    })
}

fn number(spread: Option<Spread>) -> Option<Value> {
    spread.map(|spread| spread.json())
}
