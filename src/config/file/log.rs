//! The `log` section: lines of the program, and lines of questions.

use std::collections::BTreeSet;

use crate::config::error::{Fault, Report};
use crate::config::field::{At, Field, FieldList};
use crate::config::leaf::Classes;
use crate::config::node::Place;
use crate::config::policy::Scope;
use crate::config::spec::{LogSpec, QueryLogSpec, QueryRuleSpec};
use crate::config::{LogConfig, LogFormat, QueryClass, QueryLogConfig, QueryLogFormat, QueryLogRule, leaf, range};
use crate::wire::Name;

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

/// The rows of a server.
pub(super) fn rules(specs: &At<Vec<At<QueryRuleSpec>>>, report: &Report<'_>) -> Vec<QueryLogRule> {
    let rows = specs.get().map_or(&[][..], Vec::as_slice).iter().filter_map(At::both);
    let names = |list: &FieldList<Name>| list.items().map(|(_, name)| name).collect();
    rows.filter_map(|(place, row)| {
        let scope = Scope { zones: names(&row.zones), except: names(&row.except) };
        Some(QueryLogRule { scope, log: config(place, &row.class, &row.format, &row.sample, report)? })
    })
    .collect()
}

fn queries(place: Place, spec: &QueryLogSpec, report: &Report<'_>) -> Option<QueryLogConfig> {
    config(place, &spec.class, &spec.format, &spec.sample, report)
}

fn config(
    place: Place,
    class: &FieldList<Classes>,
    format: &Field<QueryLogFormat>,
    sample: &Field<u64>,
    report: &Report<'_>,
) -> Option<QueryLogConfig> {
    let named: BTreeSet<QueryClass> = class.items().flat_map(|(_, classes)| classes.0).copied().collect();
    let classes = match class.place() {
        None => [QueryClass::Success, QueryClass::Denial, QueryClass::Error].into(),
        Some(_) => named,
    };
    if classes.is_empty() && !class.any_failed() {
        let fault =
            Fault::new("`queries` logs nothing").help("write `class: [all]`, or `queries:` for no log of questions");
        report.error(class.place().unwrap_or(place), fault);
        return None;
    }
    let format = format.both().map_or(QueryLogFormat::CoreDns, |(_, format)| format.0.clone());
    Some(QueryLogConfig { classes, format, sample: range::number(sample, 1..=MOST_SAMPLE, 1, report) })
}
