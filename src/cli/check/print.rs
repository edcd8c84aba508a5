//! A report as text: for people with what is wrong first, one line each, or JSON. It judges nothing.

use serde::Serialize;

use super::report::{Level, Line, Report};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people: problems and warnings first, each with why, how to mend it and where to read on
    #[default]
    Table,
    /// For programs
    Json,
    /// One line for each problem and warning
    Short,
}

/// What marks a line, and its colour on a terminal.
fn mark(level: Level, colour: bool) -> String {
    let (mark, code) = match level {
        Level::Fine => ("✔", 32),
        Level::Warning => ("‼", 33),
        Level::Problem => ("✖", 31),
    };
    if colour { format!("\x1b[{code}m{mark}\x1b[0m") } else { mark.to_owned() }
}

pub fn text(report: &Report, output: Output, colour: bool) -> String {
    match output {
        Output::Table => table(report, colour),
        Output::Short => short(report, colour),
        Output::Json => json(report),
    }
}

/// `2 problems, 1 warning, 14 fine`.
pub fn summary(report: &Report) -> String {
    let cells = report.matrix.iter().filter(|cell| !cell.fine).count();
    let (problems, warnings) = (report.count(Level::Problem) + cells, report.count(Level::Warning));
    let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let fine = report.count(Level::Fine) + report.matrix.len() - cells;
    format!("{}, {}, {fine} fine", many(problems, "problem"), many(warnings, "warning"))
}

fn table(report: &Report, colour: bool) -> String {
    let mut text = format!("{} {}\n", mark(report.worst(), colour), summary(report));
    for level in [Level::Problem, Level::Warning] {
        for (group, line) in report.lines(level) {
            text.push_str(&format!("\n{} {group}: {}\n{}", mark(level, colour), line.what, details(line)));
        }
    }
    if !report.matrix.is_empty() {
        text.push('\n');
        text.push_str(&matrix(report, colour));
    }
    let mut last = "";
    for (group, line) in report.lines(Level::Fine) {
        if group != last {
            text.push_str(&format!("\n{group}\n"));
            last = group;
        }
        text.push_str(&format!("{} {}\n", mark(Level::Fine, colour), line.what));
    }
    text
}

fn details(line: &Line) -> String {
    let docs = line.topic.map(|topic| format!("docs/check.md#{}", topic.anchor()));
    let rows = [("why ", &line.why), ("mend", &line.mend), ("docs", &docs)];
    let rows = rows.into_iter().filter_map(|(word, value)| Some((word, value.as_ref()?)));
    rows.map(|(word, value)| format!("  {word}  {}\n", value.trim_end().replace('\n', "\n        "))).collect()
}

fn matrix(report: &Report, colour: bool) -> String {
    let mut rows = vec![["REGION", "VIA", "NAME", "RESULT", "TIME"].map(str::to_owned)];
    rows.extend(report.matrix.iter().map(|cell| {
        let took = cell.took.map_or_else(|| "-".to_owned(), |took| format!("{took:.1} ms"));
        [cell.region.clone(), cell.via.clone(), cell.name.clone(), cell.result.clone(), took]
    }));
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let levels = report.matrix.iter().map(|cell| if cell.fine { Level::Fine } else { Level::Problem });
    let marks = std::iter::once(" ".to_owned()).chain(levels.map(|level| mark(level, colour)));
    let lines = rows.iter().zip(marks).map(|(row, mark)| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{mark} {}\n", cells.join("  ").trim_end())
    });
    lines.collect()
}

fn short(report: &Report, colour: bool) -> String {
    let levels = [Level::Problem, Level::Warning];
    let lines = levels.into_iter().flat_map(|level| report.lines(level));
    let lines = lines.map(|(group, line)| {
        let mend = line.mend.as_ref().and_then(|mend| mend.lines().next());
        let mend = mend.map_or_else(String::new, |mend| format!(" ({mend})"));
        format!("{} {group}: {}{mend}\n", mark(line.level, colour), line.what)
    });
    let cells = report.matrix.iter().filter(|cell| !cell.fine).map(|cell| {
        format!(
            "{} matrix: {} via {}: {} {}\n",
            mark(Level::Problem, colour),
            cell.region,
            cell.via,
            cell.name,
            cell.result
        )
    });
    let end = format!("{} {}\n", mark(report.worst(), colour), summary(report));
    lines.chain(cells).chain([end]).collect()
}

/// The form that scripts read: keys are added and never changed.
#[derive(Serialize)]
struct Page<'r> {
    result: &'static str,
    problems: usize,
    warnings: usize,
    fine: usize,
    lines: Vec<PageLine<'r>>,
    matrix: Vec<PageCell<'r>>,
}

#[derive(Serialize)]
struct PageLine<'r> {
    group: &'static str,
    level: &'static str,
    what: &'r str,
    why: Option<&'r str>,
    mend: Option<&'r str>,
    docs: Option<String>,
}

#[derive(Serialize)]
struct PageCell<'r> {
    region: &'r str,
    via: &'r str,
    name: &'r str,
    fine: bool,
    result: &'r str,
    ms: Option<f64>,
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Problem => "problem",
    }
}

fn json(report: &Report) -> String {
    let lines = report.groups.iter().flat_map(|group| group.lines.iter().map(|line| (group.name, line)));
    let lines = lines.map(|(group, line)| PageLine {
        group,
        level: word(line.level),
        what: &line.what,
        why: line.why.as_deref(),
        mend: line.mend.as_deref(),
        docs: line.topic.map(|topic| format!("docs/check.md#{}", topic.anchor())),
    });
    let cells = report.matrix.iter().map(|cell| PageCell {
        region: &cell.region,
        via: &cell.via,
        name: &cell.name,
        fine: cell.fine,
        result: &cell.result,
        ms: cell.took,
    });
    let page = Page {
        result: word(report.worst()),
        problems: report.count(Level::Problem),
        warnings: report.count(Level::Warning),
        fine: report.count(Level::Fine),
        lines: lines.collect(),
        matrix: cells.collect(),
    };
    // Maps with other keys than text are all that JSON cannot hold, and there are no maps.
    serde_json::to_string_pretty(&page).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::report::Topic;
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.add("upstream", vec![Line::fine(". is answered")]);
        let line = Line::problem(Topic::Refused, "west 10.0.0.1:53: connection refused");
        report.add("peers", vec![line.why("nobody listens").mend("do\nthis"), Line::fine("east 10.0.0.2:53 answers")]);
        report
    }

    #[test]
    fn what_is_wrong_comes_first_and_says_how_to_mend_it() {
        let expected = "✖ 1 problem, 0 warnings, 2 fine\n\n\
             ✖ peers: west 10.0.0.1:53: connection refused\n  why   nobody listens\n  mend  do\n        this\n  \
             docs  docs/check.md#connection-refused\n\n\
             upstream\n✔ . is answered\n\npeers\n✔ east 10.0.0.2:53 answers\n";
        assert_eq!(text(&report(), Output::Table, false), expected);
        assert!(text(&report(), Output::Table, true).starts_with("\x1b[31m✖\x1b[0m 1 problem"));
    }

    #[test]
    fn a_line_each_for_pagers_and_json_for_programs() {
        let expected = "✖ peers: west 10.0.0.1:53: connection refused (do)\n✖ 1 problem, 0 warnings, 2 fine\n";
        assert_eq!(text(&report(), Output::Short, false), expected);
        let json = text(&report(), Output::Json, false);
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((json["result"].as_str(), json["problems"].as_u64()), (Some("problem"), Some(1)));
        assert_eq!(json["lines"][1]["docs"], "docs/check.md#connection-refused");
    }
}
