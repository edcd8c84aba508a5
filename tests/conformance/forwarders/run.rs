//! Every question to the three servers, each over the transport it is for, and what came of it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::cases::Case;
use super::compare::{differences, shown};
use super::questions::Question;
use super::wanted::{Peer, applying};
use crate::support::client::{Conversation, Heard};
use crate::support::differential::{Failure, Outcome, together};
use crate::support::raw::Reply;
use crate::support::secs;

/// Askers at once.
const ASKERS: usize = 8;

/// Ours first, then those of [`Peer::ALL`].
pub async fn compare(servers: [SocketAddr; 3], questions: &Arc<Vec<Question>>, began: Instant) -> Outcome {
    let ask = |asker| {
        let questions = Arc::clone(questions);
        async move {
            let mut lines = [Line::open(servers[0]).await, Line::open(servers[1]).await, Line::open(servers[2]).await];
            let mut outcome = Outcome::default();
            for (id, question) in questions.iter().enumerate().skip(asker).step_by(ASKERS) {
                let [ours, unbound, dnsdist] = &mut lines;
                let id = id as u16;
                let (ours, unbound, dnsdist) =
                    tokio::join!(ours.ask(question, id), unbound.ask(question, id), dnsdist.ask(question, id));
                let age = u32::try_from(began.elapsed().as_secs()).unwrap() + 2;
                judge(&mut outcome, question, &ours, [&unbound, &dnsdist], age);
            }
            outcome
        }
    };
    together(ASKERS, ask).await
}

fn judge(outcome: &mut Outcome, question: &Question, ours: &Reply, theirs: [&Reply; 2], age: u32) {
    outcome.compared += 1;
    for (peer, theirs) in Peer::ALL.into_iter().zip(theirs) {
        let different = differences(ours, theirs, age);
        if different.is_empty() {
            continue;
        }
        let case = Case { peer, question, ours, theirs, age };
        outcome.judge(&different, applying(&case), |left| Failure {
            kind: format!("{peer:?} {left:?} {}", question.kind),
            text: format!("{question:?}\n-- interlocal: {}-- {peer:?}: {}", shown(ours), shown(theirs)),
        });
    }
}

/// One asker's way to one server: a socket, and a connection that is made anew when the server ends it.
struct Line {
    server: SocketAddr,
    socket: UdpSocket,
    conversation: Option<Conversation>,
}

impl Line {
    async fn open(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server).await.unwrap();
        Self { server, socket, conversation: None }
    }

    async fn ask(&mut self, question: &Question, id: u16) -> Reply {
        let query = question.raw(id).bytes();
        for _ in 0..3 {
            let reply = if question.tcp { self.tcp(&query).await } else { self.udp(&query).await };
            if let Some(reply) = reply.filter(|reply| reply[..2] == id.to_be_bytes()) {
                assert!(reply.len() <= question.room(), "{} octets: {question:?}", reply.len());
                return Reply::read(&reply);
            }
        }
        panic!("{} does not answer {question:?}", self.server)
    }

    async fn udp(&self, query: &[u8]) -> Option<Vec<u8>> {
        self.socket.send(query).await.unwrap();
        let mut reply = vec![0; 65_535];
        let listening = async {
            loop {
                let length = self.socket.recv(&mut reply).await.ok()?;
                // A late reply to the question before is not this one's.
                if length >= 12 && reply[..2] == query[..2] {
                    return Some(reply[..length].to_vec());
                }
            }
        };
        timeout(secs(20), listening).await.ok()?
    }

    async fn tcp(&mut self, query: &[u8]) -> Option<Vec<u8>> {
        let mut conversation = match self.conversation.take() {
            Some(conversation) => conversation,
            None => Conversation::open(self.server).await?,
        };
        conversation.send(query).await;
        let Heard::Message(message) = conversation.receive(secs(20)).await else { return None };
        self.conversation = Some(conversation);
        Some(message)
    }
}
