//! One line of the log: what it is made of, and how it is written. What came from the network is escaped.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use crate::config::QueryLogFormat;
use crate::config::querylog::{COMMON, LogField, LogPart, LogTemplate};
use crate::server::asking::Transport;
use crate::wire::{Flags, Incoming, MAX_MESSAGE, MIN_UDP_PAYLOAD, Name, NameBuf, Query, Rcode, class, mnemonic};

/// Of the line that CoreDNS writes if nobody says otherwise.
static COMMON_PARTS: LazyLock<Vec<LogPart>> =
    LazyLock::new(|| LogTemplate::parse(COMMON).map(|line| line.parts().to_vec()).unwrap_or_default());

/// What of a question and its answer is logged.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    from: SocketAddr,
    transport: Transport,
    id: u16,
    name: Name,
    qtype: u16,
    qclass: u16,
    size: usize,
    dnssec_ok: bool,
    /// What the asker can take.
    bufsize: usize,
    rcode: Rcode,
    flags: Flags,
    reply_size: usize,
}

impl Line {
    /// Nothing of what cannot be read as one question.
    pub(super) fn read(
        from: SocketAddr,
        transport: Transport,
        message: &[u8],
        reply: &[u8],
        rcode: Rcode,
    ) -> Option<Self> {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(message, &mut name) else { return None };
        let bufsize = match (transport, query.edns) {
            (Transport::Tcp, _) => MAX_MESSAGE,
            (Transport::Udp, Some(edns)) => usize::from(edns.udp_size).max(MIN_UDP_PAYLOAD),
            (Transport::Udp, None) => MIN_UDP_PAYLOAD,
        };
        Some(Self {
            from,
            transport,
            id: query.id,
            name: query.name.to_name(),
            qtype: query.qtype,
            qclass: query.qclass,
            size: message.len(),
            dnssec_ok: query.dnssec_ok(),
            bufsize,
            rcode,
            flags: Flags(crate::wire::read_u16(reply, 2).unwrap_or(0)),
            reply_size: reply.len(),
        })
    }

    /// Adds the line, with its end.
    pub(super) fn write(&self, format: &QueryLogFormat, since_1970: Duration, took: Duration, out: &mut String) {
        // A text takes whatever is written to it.
        let _ = match format {
            QueryLogFormat::CoreDns => self.parts(&COMMON_PARTS, took, out),
            QueryLogFormat::Template(template) => self.parts(template.parts(), took, out),
            QueryLogFormat::Json => self.json(since_1970, took, out),
        };
    }

    /// As the log plugin of CoreDNS writes it.
    fn parts(&self, parts: &[LogPart], took: Duration, out: &mut String) -> std::fmt::Result {
        out.push_str("[INFO] ");
        for part in parts {
            match part {
                LogPart::Text(text) => out.push_str(text),
                LogPart::Field(field) => self.field(*field, took, out)?,
            }
        }
        out.push('\n');
        Ok(())
    }

    fn field(&self, field: LogField, took: Duration, out: &mut String) -> std::fmt::Result {
        match field {
            LogField::Type => out.push_str(&self.qtype()),
            LogField::Name => self.name(out)?,
            LogField::Class => out.push_str(&self.class()),
            LogField::Proto => out.push_str(self.proto()),
            LogField::Size => write!(out, "{}", self.size)?,
            LogField::Remote => match self.from {
                SocketAddr::V4(from) => write!(out, "{}", from.ip())?,
                SocketAddr::V6(from) => write!(out, "[{}]", from.ip())?,
            },
            LogField::Port => write!(out, "{}", self.from.port())?,
            LogField::Id => write!(out, "{}", self.id)?,
            // Others than QUERY have no line.
            LogField::Opcode => out.push('0'),
            LogField::Do => write!(out, "{}", self.dnssec_ok)?,
            LogField::Bufsize => write!(out, "{}", self.bufsize)?,
            LogField::Rcode => out.push_str(&self.rcode.to_text()),
            LogField::ReplySize => write!(out, "{}", self.reply_size)?,
            LogField::Duration => write!(out, "{}s", Seconds(took))?,
            LogField::ReplyFlags => self.flags(out),
        }
        Ok(())
    }

    fn json(&self, since_1970: Duration, took: Duration, out: &mut String) -> std::fmt::Result {
        let (qtype, class, proto, rcode) = (self.qtype(), self.class(), self.proto(), self.rcode.to_text());
        let (seconds, ms) = (since_1970.as_secs(), since_1970.subsec_millis());
        write!(out, "{{\"time\":{seconds}.{ms:03},\"remote\":\"{}\",\"port\":{}", self.from.ip(), self.from.port())?;
        write!(out, ",\"id\":{},\"type\":\"{qtype}\",\"class\":\"{class}\",\"name\":\"", self.id)?;
        let start = out.len();
        self.name(out)?;
        // The escapes of a name are those of RFC 1035 5.1, whose character JSON escapes once more.
        let escaped = out[start..].replace('\\', "\\\\").replace('"', "\\\"");
        out.replace_range(start.., &escaped);
        let Self { size, dnssec_ok, bufsize, reply_size, .. } = self;
        write!(out, "\",\"proto\":\"{proto}\",\"size\":{size},\"do\":{dnssec_ok},\"bufsize\":{bufsize}")?;
        write!(out, ",\"rcode\":\"{rcode}\",\"rflags\":\"")?;
        self.flags(out);
        writeln!(out, "\",\"rsize\":{reply_size},\"duration\":{}}}", Seconds(took))
    }

    /// With its final dot; whatever is not printable is escaped there.
    fn name(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "{}{}", self.name, if self.name.as_ref().is_root() { "" } else { "." })
    }

    fn qtype(&self) -> std::borrow::Cow<'static, str> {
        mnemonic::type_text(self.qtype)
    }

    fn class(&self) -> String {
        match self.qclass {
            class::IN => "IN".into(),
            class::CH => "CH".into(),
            class::NONE => "NONE".into(),
            class::ANY => "ANY".into(),
            // RFC 3597 5.
            other => format!("CLASS{other}"),
        }
    }

    fn proto(&self) -> &'static str {
        match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    /// Names of the flags of the answer, in the order of the header.
    fn flags(&self, out: &mut String) {
        let known = [
            (Flags::QR, "qr"),
            (Flags::AA, "aa"),
            (Flags::TC, "tc"),
            (Flags::RD, "rd"),
            (Flags::RA, "ra"),
            (Flags::AD, "ad"),
            (Flags::CD, "cd"),
        ];
        let set: Vec<&str> = known.iter().filter(|(flag, _)| self.flags.has(*flag)).map(|(_, name)| *name).collect();
        out.push_str(&set.join(","));
    }
}

/// Whole nanoseconds, as a number of seconds.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:09}", self.0.as_secs(), self.0.subsec_nanos())
    }
}
