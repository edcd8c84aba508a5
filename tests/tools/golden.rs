//! What a tool printed, held against a file in `tests/tools/golden`. Times are taken out, and what the test names. A run with
//! `INTERLOCAL_BLESS=1` writes the files anew: read the difference before it is committed.

use std::path::Path;

/// Compares; `redact` are texts with what stands for them.
pub fn check(name: &str, text: &str, redact: &[(&str, &str)]) {
    let text = redact.iter().fold(times(text), |text, (what, with)| text.replace(what, with));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/golden").join(name);
    if std::env::var_os("INTERLOCAL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        text == wanted,
        "{name} is not what it was; is\n{text}\nwas\n{wanted}\nINTERLOCAL_BLESS=1 takes the new one"
    );
}

/// Numbers before `ms`, `µs` and `s old`, and behind keys that end in `_ms`, `_us` or `_s`.
fn times(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(line).collect();
    lines.push(String::new());
    lines.join("\n")
}

fn line(line: &str) -> String {
    if let Some((key, value)) = line.split_once("\": ")
        && ["_ms", "_us", "_s"].iter().any(|unit| key.ends_with(unit))
        && !value.starts_with("null")
    {
        return format!("{key}\": TIME{}", if value.ends_with(',') { "," } else { "" });
    }
    let words: Vec<&str> = line.split(' ').collect();
    let unit = |word: Option<&&str>| {
        word.is_some_and(|word| ["ms", "µs", "s"].contains(&word.trim_matches(|c: char| !c.is_alphabetic())))
    };
    let mut out = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let number = word.trim_start_matches('[');
        let is_time = unit(words.get(at + 1)) && number.parse::<f64>().is_ok();
        out.push(if is_time { word.replace(number, "TIME") } else { (*word).to_owned() });
    }
    out.join(" ")
}
