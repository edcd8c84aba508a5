//! The `log` section: lines of the program, and lines of questions.

use std::collections::BTreeSet;

use crate::config::error::{Fault, Report};
use crate::config::node::Place;
use crate::config::spec::{LogSpec, QueryLogSpec};
use crate::config::{LogConfig, LogFormat, QueryClass, QueryLogConfig, QueryLogFormat, leaf, range};

/// Less than one of a million is none.
const MOST_SAMPLE: u64 = 1_000_000;

pub(super) fn log(spec: &LogSpec, report: &Report<'_>) -> LogConfig {
    let levels = ["error", "warn", "info", "debug", "trace", "off"].map(|level| (level, ()));
    if let Some((place, filter)) = spec.level.both() {
        for part in filter.0.split(',') {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
            if let Err(fault) = leaf::choice(level.trim(), &levels) {
                report.error(place, fault);
            }
        }
    }
    LogConfig {
        format: spec.format.scalar().unwrap_or(LogFormat::Json),
        level: spec.level.scalar().unwrap_or_else(|| "info".into()),
        queries: spec.queries.both().and_then(|(place, spec)| queries(place, spec, report)),
    }
}

fn queries(place: Place, spec: &QueryLogSpec, report: &Report<'_>) -> Option<QueryLogConfig> {
    let named: BTreeSet<QueryClass> = spec.class.items().flat_map(|(_, classes)| classes.0).copied().collect();
    let classes = match spec.class.place() {
        None => [QueryClass::Success, QueryClass::Denial, QueryClass::Error].into(),
        Some(_) => named,
    };
    if classes.is_empty() && !spec.class.any_failed() {
        let fault =
            Fault::new("`queries` logs nothing").help("write `class: [all]`, or `queries:` for no log of questions");
        report.error(spec.class.place().unwrap_or(place), fault);
        return None;
    }
    let format = spec.format.scalar().unwrap_or(QueryLogFormat::CoreDns);
    Some(QueryLogConfig { classes, format, sample: range::number(&spec.sample, 1..=MOST_SAMPLE, 1, report) })
}
