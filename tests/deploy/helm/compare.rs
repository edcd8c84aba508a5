//! Whether two sets of objects mean the same: every field, by its path, but for what Helm writes on its own and what the API server
//! would fill in. It says what differs and how many fields it looked at, and judges nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What Helm finds its objects by.
const OF_HELM: [&str; 2] = ["helm.sh/chart", "app.kubernetes.io/managed-by"];

/// What the API server fills in, where the thing that has it is there: it means the same whether it is written or not.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("Service", "spec.type", "\"ClusterIP\""),
    ("DaemonSet", "spec.updateStrategy.rollingUpdate.maxSurge", "0"),
    // Of a tag that is not `latest`.
    ("*", "spec.template.spec.containers.0.imagePullPolicy", "\"IfNotPresent\""),
    ("*", "spec.template.spec.containers.0.livenessProbe.initialDelaySeconds", "0"),
    ("*", "spec.template.spec.containers.0.livenessProbe.periodSeconds", "10"),
    ("*", "spec.template.spec.containers.0.readinessProbe.initialDelaySeconds", "0"),
    ("*", "spec.template.spec.containers.0.readinessProbe.periodSeconds", "10"),
];

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// `KIND NAME: PATH: LEFT, RIGHT`.
    pub differences: Vec<String>,
    /// Fields that were looked at on both sides, and were the same.
    pub same: usize,
}

/// Compares all objects of both sides.
pub fn compare(left: &[Value], right: &[Value]) -> Comparison {
    let (left, right) = (by_name(left), by_name(right));
    let mut found = Comparison::default();
    for name in left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))) {
        found.walk(&format!("{name}:"), left.get(name), right.get(name));
    }
    found
}

/// How many fields these objects have, counted by themselves.
pub fn fields(objects: &[Value]) -> usize {
    fn leaves(value: &Value) -> usize {
        match value {
            Value::Object(inner) if !inner.is_empty() => inner.values().map(leaves).sum(),
            Value::Array(inner) if !inner.is_empty() => inner.iter().map(leaves).sum(),
            _ => 1,
        }
    }
    objects.iter().map(|object| leaves(&meaning(object))).sum()
}

impl Comparison {
    fn walk(&mut self, path: &str, left: Option<&Value>, right: Option<&Value>) {
        match (left, right) {
            (Some(Value::Object(left)), Some(Value::Object(right))) if !left.is_empty() && !right.is_empty() => {
                for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                    self.walk(&join(path, key), left.get(key), right.get(key));
                }
            }
            (Some(Value::Array(left)), Some(Value::Array(right))) if !left.is_empty() && !right.is_empty() => {
                for index in 0..left.len().max(right.len()) {
                    self.walk(&join(path, &index.to_string()), left.get(index), right.get(index));
                }
            }
            (Some(left), Some(right)) if left == right => self.same += 1,
            _ => {
                let shown = |side: Option<&Value>| side.map_or_else(|| "nothing".to_owned(), Value::to_string);
                // An object as a whole has its colon already.
                let colon = if path.ends_with(':') { "" } else { ":" };
                self.differences.push(format!("{path}{colon} {}, {}", shown(left), shown(right)));
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    format!("{path}{}{key}", if path.ends_with(':') { " " } else { "." })
}

fn by_name(objects: &[Value]) -> BTreeMap<String, Value> {
    let mut named = BTreeMap::new();
    for object in objects {
        let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!("{} {}", part(&object["kind"]), part(&object["metadata"]["name"]));
        assert!(named.insert(name.clone(), meaning(object)).is_none(), "there are two {name}");
    }
    named
}

/// The object without what means nothing, with the files in it as what they say.
fn meaning(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.retain(|label, _| !OF_HELM.contains(&label.as_str()));
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    if object["kind"] == "ConfigMap" {
        for text in object["data"].as_object_mut().unwrap().values_mut() {
            // JSON is YAML too.
            *text = serde_saphyr::from_str(text.as_str().unwrap()).unwrap();
        }
    }
    for (kind, path, default) in DEFAULTS {
        if *kind == "*" || object["kind"] == **kind {
            fill(&mut object, path, default);
        }
    }
    object
}

fn fill(object: &mut Value, path: &str, default: &str) {
    let (parent, key) = path.rsplit_once('.').unwrap();
    let pointer = format!("/{}", parent.replace('.', "/"));
    if let Some(Value::Object(parent)) = object.pointer_mut(&pointer) {
        parent.entry(key).or_insert_with(|| serde_json::from_str(default).unwrap());
    }
}

#[test]
fn what_differs_is_named_by_its_path_and_the_rest_is_counted() {
    let left = json!({"kind": "Service", "metadata": {"name": "a", "labels": {"helm.sh/chart": "x"}},
        "spec": {"ports": [{"port": 53}, {"port": 54}], "selector": {}}});
    let right = json!({"kind": "Service", "metadata": {"name": "a"},
        "spec": {"type": "ClusterIP", "ports": [{"port": 53}, {"port": 55, "name": "dns"}], "selector": {"a": "b"}}});
    let found = compare(std::slice::from_ref(&left), &[right]);
    assert_eq!(
        found.differences,
        [
            "Service a: spec.ports.1.port: 54, 55",
            "Service a: spec.ports.1.name: nothing, \"dns\"",
            "Service a: spec.selector: {}, {\"a\":\"b\"}",
        ]
    );
    // kind, name, type and the first port.
    assert_eq!(found.same, 4);
    assert_eq!(fields(std::slice::from_ref(&left)), 6, "the type that the server fills in too");
    let alone = compare(&[left], &[]).differences;
    assert!(alone.len() == 1 && alone[0].starts_with("Service a: {") && alone[0].ends_with("}, nothing"), "{alone:?}");
}

#[test]
fn files_in_a_configmap_are_what_they_say() {
    let map = |text: &str| json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a.yaml": text}});
    let found = compare(&[map("# why\na: [1, 2]\n")], &[map("a:\n- 1\n- 3\n")]);
    assert_eq!(found.differences, ["ConfigMap a: data.a.yaml.a.1: 2, 3"]);
    assert_eq!(found.same, 3);
}
