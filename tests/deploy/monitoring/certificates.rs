//! A certificate that has ended is said and shown, by the binary as it runs.

use crate::support::certificates::{Authority, Files};
use crate::support::ports::free_block;
use crate::support::process::Process;
use crate::support::wait::eventually;
use crate::support::{http, secs};

#[tokio::test]
async fn a_certificate_that_has_ended_is_said_and_shown() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_block(2));
    let config = format!(
        "listen: {{dns: [], peers: [], health: \"\", ready: \"\", metrics: \"\", admin: \"127.0.0.1:{port}\", \
         peers_tls: {{listen: [\"127.0.0.1:{}\"], cert: tls/tls.crt, key: tls/tls.key}}}}\n\
         kubernetes: {{source: objects}}\npeers: {{file: \"\"}}\nforward: []\nshutdown: {{lameduck: 0s}}\n",
        port + 1
    );
    std::fs::create_dir(folder.path().join("objects")).unwrap();
    std::fs::write(folder.path().join("interlocal.yaml"), config).unwrap();
    let files = Files::in_folder(folder.path());
    files.pair(&Authority::new("one").sign_until(&["dns.interlocal.test"], 2_020));
    let process = Process::start(folder.path(), &["serve", "--config", "interlocal.yaml"]);
    let said = eventually(secs(30), || async { process.stderr().contains("certificate has ended") });
    assert!(said.await, "{}", process.stderr());
    let (_, text) = http::get(([127, 0, 0, 1], port).into(), "/metrics").await.unwrap();
    let end = http::series(&text, "interlocal_tls_not_after_timestamp_seconds{file=\"certificate\"}");
    assert_eq!(end, Some(1_577_836_800.0), "the first day of 2020");
    assert_eq!(process.stderr().matches("certificate has ended").count(), 1, "{}", process.stderr());
}
