//! One question, answered in place from memory: read, routed, written into the send buffer. What memory does not have is a
//! miss, and leaves for `resolve`. Nothing here waits, and nothing allocates on the way of an answer.

use super::asking::{Asking, Done, ad_flag, door_flags, objection, reverse_view, server_of};
use super::chaos::Topic;
use super::finish::full;
use super::refresh;
use crate::answer::{Failure, Stale};
use crate::cache::{Entry, KeyBuf};
use crate::metrics::{Answerer, DropReason, ZoneSlot};
use crate::route::{Decision, Door, Follow, Otherwise, Remote, ReverseQuestion, Routes, Source, Whence};
use crate::wire::body::Asker;
use crate::wire::reply::{Owner, Section, Verdict, header_only};
use crate::wire::stamp::Stamp;
use crate::wire::{Ede, Flags, HEADER_LEN, Incoming, NameBuf, Query, Rcode, ReplyWriter, rtype};
use crate::zone::{Absent, Found, Snapshot};

/// What to do after a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply stands in the buffer.
    Reply(Done),
    /// An upstream has to be asked, and what it says is the answer.
    Ask,
    /// Others have to be asked.
    Miss,
    Drop(DropReason),
}

impl Asking<'_> {
    /// Answers one message into `out`, which holds the largest reply of the transport.
    #[inline]
    pub fn answer(&self, message: &[u8], out: &mut [u8]) -> Outcome {
        match self.view.routing.policy(self.door) {
            None => self.look_up(message, out),
            Some(policy) => self.judge(policy, message, out),
        }
    }

    /// The same without the rules of the server.
    #[inline]
    pub fn look_up(&self, message: &[u8], out: &mut [u8]) -> Outcome {
        let mut name = NameBuf::new();
        let query = match Query::parse(message, &mut name) {
            Incoming::Query(query) => query,
            Incoming::Drop => return Outcome::Drop(DropReason::NotAQuery),
            Incoming::Reject(rcode) => {
                let len = header_only(message, rcode, out);
                let (zone, by) = (ZoneSlot::NONE, Answerer::Own);
                return Outcome::Reply(Done { len, zone, by, qtype: 0, dnssec_ok: false, rcode });
            }
        };
        let stamp_option = self.view.routing.config.stamp_option;
        let stamp = query.edns.and_then(|edns| edns.option(stamp_option)).and_then(Stamp::parse);
        let one = One { asking: self, query: &query, stamp };
        if let Some((rcode, ede)) = one.objection() {
            if let Some(topic) = Topic::of(&query).filter(|_| rcode != Rcode::BADVERS) {
                return one.chaos(out, topic);
            }
            return one.plain(out, rcode, ede.as_ref());
        }
        let whence = one.whence();
        match self.view.routing.routes.decide(&whence, query.name) {
            Decision::Local { origin } => one.local(out, &whence, origin),
            Decision::Remote(remote) => one.remote(out, remote),
            Decision::Reverse(reverse) => one.reverse(out, reverse),
            Decision::Probe => one.probe(out),
            Decision::Refuse(failure) => one.failure(out, &failure),
        }
    }
}

/// One question in its circumstances.
struct One<'a> {
    asking: &'a Asking<'a>,
    query: &'a Query<'a>,
    stamp: Option<Stamp<'a>>,
}

