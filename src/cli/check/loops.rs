//! The group `loops`: which upstreams lead back to ourselves? Pure; addresses of regions are judged with their regions.

use super::report::{Line, Topic};
use super::upstream::Seen;
use crate::peer::probe::Own;

/// The same process, or another one of the same cluster.
pub fn is_us(own: Own, who: Own) -> bool {
    own.instance == who.instance || (own.cluster.is_known() && own.cluster == who.cluster)
}

/// Asking this server is asking ourselves.
pub fn leads_back(own: Option<Own>, seen: &Seen) -> bool {
    seen.ours || own.zip(seen.who).is_some_and(|(own, who)| is_us(own, who))
}

/// `own`: who we are, if an instance runs.
pub fn judge(own: Option<Own>, seen: &[Seen]) -> Vec<Line> {
    let mut lines = Vec::new();
    for it in seen.iter().filter(|it| leads_back(own, it)) {
        let (zone, address) = (&it.server.zone, it.server.address);
        let what = match (&it.server.file, it.ours) {
            (Some(file), true) => format!("{file} leads to ourselves: {address} is our own door"),
            (None, true) => format!("`{zone}` is forwarded to ourselves: {address} is our own door"),
            (_, false) => format!("`{zone}` goes round in a circle: {address} forwards it back to us"),
        };
        let (why, mend) = match (&it.server.file, it.ours) {
            (Some(_), true) => (
                "questions that are not the cluster's would circle; the instance leaves this server out and has no other way",
                "give the pod the node's resolv.conf (`dnsPolicy: Default`), or name upstreams by address in `forward`",
            ),
            (None, true) => ("the instance leaves this server out", "name another server in `forward`"),
            (_, false) => (
                "our self-probe came back to us by way of that server, which sends on to us what it does not know",
                "let that server forward to the resolver of the machine or VPC and not to us, or name that one here",
            ),
        };
        lines.push(Line::problem(Topic::Itself, what).why(why).mend(mend));
    }
    if lines.is_empty() && own.is_some() {
        lines.push(Line::fine("no upstream leads back to us"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::super::upstream::Server;
    use super::*;
    use crate::config::Transport;
    use crate::wire::Name;
    use crate::wire::stamp::ClusterId;

    const OWN: Own = Own { cluster: ClusterId([1; 8]), instance: 7 };

    fn seen(who: Option<Own>, ours: bool, file: Option<&str>) -> Seen {
        let server = Server {
            zone: Name::root(),
            address: ([10, 96, 0, 10], 53).into(),
            transport: Transport::Udp,
            tls: None,
            file: file.map(Into::into),
        };
        Seen { server, udp: Ok(()), tcp: Ok(()), who, ours }
    }

    #[test]
    fn a_circle_is_told_from_a_door_of_ours() {
        let replica = Own { instance: 8, ..OWN };
        let what = |seen| judge(Some(OWN), &[seen]).remove(0).what;
        assert_eq!(
            what(seen(Some(replica), false, None)),
            "`.` goes round in a circle: 10.96.0.10:53 forwards it back to us"
        );
        let own = what(seen(Some(OWN), true, Some("/etc/resolv.conf")));
        assert_eq!(own, "/etc/resolv.conf leads to ourselves: 10.96.0.10:53 is our own door");
        let other = Own { cluster: ClusterId([2; 8]), instance: 9 };
        assert_eq!(judge(Some(OWN), &[seen(Some(other), false, None)])[0].level, Level::Fine);
    }

    #[test]
    fn before_installing_only_our_own_addresses_are_known() {
        assert_eq!(judge(None, &[seen(None, true, None)])[0].level, Level::Problem);
        assert!(judge(None, &[seen(Some(OWN), false, None)]).is_empty());
        let (one, two) =
            (Own { cluster: ClusterId::default(), instance: 1 }, Own { cluster: ClusterId::default(), instance: 2 });
        assert!(!is_us(one, two), "nothing is concluded from zero");
    }
}
