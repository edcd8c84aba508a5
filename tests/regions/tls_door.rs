//! The peers' door over TLS as a server: who is let in, what ends a handshake, and that nothing of it touches any other door.

use std::process::{Command, Stdio};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::certificates::{Authority, Files};
use crate::support::client::{Ask, Conversation, Heard, PATIENCE, ask_tcp, ask_udp};
use crate::support::dig::run;
use crate::support::read::addresses;
use crate::support::region::Region;
use crate::support::regions::demo_region;
use crate::support::running::Running;
use crate::support::{ip, secs};

const LOCAL: &str = "web.default.svc.cluster.local";
const OWN: &str = "busybox-0.busybox.east.svc.cluster.local";
const KEYS: &str = "cert: tls/tls.crt, key: tls/tls.key";
const NAME: &[&str] = &["dns.interlocal.test"];

/// East with a door over TLS, and its files.
fn east(change: impl FnOnce(Region) -> Region) -> (Region, Files) {
    let region = change(demo_region("east").tls_door(KEYS).table("regions: {east: {}}\n"));
    let files = Files::in_folder(region.folder());
    (region, files)
}

fn failures(cause: &str) -> String {
    format!("interlocal_tls_handshake_failures_total{{cause=\"{cause}\"}}")
}

async fn assert_others_work(east: &Running) {
    assert_eq!(addresses(&ask_udp(east.dns(), LOCAL, RecordType::A).await), [ip("172.20.2.10")]);
    assert_eq!(addresses(&ask_tcp(east.peers_door(), OWN, RecordType::A).await), [ip("10.0.102.90")]);
    assert_eq!(east.get("/ready").await.0, 200);
}

/// Nothing but the end, or the alert and the end.
async fn until_closed(stream: &mut TcpStream) -> usize {
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(secs(20), stream.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "still open after {heard:?}");
    heard.len()
}

