//! `log`: which answers of the block have a line, and what it says.

use std::collections::BTreeSet;

use crate::config::corefile::directive::{Directive, said, zones};
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::config::querylog::LogTemplate;
use crate::config::{QueryClass, QueryLogConfig, QueryLogFormat};
use crate::wire::Name;

/// Lines for some names.
#[derive(Debug)]
pub(in crate::config::corefile) struct Log {
    /// The root is every name.
    pub(in crate::config::corefile) names: Vec<Name>,
    pub(in crate::config::corefile) log: QueryLogConfig,
}

/// `log [NAMES...] [FORMAT] { class CLASS... }`.
pub(super) fn read(directive: &Directive, sources: &Sources) -> Option<Log> {
    let classes = classes(directive, sources);
    let (names, format) = match directive.args.as_slice() {
        // One word alone is a name to CoreDNS, whatever it looks like.
        [word] if word.text.contains('{') => {
            let fault = Fault::new(format!("`{}` stands where the name is", word.text));
            sources.error(word.spot, fault.help(format!("write `log . {}`", word.text)));
            return None;
        }
        [names @ .., format] if format.text.contains('{') => {
            let template = said(format, LogTemplate::parse(&format.text), sources)?;
            (names, QueryLogFormat::Template(template))
        }
        names => (names, QueryLogFormat::CoreDns),
    };
    let names = if names.is_empty() { vec![Name::root()] } else { zones(names, sources) };
    let note = "the same: a line for each answer to stdout, up to `limits.query_log_lines` a second";
    sources.note(directive.spot(), "log", note);
    Some(Log { names, log: QueryLogConfig { classes, format, sample: 1 } })
}

fn classes(directive: &Directive, sources: &Sources) -> BTreeSet<QueryClass> {
    use QueryClass::{Denial, Error, Success};
    const ALL: &[QueryClass] = &[Success, Denial, Error];
    let known: [(&str, &[QueryClass]); 4] =
        [("success", &[Success]), ("denial", &[Denial]), ("error", &[Error]), ("all", ALL)];
    let mut named = BTreeSet::new();
    for line in directive.lines() {
        if !line.name.is("class") {
            directive.unknown(line, &["class"], sources);
            continue;
        }
        if line.args.is_empty() {
            _ = line.one("class", sources);
        }
        for class in &line.args {
            let found = said(class, crate::config::leaf::choice(&class.text, &known), sources);
            named.extend(found.into_iter().flatten());
        }
    }
    if named.is_empty() { ALL.iter().copied().collect() } else { named }
}
