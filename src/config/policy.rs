//! The rules of a server's policy stage: what is done with a question before it is looked up, and with its reply. What stands here
//! is parsed and cannot be wrong; `policy` (the layer above) compiles it and decides. It reads no file.

mod hosts;
mod matcher;
mod pattern;
mod template;

pub use hosts::{HOSTS_TTL, HostTable};
pub use matcher::{MatchKind, Matcher, Replacement};
pub use pattern::{Captures, MAX_PATTERN, Pattern};
pub use template::{Facts, RecordTemplate};

use std::net::Ipv6Addr;
use std::path::PathBuf;

use ipnet::{IpNet, Ipv6Net};

use crate::config::error::Fault;
use crate::wire::{Ede, Name, Rcode, rtype};

/// One rule of a server. Kinds are carried out in a fixed order, rules of a kind in the order that they are given in: `acl`, `local`,
/// `any`, `chaos`, `dns64`, `rewrite`, `acl` again for what was rewritten, `header`, `autopath`, `template`, `hosts`, `whoami`; on the way back
/// `minimal`, `header`, what `rewrite` has to undo, `dns64`, `nsid`.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyConfig {
    pub scope: Scope,
    /// Names that the rule is for, as they are when it is the rule's turn: what was rewritten has its new name. Empty: all.
    pub zones: Vec<Name>,
    pub rule: PolicyRule,
}

/// Which questions a rule sees at all, by the name that the client asked, whatever that is rewritten to: a block of a Corefile.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Empty: all.
    pub zones: Vec<Name>,
    /// Zones below those that belong to somebody else.
    pub except: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PolicyRule {
    Acl(Vec<AclEntry>),
    Rewrite(RewriteRule),
    Hosts(HostsRule),
    Template(TemplateRule),
    /// ANY gets one HINFO (RFC 8482 4.2).
    Any,
    /// `localhost` and the reverse zones that nobody should be asked for (RFC 6761 6.3, RFC 6303 4.2).
    Local(LocalRule),
    /// Positive answers lose their authority and additional sections.
    Minimal,
    Header(HeaderRule),
    /// Search paths are walked here.
    Autopath(AutopathRule),
    Dns64(Dns64Rule),
    /// Tells who asked, for names that nobody else answers.
    Whoami,
    Chaos(ChaosRule),
    /// The name of this server, for who asks with the option (RFC 5001); empty: the host's name.
    Nsid(String),
}

