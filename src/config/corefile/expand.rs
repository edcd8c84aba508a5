//! Server blocks out of words: addresses, snippets, imports, and the words of each directive. What a directive means is
//! for its own file to say.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::Inputs;
use super::directive::{Directive, Line};
use super::lexer::{Token, tokens};
use super::sources::{Sources, Spot};
use super::variables::replace;
use crate::config::error::Fault;
use crate::config::node::Place;

/// Imports that are carried out, one inside another included: beyond that it is a file that imports itself. CoreDNS has
/// the same two caps.
const MOST_SNIPPETS: usize = 10_000;
/// Words of all files and snippets together.
const MOST_TOKENS: usize = 100_000;
/// Octets of all files together, each as often as it is imported.
const MOST_OCTETS: usize = 16 << 20;

/// A server block as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) keys: Vec<Token>,
    pub(super) directives: Vec<Directive>,
}

/// The blocks of a Corefile, its imports carried out. What could not be read was said, and is left out.
pub(super) fn blocks(source: usize, text: &str, inputs: &dyn Inputs, sources: &Sources) -> Vec<Written> {
    let mut words = tokens(text, source, sources);
    words.reverse();
    let mut parser = Parser { words, snippets: HashMap::new(), imports: 0, taken: 0, octets: 0, inputs, sources };
    let mut blocks = Vec::new();
    while parser.peek().is_some() {
        match parser.block() {
            Ok(block) => blocks.extend(block),
            Err((spot, fault)) => {
                sources.error(spot, fault);
                break;
            }
        }
    }
    blocks
}

type Trouble = (Spot, Fault);

