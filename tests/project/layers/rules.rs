//! What a tree of sources is held to. Pure: it is given the files and the rules, and says what is wrong, with file,
//! line, what was expected and why.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::{Scan, scan};

/// Path from the root of the checkout, with `/`, to text.
pub type Tree = BTreeMap<String, String>;

pub struct Rules {
    pub layers: &'static [&'static [&'static str]],
    pub beside: &'static [(&'static str, &'static str)],
    pub crates: &'static [(&'static str, &'static [&'static str])],
    pub unsafe_in: &'static [&'static str],
    pub longest: usize,
}

pub fn check(rules: &Rules, tree: &Tree, manifest: &str) -> Vec<String> {
    let scans: BTreeMap<&str, Scan> =
        tree.iter().filter(|(path, _)| path.starts_with("src/")).map(|(path, text)| (&**path, scan(text))).collect();
    let tests = test_files(&scans);
    let mut complaints = Vec::new();
    for (path, text) in tree {
        form(rules, path, text, &mut complaints);
    }
    let dependencies = dependencies(manifest);
    table_matches(rules, &dependencies, &mut complaints);
    for (path, scan) in &scans {
        layers(rules, path, scan, &mut complaints);
        crates(rules, path, scan, tests.contains(*path), &mut complaints);
        let allowed = starts_with_one_of(path, rules.unsafe_in);
        complaints.extend(scan.unsafe_lines.iter().filter(|_| !allowed).map(|line| {
            format!("{path}:{line}: unsafe code belongs in {} and nowhere else", rules.unsafe_in.join(", "))
        }));
    }
    complaints
}

fn form(rules: &Rules, path: &str, text: &str, complaints: &mut Vec<String>) {
    if !text.starts_with("//!") {
        complaints.push(format!("{path}:1: opens without `//!`: say what this file is and what it must not do"));
    }
    let lines = text.lines().count();
    if lines > rules.longest {
        complaints.push(format!("{path}: {lines} lines; no file has more than {}: split it", rules.longest));
    }
}

/// Each path to our own code has to lead down, or to its own unit.
fn layers(rules: &Rules, path: &str, scan: &Scan, complaints: &mut Vec<String>) {
    // It only lists the modules, and whoever is listed there is judged by its own file.
    if path == "src/lib.rs" {
        return;
    }
    let unit = unit(path);
    let Some(layer) = layer_of(rules, unit) else {
        complaints.push(format!("{path}: `{unit}` is in no layer: add it to the table in tests/project/layers/mod.rs"));
        return;
    };
    for named in &scan.named {
        let Some(used) = own_unit(path, &named.path, named.inline) else { continue };
        if used == unit || rules.beside.contains(&(unit, &used)) {
            continue;
        }
        let what = format!("{path}:{}: `{}`", named.line, named.path.join("::"));
        match layer_of(rules, &used) {
            None => {
                complaints.push(format!("{what}: `{used}` is in no layer of the table in tests/project/layers/mod.rs"))
            }
            Some(below) if below < layer => {}
            Some(same) => complaints.push(format!(
                "{what}: {unit} (layer {layer}) may use lower layers and itself, and {used} is in layer {same}"
            )),
        }
    }
}

fn crates(rules: &Rules, path: &str, scan: &Scan, test_file: bool, complaints: &mut Vec<String>) {
    for named in scan.named.iter().filter(|named| !named.test && !test_file) {
        let Some((name, places)) = rules.crates.iter().find(|(name, _)| *name == named.path[0]) else { continue };
        if !starts_with_one_of(path, places) {
            complaints.push(format!("{path}:{}: the crate {name} is used in {} only", named.line, places.join(", ")));
        }
    }
}

