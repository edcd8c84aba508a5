//! What the double knows: objects by resource, and the history that watches are told from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Resources by their paths.
pub const RESOURCES: [(&str, &str); 4] = [
    ("namespaces", "/api/v1/namespaces"),
    ("services", "/api/v1/services"),
    ("endpointslices", "/apis/discovery.k8s.io/v1/endpointslices"),
    ("pods", "/api/v1/pods"),
];

pub struct State {
    objects: BTreeMap<(&'static str, String), Value>,
    /// Events with their versions.
    history: Vec<(u64, &'static str, Value)>,
    version: u64,
    /// Versions below it are gone.
    oldest: u64,
    /// Whether streamed lists are known.
    pub streams: bool,
    /// Whether watches have bookmarks.
    pub bookmarks: bool,
}

impl State {
    pub fn new() -> Self {
        let (objects, history) = (BTreeMap::new(), Vec::new());
        Self { objects, history, version: 100, oldest: 0, streams: true, bookmarks: true }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn apply(&mut self, mut object: Value) {
        let key = key(&object);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let what = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        self.note(key.0, what, &object);
        self.objects.insert(key, object);
    }

    /// `shop/web`, or `shop` for a namespace.
    pub fn delete(&mut self, resource: &str, name: &str) {
        let (resource, _) = RESOURCES.into_iter().find(|(known, _)| *known == resource).unwrap();
        let mut object = self.objects.remove(&(resource, name.to_owned())).expect("it is there");
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.note(resource, "DELETED", &object);
    }

    /// An event that changes nothing here.
    pub fn note(&mut self, resource: &'static str, what: &str, object: &Value) {
        self.history.push((self.version, resource, json!({"type": what, "object": object})));
    }

    /// Everything but these is gone, and there is no event of it.
    pub fn keep(&mut self, keep: impl Fn(&str, &Value) -> bool) {
        self.objects.retain(|(resource, _), object| keep(resource, object));
    }

    /// Versions up to now are forgotten: whoever watches from one has to list.
    pub fn compact(&mut self) {
        self.version += 1;
        self.oldest = self.version;
        self.history.clear();
    }

    /// Somebody restored a backup: the version goes back.
    pub fn set_back(&mut self, version: u64) {
        self.version = version;
        self.history.clear();
        self.oldest = 0;
    }

    pub fn objects(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.objects.iter().map(|((resource, _), object)| (*resource, object))
    }

    /// The page behind `after`, with what to ask for next.
    pub fn page(&self, resource: &str, after: Option<&str>, limit: usize) -> (Vec<Value>, Option<String>) {
        let all = self.objects.iter().filter(|((of, _), _)| *of == resource);
        let rest = all.filter(|((_, name), _)| after.is_none_or(|after| name.as_str() > after));
        let page: Vec<_> = rest.clone().take(limit).collect();
        let more = rest.count() > page.len();
        let next = page.last().filter(|_| more).map(|((_, name), _)| name.clone());
        (page.into_iter().map(|(_, object)| object.clone()).collect(), next)
    }

    pub fn all(&self, resource: &str) -> Vec<Value> {
        self.page(resource, None, usize::MAX).0
    }

    /// What happened to a resource behind a version, if that is still known.
    pub fn since(&self, resource: &str, version: u64) -> Result<Vec<(u64, Value)>, Value> {
        if version < self.oldest {
            return Err(super::status(
                410,
                "Expired",
                &format!("too old resource version: {version} ({})", self.oldest),
            ));
        }
        // A real server says nothing to a watch from a version that it does not have yet, and goes on when it has it.
        let of_it = self.history.iter().filter(|(at, of, _)| *of == resource && *at > version);
        Ok(of_it.map(|(at, _, event)| (*at, event.clone())).collect())
    }
}

fn key(object: &Value) -> (&'static str, String) {
    let resource = match object["kind"].as_str() {
        Some("Namespace") => "namespaces",
        Some("Service") => "services",
        Some("EndpointSlice") => "endpointslices",
        Some("Pod") => "pods",
        other => panic!("{other:?} is no kind of the double"),
    };
    let (metadata, text) = (&object["metadata"], |value: &Value| value.as_str().unwrap_or("?").to_owned());
    let name = text(&metadata["name"]);
    match metadata["namespace"].as_str() {
        Some(namespace) => (resource, format!("{namespace}/{name}")),
        None => (resource, name),
    }
}
