//! The words of DNS as a Corefile writes them: types, classes, rcodes.

use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::wire::{Rcode, mnemonic};

pub(super) fn rtype(token: &Token, sources: &Sources) -> Option<u16> {
    let found = mnemonic::type_of(&token.text);
    or_said(found, token, "a type of records", "write it as in `A`, `AAAA` or `TYPE65`", sources)
}

pub(super) fn class(token: &Token, sources: &Sources) -> Option<u16> {
    or_said(mnemonic::class_of(&token.text), token, "a class", "write `IN`, or `ANY` for all of them", sources)
}

pub(super) fn rcode(token: &Token, sources: &Sources) -> Option<Rcode> {
    or_said(mnemonic::rcode_of(&token.text), token, "an rcode", "write it as in `NXDOMAIN`", sources)
}

fn or_said<T>(found: Option<T>, token: &Token, what: &str, help: &str, sources: &Sources) -> Option<T> {
    if found.is_none() {
        sources.error(token.spot, Fault::new(format!("`{}` is not {what}", token.text)).help(help));
    }
    found
}
