//! What was measured, for readers: Markdown, JSON, and a plot.

mod goals;
mod json;
mod markdown;
mod svg;

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::options::Options;
use crate::results::Results;

const BEGIN: &str = "<!-- versus: what follows is written by `cargo bench --bench versus -- --write` -->";
const END: &str = "<!-- versus: end -->";

pub fn write(results: &Results, options: &Options) -> anyhow::Result<()> {
    let (markdown, json, svg) = (markdown::of(results), json::of(results), svg::of(results));
    println!("{markdown}");
    for (path, text) in [(&options.markdown, &markdown), (&options.json, &json), (&options.svg, &svg)] {
        if let Some(path) = path {
            fs::write(path, text).with_context(|| path.display().to_string())?;
        }
    }
    if options.write {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
        fs::write(folder.join("versus.json"), json)?;
        fs::write(folder.join("versus.svg"), svg)?;
        let readme = folder.join("README.md");
        let text = fs::read_to_string(&readme)?;
        fs::write(&readme, between(&text, &markdown).context("benches/README.md has lost its marks")?)?;
    }
    Ok(())
}

/// The text with what stands between the marks replaced.
fn between(text: &str, new: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", new.trim()))
}
