//! The self-probe over the wire: who answers, by the two texts in the answer.

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::TXT;
use interlocal::answer::Failure;
use interlocal::config::Transport;
use interlocal::peer::probe::{self, Own, Verdict};
use interlocal::wire::Name;
use interlocal::wire::stamp::ClusterId;

use crate::setup::{PATIENCE, nobody, own_stamp, question, region, row_of, settings, upstreams, wire_name};
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

const OWN: Own = Own { cluster: ClusterId([1; 8]), instance: 0x00ab };

#[tokio::test]
async fn the_answer_tells_ourselves_from_others_over_both_transports() {
    let server = ScriptServer::start();
    let zone = wire_name("corp.example");
    let says = |cluster: &str, instance: &str| {
        let texts = TXT::new(vec![cluster.to_owned(), instance.to_owned()]);
        server.clear();
        drop(server.on_any().edit(move |query, reply| {
            let name = query.queries[0].name().clone();
            reply.answers = vec![hickory_proto::rr::Record::from_rdata(name, 0, RData::TXT(texts.clone()))];
        }));
    };
    for transport in [Transport::Udp, Transport::Tcp] {
        let ask = || probe::ask(server.address(), transport, &zone, OWN);
        says("0202020202020202", "00000000000000ab");
        assert_eq!(ask().await, Verdict::Itself, "{transport:?}: our process");
        says("0101010101010101", "00000000000000ff");
        assert_eq!(ask().await, Verdict::Itself, "{transport:?}: our cluster");
        says("0202020202020202", "00000000000000ff");
        assert_eq!(ask().await, Verdict::Other, "{transport:?}");
        server.clear();
        assert_eq!(ask().await, Verdict::NoSuchName, "{transport:?}");
        assert_eq!(probe::ask(nobody().address, transport, &zone, OWN).await, Verdict::Unknown, "{transport:?}");
    }
    let asked = server.received().pop().unwrap().message.unwrap();
    assert!(asked.queries[0].name().to_string().ends_with("._interlocal-loop.corp.example."));
}

#[tokio::test]
async fn an_upstream_that_is_ourselves_is_left_out_and_the_other_goes_on() {
    let (ours, other) = (ScriptServer::start(), ScriptServer::start());
    let client = upstreams(&[ours.address(), other.address()]);
    client.set_looping(ours.address(), true);
    for _ in 0..10 {
        client.ask(&question("web.example.com"), None).await.unwrap();
    }
    assert!(ours.received().is_empty());
    assert!(client.is_looping(ours.address()) && client.listed().borrow().len() == 2, "it is still there to be probed");
    client.set_looping(other.address(), true);
    let failure = client.ask(&question("web.example.com"), None).await.unwrap_err();
    assert_eq!(failure, Failure::RouteLoops { zone: Name::root() });
    client.set_looping(ours.address(), false);
    assert!(client.ask(&question("web.example.com"), None).await.is_ok());
}

#[tokio::test]
async fn a_region_whose_row_leads_back_to_us_loops_until_the_row_is_mended() {
    let (ours, east) = (ScriptServer::start(), ScriptServer::start());
    let client = region(&[ours.address()], settings());
    client.set_looping(ours.address(), true);
    let web = question("web.east.svc.cluster.local");
    let failure = client.ask(&web, &own_stamp()).await.unwrap_err();
    assert_eq!(failure, Failure::RouteLoops { zone: wire_name("east.svc.cluster.local") });
    assert!(eventually(PATIENCE, || async { ours.open_connections() == 0 }).await);
    client.update(&row_of(&[east.address()]), settings(), own_stamp());
    assert!(client.ask(&web, &own_stamp()).await.is_ok());
}
