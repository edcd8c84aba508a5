//! The self-probe over the wire: who answers, by the two texts in the answer.

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::TXT;
use interlocal::config::Transport;
use interlocal::peer::probe::{self, Own, Verdict};
use interlocal::wire::stamp::ClusterId;

use crate::setup::{nobody, wire_name};
use crate::support::server::ScriptServer;

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