struct Parser<'a> {
    /// The next one last.
    words: Vec<Token>,
    snippets: HashMap<String, Vec<Token>>,
    imports: usize,
    taken: usize,
    octets: usize,
    inputs: &'a dyn Inputs,
    sources: &'a Sources,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.words.last()
    }

    /// The next word with its variables replaced.
    fn next(&mut self) -> Option<Token> {
        let mut token = self.words.pop()?;
        token.text = self.replaced(&token.text);
        Some(token)
    }

    fn replaced(&self, text: &str) -> String {
        replace(text, &|name| self.inputs.variable(name))
    }

    /// One block; none if what stands here was a snippet.
    fn block(&mut self) -> Result<Option<Written>, Trouble> {
        let keys = self.keys()?;
        let Some(last) = keys.last() else {
            let Some(token) = self.peek() else { return Ok(None) };
            let fault = Fault::new(format!("found `{}` where a server block begins", token.text));
            return Err((token.spot, fault.help("a block begins with its zones: `.:53 {`")));
        };
        let end = last.spot;
        if let [key] = keys.as_slice()
            && let Some(name) = key.text.strip_prefix('(').and_then(|name| name.strip_suffix(')'))
        {
            self.snippet(key.spot, name)?;
            return Ok(None);
        }
        let braced = self.peek().is_some_and(|token| token.is("{"));
        if braced {
            self.words.pop();
        }
        let directives = self.directives(braced, end)?;
        Ok(Some(Written { keys, directives }))
    }

    /// The addresses in front of a block: on one line, or on several if a comma says so.
    fn keys(&mut self) -> Result<Vec<Token>, Trouble> {
        let mut keys: Vec<Token> = Vec::new();
        let mut comma: Option<Spot> = None;
        while let Some(token) = self.peek() {
            if token.is("{") {
                if let Some(spot) = comma {
                    return Err((spot, Fault::new("the comma promises one more zone").help("remove it")));
                }
                break;
            }
            if token.first && comma.is_none() && !keys.is_empty() {
                break;
            }
            if token.is("}") {
                let fault = Fault::new("this `}` closes nothing").help("remove it, or look for a `{` that is missing");
                return Err((token.spot, fault));
            }
            if token.first && token.is("import") {
                let token = self.words.pop().map(|token| token.spot);
                if let Some(spot) = token {
                    self.import(spot)?;
                }
                continue;
            }
            let Some(mut token) = self.next() else { break };
            comma = token.text.ends_with(',').then_some(token.spot);
            if comma.is_some() {
                token.text.pop();
            }
            if !token.text.is_empty() {
                keys.push(token);
            }
        }
        match comma {
            Some(spot) => Err((spot, Fault::new("the comma promises one more zone").help("remove it"))),
            None => Ok(keys),
        }
    }

    /// Keeps the words of `(name) { ... }` for later.
    fn snippet(&mut self, spot: Spot, name: &str) -> Result<(), Trouble> {
        if self.snippets.contains_key(name) {
            return Err((spot, Fault::new(format!("the snippet `{name}` is there twice")).help("rename one of them")));
        }
        if !self.words.pop().is_some_and(|token| token.is("{")) {
            return Err((
                spot,
                Fault::new(format!("the snippet `{name}` has no body")).help("write `{` behind its name"),
            ));
        }
        let (mut depth, mut words) = (1, Vec::new());
        while let Some(token) = self.words.pop() {
            match token.text.as_str() {
                "}" => depth -= 1,
                "{" => depth += 1,
                _ => {}
            }
            if depth == 0 {
                self.snippets.insert(name.to_owned(), words);
                return Ok(());
            }
            words.push(token);
        }
        Err(unclosed(spot))
    }

    fn directives(&mut self, braced: bool, start: Spot) -> Result<Vec<Directive>, Trouble> {
        let mut directives = Vec::new();
        while let Some(token) = self.peek() {
            let spot = token.spot;
            if token.is("}") {
                if !braced {
                    return Err((spot, Fault::new("this `}` closes nothing").help("the block has no `{`")));
                }
                self.words.pop();
                return Ok(directives);
            }
            if token.is("{") {
                let fault = Fault::new("found `{` where a directive begins");
                return Err((spot, fault.help("a `{` stands at the end of the line that it belongs to")));
            }
            if token.is("import") {
                self.words.pop();
                self.import(spot)?;
                continue;
            }
            directives.push(self.directive()?);
        }
        if braced { Err(unclosed(start)) } else { Ok(directives) }
    }

    /// One directive: the words of its line, and its own block if there is one.
    fn directive(&mut self) -> Result<Directive, Trouble> {
        let Some(name) = self.next() else { return Err(unclosed(Spot { source: 0, place: NOWHERE })) };
        let mut directive = Directive { name, args: Vec::new(), body: None };
        while let Some(token) = self.peek() {
            if token.is("{") {
                let spot = token.spot;
                self.words.pop();
                directive.body = Some(self.body(spot)?);
                return self.ended(directive);
            }
            if token.first {
                break;
            }
            if token.is("}") {
                let fault = Fault::new("found `}` behind a directive").help("write it on a line of its own");
                return Err((token.spot, fault));
            }
            directive.args.extend(self.next());
        }
        Ok(directive)
    }

    /// Nothing may follow a directive's closing brace on its line.
    fn ended(&self, directive: Directive) -> Result<Directive, Trouble> {
        match self.peek() {
            Some(token) if !token.first => {
                let fault = Fault::new(format!("found `{}` behind a closing brace", token.text));
                Err((token.spot, fault.help("write it on a line of its own")))
            }
            _ => Ok(directive),
        }
    }

    /// The lines of a directive's block, its opening brace already read.
    fn body(&mut self, open: Spot) -> Result<Vec<Line>, Trouble> {
        let mut lines: Vec<Line> = Vec::new();
        let mut at_start = true;
        while let Some(token) = self.next() {
            let begins = at_start || token.first;
            at_start = false;
            match token.text.as_str() {
                "}" if begins => return Ok(lines),
                "}" => {
                    let fault = Fault::new("found `}` behind an option").help("write it on a line of its own");
                    return Err((token.spot, fault));
                }
                "{" => {
                    let fault = Fault::new("an option has no block of its own").help("remove the `{`");
                    return Err((token.spot, fault));
                }
                _ if begins => lines.push(Line { name: token, args: Vec::new() }),
                _ => match lines.last_mut() {
                    Some(line) => line.args.push(token),
                    None => lines.push(Line { name: token, args: Vec::new() }),
                },
            }
        }
        Err(unclosed(open))
    }

    /// Puts the words of a snippet or of files in the place of an `import`.
    fn import(&mut self, spot: Spot) -> Result<(), Trouble> {
        let Some(what) = self.peek().filter(|token| !token.first).cloned() else {
            return Err((
                spot,
                Fault::new("`import` names nothing").help("write a file, a pattern or a snippet behind it"),
            ));
        };
        self.words.pop();
        if let Some(more) = self.peek().filter(|token| !token.first) {
            let fault = Fault::new(format!("`import` takes one name, and `{}` is another", more.text));
            return Err((more.spot, fault.help("write one `import` for each")));
        }
        let name = self.replaced(&what.text);
        if name.is_empty() {
            return Err((what.spot, Fault::new("`import` names nothing").help("is a variable not set?")));
        }
        self.imports += 1;
        let words = match self.snippets.get(&name) {
            Some(words) => words.clone(),
            None => self.files(what.spot, &name)?,
        };
        self.taken += words.len();
        if self.imports > MOST_SNIPPETS || self.taken > MOST_TOKENS {
            let fault = Fault::new(format!("the imports have more than {MOST_TOKENS} words in all"));
            return Err((what.spot, fault.help("does a file or a snippet import itself?")));
        }
        self.words.extend(words.into_iter().rev());
        Ok(())
    }

    /// The words of the files that a name or a pattern stands for.
    fn files(&mut self, spot: Spot, name: &str) -> Result<Vec<Token>, Trouble> {
        let path = plain(&self.sources.folder(spot.source).join(name));
        let wildcards = name.matches(['*', '?']).count();
        if wildcards > 1 || name.contains(['[', ']']) {
            let fault = Fault::new(format!("`{name}` has more than one wildcard"));
            return Err((spot, fault.help("write one `*` or `?`")));
        }
        let mut found = vec![path.clone()];
        if wildcards == 1 {
            found = self.matching(spot, &path)?;
            if found.is_empty() {
                let fault = Fault::new(format!("no file is called `{name}`"));
                self.sources.warning(spot, fault.help("nothing is imported; one that comes later is taken in"));
            }
        }
        let mut words = Vec::new();
        for path in found {
            self.sources.watch(path.clone());
            let text = self.inputs.read(&path).map_err(|error| {
                let fault = Fault::new(format!("cannot read `{}`: {error}", path.display()));
                (spot, fault.help("a relative path starts from the folder of the file that imports it"))
            })?;
            self.octets += text.len();
            if self.octets > MOST_OCTETS {
                let fault = Fault::new(format!("the imports have more than {MOST_OCTETS} octets in all"));
                return Err((spot, fault.help("does a file import itself?")));
            }
            let source = self.sources.add(&path, &text);
            words.extend(tokens(&text, source, self.sources));
        }
        Ok(words)
    }

    fn matching(&self, spot: Spot, pattern: &Path) -> Result<Vec<PathBuf>, Trouble> {
        let (folder, last) = (pattern.parent().unwrap_or(Path::new("")), pattern.file_name().unwrap_or_default());
        let last = last.to_string_lossy();
        let Some((before, after)) = last.split_once(['*', '?']) else {
            let fault = Fault::new(format!("`{}` has its wildcard in a folder", pattern.display()));
            return Err((
                spot,
                fault.help("only the last part of a path may have one: write an `import` for each folder"),
            ));
        };
        self.sources.watch(folder.to_path_buf());
        let one = last.contains('?');
        let fits = |name: &str| {
            let rest = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            rest.is_some_and(|rest| !one || rest.chars().count() == 1)
        };
        // A folder that is not there has no files, as for CoreDNS.
        let mut names = self.inputs.list(folder).unwrap_or_default();
        names.retain(|name| fits(name));
        names.sort();
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }
}

const NOWHERE: Place = Place { line: 1, column: 1, width: 1 };

fn unclosed(spot: Spot) -> Trouble {
    (spot, Fault::new("the block is never closed").help("write a `}` on a line of its own where it ends"))
}

/// The path without `.`, and with each `..` taken back: `Path::join` leaves them in.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => _ = out.pop(),
            part => out.push(part),
        }
    }
    out
}
