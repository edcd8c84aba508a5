//! A region that answers: which answers are its own, where they come from, and what a reload keeps.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::{A, NS};
use interlocal::answer::Failure;
use interlocal::peer::Settings;
use interlocal::wire::Rcode;

use crate::setup::{PATIENCE, literal, nobody, own_stamp, question, region, region_octets, row, row_of, settings};
use crate::support::ms;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

const WEB: &str = "web.east.svc.cluster.local";

#[tokio::test]
async fn a_question_carries_the_stamp_and_gets_its_answer() {
    let server = ScriptServer::start();
    server.on(WEB, A).answer_a("192.0.2.7", 5);
    let client = region(&[server.address()], settings());
    let answer = client.ask(&question(WEB), &own_stamp()).await.unwrap();
    assert_eq!(region_octets(&answer, WEB), [7]);
    let received = server.received().pop().unwrap();
    let message = received.message.unwrap();
    assert!(message.metadata.recursion_desired);
    assert_eq!(crate::support::read::options(&message, crate::setup::STAMP), [own_stamp()]);
    let snapshot = &client.snapshot().addresses[0];
    assert_eq!((snapshot.connects, snapshot.answers, snapshot.in_flight), (1, 1, 0));
    assert!(snapshot.rtt.is_some());
}

#[tokio::test]
async fn many_questions_at_once_get_their_own_answers() {
    let server = ScriptServer::start();
    for n in 0..40u8 {
        // The later, the sooner: out of order on every connection.
        let delay = ms(u64::from(40 - n) * 3);
        server.on(&format!("n{n}.east.svc.cluster.local"), A).delay(delay).answer_a(&format!("192.0.2.{n}"), 5);
    }
    let client = region(&[server.address()], settings());
    let asked: Vec<_> = (0..40u8)
        .map(|n| {
            let (client, name) = (client.clone(), format!("n{n}.east.svc.cluster.local"));
            tokio::spawn(
                async move { region_octets(&client.ask(&question(&name), &own_stamp()).await.unwrap(), &name) },
            )
        })
        .collect();
    for (n, asked) in asked.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), [n as u8]);
    }
    // A machine that is slow makes connections look stalled, and then more are opened.
    assert!(server.connections() <= 8);
}

#[tokio::test]
async fn lies_on_the_connection_are_ignored_and_counted() {
    let server = ScriptServer::start();
    server.on(WEB, A).wrong_id().then_right().answer_a("192.0.2.1", 5);
    server.on("name.example", A).wrong_question(WEB).answer_a("192.0.2.66", 5);
    server.on("none.example", A).no_question().answer_a("192.0.2.66", 5);
    server.on("scrap.example", A).garbage(b"\x00\x01scrap");
    let client = region(&[server.address()], Settings { deadline: ms(500), ..settings() });
    assert!(eventually(PATIENCE, || async { server.open_connections() == 1 }).await);
    let answer = client.ask(&question(WEB), &own_stamp()).await.unwrap();
    assert_eq!(region_octets(&answer, WEB), [1]);
    for name in ["name.example", "none.example", "scrap.example"] {
        let failure = client.ask(&question(name), &own_stamp()).await.unwrap_err();
        assert!(matches!(failure, Failure::RegionDark { .. }), "{failure:?}");
    }
    let snapshot = &client.snapshot().addresses[0];
    // The last three were asked once more on another connection, and got a lie there too.
    assert_eq!((snapshot.mismatched, snapshot.answers), (snapshot.questions, 1), "{snapshot:?}");
    assert!(snapshot.mismatched >= 4);
}

#[tokio::test]
async fn one_dead_address_of_two_costs_no_question() {
    let server = ScriptServer::start();
    server.on_any().rcode(ResponseCode::NXDomain);
    let dead = nobody();
    let client = region(&[dead.address, server.address()], settings());
    for n in 0..50 {
        let answer = client.ask(&question(&format!("n{n}.{WEB}")), &own_stamp()).await.unwrap();
        assert_eq!(answer.received.body.rcode, Rcode::NXDOMAIN);
    }
    assert_eq!(client.snapshot().addresses.iter().map(|address| address.timeouts).sum::<u64>(), 0);
}

