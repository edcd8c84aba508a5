//! The chart as a whole: Helm finds nothing wrong with it, it packs, and its notes say what to do next.

use std::path::Path;

use super::{CHART, RELEASE, template};
use crate::support::helm::Helm;

#[test]
fn helm_lint_finds_nothing() {
    let Some(helm) = Helm::find("helm_lint_finds_nothing") else { return };
    let lint = ["lint", CHART, "--strict", "--kube-version", "1.37.1"];
    for values in [&[][..], &["--values", "examples/node-local.yaml"], &["--set", "daemonset.enabled=true"]] {
        let said = helm.run(Path::new(CHART), &[&lint, values].concat());
        assert!(said.ok, "{}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("1 chart(s) linted, 0 chart(s) failed"), "{}", said.stdout);
        assert!(!said.stdout.contains("[WARNING]"), "{}", said.stdout);
    }
}

#[test]
fn it_packs_with_what_a_cluster_needs_and_is_the_program_s_version() {
    let Some(helm) = Helm::find("it_packs_with_what_a_cluster_needs_and_is_the_program_s_version") else { return };
    let folder = tempfile::tempdir().unwrap();
    helm.run(folder.path(), &["package", CHART]).good();
    let packed = format!("interlocal-{}.tgz", env!("CARGO_PKG_VERSION"));
    let shown = helm.run(folder.path(), &["show", "all", &packed]).good();
    assert!(shown.contains(&format!("appVersion: {}\n", env!("CARGO_PKG_VERSION"))), "{shown}");
    assert!(shown.contains("# The Helm chart"), "the README is in it");
    let from_archive = helm
        .run(folder.path(), &["template", RELEASE, &packed, "--namespace", "kube-system", "--kube-version", "1.37.1"]);
    assert_eq!(from_archive.good(), template(&helm, RELEASE, &[]).good());
}

/// A chart can only read what is below it.
#[test]
fn its_files_are_those_of_the_manifests() {
    let mut same = 0;
    for entry in std::fs::read_dir(format!("{CHART}/files")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ours = format!("{}/deploy/components/monitoring/{name}", env!("CARGO_MANIFEST_DIR"));
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert!(read(&path) == read(Path::new(&ours)), "cp {ours} {}", path.display());
        same += 1;
    }
    assert_eq!(same, 2);
}

/// The notes, which `helm template` leaves out.
fn notes(helm: &Helm, values: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let install = ["install", RELEASE, CHART, "--namespace", "kube-system", "--dry-run=client"];
    let said = helm.run(folder.path(), &[&install, values].concat()).good();
    let (_, notes) = said.split_once("\nNOTES:\n").unwrap();
    notes.to_owned()
}

#[tokio::test]
async fn the_notes_say_what_is_left_to_do() {
    let test = "the_notes_say_what_is_left_to_do";
    let Some(helm) = Helm::find(test) else { return };
    // Helm wants to know whose cluster it is, even if it only prints.
    let Some(api) = crate::support::apiserver::ApiServer::shared(test).await else { return };
    let helm = helm.with(api.kubeconfig());
    let alone = notes(&helm, &[]);
    assert!(alone.contains("answers for cluster.local, at 10.96.0.10 as Service kube-system/kube-dns."), "{alone}");
    assert!(alone.contains("rollout status deployment/interlocal\n"), "{alone}");
    assert!(alone.contains("There are no other regions yet"), "{alone}");
    let table = ["--set", "peers.regions.east.endpoints={a.example.com}"];
    let known = notes(&helm, &table);
    assert!(known.contains("create configmap interlocal-region --from-literal=region=NAME"), "{known}");
    assert!(known.contains("Nobody leads the other regions here"), "{known}");
    let whole =
        [&table[..], &["--set", "region=east,peersService.enabled=true,daemonset.enabled=true,service.create=false"]]
            .concat();
    let whole = notes(&helm, &whole);
    assert!(whole.contains("rollout status daemonset/interlocal\n"), "{whole}");
    assert!(whole.contains("get service interlocal-peers -o jsonpath"), "{whole}");
    assert!(!whole.contains("NAME") && !whole.contains("Nobody") && !whole.contains("10.96.0.10"), "{whole}");
}
