//! The words of a Corefile, as CoreDNS's lexer finds them: blanks part them, a quote at the start of a word makes it one
//! until the next quote, `#` begins a comment. It knows neither blocks nor directives.

use super::sources::{Sources, Spot};
use crate::config::error::Fault;
use crate::config::node::Place;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) spot: Spot,
    /// Nothing stands before it on its line.
    pub(super) first: bool,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// The words of one file, in their order.
pub(super) fn tokens(text: &str, source: usize, sources: &Sources) -> Vec<Token> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer { line: 1, column: 0, first: true, source, tokens: Vec::new() };
    let mut state = State::Between;
    for c in text.chars() {
        lexer.column += 1;
        state = lexer.step(state, c, sources);
        if c == '\n' {
            lexer.line += 1;
            lexer.column = 0;
            lexer.first |= !matches!(state, State::Quoted { .. });
        }
    }
    match state {
        State::Word(word) => lexer.end(word),
        State::Quoted { word, .. } => {
            let fault = Fault::new("the quote is never closed").help("write a `\"` where the text ends");
            sources.error(word.spot, fault);
        }
        State::Between | State::Comment => {}
    }
    lexer.tokens
}

enum State {
    Between,
    Comment,
    Word(Token),
    Quoted { word: Token, escaped: bool },
}

struct Lexer {
    line: u32,
    column: u32,
    first: bool,
    source: usize,
    tokens: Vec<Token>,
}

impl Lexer {
    fn step(&mut self, state: State, c: char, sources: &Sources) -> State {
        match state {
            State::Quoted { word, escaped } => self.quoted(word, escaped, c),
            State::Comment if c == '\n' => State::Between,
            State::Comment => State::Comment,
            // A carriage return parts nothing, wherever it stands.
            State::Between | State::Word(_) if c == '\r' => state,
            State::Between if c.is_whitespace() => State::Between,
            State::Between if c == '#' => State::Comment,
            State::Between if c == '"' => State::Quoted { word: self.start(), escaped: false },
            State::Between => {
                let mut word = self.start();
                word.text.push(c);
                State::Word(word)
            }
            State::Word(word) if c.is_whitespace() => {
                self.end(word);
                State::Between
            }
            State::Word(word) if c == '#' => {
                // CoreDNS drops the comment's first word and reads the others as arguments.
                let fault = Fault::new(format!("the comment is glued to `{}`", word.text));
                let column = self.column;
                let spot = self.spot(column, 1);
                let help = "write a blank before the `#`: CoreDNS would read what follows the first blank of such a comment as arguments";
                sources.error(spot, fault.help(help));
                self.end(word);
                State::Comment
            }
            State::Word(mut word) => {
                word.text.push(c);
                State::Word(word)
            }
        }
    }

    /// "Only quotes can be escaped": any other backslash stands for itself, as regular expressions need it.
    fn quoted(&mut self, mut word: Token, escaped: bool, c: char) -> State {
        match c {
            '\\' if !escaped => return State::Quoted { word, escaped: true },
            '"' if !escaped => {
                self.end(word);
                return State::Between;
            }
            '"' => {}
            _ if escaped => word.text.push('\\'),
            _ => {}
        }
        word.text.push(c);
        State::Quoted { word, escaped: false }
    }

    fn start(&mut self) -> Token {
        let first = std::mem::take(&mut self.first);
        Token { text: String::new(), spot: self.spot(self.column, 1), first }
    }

    fn end(&mut self, mut word: Token) {
        if word.spot.place.line == self.line {
            let width = self.column.saturating_sub(word.spot.place.column);
            word.spot.place.width = width.max(u32::try_from(word.text.chars().count()).unwrap_or(1)).max(1);
        }
        self.tokens.push(word);
    }

    fn spot(&self, column: u32, width: u32) -> Spot {
        Spot { source: self.source, place: Place { line: self.line, column, width } }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let sources = Sources::default();
        let source = sources.add(Path::new("Corefile"), text);
        let tokens = tokens(text, source, &sources);
        assert_eq!(sources.finish().errors, []);
        tokens.into_iter().map(|token| if token.first { format!("|{}", token.text) } else { token.text }).collect()
    }

    fn error(text: &str) -> String {
        let sources = Sources::default();
        let source = sources.add(Path::new("Corefile"), text);
        tokens(text, source, &sources);
        sources.finish().errors[0].to_string()
    }

    #[test]
    fn blanks_part_words_and_lines_are_known() {
        assert_eq!(words(".:53 {\n\terrors\r\n}\n"), ["|.:53", "{", "|errors", "|}"]);
        assert_eq!(words("\u{feff}a # b c\n# d\ne"), ["|a", "|e"]);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn quotes_count_at_the_start_of_a_word_only() {
        assert_eq!(words(r#"match "a b" c"d e"#), ["|match", "a b", "c\"d", "e"]);
        assert_eq!(words(r#"a "" "x\"y" "z\.\\w""#), ["|a", "", "x\"y", r"z\.\\w"]);
        assert_eq!(words("a \"b\nc\" d\ne"), ["|a", "b\nc", "d", "|e"], "what follows it is on its line");
        assert_eq!(words("a \"# no comment\""), ["|a", "# no comment"]);
    }

    #[test]
    fn glued_comments_and_open_quotes_are_errors() {
        assert_eq!(
            error("cache 30#my comment here\n"),
            "Corefile:1:9: error: the comment is glued to `30`\n   1 | cache 30#my comment here\n     |         ^\n  help: \
             write a blank before the `#`: CoreDNS would read what follows the first blank of such a comment as arguments"
        );
        assert!(error("a \"b\n").contains("1:3: error: the quote is never closed"));
    }
}
