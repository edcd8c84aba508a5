//! Upstreams over UDP: silence, truncation, forgeries, and servers that will not or cannot.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::{A, NS};
use interlocal::answer::Failure;
use interlocal::config::Transport;
use interlocal::forward::ForwardClient;
use interlocal::limits::Limits;
use interlocal::wire::{Name, Rcode};
use tokio::time::Instant;

use crate::setup::{PATIENCE, STAMP, forward_row, last_octets, nobody, own_stamp, question, upstreams};
use crate::support::script;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{read, secs};

const WEB: &str = "web.example.com";

#[tokio::test]
async fn each_question_has_a_new_port_and_id_and_no_stamp() {
    let server = ScriptServer::start();
    server.on(WEB, A).answer_a("192.0.2.1", 5);
    let client = upstreams(&[server.address()]);
    for _ in 0..20 {
        let answer = client.ask(&question(WEB), Some(&own_stamp())).await.unwrap();
        assert_eq!(last_octets(&answer, WEB), [1]);
    }
    let received = server.received();
    let mut ports: Vec<_> = received.iter().map(|one| one.source.port()).collect();
    let mut ids: Vec<_> = received.iter().map(|one| [one.bytes[0], one.bytes[1]]).collect();
    ports.sort_unstable();
    ports.dedup();
    ids.sort_unstable();
    ids.dedup();
    assert!(ports.len() > 15 && ids.len() > 15, "{} ports, {} ids of 20", ports.len(), ids.len());
    let message = received[0].message.as_ref().unwrap();
    assert!(read::options(message, STAMP).is_empty(), "never to `.`");
}

#[tokio::test]
async fn a_stub_zone_gets_the_stamp_unless_its_row_says_otherwise() {
    let server = ScriptServer::start();
    let mut config = forward_row("corp.example", &[server.address()], Transport::Udp);
    let client = ForwardClient::start(&config, &Limits::default(), STAMP);
    client.ask(&question("a.corp.example"), Some(&own_stamp())).await.unwrap();
    config.stamp = false;
    client.update(&config, &Limits::default(), STAMP);
    client.ask(&question("b.corp.example"), Some(&own_stamp())).await.unwrap();
    let stamps: Vec<usize> = server
        .received()
        .iter()
        .filter_map(|one| one.message.as_ref())
        .map(|message| read::options(message, STAMP).len())
        .collect();
    assert_eq!(stamps, [1, 0]);
}

#[tokio::test]
async fn a_truncated_answer_is_finished_over_tcp_on_one_connection() {
    let server = ScriptServer::start();
    server.on(WEB, A).truncate_udp().answer_a("192.0.2.2", 5);
    let client = upstreams(&[server.address()]);
    for _ in 0..5 {
        let answer = client.ask(&question(WEB), None).await.unwrap();
        assert!(!answer.truncated);
        assert_eq!(last_octets(&answer, WEB), [2]);
    }
    assert_eq!(server.connections(), 1);
    let snapshot = &client.snapshot().udp[0];
    assert!(snapshot.truncated >= 5 && snapshot.over_tcp >= 5, "{snapshot:?}");
}

#[tokio::test]
async fn a_forged_reply_is_counted_and_the_answer_comes_over_tcp() {
    let server = ScriptServer::start();
    server.on_any().over_tcp().answer_a("192.0.2.3", 5);
    server.on("id.example", A).over_udp().wrong_id().then_right().answer_a("192.0.2.66", 5);
    server.on("id.example", A).over_tcp().answer_a("192.0.2.3", 5);
    server.on("name.example", A).over_udp().wrong_question("id.example").answer_a("192.0.2.66", 5);
    server.on("name.example", A).over_tcp().answer_a("192.0.2.3", 5);
    let client = upstreams(&[server.address()]);
    for name in ["id.example", "name.example"] {
        let answer = client.ask(&question(name), None).await.unwrap();
        assert_eq!(last_octets(&answer, name), [3], "{name}");
    }
    assert!(client.snapshot().udp[0].mismatched >= 2);
}