#[tokio::test]
async fn a_silent_address_of_two_costs_no_question() {
    let (silent, server) = (ScriptServer::start(), ScriptServer::start());
    silent.on_any().drop_query();
    server.on_any().rcode(ResponseCode::NXDomain);
    let client = region(&[silent.address(), server.address()], settings());
    for n in 0..20 {
        client.ask(&question(&format!("n{n}.{WEB}")), &own_stamp()).await.unwrap();
    }
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_costs_no_question() {
    let server = ScriptServer::start();
    server.on_any().rcode(ResponseCode::NXDomain);
    let client = region(&[server.address()], settings());
    client.ask(&question(WEB), &own_stamp()).await.unwrap();
    for _ in 0..20 {
        server.hang_up();
        client.ask(&question(WEB), &own_stamp()).await.unwrap();
    }
    assert_eq!(client.snapshot().addresses[0].timeouts, 0);
}

#[tokio::test]
async fn a_question_that_resets_the_connection_is_sent_twice_at_most() {
    let server = ScriptServer::start();
    server.on(WEB, A).reset();
    server.on("once.example", A).answer_a("192.0.2.3", 5);
    server.on("once.example", A).times(1).reset();
    let client = region(&[server.address()], settings());
    let answer = client.ask(&question("once.example"), &own_stamp()).await.unwrap();
    assert_eq!((region_octets(&answer, "once.example"), server.count("once.example", A)), (vec![3], 2));
    let failure = client.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    assert_eq!(failure, Failure::RegionDark { region: "east".into(), cause: "connection closed" });
    assert_eq!(server.count(WEB, A), 2);
    assert!(client.ask(&question("once.example"), &own_stamp()).await.is_ok(), "and the region is not dark for it");
}

#[tokio::test]
async fn a_refusal_goes_to_the_next_address_and_never_to_the_asker() {
    let (wrong, right) = (ScriptServer::start(), ScriptServer::start());
    wrong.on_any().rcode(ResponseCode::Refused);
    right.on(WEB, A).answer_a("192.0.2.4", 5);
    let client = region(&[wrong.address(), right.address()], settings());
    for _ in 0..10 {
        assert_eq!(region_octets(&client.ask(&question(WEB), &own_stamp()).await.unwrap(), WEB), [4]);
    }
    let alone = region(&[wrong.address()], settings());
    let failure = alone.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    assert_eq!(failure, Failure::RegionRefused { region: "east".into(), rcode: Rcode::REFUSED });
}

#[tokio::test]
async fn servfail_is_asked_once_elsewhere_and_then_passed_on() {
    let servers = [ScriptServer::start(), ScriptServer::start(), ScriptServer::start()];
    for server in &servers {
        server.on_any().rcode(ResponseCode::ServFail);
    }
    let client = region(&servers.each_ref().map(ScriptServer::address), settings());
    let answer = client.ask(&question(WEB), &own_stamp()).await.unwrap();
    assert_eq!(answer.received.body.rcode, Rcode::SERVFAIL);
    let sent: usize = servers.iter().map(|server| server.count(WEB, A)).sum();
    // A machine that is slow makes it look like a stall, which is one more.
    assert!((2..=3).contains(&sent), "{sent}");
}

#[tokio::test]
async fn a_server_without_edns_is_asked_without_it_from_then_on() {
    let server = ScriptServer::start();
    server.on(WEB, A).refuse_opt(ResponseCode::FormErr).answer_a("192.0.2.5", 5);
    let client = region(&[server.address()], settings());
    for _ in 0..3 {
        assert_eq!(region_octets(&client.ask(&question(WEB), &own_stamp()).await.unwrap(), WEB), [5]);
    }
    let received = server.received();
    let questions = received.iter().filter_map(|one| one.message.as_ref());
    let questions = questions.filter(|one| one.queries[0].name().to_ascii().starts_with("web."));
    let with_opt: Vec<bool> = questions.map(|one| one.edns.is_some()).collect();
    assert_eq!(with_opt, [true, false, false, false]);
}

#[tokio::test]
async fn endpoints_that_stay_keep_their_connections() {
    let (stays, goes, comes) = (ScriptServer::start(), ScriptServer::start(), ScriptServer::start());
    let client = region(&[stays.address(), goes.address()], settings());
    let connected = || async { stays.open_connections() == 1 && goes.open_connections() == 1 };
    assert!(eventually(PATIENCE, connected).await, "addresses are connected to before the first question");
    client.update(&row_of(&[stays.address(), comes.address()]), settings(), own_stamp());
    let moved = || async { goes.open_connections() == 0 && comes.open_connections() == 1 };
    assert!(eventually(PATIENCE, moved).await);
    assert_eq!((stays.connections(), stays.open_connections()), (1, 1));
    assert_eq!(*client.listed().borrow(), [stays.address(), comes.address()]);
    drop(client);
    let closed = || async { stays.open_connections() == 0 && comes.open_connections() == 0 };
    assert!(eventually(PATIENCE, closed).await, "a client that is gone leaves nothing open");
}

#[tokio::test]
async fn a_question_to_an_address_that_goes_is_still_answered() {
    let server = ScriptServer::start();
    server.on(WEB, A).delay(ms(200)).answer_a("192.0.2.6", 5);
    let client = region(&[server.address()], settings());
    let asked = {
        let client = client.clone();
        tokio::spawn(async move { client.ask(&question(WEB), &own_stamp()).await })
    };
    assert!(eventually(PATIENCE, || async { server.count(WEB, A) == 1 }).await);
    client.update(&row_of(&[]), settings(), own_stamp());
    assert_eq!(region_octets(&asked.await.unwrap().unwrap(), WEB), [6]);
    let failure = client.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    assert_eq!(failure, Failure::RegionWithoutAddress { region: "east".into(), why: "no endpoints".into() });
}

#[tokio::test]
async fn a_broken_row_says_why() {
    let broken = interlocal::config::RegionRow { broken: Some("line 7: bad port".into()), ..row(Vec::new()) };
    let client = interlocal::peer::RegionClient::start(
        &broken,
        settings(),
        own_stamp(),
        std::sync::Arc::new(crate::setup::NoNames),
    );
    let failure = client.ask(&question(WEB), &own_stamp()).await.unwrap_err();
    assert_eq!(failure, Failure::RegionWithoutAddress { region: "east".into(), why: "line 7: bad port".into() });
    let server = ScriptServer::start();
    client.update(&row(vec![literal(server.address())]), settings(), own_stamp());
    assert!(client.ask(&question(WEB), &own_stamp()).await.is_ok());
    assert_eq!(server.count(".", NS), 0, "a healthy address is not probed");
}
