//! One directive of a block, and how its arguments are read. It knows no plugin.

use std::time::Duration;

use super::duration;
use super::lexer::Token;
use super::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::wire::Name;

/// A directive with its block, if it has one.
#[derive(Debug, Clone)]
pub(super) struct Directive {
    pub(super) name: Token,
    pub(super) args: Vec<Token>,
    pub(super) body: Option<Vec<Line>>,
}

/// One line of a directive's block.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: Token,
    pub(super) args: Vec<Token>,
}

impl Directive {
    pub(super) fn spot(&self) -> Spot {
        self.name.spot
    }

    pub(super) fn lines(&self) -> &[Line] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Says that it takes no more than so many arguments, if there are more.
    pub(super) fn at_most(&self, most: usize, sources: &Sources) {
        at_most(&self.name, &self.args, most, sources);
    }

    /// Says that it takes no block, if there is a line in one.
    pub(super) fn no_block(&self, sources: &Sources) {
        if let Some(line) = self.lines().first() {
            let fault = Fault::new(format!("`{}` takes no options", self.name.text));
            sources.error(line.name.spot, fault.help(format!("remove `{}`", line.name.text)));
        }
    }

    /// Says that an option is not one of its own.
    pub(super) fn unknown(&self, line: &Line, known: &[&str], sources: &Sources) {
        let fault = Fault::new(format!("`{}` has no option `{}`", self.name.text, line.name.text));
        sources.error(line.name.spot, fault.did_you_mean(&line.name.text, known));
    }
}

impl Line {
    pub(super) fn spot(&self) -> Spot {
        self.name.spot
    }

    pub(super) fn at_most(&self, most: usize, sources: &Sources) {
        at_most(&self.name, &self.args, most, sources);
    }

    /// Its only argument; said if there is none, or more than one.
    pub(super) fn one(&self, what: &str, sources: &Sources) -> Option<&Token> {
        self.at_most(1, sources);
        if self.args.is_empty() {
            let fault = Fault::new(format!("`{}` names no {what}", self.name.text));
            sources.error(self.spot(), fault.help(format!("write {} behind it", article(what))));
        }
        self.args.first()
    }

    pub(super) fn duration(&self, sources: &Sources) -> Option<Duration> {
        let token = self.one("duration", sources)?;
        said(token, duration::duration(&token.text), sources)
    }

    pub(super) fn number(&self, sources: &Sources) -> Option<u64> {
        let token = self.one("number", sources)?;
        number(token, sources)
    }
}

pub(super) fn number(token: &Token, sources: &Sources) -> Option<u64> {
    let number = token.text.parse().map_err(|_| Fault::new(format!("`{}` is not a number", token.text)));
    said(token, number.map_err(|fault| fault.help("write a whole number, 0 or more")), sources)
}

/// The names of these arguments; networks stand for their reverse zones.
pub(super) fn zones(tokens: &[Token], sources: &Sources) -> Vec<Name> {
    let read = |token| said(token, super::key::zones(&token.text), sources);
    tokens.iter().filter_map(read).flatten().collect()
}

/// The value, or its fault said at the place of this word.
pub(super) fn said<T>(token: &Token, result: Result<T, Fault>, sources: &Sources) -> Option<T> {
    result.map_err(|fault| sources.error(token.spot, fault)).ok()
}

fn at_most(name: &Token, args: &[Token], most: usize, sources: &Sources) {
    if let Some(extra) = args.get(most) {
        let takes = match most {
            0 => "no arguments".to_owned(),
            1 => "one argument".to_owned(),
            most => format!("at most {most} arguments"),
        };
        let fault = Fault::new(format!("`{}` takes {takes}", name.text));
        sources.error(extra.spot, fault.help(format!("remove `{}`", extra.text)));
    }
}

fn article(what: &str) -> String {
    if what.starts_with(['a', 'e', 'i', 'o', 'u']) || what == "rcode" {
        format!("an {what}")
    } else {
        format!("a {what}")
    }
}
