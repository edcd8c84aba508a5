//! From the words of the table of keys to what a schema says: types, choices, ranges, defaults.

use super::Row;
use super::json::Json;

/// Types of scalars, in words: what a text of it looks like, and examples.
const TEXTS: &[(&str, &str, &[&str])] = &[
    ("duration", "^[0-9]+(ms|s|m|h)?$", &["5s", "1500ms"]),
    ("size", "^[0-9]+(KiB|MiB|GiB)?$", &["16MiB"]),
    ("listener", "", &[":8080", "127.0.0.1:9154", ""]),
];
/// What the items of lists look like.
const ITEMS: &[(&str, &[&str])] = &[
    ("listeners", &["0.0.0.0:53", "[::]:53", ":53"]),
    ("networks", &["10.0.96.0/20"]),
    ("names", &["payments"]),
    ("addresses", &["/etc/resolv.conf", "10.1.2.3"]),
    ("addresses,", &["/etc/resolv.conf", "10.1.2.3", "dns.example.com"]),
    ("rcodes", &["NXDOMAIN"]),
];

/// One key.
pub(super) fn property(row: &Row<'_>) -> Json {
    let mut pairs = kind(row);
    if let Some(default) = default(row.default) {
        pairs.push(("default".to_owned(), default));
    }
    let text = row.meaning.replace('`', "");
    let range = if row.range.is_empty() || row.range.starts_with("see ") { "" } else { row.range };
    let text =
        [text.as_str(), range].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" Range: ");
    if !text.is_empty() {
        pairs.push(("description".to_owned(), Json::Text(text)));
    }
    Json::Map(pairs)
}

/// A key that has keys of its own, or a list of such.
pub(super) fn section(list: bool) -> Json {
    let object =
        Json::map([("type", Json::texts(&["object", "null"])), ("properties", Json::Map(Vec::new())), closed()]);
    match list {
        true => Json::map([("type", Json::texts(&["array", "null"])), ("items", object)]),
        false => object,
    }
}

/// Adds a key to a section.
pub(super) fn add(section: &mut Json, key: &str, property: Json) {
    let Json::Map(pairs) = section else { return };
    for (name, value) in pairs {
        match (name.as_str(), value) {
            ("items", items) => add(items, key, property.clone()),
            ("properties", Json::Map(properties)) => properties.push((key.to_owned(), property.clone())),
            _ => {}
        }
    }
}

fn closed() -> (&'static str, Json) {
    ("additionalProperties", Json::Bool(false))
}

fn kind(row: &Row<'_>) -> Vec<(String, Json)> {
    let choices: Vec<&str> = row.kind.split(", ").collect();
    let quoted = |text: &&str| text.len() > 2 && text.starts_with('`') && text.ends_with('`');
    let pairs = if row.kind == "`true`, `false`" {
        Json::map([("type", Json::text("boolean"))])
    } else if choices.len() > 1 && choices.iter().all(quoted) {
        let choices: Vec<&str> = choices.iter().map(|choice| choice.trim_matches('`')).collect();
        Json::map([("enum", Json::texts(&choices))])
    } else if let Some(section) = row.kind.strip_prefix("as `") {
        let section = section.trim_end_matches('`');
        Json::map([("$ref", Json::Text(format!("#/properties/{section}")))])
    } else if matches!(row.kind, "list of rules" | "list of mappings" | "list of rows") {
        let rule = Json::map([("type", Json::text("object"))]);
        Json::map([("type", Json::texts(&["array", "null"])), ("items", rule)])
    } else if let Some(items) = row.kind.strip_prefix("list of ") {
        let first = items.split(' ').next().unwrap_or(items);
        let examples = ITEMS.iter().find(|(name, _)| *name == first).map_or(&[][..], |(_, examples)| *examples);
        let item = Json::map([("type", Json::text("string")), ("examples", Json::texts(examples))]);
        Json::map([("type", Json::texts(&["array", "null"])), ("items", item)])
    } else if row.kind == "number" {
        number(row.range)
    } else if row.kind.contains("a number") {
        Json::map([("type", Json::texts(&["integer", "string", "null"]))])
    } else if let Some(keys) = row.kind.strip_prefix("mapping of ") {
        let keys = keys.split('`').skip(1).step_by(2);
        let anything = Json::map([("type", Json::texts(&["string", "integer", "null"]))]);
        let keys = keys.map(|key| (key.to_owned(), anything.clone())).collect();
        Json::map([("type", Json::texts(&["object", "null"])), ("properties", Json::Map(keys)), closed()])
    } else if row.kind == "mapping" {
        Json::map([("type", Json::texts(&["object", "null"])), ("properties", tls_door()), closed()])
    } else {
        text(row.kind)
    };
    if let Json::Map(pairs) = pairs { pairs } else { Vec::new() }
}

fn text(kind: &str) -> Json {
    // A number without a unit is for the reader to judge, which says what is wrong with it.
    let types = ("type", Json::texts(&["string", "integer", "null"]));
    match TEXTS.iter().find(|(name, ..)| *name == kind) {
        Some((_, "", examples)) => Json::map([types, ("examples", Json::texts(examples))]),
        Some((_, pattern, examples)) => {
            Json::map([types, ("pattern", Json::text(pattern)), ("examples", Json::texts(examples))])
        }
        None => Json::map([("type", Json::texts(&["string", "null"]))]),
    }
}

/// `1 to 1048576`.
fn number(range: &str) -> Json {
    let kind = ("type", Json::text("integer"));
    let bounds = range.split_once(" to ").and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    match bounds {
        Some((least, most)) => Json::map([kind, ("minimum", Json::Number(least)), ("maximum", Json::Number(most))]),
        None => Json::map([kind]),
    }
}

/// The keys of `listen.peers_tls`, which the page has in words.
fn tls_door() -> Json {
    let path = |text: &str| Json::map([("type", Json::text("string")), ("description", Json::text(text))]);
    let listeners = Json::map([("type", Json::text("string")), ("examples", Json::texts(&["0.0.0.0:8853"]))]);
    Json::map([
        ("listen", Json::map([("type", Json::text("array")), ("items", listeners)])),
        ("cert", path("PEM file: the certificate, with those that vouch for it.")),
        ("key", path("PEM file: its key.")),
        ("client_ca", path("PEM file: clients without a certificate of this authority are refused.")),
    ])
}

/// The first value in quotes; `none` and `required` are no values.
fn default(cell: &str) -> Option<Json> {
    let value = cell.strip_prefix('`')?.split('`').next()?;
    Some(self::value(value))
}

fn value(text: &str) -> Json {
    if let Some(items) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let items = items.split(", ").filter(|item| !item.is_empty());
        return Json::List(items.map(value).collect());
    }
    match text {
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        _ => match text.parse() {
            Ok(number) => Json::Number(number),
            Err(_) => Json::text(text.trim_matches('"')),
        },
    }
}
