//! Upstreams over TLS and by host, as `check` sees them.

use hickory_proto::rr::RecordType::{A, AAAA, NS};
use interlocal::tls::ServerFiles;

use crate::support::certificates::{Authority, Files};
use crate::support::server::ScriptServer;
use crate::support::tls_front::TlsFront;

use super::world::{Place, World, row};

#[tokio::test]
async fn upstreams_are_asked_as_their_row_says() {
    let (world, upstream, names) = (World::new(), ScriptServer::start(), ScriptServer::start());
    upstream.on(".", NS).nodata(".", 60);
    names.on("up.test", A).answer_a("127.0.0.1", 60);
    names.on("up.test", AAAA).nodata("test", 60);
    let authority = Authority::new("one");
    let files = Files::in_folder(world.folder());
    files.ca(authority.pem());
    files.put("other.crt", Authority::new("two").pem());
    files.pair(&authority.sign(&["dns.test", "up.test"]));
    let path = |name: &str| world.folder().join("tls").join(name);
    let certificate = ServerFiles { certificate: path("tls.crt"), key: path("tls.key"), client_ca: None };
    let tls = TlsFront::start(&certificate, upstream.address()).await;
    let (address, port) = (tls.address(), tls.address().port());
    let forward = format!(
        "[{{zone: ., to: [\"127.0.0.1%dns.test:{port}\", \"up.test:{port}\"], tls: {{ca: tls/ca.crt}}, resolver: [\"{}\"]}}, \
         {{zone: corp.test, to: [\"{address}\"], tls: {{ca: tls/other.crt, server_name: dns.test}}}}, \
         {{zone: other.test, to: [\"gone.test:{port}\"], tls: {{ca: tls/ca.crt}}, resolver: [\"{}\"]}}]",
        names.address(),
        names.address(),
    );
    let east = Place::new("east").key("forward", &forward);
    world.table(&[row("east", east.peers())]);
    let _running = world.serve_ready(&east).await;
    let ended = world.check(&east, &[]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    for part in [
        format!("`.` is answered by {address} over TLS"),
        format!("✖ upstream: {address}, asked for `corp.test` over TLS, does not answer"),
        "certificate not trusted".to_owned(),
        format!("✖ upstream: `gone.test:{port}`, an upstream of `other.test`, does not resolve"),
        "no such name".to_owned(),
    ] {
        assert!(ended.stdout.contains(&part), "{part}:\n{}", ended.stdout);
    }
    assert!(tls.accepted() > 2, "each of the two for `.` was asked");
    let status = world.run(&["status", "--admin", &east.admin().to_string()]).await;
    assert!(status.stdout.contains("UPSTREAM") && status.stdout.contains("tls"), "{}{}", status.stdout, status.stderr);
    assert!(status.stdout.contains("gone.test"), "{}{}", status.stdout, status.stderr);
}