/// TuDoor: the right answer comes only to the first try's port, and behind scraps that are no answer at all.
#[tokio::test]
async fn packets_that_cannot_be_read_end_no_wait() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let client = upstreams(&[socket.local_addr().unwrap()]);
    let server = async {
        let mut buffer = [0; 512];
        let (length, first) = socket.recv_from(&mut buffer).await.unwrap();
        let query = buffer[..length].to_vec();
        let mut denial = query.clone();
        (denial[2], denial[3]) = (0x81, 0x83);
        let mut broken = denial.clone();
        broken[7] = 9;
        for scrap in [&b""[..], b"scrap", &query, &denial[..11], &broken] {
            socket.send_to(scrap, first).await.unwrap();
        }
        // Another try shows that the client has seen all of that, and waits.
        socket.recv_from(&mut buffer).await.unwrap();
        socket.send_to(&denial, first).await.unwrap();
        std::future::pending::<()>().await;
    };
    let question = question(WEB);
    let answer = tokio::select! {
        answer = client.ask(&question, None) => answer.unwrap(),
        () = server => unreachable!("it never ends"),
    };
    assert_eq!(answer.body.rcode, Rcode::NXDOMAIN);
    assert_eq!(client.snapshot().udp[0].mismatched, 0);
}

#[tokio::test]
async fn replies_from_another_port_are_not_seen() {
    let server = ScriptServer::start();
    server.on(WEB, A).answer_a("192.0.2.5", 5);
    server.on(WEB, A).times(1).other_port().answer_a("192.0.2.66", 5);
    let client = upstreams(&[server.address()]);
    assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [5]);
}

#[tokio::test]
async fn a_silent_first_server_costs_a_question_nothing_but_a_pause() {
    let (silent, server) = (ScriptServer::start(), ScriptServer::start());
    silent.on_any().drop_query();
    server.on(WEB, A).answer_a("192.0.2.6", 5);
    let client = upstreams(&[silent.address(), server.address()]);
    for _ in 0..30 {
        assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [6]);
    }
    assert!(silent.count(WEB, A) < 10, "it is asked rarely: {}", silent.count(WEB, A));
}

#[tokio::test]
async fn an_older_try_is_still_heard() {
    let server = ScriptServer::start();
    server.on(WEB, A).drop_query();
    server.on(WEB, A).times(1).delay(crate::support::ms(600)).answer_a("192.0.2.7", 5);
    let client = upstreams(&[server.address()]);
    assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [7]);
    assert!(server.count(WEB, A) >= 2);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_passed_by_at_once() {
    let server = ScriptServer::start();
    server.on(WEB, A).answer_a("192.0.2.8", 5);
    let dead = nobody();
    let client = upstreams(&[dead.address, server.address()]);
    for _ in 0..10 {
        assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [8]);
    }
}

#[tokio::test]
async fn unwilling_servers_are_passed_by_and_the_last_word_is_passed_on() {
    let (first, second) = (ScriptServer::start(), ScriptServer::start());
    first.on_any().rcode(ResponseCode::ServFail);
    second.on_any().rcode(ResponseCode::Refused);
    second.on(WEB, A).answer_a("192.0.2.9", 5);
    let client = upstreams(&[first.address(), second.address()]);
    for _ in 0..10 {
        assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [9]);
    }
    let answer = client.ask(&question("other.example"), None).await.unwrap();
    assert!([Rcode::SERVFAIL, Rcode::REFUSED].contains(&answer.body.rcode));
    assert!(first.count("other.example", A) >= 1 && second.count("other.example", A) >= 1, "each one");
}

#[tokio::test]
async fn a_server_without_edns_is_asked_without_it_from_then_on() {
    let server = ScriptServer::start();
    server.on(WEB, A).refuse_opt(ResponseCode::NotImp).answer_a("192.0.2.5", 5);
    let client = upstreams(&[server.address()]);
    for _ in 0..3 {
        assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [5]);
    }
    let with_opt: Vec<bool> =
        server.received().iter().filter_map(|one| one.message.as_ref()).map(|one| one.edns.is_some()).collect();
    assert!(with_opt.starts_with(&[true]) && with_opt.ends_with(&[false, false, false]), "{with_opt:?}");
}

