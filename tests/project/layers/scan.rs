//! From the text of a source file to the paths that it names. A small scanner, not a compiler: it knows comments,
//! literals, `use` trees, inline modules and `#[cfg(test)]`, and nothing of types or of what macros make.

/// A path as written, such as `crate::wire::Name` or `tokio::spawn`.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
    /// Within an inline module that only tests compile.
    pub test: bool,
    /// How many inline modules are around it.
    pub inline: usize,
}

#[derive(Debug, Default)]
pub struct Scan {
    pub named: Vec<Named>,
    /// The lines that say `unsafe`.
    pub unsafe_lines: Vec<usize>,
    /// `#[cfg(test)] mod NAME;`: files that only tests compile.
    pub test_modules: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Into,
    Sign(char),
}

type Tokens = Vec<(Token, usize)>;

pub fn scan(text: &str) -> Scan {
    let tokens = tokens(text);
    let mut scan = Scan::default();
    // The inline modules around this place: the depth of their braces, and whether only tests compile them.
    let mut modules: Vec<(usize, bool)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    // An attribute that names `cfg` and `test` waits for its item.
    let mut for_tests = false;
    while at < tokens.len() {
        let (token, line) = &tokens[at];
        let (mut paths, next) = match token {
            Token::Sign('#') if word(&tokens, at + 2) == Some("cfg") => {
                let end = closing(&tokens, at + 1);
                for_tests |= (at..end).any(|inner| word(&tokens, inner) == Some("test"));
                (Vec::new(), end)
            }
            Token::Word(mod_word) if mod_word == "mod" => {
                match (word(&tokens, at + 1), tokens.get(at + 2).map(|(token, _)| token)) {
                    (Some(_), Some(Token::Sign('{'))) => {
                        let test = for_tests || modules.last().is_some_and(|(_, test)| *test);
                        depth += 1;
                        modules.push((depth, test));
                    }
                    (Some(name), _) if for_tests => scan.test_modules.push(name.to_owned()),
                    _ => {}
                }
                for_tests = false;
                (Vec::new(), at + 3)
            }
            Token::Word(use_word) if use_word == "use" => use_tree(&tokens, at + 1, &[]),
            Token::Word(_) if tokens.get(at + 1).is_some_and(|(token, _)| *token == Token::Into) => {
                let (path, next) = path(&tokens, at);
                (vec![path], next)
            }
            _ => (Vec::new(), at + 1),
        };
        match token {
            Token::Word(word) if word == "unsafe" => scan.unsafe_lines.push(*line),
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                modules.pop_if(|(opened, _)| *opened == depth);
                depth -= 1;
            }
            Token::Sign(';') => for_tests = false,
            _ => {}
        }
        let test = modules.last().is_some_and(|(_, test)| *test);
        let inline = modules.len();
        // `impl Trait + use<…>` names nothing.
        let paths = paths.drain(..).filter(|path| !path.is_empty());
        scan.named.extend(paths.map(|path| Named { path, line: *line, test, inline }));
        at = next;
    }
    scan
}

fn word(tokens: &Tokens, at: usize) -> Option<&str> {
    match tokens.get(at) {
        Some((Token::Word(word), _)) => Some(word),
        _ => None,
    }
}