fn table_matches(rules: &Rules, dependencies: &BTreeSet<String>, complaints: &mut Vec<String>) {
    let listed: BTreeSet<String> = rules.crates.iter().map(|(name, _)| (*name).to_owned()).collect();
    for missing in dependencies.difference(&listed) {
        complaints.push(format!(
            "Cargo.toml: {missing}: say in the table of tests/project/layers/mod.rs where it may be used"
        ));
    }
    for gone in listed.difference(dependencies) {
        complaints
            .push(format!("tests/project/layers/mod.rs: {gone} is no dependency any more: take it out of the table"));
    }
}

fn layer_of(rules: &Rules, unit: &str) -> Option<usize> {
    rules.layers.iter().position(|units| units.contains(&unit))
}

fn starts_with_one_of(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

/// `src/wire/name.rs` and `src/wire.rs` are both of `wire`.
fn unit(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let first = inner.split('/').next().unwrap_or(inner);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The unit that a path leads to, if it leads to our own code.
fn own_unit(path: &str, named: &[String], inline: usize) -> Option<String> {
    // The binary names the library by the name of the package.
    if named[0] == "crate" || (path == "src/main.rs" && named[0] == "interlocal") {
        return named.get(1).cloned();
    }
    let ups = named.iter().take_while(|word| *word == "super").count().saturating_sub(inline);
    let mut module: Vec<&str> = path.strip_prefix("src/")?.strip_suffix(".rs")?.split('/').collect();
    if module.last() == Some(&"mod") {
        module.pop();
    }
    // Above the top of the module tree is `crate` itself.
    if ups < module.len() {
        return None;
    }
    named.iter().find(|word| *word != "super").cloned()
}

/// Files behind `#[cfg(test)] mod NAME;`, and all that is in a folder of that name.
fn test_files<'a>(scans: &BTreeMap<&'a str, Scan>) -> BTreeSet<&'a str> {
    let mut roots = Vec::new();
    for (path, scan) in scans {
        let folder = match path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
            _ => path.strip_suffix(".rs").unwrap_or(path),
        };
        roots.extend(scan.test_modules.iter().map(|name| format!("{folder}/{name}")));
    }
    let within = |path: &str| {
        let covers =
            |root: &String| path.strip_prefix(&**root).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
        roots.iter().any(covers)
    };
    scans.keys().copied().filter(|path| within(path)).collect()
}

