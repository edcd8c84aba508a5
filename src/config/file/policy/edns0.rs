//! A `rewrite` row with `field: edns0`: an option that upstreams are asked with.

use super::spec::RewriteSpec;
use super::{range, word};
use crate::config::error::{Fault, Report};
use crate::config::field::Field;
use crate::config::node::Place;
use crate::config::policy::{Edns0Action, Edns0Data, Edns0Option, Rewrite, local_code, local_data};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    Nsid,
    Subnet,
}

const KINDS: [(&str, Kind); 3] = [("local", Kind::Local), ("nsid", Kind::Nsid), ("subnet", Kind::Subnet)];

pub(super) fn edns0(place: Place, spec: &RewriteSpec, report: &Report<'_>) -> Option<Rewrite> {
    for (key, at) in [("from", spec.from.place()), ("to", spec.to.place()), ("name", spec.name.place())] {
        if let Some(place) = at {
            report.error(place, Fault::new(format!("`{key}` is not for `field: edns0`")).help("remove the key"));
        }
    }
    let kind = word(present("option", &spec.option, place, report)?, &KINDS, report)?;
    let action = word(present("action", &spec.action, place, report)?, &Edns0Action::WORDS, report)?;
    let option = match kind {
        Kind::Nsid => Edns0Option::Nsid,
        Kind::Subnet => Edns0Option::Subnet {
            v4: bits(&spec.ipv4_bits, 24, 32, report),
            v6: bits(&spec.ipv6_bits, 56, 128, report),
        },
        Kind::Local => {
            let code = read(present("code", &spec.code, place, report)?, local_code, report)?;
            let data = if action == Edns0Action::Unset && spec.data.place().is_none() {
                Edns0Data::Octets(Vec::new())
            } else {
                read(present("data", &spec.data, place, report)?, local_data, report)?
            };
            Edns0Option::Local { code, data }
        }
    };
    Some(Rewrite::Edns0 { option, action })
}

/// Says of its keys that they are not for other fields.
pub(super) fn not_here(spec: &RewriteSpec, report: &Report<'_>) {
    let texts = [("option", &spec.option), ("action", &spec.action), ("code", &spec.code), ("data", &spec.data)];
    let numbers = [("ipv4_bits", &spec.ipv4_bits), ("ipv6_bits", &spec.ipv6_bits)];
    let texts = texts.into_iter().map(|(key, field)| (key, field.place()));
    for (key, at) in texts.chain(numbers.into_iter().map(|(key, field)| (key, field.place()))) {
        if let Some(place) = at {
            report.error(place, Fault::new(format!("`{key}` is for `field: edns0` only")).help("remove the key"));
        }
    }
}

fn present<'s>(key: &str, field: &'s Field<String>, place: Place, report: &Report<'_>) -> Option<&'s Field<String>> {
    if field.place().is_none() {
        report.error(place, Fault::new(format!("the rewrite has no `{key}`")));
        return None;
    }
    Some(field)
}

fn read<T>(field: &Field<String>, read: impl Fn(&str) -> Result<T, Fault>, report: &Report<'_>) -> Option<T> {
    let (place, text) = field.both()?;
    read(&text.0).map_err(|fault| report.error(place, fault)).ok()
}

fn bits(field: &Field<u64>, default: u8, most: u8, report: &Report<'_>) -> u8 {
    let bits = range::number(field, 0..=most.into(), default.into(), report);
    u8::try_from(bits).unwrap_or(default)
}
