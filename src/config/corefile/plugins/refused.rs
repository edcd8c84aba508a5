//! Directives that would change answers and are not supported: an error that says why, and what to do instead. Answering
//! differently without a word would be worse.

use crate::config::corefile::directive::Directive;
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;

const STUB: &str = "keep a server that does, and forward the zone to it: `forward ZONE ADDRESS`";
const CLEAR: &str =
    "pods ask over UDP and TCP; other regions can ask over TLS, see `listen.peers_tls` of interlocal.yaml";

/// Name, what would be different, and what to do instead.
pub(super) const REFUSED: [(&str, &str, &str); 30] = [
    ("auto", "zone files are not served", STUB),
    ("azure", "zones of Azure DNS are not served", STUB),
    ("clouddns", "zones of Google Cloud DNS are not served", STUB),
    ("dnssec", "answers are not signed", "sign the zone where it is served, and forward it: `forward ZONE ADDRESS`"),
    ("dynupdate", "zones do not take updates", STUB),
    ("erratic", "answers are not wrong on purpose", "remove it; it is for tests of clients"),
    ("etcd", "names in etcd are not served", STUB),
    ("file", "zone files are not served", STUB),
    (
        "grpc",
        "upstreams over gRPC are not asked",
        "name an upstream that answers over UDP or TCP: `forward ZONE ADDRESS`",
    ),
    ("grpc_server", "there is no listener over gRPC", CLEAR),
    ("https", "there is no listener over HTTPS", CLEAR),
    ("https3", "there is no listener over HTTP/3", CLEAR),
    (
        "kubernetai",
        "several clusters in one server are not served",
        "run one instance in each cluster, and name them in the peer table",
    ),
    ("nomad", "names of Nomad are not served", STUB),
    (
        "ocp_dnsnameresolver",
        "it is a plugin of OpenShift's own build, for the egress firewall",
        "leave that feature off, or keep OpenShift's CoreDNS",
    ),
    ("on", "no commands are run", "run it where the server is started"),
    ("quic", "there is no listener over QUIC", CLEAR),
    ("root", "no zone files are read, and a folder for them means nothing", "remove it"),
    (
        "route53",
        "zones of Route 53 are not served",
        "inside AWS the VPC's resolver answers them: `forward ZONE 169.254.169.253`",
    ),
    ("secondary", "zones are not transferred from elsewhere", STUB),
    ("sign", "zones are not signed", "sign the zone where it is served"),
    ("siit", "addresses are not translated", STUB),
    ("tls", "pods are not answered over TLS", CLEAR),
    ("transfer", "zones are not handed out: AXFR is refused", "read the cluster's API instead"),
    ("tsig", "questions with TSIG are not verified", "restrict who asks with `acl`"),
    ("unbound", "it resolves by itself only what it is told to forward", "name resolvers: `forward . ADDRESS`"),
    (
        "view",
        "which block answers depends on the zone alone",
        "serve the second view on an address of its own: `bind ADDRESS`",
    ),
    ("alternate", "the next upstream is not asked because of an rcode", "give each zone the upstreams that know it"),
    (
        "fanout",
        "upstreams are asked one after another, the fastest first",
        "write `forward` with the same upstreams: one that is late is not waited for",
    ),
    ("ads", "there are no lists of names to block", "answer them with `template` or `hosts`"),
];

/// Says why; false if it is none of these.
pub(super) fn read(directive: &Directive, sources: &Sources) -> bool {
    let found = REFUSED.iter().find(|(name, ..)| directive.name.is(name));
    if let Some((name, why, instead)) = found {
        sources.error(directive.spot(), Fault::new(format!("`{name}` is not supported: {why}")).help(*instead));
    }
    found.is_some()
}
