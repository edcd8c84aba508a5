//! The group `peers`, its judgement: what is wrong with an address of a region, and who can mend it. Pure.

use super::doors::words;
use super::loops::is_us;
use super::regions::{Address, Region};
use super::report::{Line, Topic};
use crate::peer::dial::DialError;
use crate::peer::look::{Seen, Unseen};
use crate::peer::probe::Own;
use crate::peer::sync::Sync;
use crate::tls::ClientFault;
use crate::wire::stamp::{DoorSaid, ReplyStamp};

/// `own`: who we are, if an instance runs.
pub fn judge(regions: &[Region], own: Option<Own>) -> Vec<Line> {
    let mut lines = Vec::new();
    for region in regions.iter().filter(|region| !region.own) {
        let label = &region.label;
        if let Some(error) = &region.tls_error {
            let line = Line::problem(Topic::Tls, format!("{label}: certificate files of the row cannot be used"));
            lines.push(line.why(error).mend("put the files there that the row names; they are read without a restart"));
        }
        for endpoint in &region.endpoints {
            if let Err(why) = &endpoint.addresses {
                let line = Line::problem(Topic::Resolving, format!("{label}: {} does not resolve", endpoint.text));
                lines
                    .push(line.why(why).mend("correct the host in the peer table, or mend the upstream that knows it"));
            }
        }
        lines.extend(region.addresses.iter().map(|address| one(region, address, own)));
    }
    lines
}

fn one(region: &Region, address: &Address, own: Option<Own>) -> Line {
    let label = &region.label;
    let place = match address.endpoint == address.address.to_string() {
        true => address.endpoint.clone(),
        false => format!("{} ({})", address.address, address.endpoint),
    };
    match &address.looked {
        Ok(seen) => answered(label, &place, seen, own),
        Err(unseen) => unanswered(region, &place, address, *unseen),
    }
}

fn answered(label: &str, place: &str, seen: &Seen, own: Option<Own>) -> Line {
    if own.zip(seen.who).is_some_and(|(own, who)| is_us(own, who)) {
        let line = Line::problem(Topic::Itself, format!("{label} {place}: leads back to ourselves"));
        return line
            .why("the address in the row is our own load balancer or pod")
            .mend(format!("write {label}'s address into the row `{label}` of the peer table"));
    }
    match (&seen.said, seen.sync) {
        (Some(said), _) if said.label != *label => wrong_region(label, place, said),
        (Some(ReplyStamp { door: DoorSaid::Pods, .. }), _) => {
            let line = Line::problem(Topic::Door, format!("{label} {place}: the pods' door answers, not the peers'"));
            line.why("its load balancer maps to the port of the pods' door, which gives away the whole resolver")
                .mend(format!("in {label}: map the load balancer's port to the peers' door (`listen.peers`, 8053)"))
        }
        (Some(ReplyStamp { synced: false, .. }), _) | (_, Sync::Unsynced) => {
            let line = Line::problem(Topic::Unsynced, format!("{label} {place}: has not read its zone"));
            line.why("it answers SERVFAIL: its Kubernetes API is away, or gives it no right to read")
                .mend(format!("in {label}: run `interlocal check` there, or read its /ready"))
        }
        (None, Sync::Refused) => {
            let line = Line::problem(Topic::Region, format!("{label} {place}: refuses names of {label}"));
            line.why("a server answers there that does not serve this region")
                .mend(format!("correct the endpoints of `{label}` in the peer table"))
        }
        (Some(_), _) => Line::fine(format!("{label} {place} answers, synced")),
        (None, Sync::Synced) => Line::fine(format!("{label} {place} answers, synced; it is no interlocal")),
        (None, Sync::Unknown) => {
            let line = Line::warning(Topic::Unsynced, format!("{label} {place}: answers, but not with authority"));
            line.why("some other server is there, or one in front of it: whether it has read its zone cannot be known")
                .mend(format!("let the address lead to {label}'s peers' door directly"))
        }
    }
}

