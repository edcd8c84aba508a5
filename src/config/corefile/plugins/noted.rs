//! Directives that change no answer, or whose work is done here anyway: accepted, with a word about each.

use crate::config::corefile::directive::Directive;
use crate::config::corefile::sources::Sources;

/// Name and note.
pub(super) const NOTED: [(&str, &str); 11] = [
    ("cancel", "the same: a question ends at `limits.forward_deadline` or `peers.deadline`, both below 5 s"),
    (
        "debug",
        "not needed: a panic in one question is answered with SERVFAIL and counted; `log.level` says how much is told",
    ),
    ("dnstap", "answers do not change, but no dnstap is sent: metrics count questions by zone, type and rcode"),
    ("metadata", "not needed: nothing here asks for it"),
    ("multisocket", "better: every address has as many sockets as there are UDP workers (`workers`)"),
    ("pprof", "not needed: there is no Go runtime to look into; /metrics has what there is to know"),
    ("proxyproto", "not needed at the pods' door: who asks is known by the address of the packet"),
    ("shed", "better: what cannot be taken is refused at once, by `limits`"),
    ("timeouts", "not needed: `limits.tcp_idle` and its neighbours say how long a connection may be idle"),
    ("trace", "answers do not change, but no traces are sent"),
    ("geoip", "not needed: it only gives metadata, and nothing here asks for it"),
];

/// Notes it; false if it is none of these.
pub(super) fn read(directive: &Directive, sources: &Sources) -> bool {
    let found = NOTED.iter().find(|(name, _)| directive.name.is(name));
    if let Some((name, note)) = found {
        sources.note(directive.spot(), name, *note);
    }
    found.is_some()
}
