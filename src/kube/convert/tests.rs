//! Odd objects, one by one.

use super::*;
use crate::config::yaml;

fn converted(kind: Kind, text: &str) -> (Converted, Vec<String>) {
    let raw: RawObject = yaml::from_str(text, 1).unwrap();
    let mut skipped = Vec::new();
    let selection = Selection { pod_names: true, ..Selection::default() };
    let converted = convert(kind, &raw, &selection, &mut |it| skipped.push(format!("{}: {}", it.object, it.reason)));
    (converted, skipped)
}

fn service_of(spec: &str) -> (Option<ServiceKind>, Vec<String>) {
    let (converted, skipped) =
        converted(Kind::Service, &format!("metadata: {{name: web, namespace: shop}}\nspec: {spec}"));
    match converted {
        Converted::Object(Object::Service(service)) => (Some(service.kind), skipped),
        _ => (None, skipped),
    }
}

fn cluster_ips(texts: &[&str]) -> Option<ServiceKind> {
    Some(ServiceKind::ClusterIp(texts.iter().map(|text| text.parse().unwrap()).collect()))
}

#[test]
fn services_of_every_kind() {
    for (spec, expected) in [
        ("{clusterIP: 10.0.0.1}", cluster_ips(&["10.0.0.1"])),
        (
            "{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, fd00::1], type: NodePort}",
            cluster_ips(&["10.0.0.1", "fd00::1"]),
        ),
        ("{type: LoadBalancer}", cluster_ips(&[])),
        ("null", cluster_ips(&[])),
        ("{clusterIP: \"\", clusterIPs: null}", cluster_ips(&[])),
        ("{clusterIP: None}", Some(ServiceKind::Headless)),
        ("{clusterIPs: [None]}", Some(ServiceKind::Headless)),
        (
            "{type: ExternalName, externalName: Example.COM.}",
            Some(ServiceKind::ExternalName("example.com".parse().unwrap())),
        ),
    ] {
        assert_eq!(service_of(spec), (expected, vec![]), "{spec}");
    }
}

#[test]
fn odd_services_are_gone_and_named() {
    for (spec, reason) in [
        ("{type: Magic}", "spec.type: `Magic` is not known"),
        ("{type: ExternalName}", "spec.externalName: a name must not be empty; the root is \".\""),
        (
            "{type: ExternalName, externalName: 192.0.2.1}",
            "spec.externalName: `192.0.2.1` is an address, and a CNAME needs a name",
        ),
        (
            "{type: ExternalName, externalName: a..b}",
            "spec.externalName: empty label (two dots in a row, or a dot in front)",
        ),
        ("{clusterIP: {}}", "spec.clusterIP: expected text, found a mapping"),
    ] {
        assert_eq!(service_of(spec), (None, vec![format!("Service shop/web: {reason}")]), "{spec}");
    }
}

#[test]
fn odd_parts_cost_themselves_only() {
    let (kind, skipped) = service_of("{clusterIPs: [10.0.0.1, 300.0.0.1, nonsense]}");
    assert_eq!(kind, cluster_ips(&["10.0.0.1"]));
    assert_eq!(skipped, ["Service shop/web: spec.clusterIPs: `300.0.0.1` is no IP address (and 1 more)"]);
    let ports = "[{port: 1}, {port: 0}, {port: 65536}, {port: 1.5}, {}, {name: A, port: 2, protocol: UDP}, \
                 {name: a_b, port: 3}, {name: c, port: 4, protocol: ICMP}, null, 7]";
    let (converted, skipped) =
        converted(Kind::Service, &format!("metadata: {{name: web, namespace: shop}}\nspec: {{ports: {ports}}}"));
    let Converted::Object(Object::Service(service)) = converted else { panic!("a Service") };
    let kept: Vec<_> = service.ports.iter().map(|port| (&*port.name, port.protocol, port.number)).collect();
    assert_eq!(kept, [("", Protocol::Tcp, 1), ("a", Protocol::Udp, 2)]);
    assert_eq!(skipped, ["Service shop/web: spec.ports: a port is a number from 1 to 65535 (and 5 more)"]);
}

#[test]
fn names_must_be_labels() {
    for (kind, name) in [(Kind::Service, "Web"), (Kind::Namespace, "a.b"), (Kind::Service, ""), (Kind::Slice, "")] {
        let (converted, skipped) = converted(kind, &format!("metadata: {{name: \"{name}\"}}"));
        assert_eq!(converted, Converted::Gone(None));
        assert!(skipped[0].contains("is no DNS label"), "{skipped:?}");
    }
    let (_, skipped) = converted(Kind::Service, "metadata: {name: \"a\\nb\"}");
    assert_eq!(skipped, ["Service: metadata.name: `a\\nb` is no DNS label"], "on one line");
    assert_eq!(converted(Kind::Pod, "{}").1, ["Pod: has no metadata"]);
    let (converted, _) = converted(Kind::Service, "metadata: {name: web}");
    let Converted::Object(object) = converted else { panic!("an object") };
    assert_eq!(object.key().to_string(), "Service default/web");
}

fn slice_of(text: &str) -> (Option<Slice>, Vec<String>) {
    let labels = "{name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}";
    let (converted, skipped) = converted(Kind::Slice, &format!("metadata: {labels}\n{text}"));
    match converted {
        Converted::Object(Object::Slice(slice)) => (Some(slice), skipped),
        _ => (None, skipped),
    }
}

