//! A question that memory cannot answer: other servers are asked, and chains of CNAMEs are followed. It knows no sockets; the doors
//! give it a message and take a reply.

use std::sync::Arc;

use super::asking::{Asking, Done, Transport, ad_flag, door_flags, reverse_view, server_of};
use super::core::{Core, View};
use super::fetch::{Fetch, Fetched};
use super::permits::Permit;
use crate::answer::Failure;
use crate::clock;
use crate::metrics::{Answerer, ZoneSlot};
use crate::peer::sends::SendLog;
use crate::route::{Decision, Door, Follow, Otherwise, Remote, ReverseQuestion, Source, Whence};
use crate::wire::body::Asker;
use crate::wire::exchange::Asked;
use crate::wire::reply::{Owner, Verdict};
use crate::wire::stamp::{Stamp, write_stamp};
use crate::wire::{
    Flags, HEADER_LEN, Incoming, MAX_MESSAGE, MAX_UDP_PAYLOAD, Name, NameBuf, Query, Rcode, ReplyBody, ReplyWriter,
    class,
};
use crate::zone::{Absent, Found};

/// A question on its way through other servers.
pub struct Miss {
    pub message: Box<[u8]>,
    pub door: Door,
    pub transport: Transport,
    pub source: std::net::IpAddr,
    /// The port of the source.
    pub port: u16,
}

impl Miss {
    /// Resolves the question and gives the whole reply with how it is counted; `None` if the message is no question after all.
    pub async fn resolve(&self, core: &Arc<Core>, permit: &Arc<Permit>) -> Option<(Vec<u8>, Done)> {
        let routing = core.routing.load();
        match routing.policy(self.door) {
            None => self.look_up(core, permit).await,
            Some(policy) => self.judge(policy, core, permit).await,
        }
    }

    /// The same without the rules of the server.
    pub async fn look_up(&self, core: &Arc<Core>, permit: &Arc<Permit>) -> Option<(Vec<u8>, Done)> {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&self.message, &mut name) else { return None };
        let view = View::load(core);
        let stamp_option = view.routing.config.stamp_option;
        let stamp = query.edns.and_then(|edns| edns.option(stamp_option)).and_then(Stamp::parse);
        let whence = Whence { door: self.door, stamp, own_id: view.zone.cluster_id };
        let resolution = Resolution { core, view: &view, whence, query: &query, permit };
        let (body, zone, by) = resolution.run().await;
        Some(self.written(core, &view, &query, &body, (zone, by)))
    }

    /// The reply with this body, and how it is counted.
    pub(super) fn written(
        &self,
        core: &Arc<Core>,
        view: &View,
        query: &Query<'_>,
        body: &ReplyBody,
        (zone, by): (ZoneSlot, Answerer),
    ) -> (Vec<u8>, Done) {
        let stamp_option = view.routing.config.stamp_option;
        let stamp = query.edns.and_then(|edns| edns.option(stamp_option)).and_then(Stamp::parse);
        let asking = self.asking(core, view, query.id);
        if let Some(ede) = &body.ede {
            core.failures.note(ede, body.rcode, query.name, query.qtype, asking.now);
        }
        let largest = if self.transport == Transport::Udp { MAX_UDP_PAYLOAD } else { MAX_MESSAGE };
        let mut out = vec![0; largest];
        let authoritative = body.flags & Flags::AA;
        let asker = Asker {
            max: asking.limit(query),
            flags: door_flags(self.door) | authoritative | ad_flag(query, body),
            ede: None,
            option: asking.reply_option(query, stamp),
            keepalive: asking.keepalive(query),
            rotation: asking.rotation,
        };
        let len = body.write(query, &mut out, asker, |ttl| ttl);
        out.truncate(len);
        let done = Done::new(query, len, zone, by, body.rcode);
        (out, done)
    }

    /// The circumstances of the question now. Those who waited for one fetch are told apart by their ids.
    pub(super) fn asking<'c>(&self, core: &'c Arc<Core>, view: &'c View, id: u16) -> Asking<'c> {
        Asking {
            core,
            view,
            door: self.door,
            transport: self.transport,
            source: self.source,
            port: self.port,
            now: clock::now(),
            rotation: id.into(),
        }
    }

    /// The reply when there is no room to resolve it, or when resolving it broke down.
    pub fn fail(&self, failure: &Failure) -> Option<(Vec<u8>, Done)> {
        let mut name = NameBuf::new();
        let Incoming::Query(query) = Query::parse(&self.message, &mut name) else { return None };
        let mut out = vec![0; MAX_UDP_PAYLOAD];
        let writer = ReplyWriter::start(&mut out, &query, MAX_UDP_PAYLOAD);
        let ede = failure.ede();
        let verdict = Verdict { rcode: failure.rcode(), flags: door_flags(self.door), ede: Some(&ede), option: None };
        let len = writer.finish(&query, verdict);
        out.truncate(len);
        let done = Done::new(&query, len, ZoneSlot::NONE, Answerer::Own, failure.rcode());
        Some((out, done))
    }
}

