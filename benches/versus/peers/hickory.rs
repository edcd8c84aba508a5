//! A server made with hickory-server: its sockets and its messages, and the smallest handler that gives the right answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Metadata, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record};
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo, Server};
use hickory_server::zone_handler::MessageResponseBuilder;

use super::{Peer, Place, addresses};
use crate::process::free;
use crate::role;
use crate::support::world::Work;

pub fn start(place: &Place) -> anyhow::Result<Vec<Peer>> {
    let address = free()?;
    let mut process = place.run(role::command("hickory", &[address.to_string()])?, "hickory")?;
    process.until_right(address, &Work::ClusterIp.questions())?;
    Ok(vec![Peer {
        key: "hickory",
        name: "hickory-server, minimal handler".into(),
        version: "0.26".into(),
        address,
        process,
        works: vec![Work::ClusterIp, Work::Headless, Work::Search],
        tcp: true,
        forwards: false,
        paced: true,
    }])
}

/// Serves for ever.
pub async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let mut names: HashMap<Name, Vec<Ipv4Addr>> = HashMap::new();
    for (name, address) in addresses() {
        names.entry(Name::from_ascii(format!("{name}."))?).or_default().push(address);
    }
    let mut server = Server::new(Handler { names });
    server.register_socket(tokio::net::UdpSocket::bind(address).await?);
    server.register_listener(tokio::net::TcpListener::bind(address).await?, Duration::from_secs(30), 4_096);
    server.block_until_done().await?;
    Ok(())
}

struct Handler {
    names: HashMap<Name, Vec<Ipv4Addr>>,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let asked = request.queries.queries().first().map(|query| Name::from(query.name()));
        let known = asked.and_then(|name| Some((self.names.get(&name)?, name)));
        let mut records = Vec::new();
        match known {
            Some((addresses, name)) => records
                .extend(addresses.iter().map(|address| Record::from_rdata(name.clone(), 5, RData::A(A(*address))))),
            None => metadata.response_code = ResponseCode::NXDomain,
        }
        metadata.authoritative = true;
        let edns = Edns::new();
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            builder.edns(&edns);
        }
        let response = builder.build(metadata, &records, None, None, None);
        match handle.send_response(response).await {
            Ok(sent) => sent,
            Err(_) => hickory_proto::op::Header { metadata, counts: Default::default() }.into(),
        }
    }
}
