//! Every relative link of every Markdown file leads to a file of the repository, and every anchor to a heading of it, by the rules by
//! which GitHub makes anchors. Links that leave the repository are not followed.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Folders that are not ours: what is built, and what git keeps.
const NOT_OURS: &[&str] = &["target", ".git", "node_modules"];

/// A Markdown file without what stands in code.
struct Page {
    anchors: Vec<String>,
    /// With the number of its line.
    links: Vec<(usize, String)>,
}

#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, &mut files);
    let pages: BTreeMap<PathBuf, Page> =
        files.into_iter().map(|path| (path.clone(), read(&fs::read_to_string(&path).unwrap()))).collect();
    assert!(pages.len() > 20, "{} pages below {}", pages.len(), root.display());
    let (mut followed, mut broken) = (0, Vec::new());
    for (path, page) in &pages {
        for (line, link) in page.links.iter().filter(|(_, link)| !leaves(link)) {
            followed += 1;
            if let Err(why) = follow(&pages, path, link) {
                broken.push(format!("{}:{line}: {link}: {why}", path.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{} of {followed} links are broken:\n{}", broken.len(), broken.join("\n"));
    assert!(followed > 150, "{followed} links were followed");
}

/// The index has a line for each page beside it, so that none is found by chance only.
#[test]
fn the_index_names_every_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let index = read(&fs::read_to_string(docs.join("README.md")).unwrap());
    let mut pages = 0;
    for entry in fs::read_dir(&docs).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") && name != "README.md" {
            pages += 1;
            assert!(index.links.iter().any(|(_, link)| *link == name), "docs/README.md does not name {name}");
        }
    }
    assert!(pages > 15, "{pages} pages");
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        // A link to a folder may lead anywhere.
        if entry.file_type().unwrap().is_dir() {
            if !NOT_OURS.iter().any(|other| name == *other) {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

fn leaves(link: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

fn follow(pages: &BTreeMap<PathBuf, Page>, from: &Path, link: &str) -> Result<(), String> {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { from.to_path_buf() } else { plain(&from.parent().unwrap().join(file)) };
    if !target.exists() {
        return Err("no such file".to_owned());
    }
    let (Some(anchor), Some(page)) = (anchor, pages.get(&target)) else { return Ok(()) };
    match page.anchors.iter().any(|found| found == anchor) {
        true => Ok(()),
        false => Err("no such heading".to_owned()),
    }
}

/// Without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut all, part| {
        match part {
            Component::ParentDir => drop(all.pop()),
            Component::CurDir => {}
            other => all.push(other),
        }
        all
    })
}

fn read(text: &str) -> Page {
    let mut page = Page { anchors: Vec::new(), links: Vec::new() };
    let mut taken = HashMap::new();
    let mut fence: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            _ => {}
        }
        if fence.is_some() || mark.is_some() {
            continue;
        }
        let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
        if (1..=6).contains(&hashes) && line[hashes..].starts_with(' ') {
            let anchor = anchor(line[hashes..].trim());
            // The second heading of the same words is `words-1`.
            let number = taken.entry(anchor.clone()).and_modify(|number| *number += 1).or_insert(0);
            page.anchors.push(if *number == 0 { anchor } else { format!("{anchor}-{number}") });
        }
        for made in line.split("<a id=\"").skip(1).chain(line.split("<a name=\"").skip(1)) {
            page.anchors.extend(made.split('"').next().map(str::to_owned));
        }
        page.links.extend(links(&without_code(line)).map(|link| (at + 1, link)));
    }
    page
}

/// GitHub's: lower case, links by their words, without punctuation but `-` and `_`, spaces as `-`.
fn anchor(heading: &str) -> String {
    let mut words = String::new();
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        words.push_str(before);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    words.push_str(rest);
    let kept = words.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// `[words](target)`, `![words](target)`, and `[name]: target`.
fn links(line: &str) -> impl Iterator<Item = String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let defined = line.starts_with('[').then(|| line.split_once("]: ")).flatten().map(|(_, target)| target);
    let words = inline.chain(defined).filter_map(|link| link.split_whitespace().next().map(str::to_owned));
    words.collect::<Vec<_>>().into_iter()
}

/// Between equal runs of backticks stands code.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let run = rest[start..].bytes().take_while(|byte| *byte == b'`').count();
        let after = &rest[start + run..];
        let marks = "`".repeat(run);
        let Some(end) = after.find(&marks) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&after[..end].replace(['[', ']', '('], ""));
        rest = &after[end + run..];
    }
    out + rest
}

#[test]
fn anchors_and_links_are_read_as_github_reads_them() {
    let text = "# A region is dark: what you'll see\n## The `peers` key, `a_b` & more\n### Same\n### Same\n```\n# no [x](y)\n```\n\
                [a](b.md#c) `[no](no.md)` ![p](i/x.png \"title\") [`code`](d.md)\n[ref]: e.md\n## [Linked](f.md) words\n";
    let page = read(text);
    let anchors = ["a-region-is-dark-what-youll-see", "the-peers-key-a_b--more", "same", "same-1", "linked-words"];
    assert_eq!(page.anchors, anchors);
    let links: Vec<&str> = page.links.iter().map(|(_, link)| link.as_str()).collect();
    assert_eq!(links, ["b.md#c", "i/x.png", "d.md", "e.md", "f.md"]);
    assert_eq!(page.links[0].0, 8);
}
