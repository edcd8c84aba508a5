//! Every text of an error that stands in the source, by its file: also those that no test can bring about. It reads `src/` as text, as
//! far as it has to: comments, literals and parentheses.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What says an error with its arguments.
const CALLS: &[&str] = &[
    "#[error(",
    "Fault::new(",
    ".help(",
    "bail!(",
    "ensure!(",
    "anyhow!(",
    ".context(",
    "with_context(",
    "error!(",
    "warn!(",
    "Err(",
    "ok_or(",
    "ok_or_else(",
    "map_err(",
    "wrong(",
    "fault(",
    "refuse(",
    "problem(",
    "warning(",
    ".why(",
    ".mend(",
    "cause(",
];
/// Here every sentence is said when something is wrong.
const WHOLE: &[&str] = &[
    "answer.rs",
    "config/",
    "tls/",
    "log.rs",
    "wire/name.rs",
    "wire/text.rs",
    "wire/mod.rs",
    "kube/lax.rs",
    "kube/manifests.rs",
    "kube/api/failure.rs",
    "peer/health.rs",
    "server/bind.rs",
    "server/unix.rs",
    "forward/resolv_conf.rs",
    "cli/check/",
];
/// And here, inside those, they are what is written into a file.
const WRITTEN: &[&str] = &["config/corefile/write", "config/whole.rs", "config/defaults.rs"];

/// A file of `src/` with its texts, each once.
pub fn all() -> Vec<(String, BTreeSet<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let texts = files.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let begins = |list: &[&str]| list.iter().any(|of| name.starts_with(of));
        let whole = begins(WHOLE) && !begins(WRITTEN);
        let source = std::fs::read_to_string(&path).unwrap();
        let code = source.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        (name, sentences(code, whole))
    });
    texts.filter(|(_, texts)| !texts.is_empty()).collect()
}

/// Could the text be made of one of these?
pub fn is_one_of(templates: &[Regex], text: &str) -> bool {
    templates.iter().any(|template| template.is_match(text))
}

/// What a text with holes fits. Braces that stand twice are one where there are holes, and two where there are none.
pub fn template(text: &str) -> Regex {
    let text = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let between: Vec<String> = holes().split(&text).map(regex::escape).collect();
    let pattern = format!("^{}$", between.join(".*")).replace('\u{1}', "\\{\\{?").replace('\u{2}', "\\}\\}?");
    Regex::new(&pattern).unwrap()
}

/// Where something is put in.
fn holes() -> &'static Regex {
    static HOLES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[A-Za-z0-9_.]*(:[^{}]*)?\}").unwrap());
    &HOLES
}

fn collect(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

/// Literals of two words or more: all, or those within one of [`CALLS`].
fn sentences(code: &str, whole: bool) -> BTreeSet<String> {
    let (mut found, mut open, mut at) = (BTreeSet::new(), Vec::new(), 0);
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap();
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some((text, len)) = literal(rest, code[..at].chars().next_back()) {
            let says = whole || open.contains(&true);
            let words: Vec<&str> = holes().split(&text).collect();
            let is_sentence =
                text.trim().contains(' ') && words.concat().chars().filter(char::is_ascii_lowercase).count() > 2;
            if says && is_sentence {
                found.insert(text);
            }
            at += len;
        } else {
            match first {
                '(' => open.push(CALLS.iter().any(|call| code[..=at].ends_with(call))),
                ')' => drop(open.pop()),
                _ => {}
            }
            at += first.len_utf8();
        }
    }
    found
}

/// The literal that the text begins with, unescaped, and how long it is; a character is one without words.
fn literal(rest: &str, before: Option<char>) -> Option<(String, usize)> {
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut chars = inside.chars();
        return match (chars.next()?, chars.next()?) {
            ('\\', escaped) => {
                Some((String::new(), 2 + escaped.len_utf8() + inside[1 + escaped.len_utf8()..].find('\'')?))
            }
            (one, '\'') => Some((String::new(), 2 + one.len_utf8())),
            _ => None,
        };
    }
    if before.is_none_or(|it| !it.is_alphanumeric() && it != '_')
        && let Some(raw) = rest.strip_prefix('r')
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inside = raw[hashes..].strip_prefix('"')?;
        let end = inside.find(&format!("\"{}", "#".repeat(hashes)))?;
        return Some((inside[..end].to_owned(), 1 + hashes + 1 + end + 1 + hashes));
    }
    let mut chars = rest.strip_prefix('"')?.char_indices().peekable();
    let mut text = String::new();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((text, at + 2)),
            '\\' => match chars.next()?.1 {
                '\n' => while chars.next_if(|(_, char)| char.is_whitespace()).is_some() {},
                'n' => text.push(' '),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}

#[test]
fn the_source_is_read_as_far_as_it_has_to_be() {
    let code = "let a = 'x'; // \"no comment\"\nErr(format!(\"a \\\"b\\\" \\\n   c\"))?; say(\"not an error\");\nfn f<'a>(x: &'a str) { bail!(r#\"two \"words\"\"#) } '\\''; \"other text\"";
    assert_eq!(sentences(code, false), BTreeSet::from(["a \"b\" c".to_owned(), "two \"words\"".to_owned()]));
    assert_eq!(sentences(code, true).len(), 4);
    let template = template("`{text}` is {{no}} port");
    assert!(template.is_match("`x` is {no} port") && !template.is_match("x is {no} port"));
}
