//! Asking with hickory's own client, which decides by its own rules what is a reply to its question: the judge that
//! knows neither our wire code nor this folder's client. Each question has a new socket and is sent once.

use std::net::SocketAddr;

use hickory_net::NetError;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsExchange, DnsHandle, FirstAnswer};
use hickory_proto::op::{DnsRequestOptions, Message, Query};
use hickory_proto::rr::RecordType;

use super::client::PATIENCE;
use super::name;

pub async fn hickory_udp(server: SocketAddr, asked: &str, rtype: RecordType) -> Result<Message, NetError> {
    // The provider owns the task that reads: it has to outlive the question.
    let provider = TokioRuntimeProvider::default();
    let stream = UdpClientStream::builder(server, provider.clone()).with_timeout(Some(PATIENCE)).with_max_retries(0);
    ask(&stream.exchange(), asked, rtype).await
}

pub async fn hickory_tcp(server: SocketAddr, asked: &str, rtype: RecordType) -> Result<Message, NetError> {
    let provider = TokioRuntimeProvider::default();
    let exchange = TcpClientStream::exchange(server, None, PATIENCE, None, provider.clone()).await?;
    ask(&exchange, asked, rtype).await
}

async fn ask(
    exchange: &DnsExchange<TokioRuntimeProvider>,
    asked: &str,
    rtype: RecordType,
) -> Result<Message, NetError> {
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = true;
    // The reply has to bring back the case of the question.
    options.case_randomization = true;
    let reply = exchange.lookup(Query::query(name(asked), rtype), options).first_answer().await?;
    Ok(reply.into())
}
