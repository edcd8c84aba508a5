//! Asks a server as any client would: one question, over UDP or TCP, read with hickory-proto, so that the demo's matrix is not
//! judged by the code that served it.

pub mod whole;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RData, RecordType};

use crate::clock;
use crate::wire::Rcode;

/// Longer than a server takes to give up on a dark region, so that its own words are seen.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Over what to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Udp,
    Tcp,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answered {
    pub addresses: Vec<IpAddr>,
    pub rcode: String,
    /// The texts of Extended DNS Errors.
    pub errors: Vec<String>,
    pub took: Duration,
}

/// Asks for the addresses of a name.
///
/// # Errors
/// In words, if no readable reply came in time.
pub fn addresses(server: SocketAddr, name: &str, over: Over) -> Result<Answered, String> {
    let mut name = Name::from_ascii(name).map_err(|error| error.to_string())?;
    name.set_fqdn(true);
    let id = rand::random();
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, RecordType::A));
    question.edns = Some(Edns::new());
    let bytes = question.to_vec().map_err(|error| error.to_string())?;
    let started = clock::now();
    let reply = match over {
        Over::Udp => udp(server, &bytes),
        Over::Tcp => tcp(server, &bytes),
    };
    let took = clock::now().duration_since(started);
    let reply = reply.map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => "timed out".to_owned(),
        _ => error.to_string(),
    })?;
    let reply = Message::from_vec(&reply).map_err(|error| error.to_string())?;
    if reply.metadata.id != id || reply.queries != question.queries {
        return Err("the reply is to another question".to_owned());
    }
    let address = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(Ipv4Addr::from(a.octets()))),
        RData::AAAA(aaaa) => Some(IpAddr::V6(Ipv6Addr::from(aaaa.octets()))),
        _ => None,
    };
    Ok(Answered {
        addresses: reply.answers.iter().filter_map(|record| address(&record.data)).collect(),
        rcode: Rcode(reply.metadata.response_code.into()).to_text().into_owned(),
        errors: reply.edns.iter().flat_map(errors).collect(),
        took,
    })
}

/// Texts of the EDE options (RFC 8914 2: two octets of code, then text).
fn errors(edns: &Edns) -> Vec<String> {
    let texts = edns.options().as_ref().iter().filter_map(|(code, option)| match (code, option) {
        (EdnsCode::Unknown(15), EdnsOption::Unknown(_, data)) => data.get(2..),
        _ => None,
    });
    texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

fn udp(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.send(question)?;
    let mut reply = vec![0; 65_535];
    let len = socket.recv(&mut reply)?;
    reply.truncate(len);
    Ok(reply)
}

fn tcp(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let length = u16::try_from(question.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}