#[tokio::test]
async fn a_client_without_tls_is_sent_away() {
    let (region, files) = east(|region| region);
    files.pair(&Authority::new("one").sign(NAME));
    let east = region.start().await;
    let mut conversation = Conversation::open(east.tls_door()).await.unwrap();
    conversation.send(&Ask::new(OWN, RecordType::A).bytes()).await;
    assert!(!matches!(conversation.receive(PATIENCE).await, Heard::Silence | Heard::Message(_)));
    east.until_metric(&failures("not_tls"), 1.0).await;
    drop(TcpStream::connect(east.tls_door()).await.unwrap());
    east.until_metric(&failures("closed"), 1.0).await;
    assert_others_work(&east).await;
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_cut_off() {
    let (region, files) = east(|region| region.key("limits", "{tls_handshake: 300ms}"));
    files.pair(&Authority::new("one").sign(NAME));
    let east = region.start().await;
    let mut silent = TcpStream::connect(east.tls_door()).await.unwrap();
    let mut dripping = TcpStream::connect(east.tls_door()).await.unwrap();
    // A handshake record of 512 octets, of which one comes now and then.
    dripping.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    let drip = async {
        while dripping.write_all(&[1]).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let (heard, dripped) = tokio::join!(until_closed(&mut silent), tokio::time::timeout(secs(20), drip));
    assert_eq!(heard, 0);
    assert!(dripped.is_ok(), "still open");
    east.until_metric(&failures("timeout"), 2.0).await;
    assert_others_work(&east).await;
}

#[tokio::test]
async fn handshakes_count_as_connections() {
    let (region, files) = east(|region| region.key("limits", "{tcp_connections: 2, tls_handshake: 1m}"));
    files.pair(&Authority::new("one").sign(NAME));
    let east = region.start().await;
    let held = [TcpStream::connect(east.tls_door()).await.unwrap(), TcpStream::connect(east.tls_door()).await.unwrap()];
    let mut third = TcpStream::connect(east.tls_door()).await.unwrap();
    assert_eq!(until_closed(&mut third).await, 0);
    east.until_metric("interlocal_tcp_refused_total", 1.0).await;
    assert_others_work(&east).await;
    drop(held);
    east.until_metric(&failures("closed"), 2.0).await;
}

#[tokio::test]
async fn a_door_without_a_certificate_lets_nobody_in_until_it_has_one() {
    let one = Authority::new("one");
    let (region, files) = east(|region| region);
    let east = region.start().await;
    assert_others_work(&east).await;
    assert_eq!(east.metric("interlocal_tls_ok").await, Some(0.0));
    assert_eq!(until_closed(&mut TcpStream::connect(east.tls_door()).await.unwrap()).await, 0);
    assert_eq!(east.counter(&failures("files")).await, 1.0);
    files.pair(&one.sign(NAME));
    east.until_metric("interlocal_tls_ok", 1.0).await;
    // Other paths need no restart, other sockets do.
    let listen = |more: &str| {
        format!(
            "{{dns: [\"127.0.0.1:0\"], peers: [\"127.0.0.1:0\"], health: \"127.0.0.1:0\", ready: \"127.0.0.1:0\", \
                 metrics: \"127.0.0.1:0\", admin: \"127.0.0.1:0\", peers_tls: {{{more}}}}}"
        )
    };
    east.rewrite_key("listen", &listen("listen: [\"127.0.0.1:0\"], cert: tls/none.crt, key: tls/tls.key"));
    east.until_metric("interlocal_tls_ok", 0.0).await;
    files.put("none.crt", &one.sign(NAME).cert);
    files.pair(&one.sign(NAME));
    assert_eq!(east.metric("interlocal_restart_required").await, Some(0.0));
    east.rewrite_key("listen", &listen(&format!("listen: [\"127.0.0.1:0\"], {KEYS}")));
    east.until_metric("interlocal_tls_ok", 1.0).await;
    east.rewrite_key("listen", &listen(&format!("listen: [\"127.0.0.1:1\"], {KEYS}")));
    east.until_metric("interlocal_restart_required", 1.0).await;
}

/// Another implementation of TLS: three questions in one write, three answers.
#[tokio::test]
async fn openssl_is_answered() {
    let test = "openssl_is_answered";
    let one = Authority::new("one");
    let (region, files) = east(|region| region.key("limits", "{peers_idle: 1s}"));
    files.ca(one.pem());
    files.pair(&one.sign(NAME));
    let mut question = Vec::new();
    for asked in [OWN, "nobody.east.svc.cluster.local", "web.default.svc.cluster.local"] {
        let message = Ask::new(asked, RecordType::A).bytes();
        question.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
        question.extend_from_slice(&message);
    }
    let file = region.folder().join("question");
    std::fs::write(&file, &question).unwrap();
    let answers = region.folder().join("answers");
    let tls = region.folder().join("tls");
    let east = region.start().await;
    let ask = || {
        // It ends when the door closes the idle connection, or after the time that `timeout` gives it.
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-alpn", "dot", "-verify_return_error", "-connect"]);
        command.arg(east.tls_door().to_string()).args(["-verify_hostname", NAME[0], "-CAfile"]).arg(tls.join("ca.crt"));
        command.stdin(Stdio::from(std::fs::File::open(&file).unwrap()));
        command.stdout(Stdio::from(std::fs::File::create(&answers).unwrap()));
        command
    };
    let Some(said) = run(test, "openssl", ask()).await else { return };
    let bytes = std::fs::read(&answers).unwrap();
    let mut rest = &bytes[..];
    let mut codes = Vec::new();
    while let Some((length, more)) = rest.split_at_checked(2) {
        let (message, more) = more.split_at(usize::from(u16::from_be_bytes([length[0], length[1]])));
        codes.push(Message::from_vec(message).unwrap().response_code);
        rest = more;
    }
    assert_eq!(codes, [ResponseCode::NoError, ResponseCode::NXDomain, ResponseCode::Refused], "{said}");
}
