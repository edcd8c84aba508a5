//! What one question gets and why, stage by stage: for `interlocal query`. Each stage asks the very function that answers questions
//! (`decide`, the zone's lookup, the cache, `follow`, a region's client), so there is no second opinion. Nothing is changed or
//! counted, and nothing is sent unless it is a trace.

pub mod page;
pub(super) mod records;
mod rules;
mod search;
mod stages;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::page::{Answer, DoorStage, Explanation, Link, RouteStage, Said, SentStage, ZoneState};
use super::asking::{objection, server_of};
use super::core::{Core, View};
use super::fetch::Fetch;
use super::question::hint;
use crate::answer::Failure;
use crate::cache::{KeyBuf, Look};
use crate::clock;
use crate::config::Config;
use crate::peer::sends::SendLog;
use crate::policy::Policy;
use crate::route::{Decision, Door, Follow, Otherwise, Remote, Routes, Source, Whence};
use crate::wire::exchange::Asked;
use crate::wire::stamp::write_stamp;
use crate::wire::{Flags, Name, NameBuf, Rcode, ReplyBody, class, mnemonic};
use crate::zone::Snapshot;

/// The question.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: Name,
    pub qtype: u16,
    pub door: Door,
    pub from: IpAddr,
    /// Others are asked, past the cache, and nothing of what they say is kept.
    pub trace: bool,
    /// The name had no dot at its end: what would a pod of this namespace make of it?
    pub search: Option<String>,
    /// EDNS options that upstreams are asked with.
    pub options: Vec<u8>,
}

/// What there is to explain from.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    pub zone: &'a Snapshot,
    pub routes: &'a Routes,
    pub config: &'a Config,
    /// The rules of each server.
    pub stages: &'a [Option<Arc<Policy>>],
    /// The running instance, if there is one.
    pub live: Option<(&'a Arc<Core>, &'a View)>,
}

/// What a stage found out for the answer.
struct Outcome {
    /// None: others would have to be asked.
    body: Option<ReplyBody>,
    from: String,
    source: Source,
}

impl<'a> Explainer<'a> {
    /// From a running instance.
    #[must_use]
    pub fn live(core: &'a Arc<Core>, view: &'a View) -> Self {
        let routing = &view.routing;
        Self {
            zone: &view.zone,
            routes: &routing.routes,
            config: &routing.config,
            stages: &routing.stages,
            live: Some((core, view)),
        }
    }

    /// Explains one question.
    pub async fn explain(&self, wanted: &Wanted) -> Explanation {
        let started = clock::now();
        let door = self.door(wanted);
        let (policy, links, mut answer) = match (&door.refused, self.policy(wanted.door)) {
            (Some(_), _) => (None, Vec::new(), self.objected(wanted)),
            (None, Some(policy)) => self.ruled(policy, wanted).await,
            (None, None) => {
                let (links, found) = self.links(wanted).await;
                (None, links, found.answer(wanted))
            }
        };
        answer.took_ms = micros(started) / 1e3;
        let search = wanted.search.as_deref().map(|namespace| self.search(wanted, namespace)).unwrap_or_default();
        Explanation {
            name: dotted(&wanted.name),
            qtype: mnemonic::type_text(wanted.qtype).into_owned(),
            live: self.live.is_some(),
            zone: ZoneState {
                synced: self.zone.synced,
                serial: self.zone.serial,
                hash: format!("{:016x}", self.zone.hash),
            },
            door,
            policy,
            links,
            answer,
            search,
        }
    }

    fn door(&self, wanted: &Wanted) -> DoorStage {
        let started = clock::now();
        let refused = objection(self.config, wanted.door, wanted.from, class::IN, wanted.qtype);
        let (door, server) = match wanted.door {
            Door::Pods { server } => ("pods", Some(server)),
            Door::Peers => ("peers", None),
        };
        DoorStage {
            door: door.to_owned(),
            server,
            from: wanted.from,
            refused: refused.map(|failure| failure.ede().text().to_owned()),
            took_us: micros(started),
        }
    }

    fn objected(&self, wanted: &Wanted) -> Answer {
        let failure = objection(self.config, wanted.door, wanted.from, class::IN, wanted.qtype);
        let body = failure.map(|failure| failure.body());
        answer(wanted, body.as_ref(), "nobody".to_owned())
    }

