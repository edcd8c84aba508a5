//! The group `sync`: what the running instance says of itself on its pages. Pure.

use super::report::{Line, Topic};
use super::subject::Pages;
use crate::metrics::names;

/// A watch ends every minute; one that has said nothing for two was lost, and so was what came after it.
const OLD: f64 = 120.0;

pub fn judge(pages: &Pages) -> Vec<Line> {
    let Some(address) = &pages.address else {
        let line =
            Line::warning(Topic::Instance, "`listen.admin` is none: what the instance says of itself is unknown");
        return vec![line.mend(
            "set it; a Corefile has it from `serve --listen-admin 127.0.0.1:9154`, and this command from --admin",
        )];
    };
    let Some((status, ready)) = &pages.ready else {
        let why = pages.trouble.clone().unwrap_or_default();
        let line = Line::warning(Topic::Instance, format!("no instance answers at {address}, its admin listener"));
        return vec![line.why(why).mend(
            "run this beside the instance (kubectl exec), or name it: --admin ADDRESS:PORT or unix:PATH; --pre before installing",
        )];
    };
    let mut lines = Vec::new();
    if let Some((503, stuck)) = &pages.health {
        for worker in stuck.lines() {
            lines.push(Line::problem(Topic::Instance, worker).mend("restart the instance, and report it with its log"));
        }
    }
    if *status == 200 {
        lines.push(Line::fine("the instance is ready"));
    } else {
        let missing = ready.lines().take_while(|line| !is_note(line));
        for missing in missing {
            let (what, why) = missing.split_once(": ").unwrap_or((missing, ""));
            // How to mend it stands where it was found.
            let why = why.split(": add `").next().unwrap_or_default();
            let line = Line::problem(Topic::Sync, format!("the instance is not ready: {what}"));
            let line = line.mend("mend what group `kubernetes` says; names of the cluster get SERVFAIL until then");
            lines.push(if why.is_empty() { line } else { line.why(why) });
        }
    }
    lines.push(freshness(pages, ready));
    if pages.metric(names::KUBE_HELD.name).is_some_and(|held| held > 0.0) {
        let line = Line::warning(Topic::Freshness, "a list that takes most names away is held back");
        let why = "the API server's newest list lacks more than half of the names; it is believed if the next one agrees, or after 5 minutes";
        lines.push(line.why(why).mend("look whether the API server was restored from a backup"));
    }
    lines
}

/// `services: 3 objects, watching, …`: how things stand, and nothing that is missing.
fn is_note(line: &str) -> bool {
    line.contains(" objects, ")
}

fn freshness(pages: &Pages, ready: &str) -> Line {
    let Some(age) = pages.metric(names::ZONE_STALENESS.name) else {
        return Line::fine("the zone is made of manifests, which are watched");
    };
    if age < OLD {
        return Line::fine("the zone is fresh: every watch has said something of late");
    }
    let what = format!("nothing was heard from the API server for {age:.0} s: answers are as they were then");
    let notes: Vec<&str> = ready.lines().filter(|line| is_note(line)).collect();
    Line::problem(Topic::Freshness, what).why(notes.join("\n")).mend("mend what group `kubernetes` says")
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;

    fn pages(status: u16, ready: &str, metrics: &str) -> Pages {
        let address = "127.0.0.1:9154".parse().ok();
        Pages { address, ready: Some((status, ready.into())), metrics: metrics.into(), ..Pages::default() }
    }

    #[test]
    fn what_is_missing_and_how_old_the_zone_is() {
        let note = "services: 3 objects, watching, last event 0 s ago";
        let well = judge(&pages(200, &format!("OK\n{note}\n"), "interlocal_zone_staleness_seconds 0\n"));
        assert!(well.iter().all(|line| line.level == Level::Fine), "{well:?}");
        let waiting = format!("zone: waiting for the Kubernetes API: services: not allowed\n{note}\n");
        let lines = judge(&pages(503, &waiting, ""));
        assert_eq!(lines[0].what, "the instance is not ready: zone");
        assert_eq!(lines[0].why.as_deref(), Some("waiting for the Kubernetes API: services: not allowed"));
        let lines = judge(&pages(200, &format!("OK\n{note}\n"), "interlocal_zone_staleness_seconds 600\n"));
        assert_eq!(lines[1].level, Level::Problem);
        assert_eq!(lines[1].why.as_deref(), Some(note));
    }

    #[test]
    fn without_an_instance_the_rest_is_checked() {
        let pages = Pages { address: "127.0.0.1:9154".parse().ok(), ..Pages::default() };
        assert_eq!(judge(&pages)[0].level, Level::Warning);
    }
}
