//! Kubernetes objects as text, in few words. A path is `namespace/name`; a port is `http:80`, or `dns:53/UDP`.

/// Several objects in one file.
pub fn join(objects: &[String]) -> String {
    objects.join("---\n")
}

pub fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
}

/// The namespace whose uid is the cluster's identity.
pub fn cluster(uid: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: kube-system, uid: {uid}}}\n")
}

/// A ClusterIP Service with these addresses.
pub fn service(path: &str, addresses: &[&str], ports: &[&str]) -> String {
    let listed = quoted(addresses);
    let first = addresses.first().copied().unwrap_or("None");
    of_kind("Service", path, "")
        + &format!(
            "spec: {{type: ClusterIP, clusterIP: \"{first}\", clusterIPs: [{listed}], ports: {}}}\n",
            port_list(ports)
        )
}

pub fn headless(path: &str, ports: &[&str]) -> String {
    of_kind("Service", path, "")
        + &format!("spec: {{type: ClusterIP, clusterIP: None, clusterIPs: [None], ports: {}}}\n", port_list(ports))
}

pub fn external(path: &str, target: &str) -> String {
    of_kind("Service", path, "") + &format!("spec: {{type: ExternalName, externalName: {target}}}\n")
}

/// An EndpointSlice of the Service with this path; an endpoint is an address, `address=hostname`, or either with `!`
/// behind it if it is not ready. All addresses are of the family of the first one.
pub fn slice(service: &str, endpoints: &[&str], ports: &[&str]) -> String {
    let (namespace, name) = service.split_once('/').unwrap();
    let family = if endpoints.first().is_some_and(|first| first.contains(':')) { "IPv6" } else { "IPv4" };
    let mut text = of_kind(
        "EndpointSlice",
        &format!("{namespace}/{name}-{}", family.to_lowercase()),
        &format!(", labels: {{kubernetes.io/service-name: {name}}}"),
    );
    text += &format!("addressType: {family}\nports: {}\nendpoints:\n", port_list(ports));
    for endpoint in endpoints {
        let ready = !endpoint.ends_with('!');
        let endpoint = endpoint.trim_end_matches('!');
        let (address, hostname) = match endpoint.split_once('=') {
            Some((address, hostname)) => (address, format!(", hostname: {hostname}")),
            None => (endpoint, String::new()),
        };
        text += &format!("- {{addresses: [\"{address}\"]{hostname}, conditions: {{ready: {ready}}}}}\n");
    }
    text
}

fn of_kind(kind: &str, path: &str, metadata: &str) -> String {
    let (namespace, name) = path.split_once('/').unwrap();
    let version = if kind == "EndpointSlice" { "discovery.k8s.io/v1" } else { "v1" };
    format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}{metadata}}}\n")
}

fn port_list(ports: &[&str]) -> String {
    let port = |text: &&str| {
        let (name, number) = text.split_once(':').unwrap();
        let (number, protocol) = number.split_once('/').unwrap_or((number, "TCP"));
        format!("{{name: {name}, port: {number}, protocol: {protocol}}}")
    };
    format!("[{}]", ports.iter().map(port).collect::<Vec<_>>().join(", "))
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
}