/// What happens to questions from some networks for some types. The first entry that fits decides; none that fits: they pass.
#[derive(Debug, Clone, PartialEq)]
pub struct AclEntry {
    pub action: AclAction,
    /// Empty: from everywhere.
    pub nets: Vec<IpNet>,
    /// Empty: all.
    pub types: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclAction {
    /// Passes, whatever later `acl` rules say.
    Allow,
    /// REFUSED.
    Block,
    /// NOERROR and nothing in it.
    Filter,
    /// No reply at all.
    Drop,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RewriteRule {
    pub what: Rewrite,
    /// Later `rewrite` rules see what this one made of it; otherwise it is the last that fits.
    pub proceed: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rewrite {
    Name {
        from: Matcher,
        to: Replacement,
        answer: AnswerRewrite,
    },
    Type {
        from: u16,
        to: u16,
    },
    Class {
        from: u16,
        to: u16,
    },
    /// TTLs of the reply are brought into this range.
    Ttl {
        name: Matcher,
        least: u32,
        most: u32,
    },
    Rcode {
        name: Matcher,
        from: Rcode,
        to: Rcode,
    },
    /// A CNAME of the reply that leads to such a name leads elsewhere, and the answer goes on from there.
    Cname {
        target: Matcher,
        to: Replacement,
    },
}

/// How names of a reply to a rewritten question become names that the client knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnswerRewrite {
    /// The name that the question was rewritten to becomes what it was; always so for [`MatchKind::Exact`].
    pub auto: bool,
    pub rules: Vec<AnswerRule>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRule {
    pub part: AnswerPart,
    pub from: Pattern,
    pub to: Replacement,
}

/// Which names of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerPart {
    Owner,
    /// The name in its data: of CNAME, DNAME, MX, NAPTR, NS, PTR, SRV, and the first of SOA.
    Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HostsRule {
    /// Read again when it changes; one that is not there is empty.
    pub file: Option<PathBuf>,
    /// Lines as in a hosts file, in addition.
    pub inline: String,
    pub ttl: u32,
    /// Addresses get their names as PTR records.
    pub reverse: bool,
    /// Names in these zones that are not in the table go on; `.` is every name. Of other names the table has to know all.
    pub fallthrough: Vec<Name>,
    /// Types other than A, AAAA and PTR go on too, where names may.
    pub fallthrough_unsupported: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TemplateRule {
    /// ANY fits every class.
    pub class: u16,
    /// ANY fits every type.
    pub rtype: u16,
    /// The first that fits gives the groups; empty: everything fits.
    pub matches: Vec<Pattern>,
    pub answer: Vec<RecordTemplate>,
    pub authority: Vec<RecordTemplate>,
    pub additional: Vec<RecordTemplate>,
    pub rcode: Rcode,
    pub ede: Option<Ede>,
    /// Names in these zones that no pattern fits go on; `.` is every name. Others get SERVFAIL.
    pub fallthrough: Vec<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocalRule {
    /// Names that begin with `localhost.`, as a search path makes them, are not taken for this host.
    pub no_prefix: bool,
}

/// Flags of the header that are set (`true`) or cleared, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderRule {
    pub query: Vec<(HeaderFlag, bool)>,
    pub reply: Vec<(HeaderFlag, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFlag {
    Authoritative,
    RecursionAvailable,
    RecursionDesired,
}

/// Which search paths are walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutopathRule {
    /// Each pod's own, and behind it the domains of the file; otherwise these alone.
    pub pods: bool,
    /// A file like resolv.conf, watched.
    pub file: PathBuf,
}

/// Addresses of IPv4 become ones of IPv6 for who has no other (RFC 6147).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dns64Rule {
    /// Of 32, 40, 48, 56, 64 or 96 bits (RFC 6052 2.2).
    pub prefix: Ipv6Net,
    /// Also for names that have addresses of IPv6.
    pub translate_all: bool,
    /// Also for clients that ask over IPv4.
    pub allow_ipv4: bool,
}

/// What `version.bind`, `hostname.bind` and the like get, TXT in class CH.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChaosRule {
    /// Empty: our name and version.
    pub version: String,
    /// Empty: the host's name.
    pub hostname: String,
    pub authors: Vec<String>,
}

impl PolicyConfig {
    /// The rule for every question of the server.
    #[must_use]
    pub fn new(rule: PolicyRule) -> Self {
        Self { scope: Scope::default(), zones: Vec::new(), rule }
    }
}

impl PolicyRule {
    /// What does the same in CoreDNS.
    #[must_use]
    pub const fn plugin(&self) -> &'static str {
        match self {
            Self::Acl(_) => "acl",
            Self::Rewrite(_) => "rewrite",
            Self::Hosts(_) => "hosts",
            Self::Template(_) => "template",
            Self::Any => "any",
            Self::Local(_) => "local",
            Self::Minimal => "minimal",
            Self::Header(_) => "header",
            Self::Autopath(_) => "autopath",
            Self::Dns64(_) => "dns64",
            Self::Whoami => "whoami",
            Self::Chaos(_) => "chaos",
            Self::Nsid(_) => "nsid",
        }
    }
}

impl Scope {
    /// Is the name one of these?
    #[must_use]
    pub fn holds(&self, name: crate::wire::NameRef<'_>) -> bool {
        let inside = |zones: &[Name]| zones.iter().any(|zone| name.is_in(zone.as_ref()));
        (self.zones.is_empty() || inside(&self.zones)) && !inside(&self.except)
    }
}

/// Reads a range of TTLs in seconds: `30`, `30-60`, `30-` or `-60`.
///
/// # Errors
/// If it is none.
pub fn ttl_range(text: &str) -> Result<[u32; 2], Fault> {
    let fault = || Fault::new(format!("`{text}` is no range of TTLs"));
    let wrong = || fault().help("write `30`, `30-60`, `30-` or `-60`, in seconds");
    let number = |text: &str, otherwise: u32| match text {
        "" => Ok(otherwise),
        text => text.parse().map_err(|_| wrong()),
    };
    // A TTL has 31 bits (RFC 2181 8).
    let range = match text.split_once('-') {
        Some(("", "")) => return Err(wrong()),
        Some((least, most)) => [number(least, 0)?, number(most, i32::MAX.unsigned_abs())?],
        None => [text.parse().map_err(|_| wrong())?; 2],
    };
    if range[0] > range[1] { Err(wrong()) } else { Ok(range) }
}

impl Default for HostsRule {
    fn default() -> Self {
        Self {
            file: None,
            inline: String::new(),
            ttl: HOSTS_TTL,
            reverse: true,
            fallthrough: Vec::new(),
            fallthrough_unsupported: false,
        }
    }
}

impl Default for TemplateRule {
    fn default() -> Self {
        Self {
            class: crate::wire::class::IN,
            rtype: rtype::ANY,
            matches: Vec::new(),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            rcode: Rcode::NOERROR,
            ede: None,
            fallthrough: Vec::new(),
        }
    }
}

impl Default for Dns64Rule {
    /// The well-known prefix (RFC 6052 2.1).
    fn default() -> Self {
        let prefix = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
        Self { prefix, translate_all: false, allow_ipv4: false }
    }
}