/// One question, being resolved.
struct Resolution<'a> {
    core: &'a Arc<Core>,
    view: &'a View,
    whence: Whence<'a>,
    query: &'a Query<'a>,
    permit: &'a Arc<Permit>,
}

impl Resolution<'_> {
    /// The question's answer with its chain followed, and where it is counted.
    async fn run(&self) -> (Arc<ReplyBody>, ZoneSlot, Answerer) {
        let routes = &self.view.routing.routes;
        let mut name = self.query.name.clone();
        let mut decision = routes.decide(&self.whence, &name);
        let (slot, mut by) = self.counted(&decision);
        let mut chain: Option<(Arc<ReplyBody>, Name)> = None;
        for _ in 0..=self.view.routing.config.limits.cname_links {
            let (Fetched { body, stale }, source) = self.step(&name, decision).await;
            if stale {
                by = Answerer::Stale;
            }
            let whole = match &chain {
                None => body,
                // What is in memory is the answer: nobody has refused anything, the rest was not to be asked for.
                Some((before, _)) if self.was_not_asked_for(&body) => {
                    let ended = before.ended(Rcode::NOERROR, Failure::NoRecursion.ede());
                    return (Arc::new(ended), slot, by);
                }
                Some((before, target)) => {
                    let joined = before.chained(self.query.name.as_ref(), target.as_ref(), &body, self.query.qtype);
                    Arc::new(joined.unwrap_or_else(|_| Failure::Malformed.body()))
                }
            };
            let Some(target) = whole.open_target.clone() else { return (whole, slot, by) };
            name = NameBuf::from(target.as_ref());
            match routes.follow(&self.whence, source, &name) {
                Follow::Leave => return (whole, slot, by),
                Follow::End(failure) => return (Arc::new(whole.ended(failure.rcode(), failure.ede())), slot, by),
                Follow::Go(next) => {
                    decision = next;
                    chain = Some((whole, target));
                }
            }
        }
        (Arc::new(Failure::ChainTooLong.body()), slot, by)
    }

    /// Is it what a link gets that is not in memory, where nobody is to be asked?
    fn was_not_asked_for(&self, body: &ReplyBody) -> bool {
        !self.query.flags.has(Flags::RD) && *body == Failure::NoRecursion.body()
    }

    /// Where the answer is counted: by where its first link comes from.
    fn counted(&self, decision: &Decision) -> (ZoneSlot, Answerer) {
        let slots = &self.view.routing.slots;
        let remote = |remote: Remote| match remote {
            Remote::Peer(_) => (slots.of(remote), Answerer::Peer),
            Remote::Forward(_) => (slots.of(remote), Answerer::Forward),
        };
        match decision {
            Decision::Local { origin } => (slots.origins[*origin], Answerer::Local),
            Decision::Remote(to) => remote(*to),
            Decision::Reverse(question) => match &question.otherwise {
                Otherwise::Claimed(to) | Otherwise::Unclaimed(to) => remote(*to),
                _ => (slots.reverse, Answerer::Own),
            },
            Decision::Probe | Decision::Refuse(_) => (ZoneSlot::NONE, Answerer::Own),
        }
    }

    /// One link of the chain.
    async fn step(&self, name: &NameBuf, decision: Decision) -> (Fetched, Source) {
        let own = |body: ReplyBody| (Fetched::fresh(body), Source::Local);
        match decision {
            Decision::Local { origin } => {
                let body = self.local(name, origin);
                let denied = body.rcode == Rcode::NXDOMAIN;
                match self.view.routing.routes.fallthrough(&self.whence, name).filter(|_| denied) {
                    Some(remote) => (self.remote(name, remote).await, Source::Remote(remote)),
                    None => own(body),
                }
            }
            Decision::Remote(remote) => (self.remote(name, remote).await, Source::Remote(remote)),
            Decision::Reverse(question) => match (self.own_reverse(name, &question), question.otherwise) {
                (Some(body), _) => own(body),
                (None, Otherwise::Claimed(remote) | Otherwise::Unclaimed(remote)) => {
                    (self.remote(name, remote).await, Source::Remote(remote))
                }
                (None, Otherwise::Refuse(failure)) => own(failure.body()),
                (None, Otherwise::Missing { zone_labels }) => own(self.made(name, |_, writer| {
                    self.view.zone.push_soa(writer, Owner::At(HEADER_LEN + name.suffix_offset(zone_labels)));
                    Found::NxDomain(Absent::Pod)
                })),
            },
            Decision::Refuse(failure) => own(failure.body()),
            // A CNAME that leads to a probe's name leads nowhere: probes are never chased.
            Decision::Probe => own(Failure::NotHere.body()),
        }
    }

    /// What our own zone says, one link of a chain at most.
    fn local(&self, name: &NameBuf, origin: usize) -> ReplyBody {
        let rotation = self.query.id.into();
        self.made(name, |qtype, writer| self.view.zone.lookup(origin, name, Owner::Question, qtype, writer, rotation))
    }

    /// What our own zone says of an address; nothing if it is not ours.
    fn own_reverse(&self, name: &NameBuf, question: &ReverseQuestion) -> Option<ReplyBody> {
        let (zone, routes) = (&self.view.zone, &self.view.routing.routes);
        if !zone.synced {
            let claimed = matches!(question.otherwise, Otherwise::Claimed(_));
            return (!claimed).then(|| Failure::NotReady.body());
        }
        let (address, names) = (question.reverse.address()?, reverse_view(self.whence.door, routes));
        let mut own = false;
        let body = self.made(name, |qtype, writer| {
            let found = zone.reverse(address, names, Owner::Question, qtype, writer);
            own = matches!(found, Found::Answer | Found::NoData(_));
            if matches!(found, Found::NoData(_)) {
                zone.push_soa(writer, Owner::Question);
            }
            found
        });
        own.then_some(body)
    }

    fn made<'z>(&self, name: &NameBuf, find: impl FnOnce(u16, &mut ReplyWriter<'_>) -> Found<'z>) -> ReplyBody {
        made(name, self.query.qtype, find)
    }

    /// What a peer or an upstream says.
    async fn remote(&self, name: &NameBuf, remote: Remote) -> Fetched {
        let routing = &self.view.routing;
        let asked = Asked { name: name.as_ref(), ..self.query.asked() };
        let fetch = Fetch {
            core: Arc::clone(self.core),
            routing: Arc::clone(routing),
            server: server_of(self.whence.door),
            remote,
            question: asked.to_question(),
            stamp: write_stamp(self.whence.stamp, routing.routes.own().hop(self.whence.own_id)),
        };
        // "Recursion not asked for" holds for every link of a chain.
        let alone = self.whence.stamp.is_some() && routing.passes_the_stamp_on(remote);
        if !self.query.flags.has(Flags::RD) {
            let kept = if alone { None } else { fetch.cached() };
            return kept.unwrap_or_else(|| Fetched::fresh(Failure::NoRecursion.body()));
        }
        let fetched = if alone { fetch.alone(&SendLog::OFF).await } else { fetch.shared(self.permit).await };
        if fetched.stale
            && let Remote::Peer(region) = remote
        {
            routing.regions[region].served_stale();
        }
        fetched
    }
}

/// What `find` writes, as the answer of our own zone for this name.
pub(super) fn made<'z>(
    name: &NameBuf,
    qtype: u16,
    find: impl FnOnce(u16, &mut ReplyWriter<'_>) -> Found<'z>,
) -> ReplyBody {
    let query = Query {
        id: 0,
        flags: Flags::default(),
        name,
        raw_name: name.as_ref().wire(),
        qtype,
        qclass: class::IN,
        edns: None,
    };
    let mut out = vec![0; MAX_MESSAGE];
    let mut writer = ReplyWriter::start(&mut out, &query, MAX_MESSAGE);
    let rcode = match find(qtype, &mut writer) {
        Found::NotReady | Found::NotOwn => return Failure::NotReady.body(),
        Found::NxDomain(_) => Rcode::NXDOMAIN,
        Found::Answer | Found::NoData(_) | Found::Alias { .. } => Rcode::NOERROR,
    };
    let verdict = Verdict { rcode, flags: Flags::AA, ede: None, option: None };
    let len = writer.finish(&query, verdict);
    ReplyBody::read(&out[..len], qtype).map_or_else(|_| Failure::Malformed.body(), |(body, _)| body)
}