/// The names in every `[dependencies]` table, those for one target too, as code writes them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = header == "dependencies" || header.ends_with(".dependencies");
            if let Some((_, name)) = header.split_once("dependencies.").filter(|(before, _)| !before.ends_with('-')) {
                names.insert(name.replace('-', "_"));
            }
        } else if inside
            && !line.starts_with('#')
            && let Some((name, _)) = line.split_once(['=', '.'])
        {
            names.insert(name.trim().replace('-', "_"));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Rules, Tree, check};

    const RULES: Rules = Rules {
        layers: &[&["wire", "limits"], &["config"], &["peer", "forward", "kube"], &["app", "main"]],
        beside: &[("forward", "peer"), ("main", "app")],
        crates: &[("libc", &["src/wire/raw.rs"]), ("serde", &["src/"])],
        unsafe_in: &["src/wire/raw.rs"],
        longest: 10,
    };
    const MANIFEST: &str = "[package]\nname = \"x\"\n[dependencies]\nlibc = \"0.2\"\nserde = { version = \"1\" }\n";

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let doc = |text: &str| format!("//! A file.\n{text}");
        let tree: Tree = files.iter().map(|(path, text)| ((*path).to_owned(), doc(text))).collect();
        check(&RULES, &tree, MANIFEST)
    }

    fn one(files: &[(&str, &str)]) -> String {
        let mut complaints = complaints(files);
        assert_eq!(complaints.len(), 1, "{complaints:#?}");
        complaints.remove(0)
    }

    #[test]
    fn a_good_tree_is_left_alone() {
        let files = [
            ("src/lib.rs", "pub mod wire;\npub mod app;"),
            ("src/main.rs", "use interlocal::app;"),
            ("src/app.rs", "use crate::{peer::Peer, wire};\nuse std::io;"),
            ("src/forward/mod.rs", "use crate::peer;\nmod try_one;"),
            ("src/forward/try_one.rs", "use super::Forward;\nuse super::super::wire::Name;"),
            ("src/wire/raw.rs", "use libc::c_int;\nunsafe fn f() {}"),
            ("src/wire/name.rs", "use super::raw;\n#[cfg(test)]\nmod tests {\n    use super::*;\n    use libc::x;\n}"),
        ];
        assert_eq!(complaints(&files), Vec::<String>::new());
    }

    #[test]
    fn a_lower_layer_may_not_look_up() {
        let found = one(&[("src/wire/name.rs", "use crate::limits;")]);
        assert!(found.starts_with("src/wire/name.rs:2: `crate::limits`: wire (layer 0) may use"), "{found}");
        one(&[("src/config/mod.rs", "fn f() { crate::peer::ask() }")]);
        one(&[("src/config/mod.rs", "use crate::{wire::Name, app::App};")]);
        one(&[("src/config/mod.rs", "use super::peer::Peer;")]);
        one(&[("src/config/file.rs", "use super::super::peer::Peer;")]);
        one(&[("src/config/file.rs", "mod tests {\n    use super::super::super::peer::Peer;\n}")]);
        // Tests of a file are held to its layer.
        one(&[("src/wire/name.rs", "#[cfg(test)]\nmod tests {\n    use crate::config::Config;\n}")]);
    }

    #[test]
    fn neighbours_are_used_only_where_the_table_says_so() {
        one(&[("src/peer/mod.rs", "use crate::forward::Forward;")]);
        one(&[("src/kube/mod.rs", "use crate::peer::Peer;")]);
    }

    #[test]
    fn a_new_unit_needs_a_layer() {
        let found = one(&[("src/magic.rs", "")]);
        assert!(found.contains("`magic` is in no layer"), "{found}");
        assert!(one(&[("src/app.rs", "use crate::magic;")]).contains("in no layer"));
    }

    #[test]
    fn a_crate_has_one_place() {
        assert_eq!(
            one(&[("src/peer/mod.rs", "use libc::c_int;")]),
            "src/peer/mod.rs:2: the crate libc is used in src/wire/raw.rs only"
        );
        one(&[("src/peer/mod.rs", "fn f() -> libc::c_int { 0 }")]);
        let files = [("src/peer/mod.rs", "#[cfg(test)]\nmod wild;"), ("src/peer/wild.rs", "use libc::c_int;")];
        assert_eq!(complaints(&files), Vec::<String>::new());
    }

    #[test]
    fn the_table_and_the_manifest_name_the_same_crates() {
        let manifest = MANIFEST.replace("serde", "serde-json") + "[dev-dependencies]\ntempfile = \"3\"\n";
        let complaints = check(&RULES, &Tree::new(), &manifest);
        assert!(complaints[0].starts_with("Cargo.toml: serde_json: say"), "{complaints:?}");
        assert!(complaints[1].contains("serde is no dependency any more"), "{complaints:?}");
        assert_eq!(complaints.len(), 2);
        let target = MANIFEST.to_owned()
            + "[target.'cfg(unix)'.dependencies]\nnix = \"1\"\n[dependencies.rand]\nversion = \"1\"";
        assert_eq!(check(&RULES, &Tree::new(), &target).len(), 2);
    }

    #[test]
    fn unsafe_has_one_place() {
        assert!(one(&[("src/peer/mod.rs", "\nunsafe fn f() {}")]).starts_with("src/peer/mod.rs:3: unsafe"));
    }

    #[test]
    fn files_are_short_and_say_what_they_are() {
        assert!(one(&[("src/app.rs", &"\n".repeat(10))]).contains("11 lines"));
        let tree = Tree::from([("tests/x/main.rs".to_owned(), "fn main() {}".to_owned())]);
        assert!(check(&RULES, &tree, MANIFEST)[0].contains("opens without"));
    }
}