    /// The links of the chain as `resolve` follows them, and what comes of it.
    async fn links(&self, wanted: &Wanted) -> (Vec<Link>, Found) {
        let whence = Whence { door: wanted.door, stamp: None, own_id: self.zone.cluster_id };
        let mut name = NameBuf::from(wanted.name.as_ref());
        let mut links = Vec::new();
        let mut chain: Option<(ReplyBody, Name)> = None;
        let started = clock::now();
        let mut decision = self.routes.decide(&whence, &name);
        let mut decided = micros(started);
        let mut from = None;
        for _ in 0..=self.config.limits.cname_links {
            let (link, outcome) = self.link(wanted, &name, decision, decided).await;
            links.push(link);
            from.get_or_insert(outcome.from.clone());
            let Some(body) = outcome.body else {
                let found = chain.map(|(before, _)| before);
                return (links, Found { body: found, complete: false, from: outcome.from });
            };
            let whole = match &chain {
                None => body,
                Some((before, target)) => before
                    .chained(wanted.name.as_ref(), target.as_ref(), &body, wanted.qtype)
                    .unwrap_or_else(|_| Failure::Malformed.body()),
            };
            let from = from.clone().unwrap_or_default();
            let Some(target) = whole.open_target.clone() else { return (links, Found::of(whole, from)) };
            name = NameBuf::from(target.as_ref());
            let started = clock::now();
            match self.routes.follow(&whence, outcome.source, &name) {
                Follow::Go(next) => decision = next,
                Follow::Leave => {
                    links.push(self.left(wanted, &name, "left to the asker", "who asked goes on by itself"));
                    return (links, Found::of(whole, from));
                }
                Follow::End(failure) => {
                    let ede = failure.ede();
                    links.push(self.left(wanted, &name, "refused", ede.text()));
                    return (links, Found::of(whole.ended(failure.rcode(), ede), from));
                }
            }
            decided = micros(started);
            chain = Some((whole, target));
        }
        (links, Found::of(Failure::ChainTooLong.body(), "nobody".to_owned()))
    }

    /// A target that is not looked for.
    fn left(&self, wanted: &Wanted, name: &NameBuf, to: &str, why: &str) -> Link {
        let by = self.routes.claim(wanted.door, name).map(|claim| claim.what);
        let route = RouteStage { to: to.to_owned(), target: None, by, why: why.to_owned(), took_us: 0.0 };
        Link::new(name, route)
    }

    async fn link(&self, wanted: &Wanted, name: &NameBuf, decision: Decision, took_us: f64) -> (Link, Outcome) {
        let route = stages::route(self.routes, wanted.door, name, &decision, took_us);
        let mut link = Link::new(name, route);
        let own =
            |body: ReplyBody, from: &str| Outcome { body: Some(body), from: from.to_owned(), source: Source::Local };
        let remote = match decision {
            Decision::Local { origin } => {
                let (stage, mut body, absent) = stages::zone(self.zone, origin, name, wanted.qtype);
                if let Some(absent) = absent.filter(|_| body.rcode == Rcode::NXDOMAIN) {
                    body.ede = hint(self.zone, self.routes, wanted.door, name, absent);
                }
                link.zone = Some(stage);
                return (link, own(body, "zone"));
            }
            Decision::Probe => {
                link.route.why = "asks who we are: a self-probe, answered in place".to_owned();
                return (link, own(ReplyBody::failure(Rcode::NOERROR, None), "zone"));
            }
            Decision::Refuse(failure) => return (link, own(failure.body(), "nobody")),
            Decision::Remote(remote) => remote,
            Decision::Reverse(question) => {
                let (stage, body) = stages::reverse(self, wanted, name, &question);
                link.zone = Some(stage);
                match (body, question.otherwise) {
                    (Some(body), _) => return (link, own(body, "zone")),
                    (None, Otherwise::Claimed(remote) | Otherwise::Unclaimed(remote)) => remote,
                    (None, Otherwise::Refuse(failure)) => return (link, own(failure.body(), "nobody")),
                    (None, Otherwise::Missing { .. }) => {
                        let mut body = ReplyBody::failure(Rcode::NXDOMAIN, None);
                        body.flags |= Flags::AA;
                        return (link, own(body, "zone"));
                    }
                }
            }
        };
        let outcome = self.remote(wanted, name, remote, &mut link).await;
        (link, outcome)
    }

