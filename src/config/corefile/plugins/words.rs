//! The words of DNS as a Corefile writes them: types, classes, rcodes.

use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::wire::{Rcode, class, rtype};

/// Types that only a Corefile names; those that are answered have their words in `wire`.
const MORE_TYPES: [(&str, u16); 12] = [
    ("NAPTR", 35),
    ("CERT", 37),
    ("APL", 42),
    ("SSHFP", 44),
    ("IPSECKEY", 45),
    ("DHCID", 49),
    ("TLSA", 52),
    ("SMIMEA", 53),
    ("SVCB", 64),
    ("SPF", 99),
    ("URI", 256),
    ("CAA", 257),
];
/// Class CH (RFC 1035 3.2.4), HS, and ANY.
const CLASSES: [(&str, u16); 4] = [("IN", class::IN), ("CH", 3), ("HS", 4), ("ANY", 255)];
const MORE_RCODES: [(&str, u16); 7] = [
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    ("NOTIMPL", 4),
    ("BADSIG", 16),
];
/// The words of `wire` are all below this.
const MOST_TYPE: u16 = 260;

pub(super) fn rtype(token: &Token, sources: &Sources) -> Option<u16> {
    let word = token.text.to_ascii_uppercase();
    let numbered = word.strip_prefix("TYPE").and_then(|number| number.parse().ok());
    let known = (0..MOST_TYPE).find(|number| rtype::to_text(*number) == word);
    let found = numbered.or(known).or_else(|| MORE_TYPES.iter().find(|(text, _)| *text == word).map(|(_, number)| *number));
    or_said(found, token, "a type of records", "write it as in `A`, `AAAA` or `TYPE65`", sources)
}

pub(super) fn class(token: &Token, sources: &Sources) -> Option<u16> {
    let word = token.text.to_ascii_uppercase();
    let found = CLASSES.iter().find(|(text, _)| *text == word).map(|(_, number)| *number);
    or_said(found, token, "a class", "write `IN`, or `ANY` for all of them", sources)
}

pub(super) fn rcode(token: &Token, sources: &Sources) -> Option<Rcode> {
    let word = token.text.to_ascii_uppercase();
    let known = (0..=5).map(Rcode).find(|rcode| rcode.to_text() == word);
    let more = || MORE_RCODES.iter().find(|(text, _)| *text == word).map(|(_, number)| Rcode(*number));
    or_said(known.or_else(more), token, "an rcode", "write it as in `NXDOMAIN`", sources)
}

fn or_said<T>(found: Option<T>, token: &Token, what: &str, help: &str, sources: &Sources) -> Option<T> {
    if found.is_none() {
        sources.error(token.spot, Fault::new(format!("`{}` is not {what}", token.text)).help(help));
    }
    found
}
