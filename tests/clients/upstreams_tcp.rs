//! Upstreams that are asked over TCP: the peers' client, with the manners of a forwarder.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::NS;
use interlocal::answer::Failure;
use interlocal::config::Transport;
use interlocal::forward::ForwardClient;
use interlocal::wire::Rcode;

use crate::setup::{PATIENCE, STAMP, at_once, forward_row, nobody, patient, question, wire_name};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

fn client(to: &[std::net::SocketAddr]) -> Arc<ForwardClient> {
    ForwardClient::start(&forward_row("corp.example", to, Transport::Tcp), &patient(), STAMP)
}

#[tokio::test]
async fn refusals_are_passed_on() {
    let server = ScriptServer::start();
    server.on_any().rcode(ResponseCode::Refused);
    let answer = client(&[server.address()]).ask(&question("a.corp.example"), None).await.unwrap();
    assert_eq!(answer.body.rcode, Rcode::REFUSED);
}

#[tokio::test]
async fn a_dead_server_is_dark_at_once_and_any_reply_brings_it_back() {
    let dead = nobody();
    let address = dead.address;
    let client = client(&[address]);
    let dark = Failure::UpstreamDark { zone: wire_name("corp.example"), cause: None };
    assert_eq!(client.ask(&question("a.corp.example"), None).await.unwrap_err(), dark);
    assert_eq!(at_once(client.ask(&question("a.corp.example"), None)).await.unwrap().unwrap_err(), dark);
    drop(dead);
    let server = ScriptServer::start_on(address);
    server.on_any().rcode(ResponseCode::Refused);
    assert!(eventually(PATIENCE, || async { client.ask(&question("a.corp.example"), None).await.is_ok() }).await);
    assert!(server.count(".", NS) >= 1);
}

#[tokio::test]
async fn one_of_two_dead_costs_no_question() {
    let server = ScriptServer::start();
    let dead = nobody();
    let client = client(&[dead.address, server.address()]);
    for _ in 0..20 {
        client.ask(&question("a.corp.example"), None).await.unwrap();
    }
}