fn wrong_region(label: &str, place: &str, said: &ReplyStamp) -> Line {
    let is = if said.label.is_empty() { "no region".to_owned() } else { format!("region {}", said.label) };
    let line = Line::problem(Topic::Region, format!("{label} {place}: is {is}, not {label}"));
    let mend = match said.label.is_empty() {
        true => format!("in {label}: set `region: {label}` in its interlocal.yaml"),
        false => format!("correct the endpoints of `{label}` in the peer table, or `region` there if it is {label}"),
    };
    line.why(format!("the server says so itself; names of {label} get no answer there")).mend(mend)
}

fn unanswered(region: &Region, place: &str, address: &Address, unseen: Unseen) -> Line {
    let (label, port) = (&region.label, address.address.port());
    let line = |topic| Line::problem(topic, format!("{label} {place}: {}", words(unseen)));
    match unseen {
        Unseen::Dial(DialError::Refused) => line(Topic::Refused)
            .why(format!("the machine is there, and nobody listens on TCP port {port} (or a firewall says so)"))
            .mend(format!("in {label}: is the instance up, and does the load balancer's port lead to `listen.peers`?")),
        Unseen::Dial(DialError::TimedOut) => line(Topic::TimedOut)
            .why(format!("packets to TCP port {port} vanish: a firewall drops them, or there is no route"))
            .mend(format!(
                "allow TCP port {port} from here to {label}: security groups of both sides, network ACLs, routes, peering"
            )),
        Unseen::Dial(DialError::Reset) | Unseen::Reset => line(Topic::Reset)
            .why("something on the way accepts and cuts: a load balancer without a healthy target, or a middlebox")
            .mend(format!("in {label}: look at the health checks of the load balancer's targets")),
        Unseen::Dial(DialError::Unreachable) => line(Topic::Unreachable)
            .why("this machine has no route to the address")
            .mend("add the route (VPC peering, transit gateway), or leave the address's family out of the row"),
        Unseen::Dial(DialError::Tls(fault)) => tls(line(Topic::Tls), label, fault),
        Unseen::Tls(_) => tls(line(Topic::Tls), label, ClientFault::Refused),
        Unseen::Closed | Unseen::Silent | Unseen::Dial(DialError::Other) => line(Topic::Silent)
            .why(match region.tls {
                true => "the TLS handshake went well, and the server behind it does not answer questions",
                false => "the port is open, and what listens there answers no DNS (a door over TLS, or another service)",
            })
            .mend(format!("correct port and `tls` of the row `{label}`; in {label}: is that port the peers' door?")),
    }
}

fn tls(line: Line, label: &str, fault: ClientFault) -> Line {
    let (why, mend) = match fault {
        ClientFault::Expired => (
            format!("the certificate of {label}'s door has ended"),
            format!("in {label}: renew it; no restart is needed"),
        ),
        ClientFault::NotYetValid => (
            format!("the certificate of {label}'s door begins later, or a clock is wrong"),
            "compare the clocks of both machines with the certificate's dates".to_owned(),
        ),
        ClientFault::NotTrusted => (
            format!("another authority has signed the certificate of {label}'s door than the row's `ca`"),
            format!("name the authority that signs {label}'s certificates as `tls.ca` of the row"),
        ),
        ClientFault::WrongName => (
            format!("the certificate of {label}'s door is valid, but not for the name of this row"),
            format!("write the name in it as `tls.server_name` of the row `{label}`, or have it signed for this one"),
        ),
        ClientFault::Refused => (
            format!("{label} wants a client certificate, and does not take ours"),
            "name `cert` and `key` in the row, signed by the authority that is `client_ca` there".to_owned(),
        ),
        ClientFault::NotTls => (
            "what listens there does not speak TLS".to_owned(),
            format!("correct the port of the row `{label}` (853 for TLS), or leave `tls` out of it"),
        ),
        ClientFault::Files(_) => {
            ("our own certificate files cannot be used".to_owned(), "put the files there that the row names".to_owned())
        }
        _ => (
            "the connection came up, and the TLS handshake did not".to_owned(),
            format!("in {label}: read the log of the instance for `handshake`"),
        ),
    };
    line.why(why).mend(mend)
}
