//! A question's octets through the whole path of an answer: read, routed, answered in place or resolved, written.
//!
//! Input: one octet of circumstances (see `Circumstances`), and the message.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use hickory_proto::op::Message;
use interlocal::answer::Failure;
use interlocal::route::Door;
use interlocal::server::asking::{Asking, Done, Transport};
use interlocal::server::core::View;
use interlocal::server::question::Outcome;
use interlocal::server::resolve::Miss;
use interlocal::wire::{MAX_MESSAGE, MAX_UDP_PAYLOAD};

use super::reading;
use super::server::Server;

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Lowest bit: TCP. Next: the peers' door. The rest: the rotation.
#[derive(Clone, Copy)]
struct Circumstances {
    transport: Transport,
    door: Door,
    rotation: usize,
}

pub fn run(data: &[u8]) {
    let Some((octet, message)) = data.split_first() else { return };
    if message.len() > MAX_MESSAGE {
        return;
    }
    let how = Circumstances {
        transport: if octet & 1 == 0 { Transport::Udp } else { Transport::Tcp },
        door: if octet & 2 == 0 { Door::Pods { server: 0 } } else { Door::Peers },
        rotation: usize::from(octet >> 2),
    };
    let limit = match how.transport {
        Transport::Udp => reading::udp_limit(message),
        Transport::Tcp => MAX_MESSAGE,
    };
    match answer(how, message) {
        Answer::Drop => {
            let reply = message.get(2).is_some_and(|flags| flags & 0x80 != 0);
            assert!(message.len() < 12 || reply, "every question gets an answer");
        }
        Answer::Reply(reply, done) => {
            let read = check(message, &reply, limit, &done);
            assert_eq!(answer(how, message), Answer::Reply(reply, done), "the same question, the same answer");
            cut_or_whole(how, message, &read);
        }
        Answer::Miss => {
            let miss = Miss {
                message: message.into(),
                door: how.door,
                transport: how.transport,
                source: SOURCE,
                port: 53_000,
            };
            let permit = Arc::new(SERVER.core.in_flight.take(None, usize::MAX).expect("no limit"));
            let resolved = SERVER.runtime.block_on(miss.resolve(&SERVER.core, &permit));
            let (reply, done) = resolved.expect("a miss is a question");
            check(message, &reply, limit, &done);
            assert!(!reply.windows(14).any(|text| text == b"internal error"), "a fetch panicked");
            let (reply, done) = miss.fail(&Failure::Overloaded).expect("a miss is a question");
            check(message, &reply, limit, &done);
        }
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Reply(Vec<u8>, Done),
    Miss,
    Drop,
}

fn answer(how: Circumstances, message: &[u8]) -> Answer {
    let view = View::load(&SERVER.core);
    let Circumstances { transport, door, rotation } = how;
    let asking = Asking {
        core: &SERVER.core,
        view: &view,
        door,
        transport,
        source: SOURCE,
        port: 53_000,
        now: SERVER.now,
        rotation,
    };
    // What stood in the buffer before must not matter.
    let mut out = vec![0xee; if transport == Transport::Udp { MAX_UDP_PAYLOAD } else { MAX_MESSAGE }];
    match asking.answer(message, &mut out) {
        Outcome::Reply(done) => {
            out.truncate(done.len);
            Answer::Reply(out, done)
        }
        Outcome::Ask | Outcome::Miss => Answer::Miss,
        Outcome::Drop(_) => Answer::Drop,
    }
}

fn check(message: &[u8], reply: &[u8], limit: usize, done: &Done) -> Message {
    let read = reading::reply(message, reply, limit);
    assert_eq!((done.len, done.rcode.0), (reply.len(), u16::from(read.metadata.response_code)), "as it is counted");
    if !read.queries.is_empty() {
        assert_eq!(reply[2] & 1, message[2] & 1, "RD");
        assert_eq!(reply[3] & 0x10, message[3] & 0x10, "CD");
        assert_eq!(reply[3] & 0x40, 0, "the reserved bit");
        assert_eq!(done.qtype, u16::from(read.queries[0].query_type()));
    }
    if let Ok(asked) = Message::from_vec(message)
        && !read.queries.is_empty()
    {
        assert_eq!(asked.edns.is_some(), read.edns.is_some(), "OPT for OPT (RFC 6891 6.1.1)");
    }
    read
}

/// Over TCP the same question gets the same answer, and all of what was cut.
fn cut_or_whole(how: Circumstances, message: &[u8], read: &Message) {
    let Answer::Reply(whole, _) = answer(Circumstances { transport: Transport::Tcp, ..how }, message) else {
        panic!("answered in place over UDP, and not over TCP")
    };
    let whole = Message::from_vec(&whole).expect("hickory reads it");
    assert_eq!(whole.metadata.response_code, read.metadata.response_code);
    assert!(!whole.metadata.truncation, "nothing in this zone is larger than a message over TCP");
    if read.metadata.truncation {
        assert!(read.answers.len() < whole.answers.len() || read.authorities.len() < whole.authorities.len());
    } else {
        assert_eq!((&read.answers, &read.authorities), (&whole.answers, &whole.authorities));
    }
}
