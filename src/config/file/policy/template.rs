//! A `template` row.

use super::number;
use super::spec::TemplateSpec;
use crate::config::error::{Fault, Report};
use crate::config::field::{Field, FieldList};
use crate::config::policy::{Pattern, PolicyRule, RecordTemplate, TemplateRule};
use crate::wire::text::OwnRecord;
use crate::wire::{Ede, EdeCode, mnemonic};

pub(super) fn template(spec: &TemplateSpec, report: &Report<'_>) -> PolicyRule {
    let default = TemplateRule::default();
    let patterns = spec
        .r#match
        .items()
        .filter_map(|(place, text)| Pattern::new(&text).map_err(|fault| report.error(place, fault)).ok());
    let matches: Vec<Pattern> = patterns.collect();
    let records = |list: &FieldList<String>| -> Vec<RecordTemplate> {
        let read = |text: &str| record(text, &matches);
        list.items().filter_map(|(place, text)| read(&text).map_err(|fault| report.error(place, fault)).ok()).collect()
    };
    let (answer, authority, additional) = (records(&spec.answer), records(&spec.authority), records(&spec.additional));
    PolicyRule::Template(TemplateRule {
        class: one(&spec.class, "class", mnemonic::class_of, report).unwrap_or(default.class),
        rtype: one(&spec.r#type, "type", mnemonic::type_of, report).unwrap_or(default.rtype),
        rcode: one(&spec.rcode, "rcode", mnemonic::rcode_of, report).unwrap_or(default.rcode),
        ede: ede(spec, report),
        fallthrough: spec.fallthrough.items().map(|(_, zone)| zone).collect(),
        matches,
        answer,
        authority,
        additional,
    })
}

fn one<T>(field: &Field<String>, what: &str, of: impl Fn(&str) -> Option<T>, report: &Report<'_>) -> Option<T> {
    let (place, word) = field.both()?;
    number(place, &word.0, what, of, report)
}

/// A template, which is a record already if it has no holes.
fn record(text: &str, patterns: &[Pattern]) -> Result<RecordTemplate, Fault> {
    let template = RecordTemplate::new(text, patterns)?;
    if let Some(fixed) = template.fixed() {
        OwnRecord::parse(fixed).map_err(|error| Fault::new(format!("`{fixed}` is no record: {error}")))?;
    }
    Ok(template)
}

fn ede(spec: &TemplateSpec, report: &Report<'_>) -> Option<Ede> {
    let text = spec.ede_text.scalar().unwrap_or_default();
    let Some((place, code)) = spec.ede_code.both() else {
        if let Some(place) = spec.ede_text.place() {
            report
                .error(place, Fault::new("`ede_text` without `ede_code`").help("write `ede_code: 0` for other errors"));
        }
        return None;
    };
    match u16::try_from(code.0) {
        Ok(code) => Some(Ede::new(EdeCode(code), text)),
        Err(_) => {
            report.error(place, Fault::new(format!("`{}` is out of range", code.0)).help("0 to 65535"));
            None
        }
    }
}
