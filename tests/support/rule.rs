//! The sentence that a test writes: `server.on("slow.example.", A).delay(ms(300)).answer_a("192.0.2.1", 60);`. It
//! takes effect as a whole where the sentence ends, never half said.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record};

use super::name;
use super::read::EDE;
use super::script::{Ending, Script, Spoil, Transport};

/// Takes the finished script: the server's list.
pub trait Book {
    fn enter(&self, script: Script);
}

/// A script being written.
pub struct Rule<'a> {
    script: Script,
    book: &'a dyn Book,
}

impl Drop for Rule<'_> {
    fn drop(&mut self) {
        self.book.enter(self.script.clone());
    }
}

impl<'a> Rule<'a> {
    pub fn new(script: Script, book: &'a dyn Book) -> Self {
        Self { script, book }
    }

    /// Only for questions over UDP; TCP goes to the next rule.
    pub fn over_udp(mut self) -> Self {
        self.script.over = Some(Transport::Udp);
        self
    }

    /// Only for questions over TCP; UDP goes to the next rule.
    pub fn over_tcp(mut self) -> Self {
        self.script.over = Some(Transport::Tcp);
        self
    }

    /// Only for the next `count` questions; later ones go to the next rule.
    pub fn times(mut self, count: usize) -> Self {
        self.script.left = Some(count);
        self
    }
}

/// What is answered. The name of a record is the name that was asked when the rule was made for one, else the root:
/// rules for more than one name use [`Rule::record`] or [`Rule::edit`].
impl Rule<'_> {
    pub fn answer_a(self, address: &str, ttl: u32) -> Self {
        let address: Ipv4Addr = address.parse().unwrap();
        self.data(ttl, RData::A(A(address)))
    }

    pub fn answer_aaaa(self, address: &str, ttl: u32) -> Self {
        let address: Ipv6Addr = address.parse().unwrap();
        self.data(ttl, RData::AAAA(AAAA(address)))
    }

    pub fn answer_txt(self, text: &str, ttl: u32) -> Self {
        self.data(ttl, RData::TXT(TXT::new(vec![text.to_owned()])))
    }

    pub fn answer_cname(self, target: &str, ttl: u32) -> Self {
        self.data(ttl, RData::CNAME(CNAME(name(target))))
    }

    /// Data of any type under the name of the rule.
    pub fn data(self, ttl: u32, data: RData) -> Self {
        let owner = self.script.asked.name().cloned().unwrap_or_else(Name::root);
        self.record(Record::from_rdata(owner, ttl, data))
    }

    /// Any record in the answer section: the next link of a chain, for one.
    pub fn record(mut self, record: Record) -> Self {
        self.script.answers.push(record);
        self
    }

    /// Any record in the authority section.
    pub fn authority(mut self, record: Record) -> Self {
        self.script.authorities.push(record);
        self
    }

    pub fn rcode(mut self, rcode: ResponseCode) -> Self {
        self.script.rcode = rcode;
        self
    }

    /// NXDOMAIN with the SOA of `zone`.
    pub fn nxdomain(self, zone: &str, ttl: u32) -> Self {
        self.rcode(ResponseCode::NXDomain).authority(soa(zone, ttl))
    }

    /// NOERROR without an answer, with the SOA of `zone`.
    pub fn nodata(self, zone: &str, ttl: u32) -> Self {
        self.rcode(ResponseCode::NoError).authority(soa(zone, ttl))
    }

    pub fn aa(mut self) -> Self {
        self.script.authoritative = true;
        self
    }

    pub fn ad(mut self) -> Self {
        self.script.authentic = true;
        self
    }

    pub fn no_ra(mut self) -> Self {
        self.script.recursion = false;
        self
    }

    /// TC over both transports, the records still there.
    pub fn tc(mut self) -> Self {
        self.script.truncated = true;
        self
    }

    /// TC and no records over UDP, whole over TCP.
    pub fn truncate_udp(mut self) -> Self {
        self.script.truncated_over_udp = true;
        self
    }

    /// Whole over UDP, however little the asker takes.
    pub fn ignore_size(mut self) -> Self {
        self.script.ignores_size = true;
        self
    }

    /// An Extended DNS Error (RFC 8914); it needs a query with OPT.
    pub fn ede(self, code: u16, text: &str) -> Self {
        let mut data = code.to_be_bytes().to_vec();
        data.extend_from_slice(text.as_bytes());
        self.option(EDE, data)
    }

    /// An EDNS option; it needs a query with OPT.
    pub fn option(mut self, code: u16, data: Vec<u8>) -> Self {
        self.script.options.push((code, data));
        self
    }

    /// Every option of the query comes back as it was.
    pub fn echo_options(mut self) -> Self {
        self.script.echoes_options = true;
        self
    }

    /// A server that never heard of EDNS and skips it: no OPT in the reply.
    pub fn no_opt(mut self) -> Self {
        self.script.leaves_out_opt = true;
        self
    }

    /// A server that cannot bear EDNS: this rcode and no OPT to a query with OPT, the rule's answer to one without.
    pub fn refuse_opt(mut self, rcode: ResponseCode) -> Self {
        self.script.refuses_opt = Some(rcode);
        self
    }

    /// Last change to the reply, by the query.
    pub fn edit(mut self, edit: impl Fn(&Message, &mut Message) + Send + Sync + 'static) -> Self {
        self.script.edit = Some(Arc::new(edit));
        self
    }
}

