//! The whole of `interlocal.yaml`, every key with its default and its comment, and a file's own values in their places. It judges no
//! value: who calls has read the file already.

use super::corefile::write::quoted;
use super::node::{Content, Node};
use super::yaml;

/// Every key with its default, a line each, sections indented by two.
const ALL: &str = include_str!("../../config/interlocal.yaml");
/// What the rows of `servers` say each for themselves, so that it may not be said beside them.
const FLAT: [(&str, &str); 5] = [("listen", "dns"), ("forward", ""), ("cache", ""), ("policy", ""), ("external", "")];

/// With the values of `text` in place of the defaults; none if that is no mapping.
#[must_use]
pub fn whole(text: &str) -> Option<String> {
    let root = yaml::tree(text).ok()?;
    let given = match &root.content {
        Content::Null => &[][..],
        Content::Map(entries) => entries,
        _ => return None,
    };
    let several =
        matches!(value(given, "servers"), Some(Node { content: Content::List(rows), .. }) if !rows.is_empty());
    let (mut out, mut section, mut replaced) = (String::new(), "", false);
    for line in ALL.lines() {
        let bare = line.trim_start();
        let top = bare.len() == line.len();
        let is_item = bare.starts_with("- ");
        if bare.is_empty() || bare.starts_with('#') {
            out += line;
        } else if is_item && replaced {
            // The file has items of its own.
            continue;
        } else {
            let key = bare.split(':').next().unwrap_or_default();
            let path = match (top, is_item) {
                (true, _) => (key, ""),
                (false, false) => (section, key),
                (false, true) => (section, ""),
            };
            if top {
                section = key;
            }
            let said = if is_item { None } else { said(given, path) };
            if top {
                replaced = said.is_some();
            }
            let indent = &line[..line.len() - bare.len()];
            match said {
                _ if several && is_flat(path) => out += &format!("{indent}# {bare}"),
                Some(node) => out += &commented(format!("{indent}{key}:{}", block(node)), line),
                None => out += line,
            }
        }
        out.push('\n');
    }
    Some(out)
}

/// What the file says of a key; a section is what its own keys say.
fn said<'n>(given: &'n [(Node, Node)], (first, second): (&str, &str)) -> Option<&'n Node> {
    let node = value(given, first)?;
    let node = match (&node.content, second) {
        (Content::Map(_), "") => return None,
        (_, "") => node,
        (Content::Map(entries), key) => value(entries, key)?,
        _ => return None,
    };
    (node.content != Content::Null).then_some(node)
}

fn value<'n>(entries: &'n [(Node, Node)], key: &str) -> Option<&'n Node> {
    entries.iter().find(|(found, _)| found.scalar() == Some(key)).map(|(_, value)| value)
}

fn is_flat((section, key): (&str, &str)) -> bool {
    FLAT.iter().any(|(flat, only)| *flat == section && (only.is_empty() || *only == key))
}

/// A line with the comment of another one, in its column.
fn commented(line: String, of: &str) -> String {
    let Some(column) = of.find(" #") else { return line };
    let comment = &of[column + 1..];
    let width = of[..column + 1].chars().count().max(line.chars().count() + 2);
    format!("{line:<width$}{comment}")
}

/// A value as it stands behind its key: rows of mappings have a line each.
fn block(node: &Node) -> String {
    match &node.content {
        Content::List(rows) if rows.iter().any(|row| matches!(row.content, Content::Map(_))) => {
            rows.iter().map(|row| format!("\n  - {}", flow(row))).collect()
        }
        _ => format!(" {}", flow(node)),
    }
}

/// A value on one line.
fn flow(node: &Node) -> String {
    match &node.content {
        Content::Null => "~".to_owned(),
        Content::Typed(_, text) => text.clone(),
        Content::Text(text) => scalar(text),
        Content::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Content::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// In quotes, unless nobody can take it for anything but this text.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    let begins = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '/') || text.starts_with("../");
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text);
    let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
    let quantity = unit.len() < text.len() && ["ms", "s", "m", "h", "KiB", "MiB", "GiB"].contains(&unit);
    let safe = text == "." || quantity || (begins && !word && text.bytes().all(plain));
    if safe { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Overrides, UnknownKeys, file};

    fn read(text: &str) -> Config {
        let parsed = file::parse(text, Path::new("/x/interlocal.yaml"), UnknownKeys::Refuse, &Overrides::default());
        parsed.unwrap_or_else(|problems| panic!("{}\n{text}", problems[0])).value
    }

    /// What is printed is the same configuration, and has every line of the defaults but those that are replaced.
    #[test]
    fn what_is_printed_reads_back_as_the_file() {
        let samples = [
            "",
            "region: east\nlimits: {in_flight: 7}\n",
            "listen:\n  dns: [\":5300\"]\n  health: \"\"\n  peers_tls: {cert: a.crt, key: \"a b.key\", client_ca: ca.crt}\n",
            "kubernetes: {kubeconfig: /k, context: a#b, pods: verified, ttl: 30s, namespaces: [shop, \"007\"]}\n",
            "kubernetes: {source: none, namespace_labels: \"dns=public,team in (a, b)\"}\n",
            "forward:\n  - zone: .\n    to: [10.1.2.3, \"[2001:db8::7]:5300\"]\n  - {zone: a.b, to: [10.0.0.1], cache: {max_ttl: 5s}}\n",
            "forward: []\npolicy:\n  - {any: true}\n  - {acl: [{action: block, nets: [10.9.0.0/16]}], zones: [in.example.com]}\n",
            "servers:\n  - {listen: [\":53\"], cache: {size: 1MiB}, forward: [{zone: ., to: [10.1.2.3]}]}\n  - {listen: [\":54\"]}\n",
            "log: {level: \"interlocal::peer=debug,info\", queries: {class: [error], sample: 3}}\nstate_dir: /var/lib/x\n",
            "peers: {file: \"\", stale: 2h}\nworkers: 3\nstamp_option: 65400\nsockets: plain\ncache: {size: 0}\n",
            include_str!("../../config/demo/east/interlocal.yaml"),
        ];
        for sample in samples {
            let printed = whole(sample).expect("a mapping");
            assert_eq!(read(&printed), read(sample), "{printed}");
            let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
            assert!(comments(&printed) >= comments(ALL), "{printed}");
        }
        assert_eq!(whole("").as_deref(), Some(ALL));
        assert_eq!(whole("just text"), None);
    }

    /// Each key of the table in docs/configuration.md has its place, or what a file says of it would be lost.
    #[test]
    fn every_key_has_its_place() {
        let page = include_str!("../../docs/configuration.md");
        let table = page.split_once("| key | type | default | range | meaning |").expect("the table").1;
        let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| `")?.split_once("` | "));
        let keys = rows.map(|(key, _)| key).filter(|key| !key.contains("[]"));
        let lines: Vec<&str> = ALL.lines().collect();
        let mut found = 0;
        for key in keys {
            let is_there = match key.split_once('.') {
                None => lines.iter().any(|line| line.starts_with(&format!("{key}:"))),
                Some((section, key)) => {
                    let from = lines.iter().position(|line| line.starts_with(&format!("{section}:")));
                    let mut own = lines[from.expect("a section") + 1..]
                        .iter()
                        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
                    own.any(|line| line.starts_with(&format!("  {key}:")))
                }
            };
            found += usize::from(is_there);
            assert!(is_there, "{key}");
        }
        assert!(found > 60, "{found}");
    }
}
