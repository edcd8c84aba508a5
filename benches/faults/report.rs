//! What a row says: what was measured beside what must hold. As a table for people and as JSON for programs.

use crate::options::Column;
use crate::samples::{Outcome, Samples};

/// One thing that must hold.
#[derive(serde::Serialize)]
pub struct Check {
    pub what: String,
    pub measured: String,
    /// Empty if it is only told.
    pub bound: String,
    /// None if it is only told.
    pub holds: Option<bool>,
}

/// What one row found out about one server.
#[derive(serde::Serialize)]
pub struct Row {
    pub row: &'static str,
    pub column: &'static str,
    /// Why it was not measured.
    pub skipped: Option<String>,
    pub checks: Vec<Check>,
}

#[derive(Default)]
pub struct Report {
    pub rows: Vec<Row>,
}

/// What is being found out.
#[derive(Default)]
pub struct Findings(pub Vec<Check>);

impl Findings {
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that may be at most this.
    pub fn at_most(&mut self, what: &str, measured: f64, bound: f64, unit: &str) {
        self.push(what, number(measured, unit), format!("≤ {}", number(bound, unit)), measured <= bound);
    }

    pub fn at_least(&mut self, what: &str, measured: f64, bound: f64, unit: &str) {
        self.push(what, number(measured, unit), format!("≥ {}", number(bound, unit)), measured >= bound);
    }

    /// A count that has to be 0, of so many.
    pub fn none(&mut self, what: &str, measured: usize, of: usize) {
        self.push(what, format!("{measured} of {of}"), "0".to_owned(), measured == 0 && of > 0);
    }

    /// Every question has to have its right answer: how many were lost, wrong or failed, and why.
    pub fn all_right(&mut self, samples: &Samples) {
        self.none("lost", samples.lost(), samples.len());
        let wrong = samples.count(|outcome| matches!(outcome, Outcome::Wrong(_) | Outcome::NoName));
        self.none("wrong", wrong + samples.strange, samples.len());
        self.none("failed", samples.bad() - samples.lost() - wrong, samples.len());
        self.told("what failed", samples.why());
    }

    pub fn holds(&mut self, what: &str, measured: impl Into<String>, holds: bool) {
        self.push(what, measured.into(), "yes".to_owned(), holds);
    }

    /// Not judged.
    pub fn told(&mut self, what: &str, measured: impl Into<String>) {
        let (what, measured) = (what.to_owned(), measured.into());
        self.0.push(Check { what, measured, bound: String::new(), holds: None });
    }

    fn push(&mut self, what: &str, measured: String, bound: String, holds: bool) {
        self.0.push(Check { what: what.to_owned(), measured, bound, holds: Some(holds) });
    }
}

fn number(value: f64, unit: &str) -> String {
    if value.is_nan() {
        return "not told".to_owned();
    }
    if value.is_infinite() {
        return "never".to_owned();
    }
    let digits = if value.fract() == 0.0 || value.abs() >= 100.0 { 0 } else { 2 };
    let space = if unit.is_empty() { "" } else { " " };
    format!("{value:.digits$}{space}{unit}")
}

impl Row {
    fn held(&self) -> bool {
        self.checks.iter().all(|check| check.holds != Some(false))
    }
}

impl Report {
    /// Whether interlocal missed a row.
    pub fn missed(&self) -> bool {
        let ours = |row: &&Row| row.column == Column::Interlocal.name();
        self.rows.iter().filter(ours).any(|row| !row.held())
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&self.rows).unwrap()
    }

    /// What each row must hold, with a column for each server.
    pub fn markdown(&self) -> String {
        let mut text = "| row | what | must hold | interlocal | CoreDNS |\n|---|---|---|---|---|\n".to_owned();
        let mut done: Vec<(&str, &str)> = Vec::new();
        for row in &self.rows {
            if let Some(why) = &row.skipped {
                text += &format!("| `{}` | {}: not measured: {why} | | | |\n", row.row, row.column);
            }
            for check in &row.checks {
                if done.contains(&(row.row, &check.what)) {
                    continue;
                }
                done.push((row.row, &check.what));
                let cell = |column: Column| self.cell(row.row, column, &check.what);
                text += &format!(
                    "| `{}` | {} | {} | {} | {} |\n",
                    row.row,
                    check.what,
                    check.bound,
                    cell(Column::Interlocal),
                    cell(Column::CoreDns)
                );
            }
        }
        text
    }

    fn cell(&self, row: &str, column: Column, what: &str) -> String {
        let found = self
            .rows
            .iter()
            .filter(|found| found.row == row && found.column == column.name())
            .flat_map(|found| &found.checks)
            .find(|check| check.what == what);
        match found {
            None => String::new(),
            Some(check) if check.holds == Some(false) => format!("**{}**", check.measured),
            Some(check) => check.measured.clone(),
        }
    }
}
