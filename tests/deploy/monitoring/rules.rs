//! The alerts, as Prometheus itself judges them: `promtool check rules`, and `promtool test rules` with what makes each of them fire
//! and what does not.

use std::process::Command;

use serde_json::{Value, json};

use super::ours::{RULES, alerts};
use crate::support::dig::skip;

const TESTS: &str = include_str!("../../../deploy/components/monitoring/rules_test.yaml");

#[test]
fn promtool_takes_the_rules_and_each_of_them_fires() {
    let object: Value = serde_saphyr::from_str(RULES).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // JSON is YAML.
    std::fs::write(folder.path().join("rules.yml"), json!({"groups": object["spec"]["groups"]}).to_string()).unwrap();
    std::fs::write(folder.path().join("rules_test.yaml"), TESTS).unwrap();
    for args in [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yaml"]] {
        let ended = Command::new("promtool").args(args).current_dir(folder.path()).output();
        let Ok(ended) = ended else { return skip("promtool_takes_the_rules_and_each_of_them_fires", "promtool") };
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success() && said.contains("SUCCESS"), "{said}");
    }
}

#[test]
fn every_alert_is_tested_both_ways() {
    let tests: Value = serde_saphyr::from_str(TESTS).unwrap();
    let tried = tests["tests"].as_array().unwrap().iter().flat_map(|test| test["alert_rule_test"].as_array().unwrap());
    let tried: Vec<(&str, bool)> = tried
        .map(|test| (test["alertname"].as_str().unwrap(), !test["exp_alerts"].as_array().unwrap().is_empty()))
        .collect();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        for fires in [true, false] {
            assert!(tried.contains(&(name, fires)), "{name}, fires: {fires}");
        }
    }
}
