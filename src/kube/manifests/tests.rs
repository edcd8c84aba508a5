//! Whole manifests, as people and kubectl write them.

use super::*;
use crate::config::{Namespaces, Selector};

/// What `kubectl get svc,endpointslices -o yaml` gives, noise included.
const KUBECTL: &str = r#"apiVersion: v1
items:
- apiVersion: v1
  kind: Service
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"}}
    creationTimestamp: "2026-11-20T10:00:00Z"
    managedFields:
    - apiVersion: v1
      fieldsType: FieldsV1
      fieldsV1:
        f:metadata:
          f:labels:
            .: {}
            f:app: {}
      manager: kubectl
    name: web
    namespace: shop
    resourceVersion: "1234"
    uid: 0b7a9a2e-5a0f-4a0e-9a51-0d8f2b6a7c11
  spec:
    clusterIP: 10.96.0.10
    clusterIPs:
    - 10.96.0.10
    - fd00::10
    internalTrafficPolicy: Cluster
    ipFamilies: [IPv4, IPv6]
    ports:
    - name: http
      port: 80
      protocol: TCP
      targetPort: 8080
    - name: admin
      port: 9000
      targetPort: admin
    selector:
      app: web
    sessionAffinity: None
    type: ClusterIP
  status:
    loadBalancer: {}
- addressType: IPv4
  apiVersion: discovery.k8s.io/v1
  endpoints:
  - addresses:
    - 10.1.0.1
    conditions:
      ready: true
      serving: true
      terminating: false
    nodeName: node-1
    targetRef:
      kind: Pod
      name: web-7d4b9c-x2x4z
      namespace: shop
    zone: us-east-2a
  - addresses:
    - 10.1.0.2
    conditions:
      ready: null
    hostname: first
  kind: EndpointSlice
  metadata:
    generateName: web-
    labels:
      endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io
      kubernetes.io/service-name: web
    name: web-abcde
    namespace: shop
  ports:
  - name: http
    port: 8080
    protocol: TCP
kind: List
metadata:
  resourceVersion: ""
"#;

fn load_text(text: &str) -> Loaded {
    load_part(text, &Selection { pod_names: true, ..Selection::default() })
}

fn load_part(text: &str, selection: &Selection) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.yaml");
    fs::write(&file, text).unwrap();
    let mut loaded = load(&file, &Limits::default(), selection);
    for problem in &mut loaded.problems {
        problem.file = problem.file.file_name().unwrap().into();
    }
    loaded
}

