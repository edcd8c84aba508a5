//! JSON Schema (draft 7) as far as ours uses it: what is wrong with a value.

use regex::Regex;
use serde_json::Value;

/// What is wrong with a value, by the words of JSON Schema that ours uses.
fn judge(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(to) = schema["$ref"].as_str() {
        return judge(root, root.pointer(to.trim_start_matches('#')).expect("what it refers to"), value, at, wrong);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(some) => some.iter().any(|one| one == kind),
        _ => true,
    };
    if !fits {
        wrong.push(format!("{at}: is {kind}"));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        wrong.push(format!("{at}: no such choice"));
    }
    let number = value.as_u64();
    let bound = |name: &str| schema[name].as_u64().zip(number);
    if bound("minimum").is_some_and(|(least, is)| is < least) || bound("maximum").is_some_and(|(most, is)| is > most) {
        wrong.push(format!("{at}: out of range"));
    }
    let fits = |pattern: &Value, text: &str| pattern.as_str().is_none_or(|it| Regex::new(it).unwrap().is_match(text));
    if value.as_str().is_some_and(|text| !fits(&schema["pattern"], text)) {
        wrong.push(format!("{at}: does not look so"));
    }
    for needed in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.as_object().is_some_and(|it| !it.contains_key(needed)) {
            wrong.push(format!("{at}.{needed}: is missing"));
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        judge(root, &schema["items"], item, &format!("{at}[{place}]"), wrong);
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        if !fits(&schema["propertyNames"]["pattern"], key) {
            wrong.push(format!("{at}: is no such key"));
        }
        for beside in schema["dependencies"][key].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(beside).is_none() {
                wrong.push(format!("{at}: needs {beside}"));
            }
        }
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => judge(root, schema, item, &at, wrong),
            (None, Value::Bool(false)) => wrong.push(format!("{at}: unknown")),
            (None, other) => judge(root, other, item, &at, wrong),
        }
    }
}

/// What is wrong with a file.
pub fn faults(schema: &Value, yaml: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    let mut wrong = Vec::new();
    judge(schema, schema, &value, "", &mut wrong);
    wrong
}
