//! Our own dashboard and alerts ask for metrics that there are, and every alert has its page.

use std::collections::{BTreeMap, BTreeSet};

use interlocal::metrics::names;
use serde_json::Value;

pub const RULES: &str = include_str!("../../../deploy/components/monitoring/rules.yaml");
const DASHBOARD: &str = include_str!("../../../deploy/components/monitoring/interlocal.json");
const ALERTS: &str = include_str!("../../../docs/alerts.md");
const MONITORING: &str = include_str!("../../../docs/monitoring.md");

/// Words of an expression that can be the name of a metric.
fn metrics(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| ["interlocal_", "coredns_", "process_", "go_"].iter().any(|start| word.starts_with(start)))
        .collect()
}

/// Every expression asks for something, and for nothing that there is not.
fn assert_known(what: &str, expression: &str) {
    let asked = metrics(expression);
    assert!(!asked.is_empty() || expression.contains("up{"), "{what}: {expression}");
    for name in asked {
        let known = names::ALL.iter().any(|metric| {
            let part = |end: &str| name.strip_suffix(end) == Some(metric.name);
            metric.name == name
                || format!("{:?}", metric.kind) == "Histogram" && (part("_bucket") || part("_sum") || part("_count"))
        });
        assert!(known, "{what}: there is no metric {name}: {expression}");
    }
}

pub fn alerts() -> Vec<Value> {
    let object: Value = serde_saphyr::from_str(RULES).unwrap();
    let groups = object["spec"]["groups"].as_array().unwrap().clone();
    groups.into_iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let board: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| Some((panel["title"].as_str()?, panel["targets"].as_array()?)));
    let mut expressions = 0;
    for (title, targets) in targets {
        for target in targets {
            assert_known(title, target["expr"].as_str().unwrap());
            expressions += 1;
        }
    }
    assert!(expressions >= 40, "{expressions} expressions");
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn every_alert_asks_for_metrics_that_there_are_and_has_its_page() {
    let headings: BTreeMap<String, &str> =
        ALERTS.lines().filter_map(|line| line.strip_prefix("## ")).map(|name| (name.to_lowercase(), name)).collect();
    let alerts = alerts();
    for alert in &alerts {
        let name = alert["alert"].as_str().unwrap();
        assert_known(name, alert["expr"].as_str().unwrap());
        let anchor = alert["annotations"]["runbook_url"].as_str().unwrap().strip_prefix("docs/alerts.md#").unwrap();
        assert_eq!(headings.get(anchor), Some(&name));
        let severity = alert["labels"]["severity"].as_str().unwrap();
        let page = ALERTS.split_once(&format!("## {name}\n\n")).unwrap().1;
        assert!(page.starts_with(&format!("**{severity}.**")), "{name}");
    }
    assert_eq!(alerts.len(), headings.len(), "a page without an alert");
    assert!(alerts.len() >= 22, "{}", alerts.len());
}

/// What the pages name is there: metrics, and headings of pages beside them.
#[test]
fn the_pages_name_what_there_is() {
    let mut links = 0;
    for (page, text) in [("alerts.md", ALERTS), ("monitoring.md", MONITORING)] {
        for quoted in text.split('`').skip(1).step_by(2).filter(|quoted| quoted.starts_with("interlocal_")) {
            assert_known(page, quoted);
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.starts_with("http") {
                continue;
            }
            let file = if file.is_empty() { page } else { file };
            let path = format!("{}/docs/{file}", env!("CARGO_MANIFEST_DIR"));
            let there = std::fs::metadata(&path).unwrap_or_else(|_| panic!("{page} links to {link}"));
            if !anchor.is_empty() && there.is_file() {
                let target = std::fs::read_to_string(&path).unwrap();
                let headings = target.lines().filter(|line| line.starts_with('#')).map(anchor_of);
                assert!(headings.into_iter().any(|heading| heading == anchor), "{page} links to {link}");
            }
            links += 1;
        }
    }
    assert!(links >= 12, "{links} links");
}

/// As forges make it.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