fn problems(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

fn names(loaded: &Loaded) -> Vec<String> {
    loaded.objects.iter().map(|object| object.key().to_string()).collect()
}

#[test]
fn output_of_kubectl_is_read() {
    let loaded = load_text(KUBECTL);
    assert_eq!(problems(&loaded), [""; 0]);
    assert_eq!(names(&loaded), ["Service shop/web", "EndpointSlice shop/web-abcde"]);
    let Object::Slice(slice) = &loaded.objects[1] else { panic!("a slice") };
    assert_eq!((&*slice.service, slice.endpoints.len()), ("web", 2));
    assert_eq!(slice.endpoints[0].pod.as_deref(), Some("web-7d4b9c-x2x4z"));
    assert_eq!((slice.endpoints[1].hostname.as_deref(), slice.endpoints[1].ready), (Some("first"), true));
    let Object::Service(service) = &loaded.objects[0] else { panic!("a Service") };
    assert_eq!(service.ports.len(), 2);
}

#[test]
fn only_what_is_selected_is_kept() {
    let text = "kind: Namespace\nmetadata: {name: shop, labels: {dns: public}}\n\
         ---\nkind: Namespace\nmetadata: {name: kube-system}\n\
         ---\nkind: Service\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
         ---\nkind: Service\nmetadata: {name: db, namespace: shop, labels: [app]}\n\
         ---\nkind: Service\nmetadata: {name: web, namespace: kube-system, labels: {app: web}}\n\
         ---\nkind: Pod\nmetadata: {name: p, namespace: kube-system}\n";
    let served = |loaded: &Loaded| -> Vec<String> {
        let of = loaded.objects.iter().filter_map(|object| match object {
            Object::Namespace(namespace) if namespace.served => Some(namespace.name.to_string()),
            _ => None,
        });
        of.collect()
    };
    let named = Namespaces::Named([String::from("shop")].into());
    let loaded = load_part(text, &Selection { namespaces: named, ..Selection::default() });
    assert_eq!(served(&loaded), ["shop"]);
    let all = ["Namespace shop", "Namespace kube-system", "Service shop/web", "Service shop/db"];
    assert_eq!(names(&loaded), all, "kube-system says which cluster it is");
    let labelled = Namespaces::Labelled(Selector::parse("dns=public").unwrap());
    let labels = Selector::parse("app in (web)").unwrap();
    let loaded = load_part(text, &Selection { namespaces: labelled, labels, ..Selection::default() });
    assert_eq!(served(&loaded), ["shop"]);
    let all =
        ["Namespace shop", "Namespace kube-system", "Service shop/web", "Service kube-system/web", "Pod kube-system/p"];
    assert_eq!((names(&loaded), problems(&loaded)), (all.map(String::from).to_vec(), vec![]));
}

#[test]
fn json_is_read() {
    let loaded = load_text(r#"{"kind": "NamespaceList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]}"#);
    assert_eq!((names(&loaded), problems(&loaded)), (vec!["Namespace a".into()], vec![]));
}

#[test]
fn a_broken_document_costs_itself_only() {
    let loaded = load_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n\
         ---\napiVersion: v1\nkind: Namespace\nmetadata: {name: [}\n\
         ---\nkind: Namespace\nmetadata:\n  name: b\n   uid: c\n\
         ---\n# nothing\n---\njust text\n\
         ---\nkind: Namespace\nmetadata: {name: d}\n",
    );
    assert_eq!(names(&loaded), ["Namespace a", "Namespace d"]);
    let places: Vec<_> = loaded.problems.iter().map(|it| it.line).collect();
    assert_eq!(places, [7, 12, 16], "{:?}", problems(&loaded));
    assert_eq!(problems(&loaded)[2], "all.yaml:16:1: expected a Kubernetes object, found text");
}

#[test]
fn a_broken_item_costs_itself_only() {
    let loaded = load_text(
        "kind: List\nitems:\n- kind: Namespace\n  metadata: {name: a}\n- kind: Namespace\n  metadata: {name: 7}\n\
         - text\n- kind: Service\n  metadata: {name: web, namespace: a}\n  spec: [clusterIP]\n\
         - metadata: {name: c}\n- kind: Namespace\n  metadata: {name: d}\n",
    );
    assert_eq!(names(&loaded), ["Namespace a", "Namespace d"]);
    assert_eq!(
        problems(&loaded),
        [
            "all.yaml:5:3: Namespace: metadata.name: expected text, found a number",
            "all.yaml:7:3: object: expected a mapping, found text",
            "all.yaml:8:3: Service a/web: spec: expected a mapping, found a list",
            "all.yaml:11:3: is no Kubernetes object: it has no `kind`",
        ]
    );
}

#[test]
fn objects_of_other_kinds_and_groups_are_not_ours() {
    let loaded = load_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {ports: none}\n\
         ---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\n\
         ---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n",
    );
    assert_eq!((names(&loaded), problems(&loaded)), (vec![], vec![]));
}

#[test]
fn the_last_definition_counts() {
    let loaded =
        load_text("kind: Namespace\nmetadata: {name: a, uid: x}\n---\nkind: Namespace\nmetadata: {name: a, uid: z}\n");
    assert_eq!(problems(&loaded), ["all.yaml:4:1: Namespace a: is defined twice; this one counts"]);
    let [Object::Namespace(namespace)] = &loaded.objects[..] else { panic!("one namespace") };
    assert_eq!(&*namespace.uid, "z");
}

#[test]
fn a_folder_is_read_as_a_mounted_configmap_lays_it_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let namespace = |name: &str| format!("kind: Namespace\nmetadata: {{name: {name}}}\n");
    fs::create_dir(path.join("..2026_11_21")).unwrap();
    fs::write(path.join("..2026_11_21/b.yaml"), namespace("b")).unwrap();
    std::os::unix::fs::symlink("..2026_11_21", path.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/b.yaml", path.join("b.yaml")).unwrap();
    fs::write(path.join("a.yml"), namespace("a")).unwrap();
    fs::write(path.join("c.json"), "{\"kind\": \"Namespace\", \"metadata\": {\"name\": \"c\"}}").unwrap();
    fs::write(path.join(".hidden.yaml"), namespace("hidden")).unwrap();
    fs::write(path.join("notes.txt"), "no manifest").unwrap();
    fs::create_dir(path.join("sub.yaml")).unwrap();
    let loaded = load(path, &Limits::default(), &Selection::default());
    assert_eq!(problems(&loaded), [""; 0]);
    assert_eq!(names(&loaded), ["Namespace a", "Namespace b", "Namespace c"]);
    let again = load(path, &Limits::default(), &Selection::default());
    assert_eq!(again.hash, loaded.hash);
    fs::write(path.join("a.yml"), namespace("z")).unwrap();
    assert_ne!(load(path, &Limits::default(), &Selection::default()).hash, loaded.hash);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("missing.yaml"), &Limits::default(), &Selection::default());
    assert!(!missing.readable);
    assert!(problems(&missing)[0].contains("missing.yaml: cannot be read: "), "{:?}", problems(&missing));
    fs::write(folder.path().join("long.yaml"), "#".repeat(100)).unwrap();
    fs::write(folder.path().join("text.yaml"), b"# \n#\xff\n").unwrap();
    let loaded = load(folder.path(), &Limits { manifest_bytes: 99, ..Limits::default() }, &Selection::default());
    assert!(loaded.readable);
    assert!(problems(&loaded)[0].ends_with("long.yaml: is longer than 99 bytes (limits.manifest_bytes)"));
    assert!(problems(&loaded)[1].ends_with("text.yaml:2:1: is not UTF-8 from here on"));
}

#[test]
fn problems_are_bounded() {
    let loaded = load_text(&format!("kind: List\nitems:\n{}", "- text\n".repeat(MAX_PROBLEMS + 50)));
    assert_eq!((loaded.problems.len(), loaded.more_problems), (MAX_PROBLEMS, 50));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn mutated_manifests_are_read_or_refused(edits in proptest::collection::vec((0..KUBECTL.len(), proptest::prelude::any::<u8>()), 1..20)) {
        let mut bytes = KUBECTL.as_bytes().to_vec();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        let loaded = load_text(&String::from_utf8_lossy(&bytes));
        proptest::prop_assert!(loaded.objects.len() <= 3 && loaded.readable);
    }
}