    /// A name that others know.
    async fn remote(&self, wanted: &Wanted, name: &NameBuf, remote: Remote, link: &mut Link) -> Outcome {
        let whom = match remote {
            Remote::Peer(region) => format!("region {}", self.routes.regions()[region]),
            Remote::Forward(upstream) => format!("upstream {}", self.routes.upstreams()[upstream]),
        };
        let source = Source::Remote(remote);
        let would = |whom: &str| Outcome { body: None, from: format!("would ask {whom}"), source };
        let Some((core, view)) = self.live else { return would(&whom) };
        let asked = Asked {
            name: name.as_ref(),
            qtype: wanted.qtype,
            qclass: class::IN,
            dnssec_ok: false,
            checking_disabled: false,
            options: if matches!(remote, Remote::Forward(_)) { &wanted.options } else { &[] },
        };
        let looked = {
            let started = clock::now();
            let key = KeyBuf::new(server_of(wanted.door), view.routing.route_id(remote), &asked);
            let look = core.cache.look(&key, started);
            link.cache = Some(stages::cache(look.as_ref(), micros(started)));
            look
        };
        let dark = match remote {
            Remote::Peer(region) => {
                let client = &view.routing.regions[region];
                link.peer = Some(stages::peer(client));
                client.is_dark()
            }
            Remote::Forward(upstream) => {
                link.upstream = Some(stages::upstream(&view.routing.upstreams[upstream]));
                false
            }
        };
        let kept = |look: Look, from: &str| Outcome { body: Some(look.now), from: from.to_owned(), source };
        match looked {
            Some(look) if look.fresh && !wanted.trace => return kept(look, "cache"),
            Some(look) if look.usable && (dark || look.setback.is_some()) && !wanted.trace => {
                return kept(look, "stale cache");
            }
            _ if !wanted.trace && !dark => return would(&whom),
            // Nobody is worth asking: asking gives the reason, and sends nothing.
            _ => {}
        }
        let fetch = Fetch {
            core: Arc::clone(core),
            routing: Arc::clone(&view.routing),
            server: server_of(wanted.door),
            remote,
            question: asked.to_question(),
            stamp: write_stamp(None, self.routes.own().hop(self.zone.cluster_id)),
        };
        let (log, began) = (SendLog::on(), tokio::time::Instant::now());
        let fetched = fetch.alone(&log).await;
        let sent = log.sends().into_iter().map(|sent| SentStage {
            to: sent.server,
            why: sent.why.to_owned(),
            after_ms: millis(sent.at - began),
            took_ms: sent.end.as_ref().map(|(end, _)| millis(*end - sent.at)),
            outcome: sent.end.map(|(_, how)| how),
        });
        link.sent = Some(sent.collect());
        Outcome { body: Some(ReplyBody::clone(&fetched.body)), from: whom, source }
    }
}

/// What came of a question and its chain.
struct Found {
    body: Option<ReplyBody>,
    /// Nobody else would have to be asked.
    complete: bool,
    from: String,
}

impl Found {
    fn of(body: ReplyBody, from: String) -> Self {
        Self { body: Some(body), complete: true, from }
    }

    fn answer(self, wanted: &Wanted) -> Answer {
        let answer = answer(wanted, self.body.as_ref(), self.from);
        if self.complete { answer } else { Answer { rcode: None, ..answer } }
    }
}

impl Link {
    fn new(name: &NameBuf, route: RouteStage) -> Self {
        let name = dotted(&name.to_name());
        Self { name, route, zone: None, cache: None, peer: None, upstream: None, sent: None }
    }
}

/// What the asker gets.
fn answer(wanted: &Wanted, body: Option<&ReplyBody>, from: String) -> Answer {
    let [answers, authority] =
        body.map(|body| records::lines(body, wanted.name.as_ref(), wanted.qtype)).unwrap_or_default();
    let ede = body.and_then(|body| body.ede.as_ref());
    Answer {
        from,
        rcode: body.map(|body| body.rcode.to_text().into_owned()),
        authoritative: body.is_some_and(|body| body.flags & Flags::AA != 0),
        ede: ede.map(|ede| Said { code: ede.code.0, text: ede.text().to_owned() }),
        answers,
        authority,
        took_ms: 0.0,
    }
}

fn dotted(name: &Name) -> String {
    let text = name.to_string();
    if text.ends_with('.') { text } else { text + "." }
}

/// Microseconds since then, to a tenth.
fn micros(since: Instant) -> f64 {
    (clock::now().saturating_duration_since(since).as_secs_f64() * 1e7).round() / 10.0
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}
