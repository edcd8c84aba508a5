//! What came of the questions of a load. It only reads.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::opt::EdnsCode;

use crate::load::Ask;

/// The timeout of most stub resolvers.
const STUB: Duration = Duration::from_secs(5);

/// One question.
#[derive(Debug, Clone)]
pub struct Sample {
    pub ask: Ask,
    /// As it was sent.
    pub question: Vec<u8>,
    pub at: Instant,
    /// None if no answer came.
    pub took: Option<Duration>,
    pub reply: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The address that was expected.
    Right,
    /// The same, past its TTL and said so (EDE 3).
    Stale,
    NoName,
    /// An rcode, and the extended errors.
    Failed(ResponseCode, Vec<(u16, String)>),
    /// An answer to something else.
    Wrong(String),
    Lost,
}

impl Sample {
    pub fn new(ask: Ask, question: Vec<u8>, at: Instant) -> Self {
        Self { ask, question, at, took: None, reply: Vec::new() }
    }

    pub fn outcome(&self) -> Outcome {
        if !self.in_time() {
            return Outcome::Lost;
        }
        let Ok(message) = Message::from_vec(&self.reply) else { return Outcome::Wrong("unreadable".to_owned()) };
        let errors = errors(&message);
        match message.response_code {
            ResponseCode::NoError => {
                let addresses: Vec<IpAddr> = message
                    .answers
                    .iter()
                    .filter_map(|record| match record.data {
                        RData::A(a) => Some(IpAddr::V4(a.0)),
                        _ => None,
                    })
                    .collect();
                let right = match self.ask.expect {
                    Some(expected) => addresses == [IpAddr::V4(expected)],
                    None => !addresses.is_empty(),
                };
                match right {
                    true if errors.iter().any(|(code, _)| *code == 3) => Outcome::Stale,
                    true => Outcome::Right,
                    false => Outcome::Wrong(format!("{addresses:?}")),
                }
            }
            ResponseCode::NXDomain => Outcome::NoName,
            rcode => Outcome::Failed(rcode, errors),
        }
    }

    /// While the stub resolver still listened.
    fn in_time(&self) -> bool {
        self.took.is_some_and(|took| took < STUB)
    }

    /// An answer that a pod can use.
    pub fn good(&self) -> bool {
        matches!(self.outcome(), Outcome::Right | Outcome::Stale)
    }
}

fn errors(message: &Message) -> Vec<(u16, String)> {
    let Some(edns) = &message.edns else { return Vec::new() };
    let options = edns.options().get_all(EdnsCode::from(15));
    let bytes = options.into_iter().filter_map(|option| Vec::<u8>::try_from(option).ok());
    bytes
        .filter(|bytes| bytes.len() >= 2)
        .map(|bytes| (u16::from_be_bytes([bytes[0], bytes[1]]), String::from_utf8_lossy(&bytes[2..]).into_owned()))
        .collect()
}

/// Many.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    pub all: Vec<Sample>,
    /// Replies that belong to no question.
    pub strange: usize,
}

impl Samples {
    pub fn extend(&mut self, more: Self) {
        self.all.extend(more.all);
        self.strange += more.strange;
    }

    pub fn only(&self, keep: impl Fn(&Sample) -> bool) -> Self {
        Self { all: self.all.iter().filter(|sample| keep(sample)).cloned().collect(), strange: self.strange }
    }

    pub fn tag(&self, tag: u8) -> Self {
        self.only(|sample| sample.ask.tag == tag)
    }

    pub fn between(&self, from: Instant, to: Instant) -> Self {
        self.only(|sample| sample.at >= from && sample.at < to)
    }

    pub fn since(&self, from: Instant) -> Self {
        self.only(|sample| sample.at >= from)
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn bad(&self) -> usize {
        self.all.iter().filter(|sample| !sample.good()).count()
    }

    pub fn lost(&self) -> usize {
        self.all.iter().filter(|sample| !sample.in_time()).count()
    }

    pub fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.all.iter().filter(|sample| is(&sample.outcome())).count()
    }

    /// Milliseconds; what was lost took for ever.
    pub fn percentile(&self, part: f64) -> f64 {
        let mut times: Vec<f64> =
            self.all.iter().map(|sample| sample.took.map_or(f64::INFINITY, |took| took.as_secs_f64() * 1e3)).collect();
        times.sort_by(f64::total_cmp);
        let at = (times.len() as f64 * part).ceil() as usize;
        times.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    pub fn p99(&self) -> f64 {
        self.percentile(0.99)
    }

    pub fn max(&self) -> f64 {
        self.percentile(1.0)
    }

    /// The 99th percentile of each half second, and of those the median: a machine that is busy elsewhere for a moment says
    /// nothing about the server.
    pub fn usual_p99(&self) -> f64 {
        let Some(first) = self.all.iter().map(|sample| sample.at).min() else { return f64::NAN };
        let mut windows: Vec<Vec<Sample>> = Vec::new();
        for sample in &self.all {
            let number = (sample.at.duration_since(first).as_secs_f64() / 0.5) as usize;
            windows.resize_with(windows.len().max(number + 1), Vec::new);
            windows[number].push(sample.clone());
        }
        let mut each: Vec<f64> =
            windows.into_iter().filter(|window| window.len() > 50).map(|all| Self { all, strange: 0 }.p99()).collect();
        each.sort_by(f64::total_cmp);
        each.get(each.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// What went wrong, counted.
    pub fn why(&self) -> String {
        let mut counted: Vec<(String, usize)> = Vec::new();
        for sample in &self.all {
            let said = match sample.outcome() {
                Outcome::Right | Outcome::Stale => continue,
                Outcome::Failed(rcode, errors) => {
                    format!("{rcode} {}", errors.first().map_or("", |(_, text)| text.as_str()))
                }
                other => format!("{other:?}"),
            };
            match counted.iter_mut().find(|(known, _)| *known == said) {
                Some((_, count)) => *count += 1,
                None => counted.push((said, 1)),
            }
        }
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let shown = counted.iter().take(4).map(|(said, count)| format!("{count} x {}", said.trim()));
        shown.collect::<Vec<_>>().join("; ")
    }
}
