//! Asking, as plainly as can be: one question and one reply on a socket of its own, with any flag, or bytes as they are.
//! Nothing is retried and nothing is corrected; a reply to another question fails the test.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{DNSClass, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{name, secs};

/// Long enough for a busy machine; a test that expects silence names its own limit.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks with RD and an OPT of 1232 bytes; the reply has to come.
pub async fn ask_udp(server: SocketAddr, asked: &str, rtype: RecordType) -> Message {
    Ask::new(asked, rtype).udp(server).await
}

/// Asks with RD and an OPT of 1232 bytes; the reply has to come.
pub async fn ask_tcp(server: SocketAddr, asked: &str, rtype: RecordType) -> Message {
    Ask::new(asked, rtype).tcp(server).await
}

/// A question with every flag in reach.
#[derive(Debug, Clone)]
pub struct Ask {
    message: Message,
    patience: Duration,
}

impl Ask {
    /// RD, class IN, an OPT of 1232 bytes, a random id.
    pub fn new(asked: &str, rtype: RecordType) -> Self {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name(asked), rtype));
        message.edns = Some(Edns::new());
        Self { message, patience: PATIENCE }.edns(1232)
    }

    pub fn id(mut self, id: u16) -> Self {
        self.message.metadata.id = id;
        self
    }

    pub fn class(mut self, class: DNSClass) -> Self {
        self.message.queries.iter_mut().for_each(|query| query.query_class = class);
        self
    }

    pub fn opcode(mut self, opcode: OpCode) -> Self {
        self.message.metadata.op_code = opcode;
        self
    }

    pub fn no_rd(mut self) -> Self {
        self.message.metadata.recursion_desired = false;
        self
    }

    pub fn cd(mut self) -> Self {
        self.message.metadata.checking_disabled = true;
        self
    }

    pub fn ad(mut self) -> Self {
        self.message.metadata.authentic_data = true;
        self
    }

    /// An OPT with this payload size. hickory writes no size below 512.
    pub fn edns(self, payload: u16) -> Self {
        self.opt(|edns| {
            edns.set_max_payload(payload);
        })
    }

    pub fn no_edns(mut self) -> Self {
        self.message.edns = None;
        self
    }

    pub fn edns_version(self, version: u8) -> Self {
        self.opt(|edns| {
            edns.set_version(version);
        })
    }

    /// The DO flag.
    pub fn dnssec_ok(self) -> Self {
        self.opt(|edns| {
            edns.set_dnssec_ok(true);
        })
    }

    /// One more EDNS option, as bytes.
    pub fn option(self, code: u16, data: &[u8]) -> Self {
        self.opt(|edns| edns.options_mut().insert(EdnsOption::Unknown(code, data.to_vec())))
    }

    /// How long to wait for the reply.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub fn message(&self) -> &Message {
        &self.message
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.message.to_vec().unwrap()
    }

    /// The reply over UDP, which has to come.
    pub async fn udp(&self, server: SocketAddr) -> Message {
        self.try_udp(server).await.unwrap_or_else(|| panic!("{server} did not answer {self:?} over UDP"))
    }

    /// The reply over UDP, or none within [`Ask::patience`].
    pub async fn try_udp(&self, server: SocketAddr) -> Option<Message> {
        let reply = raw_udp(server, &self.bytes(), self.patience).await?;
        Some(self.checked(&reply))
    }

    /// The reply over a new TCP connection, which has to come.
    pub async fn tcp(&self, server: SocketAddr) -> Message {
        self.try_tcp(server).await.unwrap_or_else(|| panic!("{server} did not answer {self:?} over TCP"))
    }

    /// The reply over a new TCP connection; none when it was refused, ended, or silent for [`Ask::patience`].
    pub async fn try_tcp(&self, server: SocketAddr) -> Option<Message> {
        let reply = raw_tcp(server, &self.bytes(), self.patience).await?;
        Some(self.checked(&reply))
    }

    fn opt(mut self, change: impl FnOnce(&mut Edns)) -> Self {
        change(self.message.edns.get_or_insert_default());
        self
    }

    /// A reply to this question and to no other. An error may leave the question out.
    fn checked(&self, reply: &[u8]) -> Message {
        let reply = Message::from_vec(reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
        assert_eq!(reply.message_type, MessageType::Response, "{reply:?}");
        assert_eq!(reply.id, self.message.id, "the reply has another id: {reply:?}");
        if let [question] = &reply.queries[..] {
            let asked = &self.message.queries[0];
            assert!(asked.name().eq_case(question.name()), "{} came back as {}", asked.name(), question.name());
            assert_eq!((asked.query_type(), asked.query_class()), (question.query_type(), question.query_class()));
        } else {
            assert!(reply.answers.is_empty(), "an answer needs its question: {reply:?}");
        }
        reply
    }
}

