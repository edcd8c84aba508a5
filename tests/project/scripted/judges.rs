//! The independent clients: what they accept, and what they must not. And waiting, which must not lie either.

use std::process::Command;

use hickory_proto::rr::RecordType::A;

use crate::support::dig::{dig, run};
use crate::support::hickory::{hickory_tcp, hickory_udp};
use crate::support::server::ScriptServer;
use crate::support::wait::{eventually, eventually_some};
use crate::support::{ip, ms, name, read, secs};

#[tokio::test]
async fn hickory_takes_the_right_reply() {
    let server = ScriptServer::start();
    server.on("a.example", A).answer_a("192.0.2.1", 60);
    let expected = [ip("192.0.2.1")];
    assert_eq!(read::addresses(&hickory_udp(server.address(), "a.example", A).await.unwrap()), expected);
    assert_eq!(read::addresses(&hickory_tcp(server.address(), "a.example", A).await.unwrap()), expected);
}

#[tokio::test]
async fn hickory_waits_over_a_reply_with_another_id() {
    let server = ScriptServer::start();
    server.on("a.example", A).wrong_id().then_right().answer_a("192.0.2.1", 60);
    assert_eq!(hickory_tcp(server.address(), "a.example", A).await.unwrap().answers.len(), 1);
}

#[tokio::test]
async fn hickory_waits_over_another_question_over_udp() {
    let server = ScriptServer::start();
    server.on("a.example", A).wrong_question("b.example").then_right().answer_a("192.0.2.1", 60);
    let reply = hickory_udp(server.address(), "a.example", A).await.unwrap();
    assert_eq!(reply.queries[0].name(), &name("a.example"));
}

#[tokio::test]
async fn dig_shows_the_answer_and_the_reason() {
    let server = ScriptServer::start();
    server.on("a.example", A).answer_a("192.0.2.1", 60).ede(3, "served late");
    let Some(text) = dig("dig_shows_the_answer_and_the_reason", server.address(), &["a.example", "A"]).await else {
        return;
    };
    assert!(text.contains("a.example.\t\t60\tIN\tA\t192.0.2.1"), "{text}");
    assert!(text.contains("EDE: 3"), "{text}");
    let text = dig("dig over TCP", server.address(), &["+tcp", "+short", "a.example", "A"]).await.unwrap();
    assert_eq!(text, "192.0.2.1\n");
}

#[tokio::test]
async fn a_missing_tool_is_skipped_aloud_or_fails_in_ci() {
    let ask = run("this test", "no-such-tool", Command::new("interlocal-no-such-tool"));
    let ended = tokio::spawn(ask).await;
    if std::env::var_os("INTERLOCAL_CI").is_some() {
        assert!(ended.unwrap_err().is_panic());
    } else {
        assert!(ended.unwrap().is_none());
    }
}

#[tokio::test]
async fn waiting_ends_with_the_truth() {
    let mut asked = 0;
    assert!(
        eventually(secs(10), || {
            asked += 1;
            let enough = asked == 3;
            async move { enough }
        })
        .await
    );
    assert_eq!(asked, 3);
    assert!(!eventually(ms(30), async || false).await);
    assert_eq!(eventually_some(ms(0), async || Some(5)).await, Some(5));
}
