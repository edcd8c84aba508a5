//! The group `doors`: does each of our own doors answer as a pod or another region would find it, and is it us who answers? It is
//! also where we learn who we are, to know ourselves again elsewhere.

use std::net::{IpAddr, SocketAddr};

use tokio::time::Instant;

use super::machine;
use super::report::{Line, Topic};
use super::subject::{Subject, reach};
use crate::config::Config;
use crate::metrics::names;
use crate::peer::datagram::{self, Datagram, Spelling};
use crate::peer::look::{self, Unseen};
use crate::peer::probe::{self, Own, PATIENCE};
use crate::wire::exchange::{Manner, Question, Received};
use crate::wire::{Name, Rcode, class, rtype};

/// A datagram may get lost.
const TRIES: u32 = 2;
/// A name of every cluster (Kubernetes DNS specification 2.2).
const VERSION: &str = "dns-version";

/// A door, as it was found.
pub struct Door {
    pub place: SocketAddr,
    pub peers: bool,
    pub over: &'static str,
    pub found: Found,
    /// Who has the port, if it is not us.
    pub holder: Option<String>,
}

pub enum Found {
    /// In words.
    Nothing(String),
    /// Somebody who does not know the self-probe.
    Stranger,
    /// An interlocal, and the rcode of a name that every cluster has.
    Interlocal(Own, Rcode),
}

pub async fn gather(subject: &Subject) -> Vec<Door> {
    let mut doors = Vec::new();
    if subject.pre {
        return doors;
    }
    let config = &subject.config;
    let version = config.cluster_domain.prepend(VERSION).unwrap_or_else(|_| config.cluster_domain.clone());
    for server in &config.servers {
        let own_zone = server.zones.contains(&config.cluster_domain);
        for place in server.listen.iter().map(|listen| reach(*listen)) {
            for over in ["UDP", "TCP"] {
                let found = find(place, over, own_zone.then_some(&version), config).await;
                doors.push(door(place, false, over, found));
            }
        }
    }
    for place in config.listen.peers.iter().map(|listen| reach(*listen)).filter(|place| may_ask(config, place.ip())) {
        for over in ["UDP", "TCP"] {
            let found = find(place, over, None, config).await;
            doors.push(door(place, true, over, found));
        }
    }
    doors
}

/// Who we are, if any of the doors told.
pub fn own(doors: &[Door]) -> Option<Own> {
    doors.iter().find_map(|door| match door.found {
        Found::Interlocal(own, _) => Some(own),
        _ => None,
    })
}

fn door(place: SocketAddr, peers: bool, over: &'static str, found: Found) -> Door {
    let holder = match found {
        Found::Interlocal(..) => None,
        _ => machine::holder(place.port()),
    };
    Door { place, peers, over, found, holder }
}

fn may_ask(config: &Config, from: IpAddr) -> bool {
    let allowed = &config.listen.peers_allow;
    allowed.is_empty() || allowed.iter().any(|net| net.contains(&from))
}

async fn find(place: SocketAddr, over: &str, name: Option<&Name>, config: &Config) -> Found {
    let option = config.stamp_option;
    let Some(question) = probe::question(&Name::root()) else { return Found::Stranger };
    let answer = match ask(place, over, &question, option).await {
        Ok(answer) => answer,
        Err(why) => return Found::Nothing(why),
    };
    let Some(own) = probe::who(&question, &answer) else { return Found::Stranger };
    let Some(name) = name else { return Found::Interlocal(own, Rcode::NOERROR) };
    let question = Question {
        name: name.clone(),
        qtype: rtype::TXT,
        qclass: class::IN,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    };
    match ask(place, over, &question, option).await {
        Ok(answer) => Found::Interlocal(own, answer.body.rcode),
        Err(why) => Found::Nothing(why),
    }
}

/// One question to a server in clear text, a lost datagram sent again; why there is no answer, in words.
pub async fn ask(server: SocketAddr, over: &str, question: &Question, option: u16) -> Result<Received, String> {
    if over == "TCP" {
        let heard = look::ask_plainly(server, question, option).await;
        return heard.map(|heard| heard.received).map_err(|unseen| words(unseen).to_owned());
    }
    let manner = Manner { edns: true, option: None };
    for _ in 0..TRIES {
        match datagram::ask(server, question, manner, Spelling::Lower, option, Instant::now() + PATIENCE / 2).await {
            Datagram::Answer(answer) => return Ok(*answer),
            Datagram::Unreachable => return Err("nobody listens there".to_owned()),
            Datagram::Forged => return Err("replies to other questions came".to_owned()),
            Datagram::Silent => {}
        }
    }
    Err("no answer".to_owned())
}

pub fn words(unseen: Unseen) -> &'static str {
    match unseen {
        Unseen::Dial(error) => error.cause(),
        Unseen::Tls(words) => words,
        Unseen::Reset => "connection reset before an answer",
        Unseen::Closed => "connection closed before an answer",
        Unseen::Silent => "connected, and no answer",
    }
}

pub fn judge(subject: &Subject, doors: &[Door]) -> Vec<Line> {
    // An instance that says so itself is not to be told twice.
    let waits = matches!(subject.pages.ready, Some((status, _)) if status != 200);
    let mut lines: Vec<Line> = doors.iter().map(|door| one(door, waits)).collect();
    if subject.pages.metric(names::TLS_OK.name) == Some(0.0) {
        let line =
            Line::problem(Topic::Tls, "the certificate files of `listen.peers_tls` are not in use as they stand");
        lines.push(
            line.why("they cannot be read, or do not belong together: the log says which")
                .mend("put the certificate, its key and the CA there again; they are read without a restart"),
        );
    }
    lines
}

fn one(door: &Door, waits: bool) -> Line {
    let name = if door.peers { "the peers' door" } else { "the pods' door" };
    let (place, over) = (door.place, door.over);
    match &door.found {
        Found::Interlocal(_, Rcode::NOERROR) => Line::fine(format!("{name} {place} answers over {over}")),
        Found::Interlocal(_, Rcode::SERVFAIL) if waits => {
            Line::fine(format!("{name} {place} answers over {over}, names of the cluster with SERVFAIL"))
        }
        Found::Interlocal(_, rcode) => {
            let what = format!("{name} {place} answers names of the cluster with {} over {over}", rcode.to_text());
            let line = Line::problem(Topic::Sync, what).why("the zone has not been read yet");
            line.mend("mend what groups `kubernetes` and `sync` say")
        }
        Found::Stranger => {
            let who = door.holder.as_deref().map_or_else(String::new, |who| format!(": {who}"));
            let line = Line::problem(Topic::Port, format!("another server answers at {place} over {over}{who}"));
            line.why(format!("it does not know our self-probe, so {name} is not there"))
                .mend("end that server, or give one of the two another address (`listen`)")
        }
        Found::Nothing(why) => {
            let line = Line::problem(Topic::Doors, format!("{name} {place} does not answer over {over}"));
            let holder = door.holder.as_deref().map_or_else(String::new, |who| format!("; the port is held by {who}"));
            line.why(format!("{why}{holder}")).mend("start the instance (or use --pre before it is installed)")
        }
    }
}