/// Sends these bytes as one datagram; the first datagram that the server sends back, or none within `patience`.
pub async fn raw_udp(server: SocketAddr, bytes: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.unwrap();
    // Connected: what other addresses send is not seen.
    socket.connect(server).await.unwrap();
    socket.send(bytes).await.unwrap();
    let mut reply = vec![0; 65_535];
    // An error is "connection refused", which is no reply either.
    let length = timeout(patience, socket.recv(&mut reply)).await.ok()?.ok()?;
    reply.truncate(length);
    Some(reply)
}

/// Sends these bytes as one message over a new connection; the first message that comes back, or none.
pub async fn raw_tcp(server: SocketAddr, bytes: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let mut conversation = Conversation::open(server).await?;
    conversation.send(bytes).await;
    match conversation.receive(patience).await {
        Heard::Message(message) => Some(message),
        Heard::Silence | Heard::End => None,
    }
}

/// A TCP connection that the test leads: pipelining, half messages, bytes of any kind.
pub struct Conversation {
    stream: TcpStream,
    /// What was read of the next message.
    buffer: Vec<u8>,
}

/// What came over a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Message(Vec<u8>),
    /// Nothing within the patience; the connection is open.
    Silence,
    /// The server closed or reset it.
    End,
}

impl Conversation {
    /// None when nobody listens there.
    pub async fn open(server: SocketAddr) -> Option<Self> {
        let stream = timeout(secs(5), TcpStream::connect(server)).await.ok()?.ok()?;
        stream.set_nodelay(true).unwrap();
        Some(Self { stream, buffer: Vec::new() })
    }

    /// A whole message, its length before it, in one write.
    pub async fn send(&mut self, message: &[u8]) {
        self.send_together(&[message]).await;
    }

    /// Several messages in one write.
    pub async fn send_together(&mut self, messages: &[&[u8]]) {
        let mut bytes = Vec::new();
        for message in messages {
            bytes.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(message);
        }
        self.send_bytes(&bytes).await;
    }

    /// Bytes as they are. A server that has hung up shows in [`Conversation::receive`], not here.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The client has said all; it still listens.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    pub async fn receive(&mut self, patience: Duration) -> Heard {
        // Reading into `buffer` loses nothing when the patience ends in the middle of a message.
        timeout(patience, self.read()).await.unwrap_or(Heard::Silence)
    }

    /// The next message, decoded; it has to come.
    pub async fn reply(&mut self) -> Message {
        match self.receive(PATIENCE).await {
            Heard::Message(bytes) => Message::from_vec(&bytes).unwrap(),
            other => panic!("in place of a reply: {other:?}"),
        }
    }

    async fn read(&mut self) -> Heard {
        loop {
            if let [high, low, ..] = self.buffer[..] {
                let end = 2 + usize::from(u16::from_be_bytes([high, low]));
                if self.buffer.len() >= end {
                    let message = self.buffer[2..end].to_vec();
                    self.buffer.drain(..end);
                    return Heard::Message(message);
                }
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Heard::End,
                Ok(_) => {}
            }
        }
    }
}
