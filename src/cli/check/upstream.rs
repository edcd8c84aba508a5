//! The group `upstream`: does each server that names are forwarded to answer, over UDP and TCP? And does it lead back to us?

use std::net::{SocketAddr, UdpSocket};

use super::doors::ask;
use super::loops::leads_back;
use super::report::{Line, Topic};
use super::subject::Subject;
use crate::config::{Config, Listen, Transport, Upstream};
use crate::forward::resolv_conf;
use crate::peer::probe::{self, Own};
use crate::wire::exchange::Question;
use crate::wire::{Name, class, rtype};

/// A server that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub zone: Name,
    pub address: SocketAddr,
    pub transport: Transport,
    /// The file that names it.
    pub file: Option<String>,
}

/// A server, as it was found.
pub struct Seen {
    pub server: Server,
    /// Why there is no answer.
    pub udp: Result<(), String>,
    pub tcp: Result<(), String>,
    pub who: Option<Own>,
    /// It is one of our own listeners.
    pub ours: bool,
}

pub fn servers(config: &Config) -> Vec<Server> {
    let mut servers: Vec<Server> = Vec::new();
    for row in config.servers.iter().flat_map(|server| &server.forward) {
        for upstream in &row.to {
            let (addresses, file) = match upstream {
                Upstream::Address(address) => (vec![*address], None),
                Upstream::ResolvConf(path) => {
                    (resolv_conf::read(path).unwrap_or_default(), Some(path.display().to_string()))
                }
            };
            for address in addresses {
                let server = Server { zone: row.zone.clone(), address, transport: row.transport, file: file.clone() };
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        }
    }
    servers
}

pub async fn gather(subject: &Subject) -> Vec<Seen> {
    let config = &subject.config;
    let looks = servers(config).into_iter().map(|server| {
        let (ours, option) = (is_ours(config, server.address), config.stamp_option);
        tokio::spawn(look(server, ours, option))
    });
    let mut seen = Vec::new();
    for look in looks.collect::<Vec<_>>() {
        seen.extend(look.await.ok());
    }
    seen
}

async fn look(server: Server, ours: bool, option: u16) -> Seen {
    let (name, qtype) = match server.zone.as_ref().is_root() {
        true => (Name::root(), rtype::NS),
        false => (server.zone.clone(), rtype::SOA),
    };
    let question = Question {
        name,
        qtype,
        qclass: class::IN,
        dnssec_ok: false,
        checking_disabled: false,
        options: Box::default(),
    };
    let udp = ask(server.address, "UDP", &question, option).await.map(drop);
    let tcp = ask(server.address, "TCP", &question, option).await.map(drop);
    // Whatever came of that: a question that circles gets no answer, and this one ends with us.
    let over = match server.transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    let who = match probe::question(&server.zone) {
        Some(question) => {
            ask(server.address, over, &question, option).await.ok().and_then(|answer| probe::who(&question, &answer))
        }
        None => None,
    };
    Seen { server, udp, tcp, who, ours }
}

/// Does one of our own listeners have this address?
fn is_ours(config: &Config, address: SocketAddr) -> bool {
    let mut listens = config.servers.iter().flat_map(|server| &server.listen).chain(&config.listen.peers);
    listens.any(|listen| match listen {
        Listen::Address(own) if !own.ip().is_unspecified() => *own == address,
        listen => listen.port() == address.port() && UdpSocket::bind((address.ip(), 0)).is_ok(),
    })
}

/// What leads back to ourselves has been said, and would only say once more that nobody answers. `own`: who we are.
pub fn judge(config: &Config, seen: &[Seen], own: Option<Own>) -> Vec<Line> {
    let mut lines = Vec::new();
    let rows = config.servers.iter().flat_map(|server| &server.forward);
    for row in rows {
        for path in row.to.iter().filter_map(|upstream| match upstream {
            Upstream::ResolvConf(path) => Some(path),
            Upstream::Address(_) => None,
        }) {
            if let Err(error) = resolv_conf::read(path) {
                let line = Line::problem(Topic::Upstream, format!("`{}` has no upstream: {error}", row.zone));
                lines.push(
                    line.why("`forward` names this file").mend("put `nameserver` lines there, or name addresses"),
                );
            }
        }
        let of_row: Vec<&Seen> = seen.iter().filter(|it| it.server.zone == row.zone && !leads_back(own, it)).collect();
        let answers = |it: &Seen| match row.transport {
            Transport::Udp => it.udp.is_ok(),
            Transport::Tcp => it.tcp.is_ok(),
        };
        let none = !of_row.is_empty() && !of_row.iter().any(|it| answers(it));
        lines.extend(of_row.into_iter().map(|it| one(it, row.transport, none)));
    }
    if seen.is_empty() && lines.is_empty() {
        lines.push(Line::fine("nothing is forwarded"));
    }
    lines
}

fn one(seen: &Seen, transport: Transport, none: bool) -> Line {
    let Server { zone, address, file, .. } = &seen.server;
    let from = file.as_ref().map_or_else(String::new, |file| format!(" (of {file})"));
    let line = |what: String| match none {
        true => Line::problem(Topic::Upstream, what),
        false => Line::warning(Topic::Upstream, what),
    };
    match (transport, &seen.udp, &seen.tcp) {
        (_, Ok(()), Ok(())) | (Transport::Tcp, _, Ok(())) => {
            Line::fine(format!("`{zone}` is answered by {address}{from}"))
        }
        (Transport::Udp, Ok(()), Err(why)) => {
            let line = Line::warning(Topic::Upstream, format!("{address}{from} answers over UDP, and not over TCP"));
            line.why(format!("{why}; answers that do not fit a datagram are lost"))
                .mend(format!("allow TCP port {} to it as well", address.port()))
        }
        (Transport::Udp, Err(why), _) | (Transport::Tcp, _, Err(why)) => {
            line(format!("{address}{from}, asked for `{zone}`, does not answer")).why(why.clone()).mend(format!(
                "allow UDP and TCP port {} to it (security group, NetworkPolicy), or name another server in `forward`",
                address.port()
            ))
        }
    }
}
