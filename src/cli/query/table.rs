//! An explanation for people: a stage a line, in the order in which the question meets them.

use crate::server::explain::page::{Answer, CacheStage, Explanation, Link, Server, ZoneStage};

/// Columns of the stage's name.
const WIDTH: usize = 10;

pub(super) fn text(explanation: &Explanation) -> String {
    let mut lines = vec![format!("{} {}", explanation.name, explanation.qtype)];
    let mut stage = |name: &str, text: &str| lines.push(format!("  {name:<WIDTH$}{text}"));
    let door = &explanation.door;
    let server = door.server.filter(|server| *server > 0).map(|server| format!(" (server {server})"));
    let refused = door.refused.as_ref().map_or_else(|| "let in".to_owned(), |why| format!("refused: {why}"));
    stage("door", &format!("{}{}, from {}: {refused}", door.door, server.unwrap_or_default(), door.from));
    if let Some(policy) = &explanation.policy {
        stage("policy", &format!("{}{}", policy.verdict, took(policy.took_us)));
        policy.notes.iter().for_each(|note| stage("", note));
    }
    for (number, link) in explanation.links.iter().enumerate() {
        if number > 0 {
            stage("then", &link.name);
        }
        self::link(link, explanation.live, &mut stage);
    }
    self::answer(&explanation.answer, &mut stage);
    if !explanation.zone.synced {
        stage("note", "the zone has not been read from the Kubernetes API yet");
    }
    search(explanation, &mut stage);
    lines.push(format!("zone {}, serial {}", explanation.zone.hash, explanation.zone.serial));
    lines.join("\n") + "\n"
}

fn link(link: &Link, live: bool, stage: &mut impl FnMut(&str, &str)) {
    let route = &link.route;
    let target = route.target.as_ref().map(|target| format!(" {target}")).unwrap_or_default();
    let by = route.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    stage("route", &format!("{}{target}{by}: {}{}", route.to, route.why, took(route.took_us)));
    if let Some(zone) = &link.zone {
        self::zone(zone, stage);
    }
    if let Some(cache) = &link.cache {
        stage("cache", &(self::cache(cache) + &took(cache.took_us)));
    }
    if let Some(peer) = &link.peer {
        let state = if peer.dark { "dark: no address is worth asking" } else { "is asked" };
        stage("peer", &format!("region {} {state}", peer.region));
        servers(&peer.addresses, &peer.notes, stage);
    }
    if let Some(upstream) = &link.upstream {
        stage("upstream", &format!("{} over {}", upstream.zone, upstream.transport));
        servers(&upstream.servers, &upstream.notes, stage);
    }
    if !live && matches!(route.to.as_str(), "region" | "upstream") {
        stage("", "cache and servers are not known without a running instance");
    }
    for sent in link.sent.iter().flatten() {
        let took = sent.took_ms.map_or_else(|| "no answer yet".to_owned(), |took| format!("{took:.1} ms"));
        let outcome = sent.outcome.as_deref().unwrap_or("not waited for");
        stage("sent", &format!("{} at {:.1} ms ({}): {outcome}, {took}", sent.to, sent.after_ms, sent.why));
    }
    if link.sent.as_ref().is_some_and(Vec::is_empty) {
        stage("sent", "nothing");
    }
}

fn zone(zone: &ZoneStage, stage: &mut impl FnMut(&str, &str)) {
    let about = zone.object.as_ref().map(|object| format!(": {object}")).unwrap_or_default();
    stage("zone", &format!("{}{about}{}", zone.found, took(zone.took_us)));
    if let Some(missing) = &zone.missing {
        stage("", missing);
    }
}

/// What a stage took.
fn took(micros: f64) -> String {
    format!(" [{micros:.1} µs]")
}

fn cache(cache: &CacheStage) -> String {
    let Some(age) = cache.age_s else { return "nothing".to_owned() };
    let rcode = cache.rcode.as_deref().unwrap_or_default();
    let left = cache.ttl_left_s.filter(|left| *left > 0).map(|left| format!(", {left} s left")).unwrap_or_default();
    let setback = cache.setback.as_ref().map(|why| format!("; nothing newer: {why}")).unwrap_or_default();
    format!("{}: {rcode}, {age} s old{left}{setback}", cache.state)
}

fn servers(servers: &[Server], notes: &[String], stage: &mut impl FnMut(&str, &str)) {
    for server in servers {
        let state = if server.up { "up" } else { "down" };
        let breaker = server.breaker.as_ref().map(|breaker| format!(", breaker {breaker}")).unwrap_or_default();
        let rtt = server.rtt_ms.map(|rtt| format!(", RTT {rtt:.1} ms")).unwrap_or_default();
        let cause = server.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        stage("", &format!("{} {state}{breaker}{rtt}{cause}", server.address));
    }
    notes.iter().for_each(|note| stage("", note));
    if servers.is_empty() && notes.is_empty() {
        stage("", "no address");
    }
}

fn answer(answer: &Answer, stage: &mut impl FnMut(&str, &str)) {
    let Some(rcode) = &answer.rcode else {
        stage("answer", &format!("{}; --trace asks", answer.from));
        answer.answers.iter().for_each(|record| stage("", record));
        return;
    };
    let authority = if answer.authoritative { ", authoritative" } else { "" };
    stage("answer", &format!("{rcode} from {}{authority}, {:.1} ms", answer.from, answer.took_ms));
    answer.answers.iter().chain(&answer.authority).for_each(|record| stage("", record));
    if let Some(ede) = &answer.ede {
        stage("EDE", &format!("{}: {}", ede.code, ede.text));
    }
}

/// What a pod makes of the name, if that is something else.
fn search(explanation: &Explanation, stage: &mut impl FnMut(&str, &str)) {
    if explanation.search.is_empty() {
        return;
    }
    stage("search", "without a dot at its end a pod asks, in this order:");
    for one in &explanation.search {
        let rcode = match (&one.rcode, one.answered) {
            (Some(rcode), false) if rcode == "NOERROR" => "no records",
            (Some(rcode), _) => rcode,
            (None, _) => "asks others",
        };
        stage("", &format!("{} {rcode}", one.name));
    }
}
