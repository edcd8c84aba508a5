//! The loop self-probe: does an address that we ask lead back to ourselves? A question that only an interlocal answers, with
//! the id of its cluster and of its process. What to do with a route that loops is decided by whoever holds the route.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::datagram::{self, Datagram, Spelling};
use super::dial::Dial;
use super::dialer::Dialer;
use super::random;
use super::settings::CONNECT_TIMEOUT;
use crate::config::Transport;
use crate::wire::exchange::{Manner, Question, Received};
use crate::wire::frames::{Frames, push_frame};
use crate::wire::record::Record;
use crate::wire::stamp::ClusterId;
use crate::wire::{HEADER_LEN, Name, class, rtype};

/// The label that is answered at both doors, whatever stands behind it.
pub const LABEL: &str = "_interlocal-loop";
/// Between two probes of a route that was taken out.
pub const AGAIN_WHILE_OUT: Duration = Duration::from_secs(30);
/// Between two probes of a route that is asked, plus or minus [`super::backoff::JITTER`]: a loop that forms while we run is
/// found within 5 s, its confirmation and the time of the answers included.
pub const AGAIN_WHILE_GOOD: Duration = Duration::from_millis(3_500);
/// After a probe without an answer: at the start our own doors may not be open yet.
pub const AGAIN_WHILE_UNKNOWN: Duration = AGAIN_WHILE_GOOD;
/// Between the first sign of a loop and its confirmation.
pub const CONFIRM_AFTER: Duration = Duration::from_millis(500);
/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Who we are, as both doors answer the probe: first TXT string the cluster, second the process, in 16 hex digits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    pub cluster: ClusterId,
    pub instance: u64,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Our process, or another one of our cluster.
    Itself,
    /// An interlocal of another cluster.
    Other,
    /// A server that does not know the name: the question ended there, and not here.
    NoSuchName,
    /// Nobody answered, or with a failure that may be anything.
    Unknown,
}

/// The question for a route to `zone`, new each time. None if the zone's name leaves no room.
#[must_use]
pub fn question(zone: &Name) -> Option<Question> {
    let name = zone.prepend(&format!("{:016x}.{LABEL}", random::nonce())).ok()?;
    Some(Question {
        name,
        qtype: rtype::TXT,
        qclass: class::IN,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    })
}

/// Asks an address.
pub async fn ask(server: SocketAddr, transport: Transport, zone: &Name, own: Own) -> Verdict {
    let Some(question) = question(zone) else { return Verdict::Unknown };
    let answer = match transport {
        Transport::Udp => {
            let until = Instant::now() + PATIENCE;
            match datagram::ask(server, &question, Manner::default(), Spelling::Lower, 0, until).await {
                Datagram::Answer(answer) => Some(*answer),
                _ => None,
            }
        }
        Transport::Tcp => return ask_over(&Dialer::default(), server, zone, own).await,
    };
    answer.map_or(Verdict::Unknown, |answer| judge(&question, &answer, own))
}

/// Asks an address over a connection that is made in this way.
pub async fn ask_over(dialer: &Dialer, server: SocketAddr, zone: &Name, own: Own) -> Verdict {
    let Some(question) = question(zone) else { return Verdict::Unknown };
    let answer = timeout(PATIENCE, over_tcp(dialer, server, &question)).await.ok().flatten();
    answer.map_or(Verdict::Unknown, |answer| judge(&question, &answer, own))
}

/// On a connection of its own: the ones that carry questions stay out of it.
async fn over_tcp(dialer: &Dialer, server: SocketAddr, question: &Question) -> Option<Received> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = dialer.dial(server, CONNECT_TIMEOUT).await.ok()?;
    let (asked, id) = (question.asked(), random::id());
    let mut frame = Vec::new();
    push_frame(&asked.write(id, Manner::default()), &mut frame);
    stream.write_all(&frame).await.ok()?;
    stream.flush().await.ok()?;
    let mut frames = Frames::default();
    loop {
        if stream.read_buf(frames.space()).await.ok()? == 0 {
            return None;
        }
        while let Some(message) = frames.next() {
            if asked.matches(id, message).is_ok()
                && let Ok(received) = Received::parse(&asked, message, 0)
            {
                return Some(received);
            }
        }
    }
}

