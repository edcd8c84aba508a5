//! What `docs/eks-products.md` makes of published set-ups: every table and configuration there is a good one, and has the zones of the
//! stanzas beside it.

use std::fs;
use std::path::Path;

use crate::support::process;

/// The fenced blocks of the page with this word behind the fence, each with the headline above it.
fn blocks<'p>(page: &'p str, word: &str) -> Vec<(&'p str, String)> {
    let (mut headline, mut found) = ("", Vec::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            headline = title;
        }
        if let Some(fence) = line.strip_prefix("```") {
            let block: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            if fence == word {
                found.push((headline, block));
            }
        }
    }
    found
}

#[tokio::test]
async fn what_published_stanzas_become_is_valid_and_has_their_zones() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/eks-products.md");
    let page = fs::read_to_string(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stanzas = blocks(&page, "");
    let (mut valid, mut zones) = (0, 0);
    for (product, text) in blocks(&page, "yaml") {
        let name = if text.starts_with("regions:") { "peers.yaml" } else { "interlocal.yaml" };
        fs::write(folder.path().join(name), &text).unwrap();
        let ended = process::run(folder.path(), &["validate", name]).await;
        assert_eq!(ended.code, Some(0), "{product}:\n{text}{}{}", ended.stdout, ended.stderr);
        valid += 1;
        if name != "peers.yaml" {
            continue;
        }
        for (_, stanza) in stanzas.iter().filter(|(of, _)| *of == product) {
            for zone in stanza.lines().filter_map(|line| line.strip_suffix(":53 {")) {
                let label = zone.trim_end_matches(".svc.cluster.local");
                let owned = text.contains(&format!("  {label}: {{")) || text.contains(zone);
                assert!(owned, "{product}: nobody owns {zone} in:\n{text}");
                zones += 1;
            }
        }
    }
    assert_eq!((valid, zones), (5, 5), "tables and configurations, and zones of stanzas");
}
