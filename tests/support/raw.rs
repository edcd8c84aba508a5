//! Queries octet by octet, so that anything can be wrong with them, and replies with every bit of their header in sight. Sections
//! are read by hickory; nothing here uses the code under test.

use hickory_proto::op::Message;

use super::name;

/// Types by number.
pub const A: u16 = 1;
pub const SOA: u16 = 6;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;
pub const ANY: u16 = 255;
/// No type has this number (RFC 6895 3.1 leaves it to whoever asks for it).
pub const TYPE1000: u16 = 1_000;

const RD: u16 = 0x0100;
const RA: u16 = 0x0080;
const Z: u16 = 0x0040;
const AD: u16 = 0x0020;
const CD: u16 = 0x0010;

/// One query. It starts as `dig +noedns +noad +norec`.
#[derive(Debug, Clone)]
pub struct Raw {
    pub id: u16,
    flags: u16,
    name: Vec<u8>,
    qtype: u16,
    class: u16,
    opt: Option<Opt>,
    counts: Option<[u16; 4]>,
    /// What follows the question, before an OPT record.
    more: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Opt {
    size: u16,
    version: u8,
    flags: u16,
    options: Vec<u8>,
}

impl Raw {
    pub fn new(asked: &str, qtype: u16) -> Self {
        let mut wire = Vec::new();
        for label in &name(asked) {
            wire.push(label.len() as u8);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        Self::of(wire, qtype)
    }

    /// With these octets as the name.
    pub fn of(name: Vec<u8>, qtype: u16) -> Self {
        Self { id: rand::random(), flags: 0, name, qtype, class: 1, opt: None, counts: None, more: Vec::new() }
    }

    pub fn rd(self) -> Self {
        self.flag(RD)
    }

    pub fn cd(self) -> Self {
        self.flag(CD)
    }

    pub fn ad(self) -> Self {
        self.flag(AD)
    }

    pub fn z(self) -> Self {
        self.flag(Z)
    }

    /// Any flags.
    pub fn flag(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    pub fn opcode(self, opcode: u16) -> Self {
        self.flag(opcode << 11)
    }

    pub fn class(mut self, class: u16) -> Self {
        self.class = class;
        self
    }

    /// An OPT record with this payload size.
    pub fn edns(mut self, size: u16) -> Self {
        self.opt = Some(Opt { size, version: 0, flags: 0, options: Vec::new() });
        self
    }

    pub fn version(mut self, version: u8) -> Self {
        self.opt.as_mut().unwrap().version = version;
        self
    }

    /// The 16 flags of the OPT record: 0x8000 is DO.
    pub fn edns_flags(mut self, flags: u16) -> Self {
        self.opt.as_mut().unwrap().flags |= flags;
        self
    }

    pub fn dnssec_ok(self) -> Self {
        self.edns_flags(0x8000)
    }

    pub fn option(mut self, code: u16, data: &[u8]) -> Self {
        let options = &mut self.opt.as_mut().unwrap().options;
        options.extend_from_slice(&code.to_be_bytes());
        options.extend_from_slice(&(data.len() as u16).to_be_bytes());
        options.extend_from_slice(data);
        self
    }

    /// Octets where the options are.
    pub fn options(mut self, octets: &[u8]) -> Self {
        self.opt.as_mut().unwrap().options.extend_from_slice(octets);
        self
    }

    /// The four counts of the header, whatever is there.
    pub fn counts(mut self, counts: [u16; 4]) -> Self {
        self.counts = Some(counts);
        self
    }

    /// Octets behind the question.
    pub fn more(mut self, octets: &[u8]) -> Self {
        self.more.extend_from_slice(octets);
        self
    }

    /// The question as it will be in the message.
    pub fn question(&self) -> Vec<u8> {
        [&self.name[..], &self.qtype.to_be_bytes(), &self.class.to_be_bytes()].concat()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let counts = self.counts.unwrap_or([1, 0, 0, u16::from(self.opt.is_some())]);
        let mut bytes = Vec::new();
        for field in [self.id, self.flags].into_iter().chain(counts) {
            bytes.extend_from_slice(&field.to_be_bytes());
        }
        bytes.extend_from_slice(&self.question());
        bytes.extend_from_slice(&self.more);
        if let Some(opt) = &self.opt {
            bytes.extend_from_slice(&opt_record(opt.size, opt.version, opt.flags, &opt.options));
        }
        bytes
    }
}

/// An OPT record whose owner is the root (RFC 6891 6.1.2).
pub fn opt_record(size: u16, version: u8, flags: u16, options: &[u8]) -> Vec<u8> {
    let mut record = vec![0, 0, 41];
    record.extend_from_slice(&size.to_be_bytes());
    record.extend_from_slice(&[0, version]);
    record.extend_from_slice(&flags.to_be_bytes());
    record.extend_from_slice(&(options.len() as u16).to_be_bytes());
    record.extend_from_slice(options);
    record
}

/// One reply.
#[derive(Debug, Clone)]
pub struct Reply {
    pub bytes: Vec<u8>,
    /// What hickory makes of it.
    pub message: Message,
}

impl Reply {
    pub fn read(bytes: &[u8]) -> Self {
        let message = Message::from_vec(bytes).unwrap_or_else(|error| panic!("{error}: {bytes:02x?}"));
        Self { bytes: bytes.to_vec(), message }
    }

    fn field(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    pub fn id(&self) -> u16 {
        self.field(0)
    }

    pub fn has(&self, flag: u16) -> bool {
        self.field(2) & flag != 0
    }

    pub fn aa(&self) -> bool {
        self.has(0x0400)
    }

    pub fn tc(&self) -> bool {
        self.has(0x0200)
    }

    pub fn rd(&self) -> bool {
        self.has(RD)
    }

    pub fn ra(&self) -> bool {
        self.has(RA)
    }

    pub fn z(&self) -> bool {
        self.has(Z)
    }

    pub fn ad(&self) -> bool {
        self.has(AD)
    }

    pub fn cd(&self) -> bool {
        self.has(CD)
    }

    pub fn opcode(&self) -> u16 {
        (self.field(2) >> 11) & 15
    }

    /// With the octet of the OPT record, if there is one.
    pub fn rcode(&self) -> u16 {
        let high = self.message.edns.as_ref().map_or(0, |edns| edns.rcode_high());
        u16::from(high) << 4 | self.field(2) & 15
    }

    pub fn counts(&self) -> [u16; 4] {
        [4, 6, 8, 10].map(|at| self.field(at))
    }

    /// The octets of the question.
    pub fn question(&self) -> &[u8] {
        let mut end = 12;
        while self.bytes[end] != 0 {
            end += 1 + usize::from(self.bytes[end]);
        }
        &self.bytes[12..end + 5]
    }

    pub fn has_opt(&self) -> bool {
        self.message.edns.is_some()
    }

    /// Version, payload size, DO and the flags that nobody has given a meaning.
    pub fn opt(&self) -> (u8, u16, bool, u16) {
        let edns = self.message.edns.as_ref().expect("an OPT record");
        (edns.version(), edns.max_payload(), edns.flags().dnssec_ok, edns.flags().z)
    }

    /// The codes of the options.
    pub fn option_codes(&self) -> Vec<u16> {
        let edns = self.message.edns.as_ref().expect("an OPT record");
        edns.options().options.iter().map(|(code, _)| u16::from(*code)).collect()
    }

    pub fn answers(&self) -> usize {
        self.message.answers.len()
    }
}