/// Reads the answer. Clusters are compared only if both are known; the process always is.
#[must_use]
pub fn judge(question: &Question, answer: &Received, own: Own) -> Verdict {
    if answer.body.is_negative() {
        return Verdict::NoSuchName;
    }
    let Some((cluster, instance)) = ids(question, answer) else { return Verdict::Unknown };
    let same_cluster = own.cluster.is_known() && cluster == u64::from_be_bytes(own.cluster.0);
    if instance == Some(own.instance) || same_cluster { Verdict::Itself } else { Verdict::Other }
}

/// Who answered the probe; none: nobody who knows it.
#[must_use]
pub fn who(question: &Question, answer: &Received) -> Option<Own> {
    let (cluster, instance) = ids(question, answer)?;
    Some(Own { cluster: ClusterId(cluster.to_be_bytes()), instance: instance? })
}

fn ids(question: &Question, answer: &Received) -> Option<(u64, Option<u64>)> {
    let message = answer.body.to_message(question.name.as_ref(), question.qtype);
    let mut at = HEADER_LEN + question.name.as_ref().wire().len() + 4;
    for _ in 0..answer.body.answers() {
        let record = Record::read(&message, at).ok()?;
        at = record.end;
        if record.rtype == rtype::TXT {
            let (cluster, rest) = hex(record.data_in(&message))?;
            return Some((cluster, hex(rest).map(|(instance, _)| instance)));
        }
    }
    None
}

/// A character string of hex digits, and what follows it.
fn hex(data: &[u8]) -> Option<(u64, &[u8])> {
    let (length, rest) = data.split_first()?;
    let (digits, rest) = rest.split_at_checked(usize::from(*length))?;
    let value = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((value, rest))
}

/// What the probes of one address have shown so far. Pure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoopState {
    out: bool,
    /// Probes in a row that came back to us.
    back: u8,
    /// The last probe showed nothing.
    unsure: bool,
}

/// What a probe changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    TakenOut,
    Returned,
}

impl LoopState {
    /// Of an address that is left out already, or is not: the probes may start anew while that lasts.
    #[must_use]
    pub fn of(out: bool) -> Self {
        Self { out, unsure: true, ..Self::default() }
    }

    /// Is the address taken out?
    #[must_use]
    pub fn is_out(self) -> bool {
        self.out
    }

    /// Takes a verdict in: two in a row take the address out, one that ends elsewhere brings it back.
    pub fn observe(&mut self, verdict: Verdict) -> Option<Change> {
        self.unsure = verdict == Verdict::Unknown;
        match verdict {
            Verdict::Unknown => None,
            Verdict::Itself => {
                self.back = self.back.saturating_add(1);
                let newly = self.back >= 2 && !self.out;
                self.out |= newly;
                newly.then_some(Change::TakenOut)
            }
            Verdict::Other | Verdict::NoSuchName => {
                self.back = 0;
                std::mem::take(&mut self.out).then_some(Change::Returned)
            }
        }
    }

    /// How long to wait for the next probe.
    #[must_use]
    pub fn next(self) -> Duration {
        match (self.out, self.unsure, self.back) {
            (true, ..) => AGAIN_WHILE_OUT,
            (false, true, _) => AGAIN_WHILE_UNKNOWN,
            (false, false, 0) => AGAIN_WHILE_GOOD,
            (false, false, _) => CONFIRM_AFTER,
        }
    }

    /// The route is asked, and the last probe was answered: the next one may go over a connection that carries its questions.
    #[must_use]
    pub fn is_in_use(self) -> bool {
        !self.out && !self.unsure
    }