/// When, whether and how wrong.
impl Rule<'_> {
    pub fn delay(mut self, delay: Duration) -> Self {
        self.script.delay = delay;
        self
    }

    /// No answer. A TCP connection stays open.
    pub fn drop_query(mut self) -> Self {
        self.script.silent = true;
        self
    }

    /// The reply bears the next id.
    pub fn wrong_id(mut self) -> Self {
        self.script.spoil = Some(Spoil::Id);
        self
    }

    /// The reply bears this name as its question.
    pub fn wrong_question(mut self, asked: &str) -> Self {
        self.script.spoil = Some(Spoil::Question(name(asked)));
        self
    }

    /// The reply bears no question.
    pub fn no_question(mut self) -> Self {
        self.script.spoil = Some(Spoil::NoQuestion);
        self
    }

    /// After the wrong reply comes the right one.
    pub fn then_right(mut self) -> Self {
        self.script.then_right = true;
        self
    }

    /// UDP: the reply comes from a port that was not asked.
    pub fn other_port(mut self) -> Self {
        self.script.other_port = true;
        self
    }

    /// These bytes in place of a message; over TCP with their true length before them.
    pub fn garbage(mut self, bytes: &[u8]) -> Self {
        self.script.raw = Some(bytes.to_vec());
        self
    }

    /// TCP: after the delay the connection is closed, unanswered.
    pub fn close(self) -> Self {
        self.ending(Ending::Close)
    }

    /// TCP: after the delay the connection is reset, unanswered.
    pub fn reset(self) -> Self {
        self.ending(Ending::Reset)
    }

    /// TCP: after the delay the length and half of the reply, then the connection is closed.
    pub fn close_half_way(self) -> Self {
        self.ending(Ending::CloseHalfWay)
    }

    /// TCP: the connection is closed behind the whole reply.
    pub fn close_after_answer(self) -> Self {
        self.ending(Ending::CloseAfterAnswer)
    }

    fn ending(mut self, ending: Ending) -> Self {
        self.script.ending = Some(ending);
        self
    }
}

/// An SOA record with `ttl` as its TTL and as its minimum, which is the TTL of a negative answer (RFC 2308 5).
pub fn soa(zone: &str, ttl: u32) -> Record {
    let data = SOA::new(name("ns.invalid."), name("hostmaster.invalid."), 1, 7200, 1800, 86_400, ttl);
    Record::from_rdata(name(zone), ttl, RData::SOA(data))
}
