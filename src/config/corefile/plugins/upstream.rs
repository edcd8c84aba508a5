//! Whom a `forward` names, over what they are asked, and how they are known over TLS.

use std::path::Path;

use crate::config::corefile::directive::{Line, said};
use crate::config::corefile::lexer::Token;
use crate::config::corefile::sources::Sources;
use crate::config::error::Fault;
use crate::config::upstream::Written;
use crate::config::{Endpoint, ForwardConfig, RowTls, TableFile, Upstream};
use crate::tls::PeerName;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config::corefile) enum To {
    Upstream(Upstream),
    /// A name, whose addresses are looked up; a region's resolver may have one.
    Host(Endpoint),
}

impl To {
    pub(in crate::config::corefile) fn upstream(&self) -> Upstream {
        match self {
            Self::Upstream(upstream) => upstream.clone(),
            Self::Host(endpoint) => Upstream::Host(endpoint.clone()),
        }
    }
}

/// The upstream, and whether it is asked over TLS.
pub(super) fn upstream(token: &Token, sources: &Sources) -> Option<(To, bool)> {
    let (tls, text) = match token.text.split_once("://") {
        None => (false, token.text.as_str()),
        Some(("dns", rest)) => (false, rest),
        Some(("tls", rest)) => (true, rest),
        Some((scheme, _)) => {
            let fault = Fault::new(format!("upstreams over `{scheme}://` are not supported"));
            sources.error(token.spot, fault.help("name one that answers over UDP, TCP or TLS (`tls://`)"));
            return None;
        }
    };
    if text.contains('/') {
        if tls {
            let fault = Fault::new("`tls://` in front of a file: it says nobody's port or name of TLS");
            sources.error(token.spot, fault.help("write the addresses here, each with `tls://`"));
        }
        let path = sources.folder(token.spot.source).join(Path::new(text));
        return Some((To::Upstream(Upstream::ResolvConf(path)), tls));
    }
    let written = said(token, text.parse::<Written>(), sources)?;
    if written.has_name() && !tls {
        let fault = Fault::new("a name behind `%` is that of a certificate, and the upstream is asked in clear text");
        sources.error(token.spot, fault.help("write `tls://` in front of the address, or remove the name"));
    }
    let to = match written.or_port(ForwardConfig::port(tls)) {
        Upstream::Host(endpoint) => To::Host(endpoint),
        upstream => To::Upstream(upstream),
    };
    Some((to, tls))
}

/// `tls`, `tls CA`, `tls CERT KEY` or `tls CERT KEY CA`.
pub(super) fn files(line: &Line, into: &mut RowTls, sources: &Sources) {
    line.at_most(3, sources);
    // Written as it will be in `interlocal.yaml`, whose folder is another one.
    let file = |token: &Token| {
        let path = sources.folder(token.spot.source).join(&token.text);
        TableFile { written: path.display().to_string(), path }
    };
    (into.ca, into.identity) = match line.args.as_slice() {
        [] => (None, None),
        [ca] => (Some(file(ca)), None),
        [cert, key] => (None, Some((file(cert), file(key)))),
        [cert, key, ca, ..] => (Some(file(ca)), Some((file(cert), file(key)))),
    };
}

/// `tls_servername NAME`.
pub(super) fn server_name(line: &Line, into: &mut RowTls, sources: &Sources) {
    let Some(token) = line.one("name", sources) else { return };
    into.server_name = PeerName::parse(&token.text);
    if into.server_name.is_none() {
        let fault = Fault::new(format!("`{}` is no name that a certificate can be for", token.text));
        sources.error(token.spot, fault.help("write a host name or an address"));
    }
}
