//! The chart's README names each value with its default, and no other.

use serde_json::Value;

use super::CHART;

/// Every value that has no values of its own, as one writes it behind `--set`, and its default.
pub fn values() -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).unwrap();
    let mut found = Vec::new();
    walk("", &serde_saphyr::from_str(&text).unwrap(), &mut found);
    found
}

fn walk(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value.as_object().filter(|object| !object.is_empty()) {
        Some(object) => {
            for (key, value) in object {
                let key = key.replace('.', "\\.");
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                walk(&path, value, found);
            }
        }
        None => found.push((path.to_owned(), value.clone())),
    }
}

#[test]
fn the_readme_has_a_row_for_each_value_with_its_default() {
    let readme = std::fs::read_to_string(format!("{CHART}/README.md")).unwrap();
    let (_, table) = readme.split_once("| value | default | what |\n|---|---|---|\n").unwrap();
    let row = |line: &str| {
        let cells: Vec<String> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`']).to_owned()).collect();
        let default = serde_json::from_str(&cells[1]).unwrap_or_else(|error| panic!("{line}: {error}"));
        (cells[0].clone(), default)
    };
    let mut rows: Vec<(String, Value)> = table.lines().map(row).collect();
    let mut values = values();
    let by_path = |a: &(String, Value), b: &(String, Value)| a.0.cmp(&b.0);
    rows.sort_by(by_path);
    values.sort_by(by_path);
    let missing: Vec<_> = values.iter().filter(|value| !rows.contains(value)).collect();
    let foreign: Vec<_> = rows.iter().filter(|row| !values.contains(row)).collect();
    assert!(missing.is_empty() && foreign.is_empty(), "rows to write: {missing:?}\nrows to strike: {foreign:?}");
    assert!(values.len() > 150, "{}", values.len());
}
