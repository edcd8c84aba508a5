//! The case of a question's letters as something that a forger has to guess besides id and port: a server copies the question
//! into its reply as it came, and looks names up in any case (draft-vixie-dnsext-dns0x20-00). It throws no dice itself.

use super::name::{MAX_LABEL, NameBuf, NameRef};
use super::record::{Record, skip_name};
use super::{HEADER_LEN, read_u16};

/// Gives each letter of the question's name a case: upper if `upper` says so when it is asked for one more.
pub fn scatter(message: &mut [u8], mut upper: impl FnMut() -> bool) {
    // A length is 63 at most, which is below the first letter.
    let letters = labels(message, HEADER_LEN).iter_mut().filter(|octet| octet.is_ascii_alphabetic());
    for octet in letters {
        *octet = if upper() { octet.to_ascii_uppercase() } else { octet.to_ascii_lowercase() };
    }
}

/// Is the name of the reply's question the one that was sent, octet by octet? One that has no question has no proof either.
#[must_use]
pub fn is_kept(sent: &[u8], reply: &[u8]) -> bool {
    let end = skip_name(sent, HEADER_LEN).unwrap_or(sent.len());
    read_u16(reply, 4) == Some(1) && reply.get(HEADER_LEN..end) == sent.get(HEADER_LEN..end)
}

/// Takes the case out of a reply again, so that nobody behind us meets it: out of the question, into which the names of most
/// records point, and out of the owners that were copied from it, the asked name and those above it.
pub fn settle(reply: &mut [u8], asked: NameRef<'_>) {
    labels(reply, HEADER_LEN).make_ascii_lowercase();
    let records: usize = [6, 8, 10].iter().map(|at| usize::from(read_u16(reply, *at).unwrap_or(0))).sum();
    let Ok(question) = skip_name(reply, HEADER_LEN) else { return };
    let (mut at, mut owner) = (question + 4, NameBuf::new());
    for _ in 0..records {
        // What cannot be read is refused by whoever reads the message next.
        let Ok(record) = Record::read(reply, at) else { return };
        if owner.read(reply, record.start).is_ok() && asked.is_in(owner.as_ref()) {
            labels(reply, record.start).make_ascii_lowercase();
        }
        at = record.end;
    }
}

/// The labels of the name at `at` with their lengths, without the root or pointer behind them; none if they are cut short.
fn labels(message: &mut [u8], at: usize) -> &mut [u8] {
    let mut end = at;
    while let Some(length @ 1..=MAX_LABEL) = message.get(end).map(|octet| usize::from(*octet)) {
        end += 1 + length;
    }
    message.get_mut(at..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::class;
    use crate::wire::exchange::{Asked, Manner};
    use crate::wire::{Name, rtype};

    fn asked(name: &Name) -> Asked<'_> {
        Asked {
            name: name.as_ref(),
            qtype: rtype::A,
            qclass: class::IN,
            dnssec_ok: false,
            checking_disabled: false,
            options: &[],
        }
    }

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    #[test]
    fn only_letters_of_the_name_change() {
        let name = name("a-1.example.com");
        let plain = asked(&name).write(0x4142, Manner { edns: true, option: Some((65_313, b"abc")) });
        let mut message = plain.clone();
        let mut turn = false;
        scatter(&mut message, || {
            turn = !turn;
            turn
        });
        assert_eq!(&message[..12], &plain[..12]);
        assert_eq!(&message[12..29], b"\x03A-1\x07eXaMpLe\x03CoM\0");
        assert_eq!(&message[29..], &plain[29..]);
        assert!(is_kept(&message, &message) && !is_kept(&message, &plain));
        assert!(asked(&name).matches(0x4142, &message).is_err(), "it is no reply");
    }

    #[test]
    fn a_reply_without_its_question_proves_nothing() {
        let name = name("x.example");
        let sent = asked(&name).write(7, Manner::default());
        assert!(!is_kept(&sent, b"\0\x07\x80\x01\0\0\0\0\0\0\0\0"));
        assert!(!is_kept(&sent, &sent[..14]), "cut short");
    }

    #[test]
    fn nothing_of_it_is_left_in_owners() {
        let mut reply = b"\0\x07\x81\x80\0\x01\0\x02\0\x01\0\0\x03wEb\x01X\0\0\x01\0\x01".to_vec();
        // The name in full, by a pointer into its second half, and the zone; then one that is the server's own.
        reply.extend_from_slice(b"\x03wEb\x01X\0\0\x05\0\x01\0\0\0\x3c\0\x04\x02Ab\0");
        reply.extend_from_slice(b"\x03WEB\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04ABCD");
        reply.extend_from_slice(b"\x01Y\0\0\x10\0\x01\0\0\0\x3c\0\x02\x01Z");
        settle(&mut reply, name("web.x").as_ref());
        let text = b"\x03web\x01x\0\0\x01\0\x01\x03web\x01x\0\0\x05\0\x01\0\0\0\x3c\0\x04\x02Ab\0\
            \x03web\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04ABCD\x01Y\0\0\x10\0\x01\0\0\0\x3c\0\x02\x01Z";
        assert_eq!(&reply[12..], text);
        for length in 0..reply.len() {
            settle(&mut reply[..length].to_vec(), name("web.x").as_ref());
            scatter(&mut reply[..length].to_vec(), || true);
        }
    }
}
