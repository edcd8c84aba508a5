//! The group `configuration`: the files, and whether the running instance uses them as they stand. Pure.

use super::report::{Line, Topic};
use super::subject::Subject;
use crate::config::Problem;
use crate::metrics::names;

/// What of a file is wrong, in the place where an editor finds it.
fn place(problem: &Problem) -> String {
    let file = problem.file.display();
    match problem.line {
        0 => format!("{file}: {}", problem.message),
        line => format!("{file}:{line}:{}: {}", problem.column, problem.message),
    }
}

fn line(line: Line, problem: &Problem) -> Line {
    match &problem.help {
        Some(help) => line.mend(help),
        None => line,
    }
}

pub fn judge(subject: &Subject) -> Vec<Line> {
    let runs = subject.pages.ready.is_some();
    let mut lines = Vec::new();
    for problem in &subject.errors {
        let keeps = "the running instance keeps the configuration that it has, and would not start with this one";
        let why = if runs { keeps } else { "`serve` does not start with this file" };
        lines.push(line(Line::problem(Topic::Configuration, place(problem)), problem).why(why));
    }
    lines.extend(subject.warnings.iter().map(|it| line(Line::warning(Topic::Configuration, place(it)), it)));
    if !subject.errors.is_empty() {
        return lines;
    }
    let config = &subject.config;
    let file = subject.file.as_ref().map_or_else(|| "no file, all defaults".to_owned(), |it| it.display().to_string());
    let region = config.region.as_ref().map_or_else(|| "no region".to_owned(), |label| format!("region {label}"));
    lines.push(Line::fine(format!("{file}: domain {}, {region}", config.cluster_domain)));
    lines.extend(table(subject));
    lines.extend(in_use(subject));
    lines
}

fn table(subject: &Subject) -> Vec<Line> {
    let (table, runs) = (&subject.table, subject.pages.ready.is_some());
    let mut lines = Vec::new();
    if let Some(unread) = &table.unread {
        let line = Line::problem(Topic::Table, unread).why("the configuration names it (`peers.file`)");
        lines.push(line.mend("put the file there, or write `peers: {file: \"\"}` if there are no other regions"));
    }
    for problem in &table.errors {
        let why = match runs {
            true => "the running instance keeps the table that it has: changes of the newest one do not work",
            false => "at the start only what is valid of the table is used",
        };
        lines.push(line(Line::problem(Topic::Table, place(problem)), problem).why(why));
    }
    lines.extend(table.warnings.iter().map(|it| line(Line::warning(Topic::Table, place(it)), it)));
    if subject.config.region.is_none() && !table.table.regions.is_empty() {
        let line = Line::warning(Topic::Table, "the configuration does not say which region this is");
        lines.push(
            line.why("there is no own region zone: other regions get REFUSED for all names")
                .mend("set `region`, --region or INTERLOCAL_REGION to one of the table's labels"),
        );
    }
    if let Some(file) = table.file.as_ref().filter(|_| table.errors.is_empty()) {
        let count = table.table.regions.len();
        lines.push(Line::fine(format!("{}: {count} region{}", file.display(), if count == 1 { "" } else { "s" })));
    }
    lines
}

/// Does the instance use what the files say?
fn in_use(subject: &Subject) -> Vec<Line> {
    let (pages, table) = (&subject.pages, &subject.table);
    let Some(peers) = &pages.peers else { return Vec::new() };
    let mut lines = Vec::new();
    let readable = table.errors.is_empty() && table.unread.is_none();
    if !peers.table.ok && readable {
        let line = Line::problem(Topic::Reload, "the running instance does not use the newest peer table");
        let why = "it found something wrong with it that the file does not show: a namespace that it would newly hide, or \
                   another file than this one";
        lines.push(
            line.why(why).mend("read the instance's log for `peer table`; then correct the file or the ConfigMap"),
        );
    } else if readable && table.file.is_some() && peers.table.hash != hash(table.table.hash) {
        let line = Line::warning(Topic::Reload, "the running instance uses another peer table than this file");
        let why = format!("table {} is in use, the file is {}", peers.table.hash, hash(table.table.hash));
        lines.push(line.why(why).mend("send it SIGHUP; a mounted ConfigMap takes up to 90 s to arrive"));
    } else if readable {
        lines.push(Line::fine("the running instance uses this peer table"));
    }
    if pages.metric(names::RESTART_REQUIRED.name).is_some_and(|value| value > 0.0) {
        let line = Line::warning(Topic::Reload, "the configuration has a change that only a restart applies");
        lines.push(line.why("sockets and `region` stay as they were at the start").mend("restart the instance"));
    }
    lines
}

pub fn hash(hash: u64) -> String {
    format!("{hash:016x}")
}
