//! Our replies, read by hickory-proto: what every one of them must be, whoever wrote it.

use hickory_proto::op::{Message, MessageType};

/// Reads a reply to `question` that may take `limit` octets.
pub(crate) fn reply(question: &[u8], reply: &[u8], limit: usize) -> Message {
    assert!(reply.len() <= limit, "{} octets, and {limit} are allowed", reply.len());
    let message = Message::from_vec(reply).unwrap_or_else(|error| panic!("hickory: {error}: {reply:02x?}"));
    assert_eq!(message.metadata.message_type, MessageType::Response);
    assert_eq!(reply[..2], question[..2], "the id");
    assert_eq!(reply[2] & 0x78, question[2] & 0x78, "the opcode");
    if let [_] = message.queries[..] {
        let end = question_end(reply);
        assert_eq!(reply[12..end], question[12..end], "the question, letter by letter");
    } else {
        assert_eq!(reply.len(), 12, "without a question there is nothing but a header");
    }
    message
}

/// How large a reply over UDP may be at most, by hickory's reading of the question (RFC 6891 6.2.3 and 6.2.5).
pub(crate) fn udp_limit(question: &[u8]) -> usize {
    match Message::from_vec(question) {
        Ok(Message { edns: None, .. }) => 512,
        Ok(Message { edns: Some(edns), .. }) => usize::from(edns.max_payload()).clamp(512, 1_232),
        Err(_) => 1_232,
    }
}

/// Where the question of a message ends that is known to have one.
pub(crate) fn question_end(message: &[u8]) -> usize {
    let mut at = 12;
    while message[at] != 0 {
        at += 1 + usize::from(message[at]);
    }
    at + 5
}
