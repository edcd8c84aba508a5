//! The text that Prometheus reads, taken apart. It judges nothing but that it can be read.

use std::collections::{BTreeMap, BTreeSet};

/// The metrics of one scrape, by name.
#[derive(Debug, Default)]
pub struct Exposition(BTreeMap<String, Family>);

#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                families.entry(name.to_owned()).or_default().kind = kind.to_owned();
            } else if !line.starts_with('#') && !line.is_empty() {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                let sample = Sample { labels: labels_of(labels.trim_end_matches('}')), value: value.parse().unwrap() };
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                let is_part = |base: &&str| families.get(*base).is_some_and(|family| family.kind == "histogram");
                let name = base.filter(is_part).unwrap_or(name);
                families.entry(name.to_owned()).or_default().samples.push(sample);
            }
        }
        Self(families)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn get(&self, name: &str) -> Option<&Family> {
        self.0.get(name)
    }

    /// A metric, or a part of a histogram, with a sample.
    pub fn has(&self, series: &str) -> Option<&Family> {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end));
        self.get(series).or_else(|| self.get(base?)).filter(|family| !family.samples.is_empty())
    }
}

impl Family {
    /// Names of all labels that a sample has, but for those of buckets.
    pub fn labels(&self) -> BTreeSet<&str> {
        self.samples
            .iter()
            .flat_map(|sample| sample.labels.keys())
            .map(String::as_str)
            .filter(|name| *name != "le")
            .collect()
    }

    /// Bounds of buckets, as numbers.
    pub fn buckets(&self) -> Vec<f64> {
        let bounds = self.samples.iter().filter_map(|sample| sample.labels.get("le"));
        let mut bounds: Vec<f64> = bounds.map(|bound| bound.parse().unwrap()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    }

    /// The sum of the samples that have these labels; 0 if none has.
    pub fn sum(&self, wanted: &[(&str, &str)]) -> f64 {
        let fits =
            |sample: &&Sample| wanted.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value));
        self.samples.iter().filter(fits).map(|sample| sample.value).sum()
    }
}

/// `a="b",c="d"`; values have no escapes but the three of the format.
fn labels_of(mut text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let end = (0..rest.len()).find(|at| rest.as_bytes()[*at] == b'"' && !rest[..*at].ends_with('\\')).unwrap();
        labels.insert(name.to_owned(), rest[..end].to_owned());
        text = rest[end + 1..].trim_start_matches(',');
    }
    labels
}
