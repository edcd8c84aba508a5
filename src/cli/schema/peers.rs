//! The schema of `peers.yaml`. A test holds its keys against the reader.

use super::DRAFT;
use super::json::Json;

/// A host or an address, and a port.
const ENDPOINT: &str = "^[A-Za-z0-9._:\\[\\]-]+$";
/// A domain name. What else is wrong with one is for `validate` to say.
const NAME: &str = "^[^\\s/:]+$";
/// An address or a network.
const NETWORK: &str = "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$";

/// The keys of a row: how each is typed, what a text of it looks like, what it means, examples.
const ROW: &[(&str, &str, &str, &str, &[&str])] = &[
    (
        "endpoints",
        "list",
        ENDPOINT,
        "Where its resolver answers: hosts or addresses, port 53 and TCP unless given. An IPv6 address with a port needs brackets. Needed in every row but the own one.",
        &["k8s-dns.elb.us-east-2.amazonaws.com", "10.0.118.91", "[2001:db8::7]:53"],
    ),
    (
        "zones",
        "list",
        NAME,
        "The names that it owns, below svc.<domain>. Left out: <label>.svc.<domain>.",
        &["east.svc.cluster.local", "kafka.svc.cluster.local"],
    ),
    ("mesh", "string", NAME, "A second name of its whole cluster domain, for everybody.", &["east.mesh"]),
    ("cidrs", "list", NETWORK, "Its pod ranges, for reverse names.", &["10.0.96.0/20"]),
    ("allow_tld", "boolean", "", "The label may be a top-level domain.", &[]),
    (
        "override_local",
        "boolean",
        "",
        "A reload may hide a namespace of the own cluster that has the region's name.",
        &[],
    ),
];
/// The keys of a row's `tls`.
const TLS: &[(&str, &str)] = &[
    ("ca", "PEM file of the authorities that may vouch for the region. Left out: those of the system."),
    ("server_name", "The name or address that its certificate is for. Left out: that of the endpoint."),
    ("cert", "PEM file of our own certificate, for a region that asks for one; with `key`."),
    ("key", "PEM file of its key."),
];

pub(super) fn schema() -> Json {
    let mut keys: Vec<(String, Json)> = ROW.iter().map(|row| (row.0.to_owned(), key(row))).collect();
    let tls = TLS.iter().map(|(name, text)| {
        let path = Json::map([("type", Json::text("string")), ("description", Json::text(text))]);
        ((*name).to_owned(), path)
    });
    keys.push((
        "tls".to_owned(),
        Json::map([
            ("type", Json::text("object")),
            (
                "description",
                Json::text("It is asked over TLS only, on port 853 unless given; {} trusts the system's authorities."),
            ),
            ("properties", Json::Map(tls.collect())),
            ("dependencies", Json::map([("cert", Json::texts(&["key"])), ("key", Json::texts(&["cert"]))])),
            ("additionalProperties", Json::Bool(false)),
        ]),
    ));
    let row = Json::map([
        ("type", Json::texts(&["object", "null"])),
        ("properties", Json::Map(keys)),
        ("additionalProperties", Json::Bool(false)),
    ]);
    let label = Json::map([("pattern", Json::text("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]);
    let regions = Json::map([
        ("type", Json::text("object")),
        ("description", Json::text("One row a cluster, by the label of its region.")),
        ("propertyNames", label),
        ("additionalProperties", row),
    ]);
    let version = Json::map([
        ("type", Json::texts(&["integer", "null"])),
        ("minimum", Json::Number(1)),
        ("description", Json::text("1, or left out.")),
    ]);
    let domain = "The domain of all clusters, or left out. Another than `cluster_domain` is an error.";
    let domain = Json::map([
        ("type", Json::texts(&["string", "null"])),
        ("pattern", Json::text(NAME)),
        ("description", Json::text(domain)),
    ]);
    Json::map([
        ("$schema", Json::text(DRAFT)),
        ("title", Json::text("peers.yaml")),
        ("type", Json::text("object")),
        ("properties", Json::map([("version", version), ("domain", domain), ("regions", regions)])),
        ("required", Json::texts(&["regions"])),
        ("additionalProperties", Json::Bool(false)),
    ])
}

fn key((_, kind, pattern, text, examples): &(&str, &str, &str, &str, &[&str])) -> Json {
    let text = ("description", Json::text(text));
    match *kind {
        "list" => {
            let item = Json::map([
                ("type", Json::text("string")),
                ("pattern", Json::text(pattern)),
                ("examples", Json::texts(examples)),
            ]);
            Json::map([("type", Json::texts(&["array", "null"])), ("items", item), text])
        }
        "boolean" => Json::map([("type", Json::text("boolean")), ("default", Json::Bool(false)), text]),
        _ => Json::map([
            ("type", Json::text("string")),
            ("pattern", Json::text(pattern)),
            ("examples", Json::texts(examples)),
            text,
        ]),
    }
}