#[test]
fn endpoints_are_ready_unless_they_say_no() {
    let (slice, skipped) = slice_of(
        "addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n- addresses: [10.0.0.2]\n  conditions: {ready: false}\n\
         - addresses: [10.0.0.3, 10.0.0.4]\n  conditions: {ready: null}\n  hostname: Db\n- {addresses: null}\n",
    );
    let endpoints: Vec<_> = slice
        .unwrap()
        .endpoints
        .iter()
        .map(|it| (it.address.to_string(), it.ready, it.hostname.as_deref().map(str::to_owned)))
        .collect();
    let expected = [
        ("10.0.0.1", true, None),
        ("10.0.0.2", false, None),
        ("10.0.0.3", true, Some("db")),
        ("10.0.0.4", true, Some("db")),
    ];
    assert_eq!(endpoints, expected.map(|(a, ready, host)| (a.to_owned(), ready, host.map(str::to_owned))));
    assert_eq!(skipped, [""; 0]);
}

#[test]
fn odd_endpoints_cost_themselves_only() {
    let (slice, skipped) = slice_of(
        "addressType: IPv6\nendpoints:\n- addresses: [fd00::1, 10.0.0.1]\n- addresses: [fd00::2]\n  hostname: a.b\n\
         - text\n- addresses: [fd00::3]\n  targetRef: {kind: Pod, name: a.b}\nports:\n- {name: x, port: 1}\n- {name: y}\n",
    );
    let slice = slice.unwrap();
    let kept: Vec<_> = slice.endpoints.iter().map(|it| (it.address.to_string(), it.pod.clone())).collect();
    assert_eq!(kept, [("fd00::1".to_owned(), None), ("fd00::3".to_owned(), None)]);
    assert_eq!(slice.ports.len(), 1);
    let reason = "endpoints[].addresses: `10.0.0.1` is not of the slice's addressType (and 2 more)";
    assert_eq!(skipped, [format!("EndpointSlice shop/web-1: {reason}")]);
}

#[test]
fn slices_that_name_hosts_or_no_service_are_not_ours() {
    assert_eq!(slice_of("addressType: FQDN"), (None, vec![]));
    assert_eq!(slice_of("addressType: IPv5").1, ["EndpointSlice shop/web-1: addressType: `IPv5` is not known"]);
    let (converted, skipped) = converted(Kind::Slice, "metadata: {name: web-1}\naddressType: IPv4");
    assert!(matches!(converted, Converted::Gone(Some(_))));
    let reason = "the label kubernetes.io/service-name does not name a Service";
    assert_eq!(skipped, [format!("EndpointSlice default/web-1: {reason}")]);
}

#[test]
fn pods_have_all_their_addresses_until_they_are_over() {
    let pod =
        |status: &str| converted(Kind::Pod, &format!("metadata: {{name: a.b, namespace: shop}}\nstatus: {status}"));
    let (converted, skipped) = pod("{phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: fd00::1}]}");
    let Converted::Object(Object::Pod(found)) = converted else { panic!("a pod") };
    assert_eq!(*found.addresses, ["10.0.0.1", "fd00::1"].map(|text| text.parse::<IpAddr>().unwrap()));
    assert_eq!(skipped, [""; 0]);
    let (converted, _) = pod("{podIP: 10.0.0.1}");
    assert!(matches!(converted, Converted::Object(Object::Pod(pod)) if pod.addresses.len() == 1));
    assert!(matches!(pod("{phase: Failed, podIP: 10.0.0.1}"), (Converted::Gone(Some(_)), none) if none.is_empty()));
}

#[test]
fn only_the_groups_of_kubernetes_count() {
    assert_eq!(kind_of("v1", "Service"), Some(Kind::Service));
    assert_eq!(kind_of("", "Pod"), Some(Kind::Pod));
    assert_eq!(kind_of("serving.knative.dev/v1", "Service"), None);
    assert_eq!(kind_of("discovery.k8s.io/v1", "EndpointSlice"), Some(Kind::Slice));
    assert_eq!(kind_of("v1", "Endpoints"), None);
}

#[test]
fn what_lies_outside_is_kept_only_if_somebody_asks_for_it() {
    let text = "metadata: {name: web, namespace: shop}\nspec: {clusterIP: 10.0.0.1, externalIPs: [192.0.2.3, nonsense]}\n\
                status: {loadBalancer: {ingress: [{ip: 192.0.2.4}, {}, {hostname: LB.example.net}, {hostname: b.example}, {hostname: a..b}]}}";
    let raw: RawObject = yaml::from_str(text, 1).unwrap();
    let of = |raw: &RawObject, external: bool| {
        let mut skipped = Vec::new();
        let selection = Selection { external, ..Selection::default() };
        let converted = convert(Kind::Service, raw, &selection, &mut |it| skipped.push(it.reason));
        let Converted::Object(Object::Service(service)) = converted else { panic!("{converted:?}") };
        (service.external, skipped)
    };
    assert_eq!(of(&raw, false), (None, vec![]));
    let (external, skipped) = of(&raw, true);
    let addresses = ["192.0.2.3", "192.0.2.4"].map(|text| text.parse().unwrap());
    assert_eq!(
        external.unwrap(),
        Box::new(External { addresses: addresses.into(), host: "lb.example.net".parse().ok() })
    );
    assert_eq!(skipped, ["spec.externalIPs: `nonsense` is no IP address (and 1 more)"]);
    for odd in ["[]", "{loadBalancer: 7}", "{loadBalancer: {ingress: {}}}", "{loadBalancer: {ingress: [7]}}"] {
        let text = format!("metadata: {{name: web, namespace: shop}}\nspec: {{clusterIP: 10.0.0.1}}\nstatus: {odd}");
        let (external, skipped) = of(&yaml::from_str(&text, 1).unwrap(), true);
        assert_eq!((external, skipped.len()), (None, 1), "{odd}: the Service stays");
    }
}
