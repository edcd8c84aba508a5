//! A `rewrite` row: which keys it needs depends on the field that it is about.

use super::edns0;
use super::spec::{AnswerSpec, RewriteSpec};
use super::{number, word};
use crate::config::error::{Fault, Report};
use crate::config::field::{At, Field};
use crate::config::node::Place;
use crate::config::policy::{
    AnswerPart, AnswerRewrite, AnswerRule, MatchKind, Matcher, Pattern, PolicyRule, Replacement, Rewrite, RewriteRule,
    ttl_range,
};
use crate::wire::mnemonic;

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Name,
    Type,
    Class,
    Ttl,
    Rcode,
    Cname,
    Edns0,
}

const FIELDS: [(&str, What); 7] = [
    ("name", What::Name),
    ("type", What::Type),
    ("class", What::Class),
    ("ttl", What::Ttl),
    ("rcode", What::Rcode),
    ("cname", What::Cname),
    ("edns0", What::Edns0),
];

pub(super) fn rewrite(place: Place, spec: &RewriteSpec, report: &Report<'_>) -> Option<PolicyRule> {
    let what = if spec.field.place().is_some() { word(&spec.field, &FIELDS, report)? } else { What::Name };
    if what != What::Name {
        for (key, at) in [("answer", spec.answer.place()), ("answer_auto", spec.answer_auto.place())] {
            if let Some(place) = at {
                report.error(place, Fault::new(format!("`{key}` is for `field: name` only")).help("remove the key"));
            }
        }
    }
    if what != What::Edns0 {
        edns0::not_here(spec, report);
    }
    let of = Keys { place, spec, report };
    let what = match what {
        What::Name => {
            let from = of.matcher("from", &spec.from, Matcher::new)?;
            let to = of.text("to", &spec.to, |text| Replacement::new(text, &from))?;
            Rewrite::Name { from, to, answer: answer(spec, report) }
        }
        What::Cname => {
            let target = of.matcher("from", &spec.from, Matcher::of_target)?;
            let to = of.text("to", &spec.to, |text| Replacement::of_target(text, &target))?;
            Rewrite::Cname { target, to }
        }
        What::Type => {
            let [from, to] = of.numbers("type", mnemonic::type_of)?;
            Rewrite::Type { from, to }
        }
        What::Class => {
            let [from, to] = of.numbers("class", mnemonic::class_of)?;
            Rewrite::Class { from, to }
        }
        What::Rcode => {
            let [from, to] = of.numbers("rcode", mnemonic::rcode_of)?;
            Rewrite::Rcode { name: of.matcher("name", &spec.name, Matcher::new)?, from, to }
        }
        What::Edns0 => edns0::edns0(place, spec, report)?,
        What::Ttl => {
            let [least, most] = of.text("to", &spec.to, ttl_range)?;
            Rewrite::Ttl { name: of.matcher("name", &spec.name, Matcher::new)?, least, most }
        }
    };
    let then = word(&spec.then, &[("stop", false), ("continue", true)], report);
    Some(PolicyRule::Rewrite(RewriteRule { what, proceed: then.unwrap_or(false) }))
}

/// The keys of a row, with where to say that one is missing.
struct Keys<'a> {
    place: Place,
    spec: &'a RewriteSpec,
    report: &'a Report<'a>,
}

impl Keys<'_> {
    fn text<T>(&self, key: &str, field: &Field<String>, read: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        let Some((place, text)) = field.both() else {
            self.report.error(field.place().unwrap_or(self.place), Fault::new(format!("the rewrite has no `{key}`")));
            return None;
        };
        read(&text.0).map_err(|fault| self.report.error(place, fault)).ok()
    }

    fn matcher(
        &self,
        key: &str,
        field: &Field<String>,
        read: impl Fn(MatchKind, &str) -> Result<Matcher, Fault>,
    ) -> Option<Matcher> {
        let named = self.spec.r#match.place().is_some();
        let kind = if named { word(&self.spec.r#match, &MatchKind::WORDS, self.report)? } else { MatchKind::Exact };
        self.text(key, field, |text| read(kind, text))
    }

    fn numbers<T>(&self, what: &str, of: impl Fn(&str) -> Option<T>) -> Option<[T; 2]> {
        let one = |key: &str, field: &Field<String>| {
            let (place, text) = field.both().or_else(|| {
                self.report.error(self.place, Fault::new(format!("the rewrite has no `{key}`")));
                None
            })?;
            number(place, &text.0, what, &of, self.report)
        };
        let (from, to) = (one("from", &self.spec.from), one("to", &self.spec.to));
        Some([from?, to?])
    }
}

fn answer(spec: &RewriteSpec, report: &Report<'_>) -> AnswerRewrite {
    let rows = spec.answer.get().map_or(&[][..], Vec::as_slice).iter().filter_map(At::both);
    let rules: Vec<_> = rows.filter_map(|(place, row)| answer_rule(place, row, report)).collect();
    let auto = spec.answer_auto.scalar() == Some(true);
    if let Some(place) = spec.answer_auto.place()
        && auto
        && rules.iter().any(|rule| rule.part == AnswerPart::Owner)
    {
        let fault = Fault::new("`answer_auto` and a rule for `part: name` cannot both be given");
        report.error(place, fault.help("both say what the names of the answer become"));
    }
    AnswerRewrite { auto, rules }
}

fn answer_rule(place: Place, spec: &AnswerSpec, report: &Report<'_>) -> Option<AnswerRule> {
    let part = word(&spec.part, &[("name", AnswerPart::Owner), ("value", AnswerPart::Value)], report);
    let (Some(_), Some((from_place, from)), Some((to_place, to))) =
        (spec.part.place(), spec.from.both(), spec.to.both())
    else {
        report.error(place, Fault::new("a rule for answers needs `part`, `from` and `to`"));
        return None;
    };
    let from = Pattern::new(&from.0).map_err(|fault| report.error(from_place, fault)).ok()?;
    let to = Replacement::of_pattern(&to.0, &from).map_err(|fault| report.error(to_place, fault)).ok()?;
    Some(AnswerRule { part: part?, from, to })
}
