//! The chart makes what the folders of `deploy/` make, with the values that its README names for each.

use super::compare::{compare, fields};
use super::{CHART, RELEASE, objects};
use crate::rendered::Rendered;
use crate::support::helm::Helm;

/// A folder, the release and the values that stand for it, how many fields there are at least, and where the two differ on
/// purpose.
pub struct Pair {
    pub folder: &'static str,
    pub release: &'static str,
    pub values: &'static [&'static str],
    same: usize,
    differences: &'static [&'static str],
}

const fn pair(folder: &'static str, values: &'static [&'static str], same: usize) -> Pair {
    Pair { folder, release: RELEASE, values, same, differences: &[] }
}

pub const PAIRS: &[Pair] = &[
    pair("base", &[], 190),
    pair("keep-service", &["--set", "service.create=false"], 170),
    pair("daemonset", &["--set", "daemonset.enabled=true"], 150),
    pair("autoscaler", &["--set", "autoscaler.enabled=true"], 260),
    pair("peers-nlb", &["--set", "peersService.enabled=true"], 220),
    pair("network-policy", &["--set", "networkPolicy.enabled=true"], 230),
    pair(
        "monitoring",
        &["--set", "prometheus.monitor.enabled=true,prometheus.rules.enabled=true,prometheus.dashboard.enabled=true"],
        1300,
    ),
    Pair {
        folder: "node-local",
        release: "interlocal-node-local",
        values: &["--values", "examples/node-local.yaml"],
        same: 120,
        differences: &[],
    },
    Pair {
        folder: "high-port",
        release: RELEASE,
        values: &["--set", "ports.dns=5353"],
        same: 180,
        // The chart writes the port into the file, kustomize cannot change a line of it.
        differences: &[
            "ConfigMap interlocal: data.interlocal.yaml.listen.dns.0: \":53\", \":5353\"",
            "Deployment interlocal: spec.template.spec.containers.0.args.1: \"--listen\", nothing",
            "Deployment interlocal: spec.template.spec.containers.0.args.2: \":5353\", nothing",
        ],
    },
    Pair {
        folder: "pods-verified",
        release: RELEASE,
        values: &["--set", "config.kubernetes.pods=verified"],
        same: 190,
        // There the file is the operator's.
        differences: &["ConfigMap interlocal: data.interlocal.yaml.kubernetes: nothing, {\"pods\":\"verified\"}"],
    },
    Pair {
        folder: "example",
        release: RELEASE,
        values: &["--values", "examples/eks.yaml", "--set", "region=east"],
        same: 250,
        // A value says the region, in place of a ConfigMap of the operator's.
        differences: &[
            "ConfigMap interlocal-region: {\"apiVersion\":\"v1\",\"data\":{\"region\":\"east\"},\"kind\":\"ConfigMap\",\
             \"metadata\":{\"name\":\"interlocal-region\",\"namespace\":\"kube-system\"}}, nothing",
            "Deployment interlocal: spec.template.spec.containers.0.env.0.valueFrom: \
             {\"configMapKeyRef\":{\"key\":\"region\",\"name\":\"interlocal-region\",\"optional\":true}}, nothing",
            "Deployment interlocal: spec.template.spec.containers.0.env.0.value: nothing, \"east\"",
        ],
    },
];

#[tokio::test]
async fn the_chart_makes_what_kustomize_makes() {
    let test = "the_chart_makes_what_kustomize_makes";
    let Some(helm) = Helm::find(test) else { return };
    let mut wrong = Vec::new();
    for pair in PAIRS {
        let Some(kustomize) = Rendered::of(test, pair.folder).await else { return };
        let found = compare(&kustomize.objects, &objects(&helm, pair.release, pair.values));
        if found.differences != pair.differences {
            wrong.push(format!("deploy/{} with {:?}:\n  {}", pair.folder, pair.values, found.differences.join("\n  ")));
        }
        // None is lost on the way.
        let all = fields(&kustomize.objects);
        if found.same < pair.same || (pair.differences.is_empty() && found.same != all) {
            wrong.push(format!("deploy/{}: {} of {all} fields are the same", pair.folder, found.same));
        }
        println!("deploy/{}: {} of {all} fields are the same", pair.folder, found.same);
    }
    assert!(wrong.is_empty(), "kustomize, Helm:\n{}", wrong.join("\n"));
}

/// What the README promises for each folder is what was compared.
#[test]
fn the_readme_names_the_values_for_each_folder() {
    let readme = std::fs::read_to_string(format!("{CHART}/README.md")).unwrap();
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `deploy/")).collect();
    assert_eq!(rows.len(), PAIRS.len());
    for pair in PAIRS {
        let row = rows.iter().find(|row| row.starts_with(&format!("| `deploy/{}` |", pair.folder)));
        let row = row.unwrap_or_else(|| panic!("no row for {}", pair.folder)).replace(['{', '}', ':', ' '], ".");
        let words: Vec<&str> = row.split(['.', '`', '|', '[', ']', '(', ')']).filter(|word| !word.is_empty()).collect();
        // `--set a.b=c` is `a: {b: c}`, and a switch is its name.
        let values = pair.values.get(1).map_or("none", |values| values);
        for said in values.split(',').map(|value| value.trim_end_matches("=true").replace('=', ".")) {
            let said: Vec<&str> = said.split('.').collect();
            assert!(words.windows(said.len()).any(|words| words == said), "{row}: {said:?}");
        }
    }
}

/// A new folder needs values.
#[test]
fn every_folder_that_is_applied_has_values() {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy")).unwrap() {
        let path = entry.unwrap().path();
        if path.join("kustomization.yaml").is_file() {
            folders.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    folders.sort();
    let mut known: Vec<&str> = PAIRS.iter().map(|pair| pair.folder).collect();
    known.sort_unstable();
    assert_eq!(folders, known);
}
