//! Connections that are old: behind a load balancer each leads to one target, so that a new one spreads the load.

use hickory_proto::op::ResponseCode;
use interlocal::peer::Settings;

use crate::setup::{PATIENCE, own_stamp, question, region, settings};
use crate::support::ms;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

#[tokio::test]
async fn f18_connections_in_use_are_replaced_in_time_and_no_question_is_lost() {
    let server = ScriptServer::start();
    server.on_any().rcode(ResponseCode::NXDomain).delay(ms(5));
    let client = region(&[server.address()], Settings { max_age: ms(200), ..settings() });
    let mut number = 0;
    let replaced = eventually(PATIENCE, || {
        number += 1;
        let asked = question(&format!("n{number}.web.east.svc.cluster.local"));
        let (client, server) = (&client, &server);
        async move {
            client.ask(&asked, &own_stamp()).await.unwrap();
            server.connections() > 6
        }
    });
    assert!(replaced.await, "the first connections stay for ever");
    let closed = eventually(PATIENCE, || async { server.open_connections() <= 2 });
    assert!(closed.await, "the old ones are not closed");
    assert_eq!(client.snapshot().addresses[0].timeouts, 0);
}
