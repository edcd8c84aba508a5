//! Asks both servers the same and waits for both. A datagram may get lost on a busy machine, so it is sent again once;
//! a connection that was closed because it was idle is opened again.

use std::net::SocketAddr;

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::questions::{Question, Way};
use crate::support::client::{Conversation, Heard};
use crate::support::secs;

/// One server, as one asker sees it.
pub struct Line {
    server: SocketAddr,
    socket: UdpSocket,
    conversation: Option<Conversation>,
}

impl Line {
    pub async fn open(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server).await.unwrap();
        Self { server, socket, conversation: None }
    }

    /// The reply with this question's id.
    pub async fn ask(&mut self, query: &Message, way: Way) -> Message {
        let bytes = query.to_vec().unwrap();
        for _ in 0..2 {
            let reply = match way {
                Way::Udp | Way::UdpEdns(_) | Way::UdpFlags => self.udp(&bytes, query.id).await,
                Way::Tcp | Way::TcpEdns | Way::NoRecursion => self.tcp(&bytes).await,
            };
            if let Some(reply) = reply.and_then(|reply| Message::from_vec(&reply).ok()).filter(|it| it.id == query.id) {
                return reply;
            }
        }
        panic!("{} does not answer {query}", self.server)
    }

    async fn udp(&self, query: &[u8], id: u16) -> Option<Vec<u8>> {
        self.socket.send(query).await.unwrap();
        let mut reply = vec![0; 65_535];
        timeout(secs(10), async {
            loop {
                let length = self.socket.recv(&mut reply).await.ok()?;
                // A late reply to the question before is not this one's.
                if reply.starts_with(&id.to_be_bytes()) {
                    return Some(reply[..length].to_vec());
                }
            }
        })
        .await
        .ok()?
    }

    async fn tcp(&mut self, query: &[u8]) -> Option<Vec<u8>> {
        let mut conversation = match self.conversation.take() {
            Some(conversation) => conversation,
            None => Conversation::open(self.server).await?,
        };
        conversation.send(query).await;
        match conversation.receive(secs(10)).await {
            Heard::Message(message) => {
                self.conversation = Some(conversation);
                Some(message)
            }
            Heard::Silence | Heard::End => None,
        }
    }
}

/// The message of a question.
pub fn message(question: &Question) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = question.way != Way::NoRecursion;
    // Not `name`: it takes no label that starts with a hyphen, and pods have such.
    let asked = Name::from_labels(question.name.split('.').map(str::as_bytes)).unwrap();
    message.add_query(Query::query(asked, question.rtype));
    let edns = match question.way {
        Way::UdpEdns(payload) => Some((payload, false)),
        Way::UdpFlags => Some((1232, true)),
        Way::TcpEdns => Some((1232, false)),
        Way::Udp | Way::Tcp | Way::NoRecursion => None,
    };
    if let Some((payload, dnssec_ok)) = edns {
        let mut edns = Edns::new();
        edns.set_max_payload(payload).set_dnssec_ok(dnssec_ok);
        message.edns = Some(edns);
        message.metadata.authentic_data = dnssec_ok;
        message.metadata.checking_disabled = dnssec_ok;
    }
    if question.rtype == RecordType::IXFR {
        // The version that the asker has (RFC 1995 3).
        message.authorities.push(crate::support::rule::soa(&question.name, 1));
    }
    message
}