    /// The last probe ended elsewhere: another one is due only if the route was asked since.
    #[must_use]
    pub fn is_good(self) -> bool {
        self.is_in_use() && self.back == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Own = Own { cluster: ClusterId([1; 8]), instance: 0xabc };

    fn answer(question: &Question, strings: &[&str]) -> Received {
        let mut message = question.asked().write(1, Manner::default());
        message[2] |= 0x80;
        message[7] = 1;
        message.extend_from_slice(b"\xc0\x0c\0\x10\0\x01\0\0\0\0");
        let data: Vec<u8> = strings.iter().flat_map(|text| [&[text.len() as u8], text.as_bytes()].concat()).collect();
        message.extend_from_slice(&(data.len() as u16).to_be_bytes());
        message.extend_from_slice(&data);
        Received::parse(&question.asked(), &message, 0).expect("well formed")
    }

    #[test]
    fn the_answer_says_who_we_reached() {
        let question = question(&Name::root()).expect("there is room");
        let verdict = |strings: &[&str]| judge(&question, &answer(&question, strings), OWN);
        assert_eq!(verdict(&["0101010101010101", "0000000000000def"]), Verdict::Itself, "our cluster");
        assert_eq!(verdict(&["0000000000000000", "0000000000000abc"]), Verdict::Itself, "our process");
        assert_eq!(verdict(&["0202020202020202", "0000000000000def"]), Verdict::Other);
        assert_eq!(verdict(&["v=spf1"]), Verdict::Unknown);
        let unknown = Own { cluster: ClusterId::default(), instance: 1 };
        let two_unknown = answer(&question, &["0000000000000000", "0000000000000002"]);
        assert_eq!(judge(&question, &two_unknown, unknown), Verdict::Other, "nothing is concluded from zero");
        let mut denied = question.asked().write(1, Manner::default());
        (denied[2], denied[3]) = (0x81, 0x83);
        let denied = Received::parse(&question.asked(), &denied, 0).expect("well formed");
        assert_eq!(judge(&question, &denied, OWN), Verdict::NoSuchName);
    }

    #[test]
    fn the_name_ends_in_the_zone_and_is_new_each_time() {
        let zone: Name = "corp.example".parse().expect("a name");
        let (one, two) = (question(&zone).expect("room"), question(&zone).expect("room"));
        assert_ne!(one, two);
        assert!(one.name.to_string().ends_with("._interlocal-loop.corp.example"));
        let first = one.name.as_ref().labels().next().expect("a label");
        assert_eq!(first.len(), 16);
        assert!(question(&Name::root()).expect("room").name.to_string().contains("._interlocal-loop"));
    }

    /// F13: a loop that forms while we run. Two answers are not counted: they come over open connections.
    #[test]
    fn a_loop_is_found_within_five_seconds() {
        let longest = AGAIN_WHILE_GOOD.mul_f64(1.0 + crate::peer::backoff::JITTER) + CONFIRM_AFTER.mul_f64(1.2);
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }

    #[test]
    fn two_agreeing_probes_take_it_out_and_one_brings_it_back() {
        let mut state = LoopState::default();
        assert_eq!((state.observe(Verdict::Other), state.next()), (None, AGAIN_WHILE_GOOD));
        assert!(state.is_good());
        assert_eq!((state.observe(Verdict::Itself), state.next()), (None, CONFIRM_AFTER));
        assert!(!state.is_good());
        assert_eq!((state.observe(Verdict::Unknown), state.is_out()), (None, false), "no answer says nothing");
        assert_eq!(state.next(), AGAIN_WHILE_UNKNOWN);
        assert_eq!(state.observe(Verdict::Itself), Some(Change::TakenOut));
        assert_eq!((state.observe(Verdict::Itself), state.next()), (None, AGAIN_WHILE_OUT));
        assert_eq!((state.observe(Verdict::Unknown), state.is_out()), (None, true));
        assert_eq!(state.observe(Verdict::NoSuchName), Some(Change::Returned));
        assert_eq!((state.is_out(), state.next()), (false, AGAIN_WHILE_GOOD));
        assert_eq!(state.observe(Verdict::Itself), None, "counted anew");
        assert!(!LoopState::of(false).is_good(), "nothing has been asked yet");
        assert_eq!(LoopState::of(true).observe(Verdict::Other), Some(Change::Returned), "probed anew while out");
    }
}
