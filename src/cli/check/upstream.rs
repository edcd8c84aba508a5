//! The group `upstream`: does each server that names are forwarded to answer, over UDP and TCP? And does it lead back to us?

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::doors::{ask, words};
use super::loops::leads_back;
use super::report::{Line, Topic};
use super::subject::Subject;
use crate::config::{Config, ForwardConfig, Host, Listen, RowTls, Transport, Upstream};
use crate::forward::{ForwardClient, resolv_conf};
use crate::peer::dialer::Dialer;
use crate::peer::look;
use crate::peer::probe::{self, Own};
use crate::peer::resolve::Resolve;
use crate::tls::PeerName;
use crate::wire::exchange::Question;
use crate::wire::{Name, class, rtype};

/// A server that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub zone: Name,
    pub address: SocketAddr,
    pub transport: Transport,
    /// Asked over TLS, and its certificate has to be for this name.
    pub tls: Option<(RowTls, PeerName)>,
    /// The file, or the host name, that leads to it.
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
    for row in config.servers.iter().flat_map(|server| &server.forward).flat_map(ForwardConfig::all) {
        for upstream in &row.to {
            let (addresses, name, file) = match upstream {
                Upstream::Address(address) => (vec![*address], None, None),
                Upstream::Named(address, name) => (vec![*address], Some(name.clone()), None),
                // See `hosts`.
                Upstream::Host(_) => continue,
                Upstream::ResolvConf(path) => {
                    (resolv_conf::read(path).unwrap_or_default(), None, Some(path.display().to_string()))
                }
            };
            for address in addresses {
                let name = name.clone().unwrap_or_else(|| address.ip().into());
                let tls = row.tls.clone().map(|tls| (tls, name));
                let (zone, transport, file) = (row.zone.clone(), row.transport, file.clone());
                let server = Server { zone, address, transport, tls, file };
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        }
    }
    servers
}

/// The servers that are named by host; and host names that lead nowhere, without an address.
async fn hosts(config: &Config) -> (Vec<Server>, Vec<Seen>) {
    let (mut servers, mut unknown) = (Vec::new(), Vec::new());
    let rows = config.servers.iter().flat_map(|server| &server.forward).flat_map(ForwardConfig::all);
    for row in rows {
        for upstream in &row.to {
            let Upstream::Host(endpoint) = upstream else { continue };
            let Host::Name(name) = &endpoint.host else { continue };
            let (_resolver, lookup) = ForwardClient::lookup(row, &config.limits, config.stamp_option);
            let tls = row.tls.clone().zip(Dialer::name_of(&endpoint.host));
            let server = |ip| Server {
                zone: row.zone.clone(),
                address: SocketAddr::new(ip, endpoint.port),
                transport: row.transport,
                tls: tls.clone(),
                file: Some(endpoint.to_string()),
            };
            match lookup.lookup(name).await {
                Ok(found) => servers.extend(found.addresses.into_iter().map(server)),
                Err(why) => {
                    let server = server(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                    unknown.push(Seen { server, udp: Err(why.clone()), tcp: Err(why), who: None, ours: false });
                }
            }
        }
    }
    (servers, unknown)
}

pub async fn gather(subject: &Subject) -> Vec<Seen> {
    let config = &subject.config;
    let (named, mut seen) = hosts(config).await;
    let looks = servers(config).into_iter().chain(named).map(|server| {
        let (ours, option) = (is_ours(config, server.address), config.stamp_option);
        tokio::spawn(look(server, ours, option))
    });
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
    let question = Question { name, qtype, qclass: class::IN, dnssec_ok: false, checking_disabled: false };
    if let Some((tls, name)) = &server.tls {
        let dialer = Dialer::new(Some(tls));
        dialer.reload(&format!("upstreams of {}", server.zone));
        dialer.set_names(std::iter::once((server.address, name.clone())));
        let heard = look::ask_over(&dialer, server.address, &question, option).await;
        let tcp = heard.map(drop).map_err(|unseen| words(unseen).to_owned());
        let udp = Err("not over TLS".to_owned());
        let who = match probe::question(&server.zone) {
            Some(question) => {
                let answer = look::ask_over(&dialer, server.address, &question, option).await.ok();
                answer.and_then(|heard| probe::who(&question, &heard.received))
            }
            None => None,
        };
        return Seen { server, udp, tcp, who, ours };
    }
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
        for path in row.resolv_confs() {
            if let Err(error) = resolv_conf::read(path) {
                let line = Line::problem(Topic::Upstream, format!("`{}` has no upstream: {error}", row.zone));
                lines.push(
                    line.why("`forward` names this file").mend("put `nameserver` lines there, or name addresses"),
                );
            }
        }
        let of_row: Vec<&Seen> = seen.iter().filter(|it| it.server.zone == row.zone && !leads_back(own, it)).collect();
        let answers = |it: &Seen| match it.server.transport {
            Transport::Udp => it.udp.is_ok(),
            Transport::Tcp => it.tcp.is_ok(),
        };
        let none = !of_row.is_empty() && !of_row.iter().any(|it| answers(it));
        lines.extend(of_row.into_iter().map(|it| one(it, none)));
    }
    if seen.is_empty() && lines.is_empty() {
        lines.push(Line::fine("nothing is forwarded"));
    }
    lines
}

fn one(seen: &Seen, none: bool) -> Line {
    let Server { zone, address, transport, tls, file } = &seen.server;
    let from = file.as_ref().map_or_else(String::new, |file| format!(" (of {file})"));
    let line = |what: String| match none {
        true => Line::problem(Topic::Upstream, what),
        false => Line::warning(Topic::Upstream, what),
    };
    match (transport, &seen.udp, &seen.tcp) {
        (_, _, Err(why)) if address.ip().is_unspecified() => {
            let host = file.as_deref().unwrap_or_default();
            line(format!("`{host}`, an upstream of `{zone}`, does not resolve"))
                .why(why.clone())
                .mend("name it by address, or write a `resolver` that knows it")
        }
        (_, _, Ok(())) if tls.is_some() => Line::fine(format!("`{zone}` is answered by {address} over TLS")),
        (_, _, Err(why)) if tls.is_some() => {
            line(format!("{address}, asked for `{zone}` over TLS, does not answer")).why(why.clone()).mend(format!(
                "allow TCP port {} to it; `tls` in its row says whose certificates count and for which name",
                address.port()
            ))
        }
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