/// On paused time: the servers say nothing, so nothing but the clock moves.
#[tokio::test(start_paused = true)]
async fn both_dark_fails_at_the_deadline_after_four_tries() {
    let servers = [ScriptServer::start(), ScriptServer::start()];
    servers.iter().for_each(|server| drop(server.on_any().drop_query()));
    let row = forward_row(".", &servers.each_ref().map(ScriptServer::address), Transport::Udp);
    let client = ForwardClient::start(&row, &Limits::default(), STAMP);
    let before = Instant::now();
    let failure = client.ask(&question(WEB), None).await.unwrap_err();
    assert_eq!(failure, Failure::UpstreamDark { zone: Name::root(), cause: None });
    let took = before.elapsed();
    assert!(took >= secs(4) && took < secs(5), "{took:?}");
    assert_eq!(client.snapshot().udp.iter().map(|one| one.tries).sum::<u64>(), 4);
    client.ask(&question(WEB), None).await.unwrap_err();
    assert!(client.snapshot().udp.iter().all(|one| !one.up), "three silent tries in a row");
    client.ask(&question(WEB), None).await.unwrap_err();
    assert!(client.snapshot().udp.iter().map(|one| one.tries).sum::<u64>() > 8, "the last one up is still asked");
}

#[tokio::test]
async fn a_server_that_is_down_is_probed_and_comes_back() {
    let server = ScriptServer::start();
    server.on_any().drop_query();
    let limits = Limits { forward_deadline: crate::support::ms(500), ..Limits::default() };
    let client = ForwardClient::start(&forward_row(".", &[server.address()], Transport::Udp), &limits, STAMP);
    let down = || async {
        client.ask(&question(WEB), None).await.unwrap_err();
        !client.snapshot().udp[0].up
    };
    assert!(eventually(PATIENCE, down).await);
    server.clear();
    assert!(eventually(PATIENCE, || async { client.snapshot().udp[0].up }).await, "no question was needed for it");
    assert!(server.count(".", NS) >= 1);
    assert!(eventually(PATIENCE, || async { client.ask(&question(WEB), None).await.is_ok() }).await);
}

#[tokio::test]
async fn a_resolv_conf_is_read_again_and_kept_while_it_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resolv.conf");
    std::fs::write(&path, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n").unwrap();
    let mut config = forward_row(".", &[], Transport::Udp);
    config.to = vec![interlocal::config::Upstream::ResolvConf(path.clone())];
    let client = ForwardClient::start(&config, &Limits::default(), STAMP);
    let mut listed = client.listed();
    assert_eq!(listed.borrow_and_update().len(), 2);
    assert_eq!(config.resolv_confs().collect::<Vec<_>>(), [&path]);
    std::fs::write(&path, "search only\n").unwrap();
    client.update(&config, &Limits::default(), STAMP);
    assert!(client.snapshot().trouble.is_some_and(|why| why.contains("resolv.conf")));
    assert!(!listed.has_changed().unwrap() && listed.borrow().len() == 2, "the last good servers stay");
    std::fs::write(&path, "nameserver 192.0.2.3\n").unwrap();
    client.update(&config, &Limits::default(), STAMP);
    assert!(client.snapshot().trouble.is_none() && listed.has_changed().unwrap());
    config.to.clear();
    client.update(&config, &Limits::default(), STAMP);
    let failure = client.ask(&question(WEB), None).await.unwrap_err();
    assert_eq!(failure, Failure::UpstreamWithoutAddress { zone: Name::root() });
}

#[tokio::test]
async fn over_tcp_no_question_is_seen_on_udp() {
    let server = ScriptServer::start();
    server.on(WEB, A).answer_a("192.0.2.1", 5);
    let row = forward_row(".", &[server.address()], Transport::Tcp);
    let client = ForwardClient::start(&row, &Limits::default(), STAMP);
    assert_eq!(last_octets(&client.ask(&question(WEB), None).await.unwrap(), WEB), [1]);
    assert!(server.received().iter().all(|one| one.transport == script::Transport::Tcp));
}
