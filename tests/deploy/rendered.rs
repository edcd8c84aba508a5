//! What a folder below `deploy/` is when it is applied: its objects, as kustomize makes them. Nothing is judged here.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::Mutex;

use crate::support::apiserver::ApiServer;

/// Every folder that somebody applies.
pub const FOLDERS: &[&str] = &[
    "base",
    "keep-service",
    "high-port",
    "daemonset",
    "node-local",
    "peers-nlb",
    "network-policy",
    "monitoring",
    "pods-verified",
    "autoscaler",
    "example",
];

/// The objects of a folder.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub folder: String,
    pub yaml: String,
    pub objects: Vec<Value>,
}

impl Rendered {
    /// A folder below `deploy/`. None, said aloud, on a machine without kubectl.
    pub async fn of(test: &str, folder: &str) -> Option<Self> {
        // Starting kubectl takes a second on a busy machine, and most tests look at all folders.
        static KNOWN: Mutex<BTreeMap<String, Rendered>> = Mutex::const_new(BTreeMap::new());
        let mut known = KNOWN.lock().await;
        if let Some(rendered) = known.get(folder) {
            return Some(rendered.clone());
        }
        let rendered = Self::at(test, &format!("{}/deploy/{folder}", env!("CARGO_MANIFEST_DIR")), folder).await?;
        known.insert(folder.to_owned(), rendered.clone());
        Some(rendered)
    }

    /// The base with these components, as an operator puts them together in a folder of his own.
    pub async fn put_together(test: &str, components: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let place = folder.path().canonicalize().unwrap();
        // kustomize takes no absolute paths: up to the root, and down again.
        let up = "../".repeat(place.components().count() - 1);
        let deploy = format!("{up}{}/deploy", &env!("CARGO_MANIFEST_DIR")[1..]);
        let mut text = format!("resources: [{deploy}/base]\ncomponents:\n");
        for component in components {
            text += &format!("- {deploy}/components/{component}\n");
        }
        std::fs::write(place.join("kustomization.yaml"), text).unwrap();
        Self::at(test, &place.to_string_lossy(), &components.join("+")).await
    }

    async fn at(test: &str, path: &str, folder: &str) -> Option<Self> {
        // No server is needed for it, only the program.
        let yaml = ApiServer::stopped(test, &[])?.kubectl(&["kustomize", path]).await;
        let objects = serde_saphyr::from_multiple(&yaml).unwrap_or_else(|error| panic!("{folder}: {error}"));
        Some(Self { folder: folder.to_owned(), yaml, objects })
    }

    pub fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }

    pub fn get(&self, kind: &str, name: &str) -> &Value {
        self.find(kind, name).unwrap_or_else(|| panic!("deploy/{} has no {kind} {name}", self.folder))
    }

    /// What makes our pods: a Deployment or a DaemonSet.
    pub fn workload(&self) -> &Value {
        let is_ours = |object: &&Value| {
            ["Deployment", "DaemonSet"].iter().any(|kind| object["kind"] == **kind)
                && object["spec"]["template"]["spec"]["containers"][0]["name"] == "interlocal"
        };
        let ours: Vec<&Value> = self.objects.iter().filter(is_ours).collect();
        assert_eq!(ours.len(), 1, "deploy/{}: {ours:?}", self.folder);
        ours[0]
    }

    /// The spec of our pods.
    pub fn pod(&self) -> &Value {
        &self.workload()["spec"]["template"]["spec"]
    }

    pub fn container(&self) -> &Value {
        &self.pod()["containers"][0]
    }
}

/// The texts of a list.
pub fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map_or_else(Vec::new, |items| items.iter().filter_map(Value::as_str).collect())
}

/// The seconds of `5s` or `2m`.
pub fn seconds(duration: &str) -> u64 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let number: u64 = number.parse().unwrap();
    match unit {
        "s" => number,
        "m" => number * 60,
        _ => panic!("{duration}"),
    }
}
