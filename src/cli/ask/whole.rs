//! One question to any server, and the whole reply as plain text: what two servers can be compared by. UDP first, TCP for what does
//! not fit; a lost datagram is sent again, and that is counted.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::wire::{MAX_UDP_PAYLOAD, Rcode};

/// Longer than a server takes to give up on a dark region or upstream.
const PATIENCE: Duration = Duration::from_secs(5);
/// A datagram may get lost, on a busy machine twice.
const TRIES: u32 = 3;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked {
    /// Lower case, with its final dot.
    pub name: String,
    /// `A`, `SRV`, `TYPE65280`.
    pub rtype: String,
}

/// A record without its class: names and data in lower case, so that the same looks the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub name: String,
    pub rtype: String,
    pub data: String,
    pub ttl: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub rcode: String,
    pub authoritative: bool,
    pub recursion: bool,
    pub authentic: bool,
    pub answers: Vec<Record>,
    pub authority: Vec<Record>,
    pub additional: Vec<Record>,
}

/// A reply, or why there is none; and how often the question was sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub reply: Result<Reply, String>,
    pub retries: u32,
}

impl Asked {
    /// # Errors
    /// If it is no name, or no type.
    pub fn new(name: &str, rtype: &str) -> Result<Self, String> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let labels = name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
        Name::from_labels(labels).map_err(|error| format!("`{name}` is no name: {error}"))?;
        let rtype = RecordType::from_str(&rtype.to_ascii_uppercase()).map_err(|_| format!("`{rtype}` is no type"))?;
        Ok(Self { name: name + ".", rtype: rtype.to_string() })
    }

    fn message(&self) -> Result<Message, String> {
        let labels = self.name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes);
        // Not by text: that takes no label which begins with a hyphen, and pods have such.
        let mut name = Name::from_labels(labels).map_err(|error| error.to_string())?;
        name.set_fqdn(true);
        let rtype = RecordType::from_str(&self.rtype).map_err(|error| error.to_string())?;
        let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name, rtype));
        let mut edns = Edns::new();
        edns.set_max_payload(u16::try_from(MAX_UDP_PAYLOAD).unwrap_or(u16::MAX));
        message.edns = Some(edns);
        Ok(message)
    }
}

/// Asks, and waits as long as a stub resolver would.
pub async fn ask(server: SocketAddr, asked: &Asked) -> Told {
    let message = match asked.message() {
        Ok(message) => message,
        Err(error) => return Told { reply: Err(error), retries: 0 },
    };
    let mut retries = 0;
    loop {
        match timeout(PATIENCE, exchange(server, &message)).await {
            Ok(Ok(reply)) => return Told { reply: Ok(plain(&reply)), retries },
            Ok(Err(error)) if retries + 1 >= TRIES => return Told { reply: Err(error.to_string()), retries },
            Err(_) if retries + 1 >= TRIES => return Told { reply: Err("no answer".into()), retries },
            _ => retries += 1,
        }
    }
}

async fn exchange(server: SocketAddr, message: &Message) -> io::Result<Message> {
    let bytes = message.to_vec().map_err(io::Error::other)?;
    let reply = udp(server, message, &bytes).await?;
    if reply.truncation { tcp(server, message, &bytes).await } else { Ok(reply) }
}

async fn udp(server: SocketAddr, message: &Message, bytes: &[u8]) -> io::Result<Message> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut room = vec![0; 65_535];
    loop {
        let length = socket.recv(&mut room).await?;
        if let Some(reply) = read(message, &room[..length]) {
            return Ok(reply);
        }
    }
}

async fn tcp(server: SocketAddr, message: &Message, bytes: &[u8]) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
    let mut reply = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut reply).await?;
    read(message, &reply).ok_or_else(|| io::Error::other("the reply is to another question"))
}

/// A reply to this question; anything else is nobody's.
fn read(message: &Message, bytes: &[u8]) -> Option<Message> {
    let reply = Message::from_vec(bytes).ok()?;
    let same = |one: &Query, two: &Query| {
        one.query_type() == two.query_type() && one.name().to_lowercase() == two.name().to_lowercase()
    };
    let ours = reply.metadata.id == message.metadata.id
        && reply.metadata.message_type == MessageType::Response
        && reply.queries.len() == 1
        && same(&reply.queries[0], &message.queries[0]);
    ours.then_some(reply)
}

fn plain(message: &Message) -> Reply {
    let records = |records: &[hickory_proto::rr::Record]| {
        let mut records: Vec<Record> = records.iter().map(record).collect();
        records.sort();
        records
    };
    Reply {
        rcode: Rcode(message.metadata.response_code.into()).to_text().into_owned(),
        authoritative: message.metadata.authoritative,
        recursion: message.metadata.recursion_available,
        authentic: message.metadata.authentic_data,
        answers: records(&message.answers),
        authority: records(&message.authorities),
        additional: records(&message.additionals),
    }
}

fn record(record: &hickory_proto::rr::Record) -> Record {
    let (data, ttl) = match &record.data {
        // The serial is each server's own clock, and the last field is a TTL (RFC 2308 5: the lesser of the two).
        RData::SOA(soa) => {
            let data = format!("{} {} SERIAL {} {} {}", soa.mname, soa.rname, soa.refresh, soa.retry, soa.expire);
            (data, record.ttl.min(soa.minimum))
        }
        other => (other.to_string(), record.ttl),
    };
    // Text is the only data in which case means something.
    let data = if record.record_type() == RecordType::TXT { data } else { data.to_ascii_lowercase() };
    let name = record.name.to_string().to_ascii_lowercase();
    Record { name, rtype: record.record_type().to_string(), data, ttl }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_read() {
        let asked = Asked::new("Web.Shop.svc.cluster.local", "srv").expect("a question");
        assert_eq!((asked.name.as_str(), asked.rtype.as_str()), ("web.shop.svc.cluster.local.", "SRV"));
        assert!(Asked::new("-1-2.shop.pod.cluster.local", "A").is_ok_and(|asked| asked.message().is_ok()));
        assert!(Asked::new("a.b", "WHAT").is_err());
        assert!(Asked::new(&"x".repeat(64), "A").is_err());
    }
}
