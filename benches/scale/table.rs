//! The table: what was measured, what it has to be, and whether it is.

use std::time::Duration;

/// A goal counts as missed by far beyond this: a machine that does other things beside is no reason to fail.
const FAR: f64 = 3.0;

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    unit: &'static str,
    own: f64,
    /// None: it is there to compare with.
    goal: Option<f64>,
    /// What CoreDNS takes; none if it is not there, or not asked.
    other: Option<f64>,
}

impl Table {
    /// Adds medians, in `unit`.
    pub fn add(&mut self, what: &str, unit: &'static str, goal: impl Into<Option<f64>>, own: f64, other: Option<f64>) {
        let row = Row { what: what.to_owned(), unit, own, goal: goal.into(), other };
        println!("{}", row.text());
        self.rows.push(row);
    }

    /// Prints it; false if a goal was missed by far.
    pub fn print(&self, has_other: bool) -> bool {
        println!("\n{:<58} {:>12} {:>10} {:>12}", "", "interlocal", "goal", "CoreDNS");
        self.rows.iter().for_each(|row| println!("{}", row.text()));
        if !has_other {
            println!("CoreDNS was not there: set INTERLOCAL_COREDNS to its binary to have it measured beside");
        }
        let missed: Vec<&Row> = self.rows.iter().filter(|row| row.is_over(FAR)).collect();
        missed.iter().for_each(|row| eprintln!("missed by far: {}", row.text()));
        missed.is_empty()
    }
}

impl Row {
    fn text(&self) -> String {
        let shown = |value: f64| format!("{value:.1} {}", self.unit);
        let other = self.other.map_or("-".into(), shown);
        let mark = if self.is_over(1.0) { " !" } else { "" };
        let goal = self.goal.map_or("-".into(), |goal| format!("<= {goal}"));
        format!("{:<58} {:>12} {goal:>10} {other:>12}{mark}", self.what, shown(self.own))
    }

    /// Is it more than so many times the goal?
    fn is_over(&self, times: f64) -> bool {
        self.goal.is_some_and(|goal| self.own > times * goal)
    }
}

pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The part `of` a hundred is below it.
pub fn percentile(mut samples: Vec<Duration>, of: f64) -> Duration {
    samples.sort_unstable();
    let at = (samples.len() as f64 * of / 100.0) as usize;
    samples[at.min(samples.len() - 1)]
}

pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