impl<'a> One<'a> {
    fn whence(&self) -> Whence<'a> {
        Whence { door: self.asking.door, stamp: self.stamp, own_id: self.asking.view.zone.cluster_id }
    }

    /// What is wrong with the question itself, whatever its name.
    #[inline]
    fn objection(&self) -> Option<(Rcode, Option<Ede>)> {
        let query = self.query;
        if query.edns.is_some_and(|edns| edns.version > 0) {
            return Some((Rcode::BADVERS, Some(Failure::EdnsVersion.ede())));
        }
        let Asking { door, source, view, .. } = self.asking;
        let failure = objection(&view.routing.config, *door, *source, query.qclass, query.qtype)?;
        Some((failure.rcode(), Some(failure.ede())))
    }

    #[inline]
    fn start<'b>(&self, out: &'b mut [u8]) -> ReplyWriter<'b> {
        let mut writer = ReplyWriter::start(out, self.query, self.asking.limit(self.query));
        writer.keepalive(self.asking.keepalive(self.query));
        writer
    }

    #[inline]
    fn finish(&self, writer: ReplyWriter<'_>, zone: ZoneSlot, rcode: Rcode, aa: bool, ede: Option<&Ede>) -> Outcome {
        // A refusal says what is wrong with the question, not with us, and has to cost as little as an answer.
        if let Some(ede) = ede
            && rcode != Rcode::REFUSED
        {
            let Asking { core, now, .. } = self.asking;
            core.failures.note(ede, rcode, self.query.name, self.query.qtype, *now);
        }
        let flags = door_flags(self.asking.door) | if aa { Flags::AA } else { 0 };
        let option = self.asking.reply_option(self.query, self.stamp);
        let len = writer.finish(self.query, Verdict { rcode, flags, ede, option });
        let by = if aa { Answerer::Local } else { Answerer::Own };
        self.done(len, zone, by, rcode)
    }

    #[inline]
    fn done(&self, len: usize, zone: ZoneSlot, by: Answerer, rcode: Rcode) -> Outcome {
        Outcome::Reply(Done::new(self.query, len, zone, by, rcode))
    }

    fn plain(&self, out: &mut [u8], rcode: Rcode, ede: Option<&Ede>) -> Outcome {
        self.finish(self.start(out), ZoneSlot::NONE, rcode, false, ede)
    }

    fn failure(&self, out: &mut [u8], failure: &Failure) -> Outcome {
        self.plain(out, failure.rcode(), Some(&failure.ede()))
    }

    /// A name of class CH that says something of us.
    fn chaos(&self, out: &mut [u8], topic: Topic) -> Outcome {
        let mut writer = self.start(out);
        match self.asking.chaos(self.query, topic, &mut writer) {
            Ok(()) => self.finish(writer, ZoneSlot::NONE, Rcode::NOERROR, true, None),
            Err(failure) => self.failure(out, &failure),
        }
    }

    /// A name of the cluster's own zone, with what of its CNAMEs is in the zone too.
    #[inline]
    fn local(&self, out: &mut [u8], whence: &Whence<'_>, origin: usize) -> Outcome {
        let Asking { view, rotation, .. } = self.asking;
        let zone = view.routing.slots.origins[origin];
        let mut writer = self.start(out);
        let (mut origin, mut owner) = (origin, Owner::Question);
        let mut chased: Option<NameBuf> = None;
        let links = view.routing.config.limits.cname_links;
        for _ in 0..=links {
            let name = chased.as_ref().unwrap_or(self.query.name);
            let (target, at) = match view.zone.lookup(origin, name, owner, self.query.qtype, &mut writer, *rotation) {
                Found::Answer | Found::NoData(_) => return self.finish(writer, zone, Rcode::NOERROR, true, None),
                Found::NxDomain(absent) => {
                    if let Some(remote) = view.routing.routes.fallthrough(whence, name) {
                        // Behind a CNAME it takes the long way.
                        return if chased.is_none() { self.remote(out, remote) } else { Outcome::Miss };
                    }
                    let hint = self.hint(name, absent);
                    return self.finish(writer, zone, Rcode::NXDOMAIN, true, hint.as_ref());
                }
                Found::NotReady | Found::NotOwn => return self.failure(out, &Failure::NotReady),
                Found::Alias { target, at } => (NameBuf::from(target.as_ref()), at),
            };
            match view.routing.routes.follow(whence, Source::Local, &target) {
                Follow::Go(Decision::Local { origin: next }) => {
                    (origin, owner) = (next, Owner::At(at));
                    chased = Some(target);
                }
                Follow::Go(Decision::Refuse(failure)) | Follow::End(failure) => {
                    let rcode = failure.rcode();
                    return self.finish(writer, zone, rcode, rcode == Rcode::NOERROR, Some(&failure.ede()));
                }
                Follow::Go(_) => return Outcome::Miss,
                Follow::Leave => return self.finish(writer, zone, Rcode::NOERROR, true, None),
            }
        }
        // The links are left out: of a loop they would be the same few records again and again.
        self.failure(out, &Failure::ChainTooLong)
    }

    /// What may have been meant by a name that does not exist, if it can be said and is not too far off.
    fn hint(&self, name: &NameBuf, absent: Absent) -> Option<Ede> {
        let Asking { view, door, .. } = self.asking;
        self.query.edns?;
        hint(&view.zone, &view.routing.routes, *door, name, absent)
    }

    /// A name that a peer or an upstream knows: from the cache, or a miss.
    #[inline]
    fn remote(&self, out: &mut [u8], remote: Remote) -> Outcome {
        let Asking { core, view, door, now, .. } = self.asking;
        let (server, asked) = (server_of(*door), self.query.asked());
        let recursion = self.query.flags.has(Flags::RD);
        if self.stamp.is_none() || !view.routing.passes_the_stamp_on(remote) {
            let key = KeyBuf::new(server, view.routing.route_id(remote), &asked);
            let hit = core.cache.get(&key, *now, |entry| Some((self.kept(out, remote, entry)?, entry.now_in_use())));
            if let Some((outcome, again)) = hit {
                if let Some(at) = again {
                    refresh::plan(core, &view.routing, server, remote, &asked, at);
                }
                return outcome;
            }
            // "If ... the Recursion Desired flag is not set in the request, it should immediately return the response without
            // consulting the cache for expired records" (RFC 8767 5).
            if recursion && let Some(outcome) = self.stale(out, remote, &key) {
                return outcome;
            }
        }
        if !recursion {
            return self.failure(out, &Failure::NoRecursion);
        }
        match remote {
            Remote::Forward(_) => Outcome::Ask,
            Remote::Peer(_) => Outcome::Miss,
        }
    }

    /// A peer's answer past its TTL, if nobody need be asked to know that there is nothing better: the region is dark, what it said a
    /// moment ago was of no use, or nobody can be asked.
    fn stale(&self, out: &mut [u8], remote: Remote, key: &KeyBuf) -> Option<Outcome> {
        let Asking { core, view, now, .. } = self.asking;
        let Remote::Peer(region) = remote else { return None };
        let excuse = if view.routing.is_dark(remote) {
            Some(Stale::Dark { region: &view.routing.routes.regions()[region] })
        } else {
            full(core, &view.routing, self.asking.door, self.asking.source).map(|_| Stale::Overloaded)
        };
        let stale = core.cache.get_stale(key, *now, |entry| {
            let asker = self.asker(entry)?;
            let len = match (entry.setback(*now), excuse) {
                (Some(cause), _) => entry.write_stale(self.query, out, asker, cause, *now),
                (None, Some(excuse)) => entry.write_stale(self.query, out, asker, excuse, *now),
                (None, None) => return None,
            };
            Some(self.done(len, view.routing.slots.of(remote), Answerer::Stale, entry.body().rcode))
        });
        if stale.is_some() {
            view.routing.regions[region].served_stale();
        }
        stale
    }

    /// The cached body, unless its chain has to be followed first.
    #[inline]
    fn kept(&self, out: &mut [u8], remote: Remote, entry: &Entry) -> Option<Outcome> {
        let asker = self.asker(entry)?;
        let len = entry.write(self.query, out, asker, self.asking.now);
        let by = if entry.body().is_negative() { Answerer::CachedDenial } else { Answerer::Cache };
        Some(self.done(len, self.asking.view.routing.slots.of(remote), by, entry.body().rcode))
    }

    /// How a cached body is written for this asker; none if its chain has to be followed first.
    #[inline]
    fn asker(&self, entry: &Entry) -> Option<Asker<'_>> {
        let body = entry.body();
        body.open_target.is_none().then(|| Asker {
            max: self.asking.limit(self.query),
            flags: door_flags(self.asking.door) | ad_flag(self.query, body),
            ede: None,
            option: self.asking.reply_option(self.query, self.stamp),
            keepalive: self.asking.keepalive(self.query),
            rotation: self.asking.rotation,
        })
    }

    /// A reverse name: our own first, then whoever claims its range.
    fn reverse(&self, out: &mut [u8], question: ReverseQuestion) -> Outcome {
        let Asking { view, door, .. } = self.asking;
        let slot = view.routing.slots.reverse;
        let claimed = matches!(question.otherwise, Otherwise::Claimed(_));
        if !view.zone.synced && !claimed {
            return self.failure(out, &Failure::NotReady);
        }
        if let Some(address) = question.reverse.address() {
            let names = reverse_view(*door, &view.routing.routes);
            let mut writer = self.start(out);
            match view.zone.reverse(address, names, Owner::Question, self.query.qtype, &mut writer) {
                Found::Answer => return self.finish(writer, slot, Rcode::NOERROR, true, None),
                Found::NoData(_) => {
                    view.zone.push_soa(&mut writer, Owner::Question);
                    return self.finish(writer, slot, Rcode::NOERROR, true, None);
                }
                _ => {}
            }
        }
        match question.otherwise {
            Otherwise::Claimed(remote) | Otherwise::Unclaimed(remote) => self.remote(out, remote),
            Otherwise::Missing { zone_labels } => {
                let mut writer = self.start(out);
                view.zone.push_soa(&mut writer, Owner::At(HEADER_LEN + self.query.name.suffix_offset(zone_labels)));
                self.finish(writer, slot, Rcode::NXDOMAIN, true, None)
            }
            Otherwise::Refuse(failure) => self.failure(out, &failure),
        }
    }

    /// A self-probe: who we are, as cluster and as process.
    fn probe(&self, out: &mut [u8]) -> Outcome {
        let mut writer = self.start(out);
        if self.query.qtype == rtype::TXT {
            let mut text = [0u8; 34];
            write_hex(&mut text[..17], self.asking.view.zone.cluster_id.0);
            write_hex(&mut text[17..], self.asking.core.instance.to_be_bytes());
            writer.push(Section::Answer, Owner::Question, rtype::TXT, 0, &[&text]);
        }
        self.finish(writer, ZoneSlot::NONE, Rcode::NOERROR, true, None)
    }
}

/// See [`One::hint`]. Regions are a hint for pods only.
pub(super) fn hint(zone: &Snapshot, routes: &Routes, door: Door, name: &NameBuf, absent: Absent) -> Option<Ede> {
    if absent == Absent::ReadyEndpoint {
        return Some(Failure::NoReadyEndpoint.ede());
    }
    let label = routes.namespace(name).filter(|_| door != Door::Peers)?;
    if zone.namespace_exists(label) {
        return None;
    }
    routes.nearly_a_region(label).map(|failure| failure.ede())
}

/// A TXT string: its length, and eight octets in hexadecimal.
fn write_hex(text: &mut [u8], octets: [u8; 8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text[0] = 16;
    for (pair, octet) in text[1..].chunks_exact_mut(2).zip(octets) {
        pair[0] = DIGITS[usize::from(octet >> 4)];
        pair[1] = DIGITS[usize::from(octet & 15)];
    }
}