/// Behind the bracket that closes the one at `open`.
fn closing(tokens: &Tokens, open: usize) -> usize {
    let mut depth = 0;
    for (at, (token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('[') => depth += 1,
            Token::Sign(']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The words from here on that are joined by `::`, and what comes behind them.
fn path(tokens: &Tokens, mut at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    while let Some(word) = word(tokens, at) {
        path.push(word.to_owned());
        at += 1;
        if tokens.get(at).is_none_or(|(token, _)| *token != Token::Into) {
            break;
        }
        at += 1;
    }
    (path, at)
}

/// Every path of a `use` tree, with what stands before its braces.
fn use_tree(tokens: &Tokens, mut at: usize, before: &[String]) -> (Vec<Vec<String>>, usize) {
    // `use ::tokio::…` begins with `::`.
    if tokens.get(at).is_some_and(|(token, _)| *token == Token::Into) {
        at += 1;
    }
    let (own, next) = path(tokens, at);
    at = next;
    let full = [before, &own].concat();
    let mut paths = Vec::new();
    if tokens.get(at).is_some_and(|(token, _)| *token == Token::Sign('{')) {
        at += 1;
        while let Some((token, _)) = tokens.get(at) {
            match token {
                Token::Sign('}') => {
                    at += 1;
                    break;
                }
                Token::Sign(',') => at += 1,
                _ => {
                    let (inner, next) = use_tree(tokens, at, &full);
                    paths.extend(inner);
                    // Whatever this is, go on behind it.
                    at = next.max(at + 1);
                }
            }
        }
    } else {
        paths.push(full);
        if word(tokens, at) == Some("as") {
            at += 2;
        } else if tokens.get(at).is_some_and(|(token, _)| *token == Token::Sign('*')) {
            at += 1;
        }
    }
    (paths, at)
}

/// Words and signs with their lines; comments and the insides of literals are left out.
fn tokens(text: &str) -> Tokens {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => string(rest),
            ['\'', ..] => character_or_lifetime(rest),
            ['b' | 'c', '"', ..] => 1 + string(&rest[1..]),
            ['r', '"' | '#', ..] if raw_string(rest).is_some() => raw_string(rest).unwrap_or(1),
            ['b' | 'c', 'r', '"' | '#', ..] if raw_string(&rest[1..]).is_some() => {
                1 + raw_string(&rest[1..]).unwrap_or(1)
            }
            [':', ':', ..] => {
                tokens.push((Token::Into, line));
                2
            }
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let end = rest.iter().position(|c| !c.is_alphanumeric() && *c != '_').unwrap_or(rest.len());
                tokens.push((Token::Word(rest[..end].iter().collect()), line));
                end
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    tokens.push((Token::Sign(*c), line));
                }
                1
            }
            [] => 1,
        };
        line += rest[..length].iter().filter(|c| **c == '\n').count();
        at += length;
    }
    tokens
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"` and `r#"…"#`; none for a raw word such as `r#type`.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    let body = 2 + hashes;
    if rest.get(body - 1) != Some(&'"') {
        return None;
    }
    let ends =
        |at: &usize| rest[*at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    Some((body..rest.len()).find(ends).map_or(rest.len(), |at| at + 1 + hashes))
}

/// `'x'` and `'\n'` whole; of a lifetime only the mark.
fn character_or_lifetime(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, rest @ ..] => 3 + rest.iter().position(|c| *c == '\'').map_or(0, |at| at + 1),
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::scan;

    fn paths(text: &str) -> Vec<String> {
        scan(text).named.into_iter().map(|named| named.path.join("::")).collect()
    }

    #[test]
    fn use_trees_are_taken_apart() {
        let text = "use crate::{wire::{Name, self}, zone as z, cache::*};\npub(crate) use ::tokio::net;";
        let found = ["crate::wire::Name", "crate::wire::self", "crate::zone", "crate::cache", "tokio::net"];
        assert_eq!(paths(text), found);
    }

    #[test]
    fn paths_in_code_and_attributes_are_found() {
        let text = "#[tokio::main]\nfn f(a: &crate::wire::Name) { super::g::<std::io::Error>(); x.y::<u8>() }";
        assert_eq!(paths(text), ["tokio::main", "crate::wire::Name", "super::g", "std::io::Error", "y"]);
    }

    #[test]
    fn comments_and_literals_say_nothing() {
        let text = r###"
            // crate::a::b
            /* crate::c /* nested */ crate::d */
            //! [`crate::e`]
            let s = "crate::f \" crate::g"; let r = r#"crate::h " "#; let b = b"crate::i";
            let c = ['"', '\'', '\u{7f}', b'"']; fn x<'a>(y: &'a str) { crate::seen::here }
            "###;
        assert_eq!(paths(text), ["crate::seen::here"]);
    }

    #[test]
    fn what_only_tests_compile_is_marked() {
        let text =
            "use a::b;\n#[cfg(test)]\nmod one;\nmod two;\n#[cfg(test)]\nmod tests { use c::d; fn f() {} }\nuse e::f;";
        let scan = scan(text);
        assert_eq!(scan.test_modules, ["one"]);
        let marks: Vec<_> = scan.named.iter().map(|named| (named.path[0].as_str(), named.line, named.test)).collect();
        assert_eq!(marks, [("a", 1, false), ("c", 6, true), ("e", 7, false)]);
    }

    #[test]
    fn unsafe_is_the_word_and_not_a_part_of_one() {
        assert_eq!(scan("#![deny(unsafe_code)]\n// unsafe\nlet x = \"unsafe\";\nunsafe { f() }").unsafe_lines, [4]);
    }
}
