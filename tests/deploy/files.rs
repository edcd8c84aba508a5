//! The files in the ConfigMaps are what the program itself calls right, for the arguments that the pods get.

use std::path::Path;

use serde_json::Value;

use crate::rendered::{FOLDERS, Rendered, seconds};
use crate::support::process;

/// Every `.yaml` of every ConfigMap, written to this folder; their names.
fn write(rendered: &Rendered, folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for map in rendered.objects.iter().filter(|object| object["kind"] == "ConfigMap") {
        for (name, text) in map["data"].as_object().unwrap().iter().filter(|(name, _)| name.ends_with(".yaml")) {
            std::fs::write(folder.join(name), text.as_str().unwrap()).unwrap();
            names.push(name.clone());
        }
    }
    names
}

#[tokio::test]
async fn the_files_of_every_folder_are_valid() {
    let mut checked = 0;
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("the_files_of_every_folder_are_valid", folder).await else { return };
        let files = tempfile::tempdir().unwrap();
        let names = write(&rendered, files.path());
        assert!(names.contains(&"interlocal.yaml".to_owned()), "{folder}: {names:?}");
        let mut args = vec!["validate"];
        args.extend(names.iter().map(String::as_str));
        let ended = process::run(files.path(), &args).await;
        assert_eq!(ended.code, Some(0), "{folder}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.stdout.matches(": fine").count(), names.len(), "{folder}: {}", ended.stdout);
        checked += names.len();
    }
    assert!(checked >= 2 * FOLDERS.len() - 1, "{checked} files");
}

/// The ConfigMaps land where the program looks by itself, under the names that it knows.
#[tokio::test]
async fn the_files_are_where_the_program_looks() {
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("the_files_are_where_the_program_looks", folder).await else { return };
        let mount = &rendered.container()["volumeMounts"][0];
        assert_eq!(mount["mountPath"], "/etc/interlocal", "{folder}");
        let volume = &rendered.pod()["volumes"][0];
        assert_eq!(volume["name"], mount["name"], "{folder}");
        let sources = volume["projected"]["sources"].as_array().unwrap();
        let paths: Vec<&Value> = sources.iter().map(|source| &source["configMap"]["items"][0]["path"]).collect();
        assert_eq!(paths, ["interlocal.yaml", "peers.yaml"], "{folder}");
        // The configuration has to be there; a table that is not there stops no local DNS.
        assert_eq!(sources[0]["configMap"].get("optional"), None, "{folder}");
        assert_eq!(sources[1]["configMap"]["optional"], true, "{folder}");
        let config = sources[0]["configMap"]["name"].as_str().unwrap();
        rendered.get("ConfigMap", config);
    }
}

/// The kubelet does not kill a pod that still answers.
#[tokio::test]
async fn every_pod_has_time_for_its_lameduck() {
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("every_pod_has_time_for_its_lameduck", folder).await else { return };
        let config = rendered.pod()["volumes"][0]["projected"]["sources"][0]["configMap"]["name"].as_str().unwrap();
        let text = rendered.get("ConfigMap", config)["data"]["interlocal.yaml"].as_str().unwrap();
        let lameduck = seconds(text.split_once("lameduck: ").unwrap().1.split('}').next().unwrap());
        let grace = rendered.pod()["terminationGracePeriodSeconds"].as_u64().unwrap();
        // What is in flight at its end has its own deadline.
        assert!(lameduck + 10 <= grace, "{folder}: {lameduck} s of lameduck, {grace} s of grace");
    }
}

/// Peers can only be asked for names of a region that knows itself: the label comes from the one ConfigMap that differs.
#[tokio::test]
async fn the_region_comes_from_a_map_of_its_own() {
    for folder in FOLDERS {
        let Some(rendered) = Rendered::of("the_region_comes_from_a_map_of_its_own", folder).await else { return };
        let expected = serde_json::json!({
            "name": "INTERLOCAL_REGION",
            "valueFrom": {"configMapKeyRef": {"name": "interlocal-region", "key": "region", "optional": true}}
        });
        assert_eq!(rendered.container()["env"][0], expected, "{folder}");
        for map in rendered.objects.iter().filter(|object| object["kind"] == "ConfigMap") {
            let text = map["data"].get("interlocal.yaml").and_then(Value::as_str).unwrap_or_default();
            assert!(!text.lines().any(|line| line.starts_with("region:")), "{folder}: {text}");
        }
    }
}
