//! One question's entry and its fetch through any history of arrivals, answers, failures, cancellations, evictions and time
//! (CVE-2026-50046, -55717 and -56444: crashes and starvation where these meet).

use std::sync::Arc;
use std::time::Duration;

use interlocal::cache::{Cache, Entry, Follower, Inflight, Joined, KeyBuf, Leader, Policy, Source};
use interlocal::clock;
use interlocal::config::CacheConfig;
use interlocal::wire::exchange::Asked;
use interlocal::wire::{Name, Rcode, ReplyBody, rtype};
use proptest::prelude::*;

const STALE: u64 = 100;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Somebody asks.
    Arrive,
    /// The fetch ends so.
    Answer {
        ttl: u8,
    },
    Deny {
        sure: bool,
    },
    Fail,
    /// The fetch is dropped without a word.
    Cancel,
    Wait {
        seconds: u8,
    },
    /// Others need the room.
    Evict,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Arrive),
        2 => (0..20u8).prop_map(|ttl| Step::Answer { ttl }),
        2 => any::<bool>().prop_map(|sure| Step::Deny { sure }),
        2 => Just(Step::Fail),
        1 => Just(Step::Cancel),
        3 => (0..60u8).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Evict),
    ]
}

/// "web.x A" with one record in the answer, or the SOA of a denial.
fn body(rcode: u16, ttl: u8) -> ReplyBody {
    let denial = rcode == 3;
    let mut message = vec![0, 7, 0x81, 0x80 | rcode as u8, 0, 1, 0, u8::from(!denial), 0, u8::from(denial), 0, 0];
    message.extend_from_slice(b"\x03web\x01x\0\0\x01\0\x01\xc0\x0c\0");
    let data: &[u8] =
        if denial { b"\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x05" } else { b"\xc0\0\x02\x01" };
    message.extend_from_slice(&[if denial { 6 } else { 1 }, 0, 1, 0, 0, 0, ttl, 0, data.len() as u8]);
    message.extend_from_slice(data);
    ReplyBody::read(&message, rtype::A).unwrap().0
}

struct World {
    cache: Cache,
    inflight: Arc<Inflight<Rcode>>,
    policy: Policy,
    key: KeyBuf,
    leader: Option<Leader<Rcode>>,
    followers: Vec<Follower<Rcode>>,
    /// When the last answer that nothing has taken the place of since ends, and how long it may be stale.
    good: Option<(std::time::Instant, std::time::Instant)>,
    now: std::time::Instant,
}

impl World {
    fn new() -> Self {
        let name: Name = "web.x".parse().unwrap();
        let asked = Asked {
            name: name.as_ref(),
            qtype: rtype::A,
            qclass: 1,
            dnssec_ok: false,
            checking_disabled: false,
            options: &[],
        };
        let secs = Duration::from_secs;
        let config = CacheConfig {
            size: 0,
            max_ttl: secs(10),
            max_negative_ttl: secs(10),
            prefetch: true,
            ..CacheConfig::default()
        };
        Self {
            cache: Cache::new(1 << 20),
            inflight: Inflight::new(),
            policy: Policy::new(&config, secs(STALE)),
            key: KeyBuf::new(0, 1, &asked),
            leader: None,
            followers: Vec::new(),
            good: None,
            now: clock::now(),
        }
    }

    fn arrive(&mut self) {
        let now = self.now;
        if let Some(rcode) = self.cache.get(&self.key, now, |entry| Some(entry.body().rcode)) {
            let (fresh_until, _) = self.good.unwrap_or((now, now));
            assert!(rcode != Rcode::NOERROR || now < fresh_until, "an answer past its TTL as a fresh one");
            return;
        }
        let stale =
            self.cache.get_stale(&self.key, now, |entry| Some((entry.body().rcode, entry.setback(now).is_some())));
        if let Some((rcode, _)) = stale {
            assert_eq!(rcode, Rcode::NOERROR, "a denial or a failure past its TTL");
            assert!(self.good.is_some_and(|(fresh, stale)| fresh <= now && now < stale), "of whatever came first");
        }
        match self.inflight.join(&self.key, now) {
            Joined::Leader(leader) => {
                assert!(self.leader.is_none(), "two fetches for one question");
                self.followers.push(leader.follow());
                self.leader = Some(leader);
            }
            Joined::Follower(follower) => {
                let first = self.leader.as_ref().expect("somebody leads").since();
                assert_eq!(follower.since(), first, "the age of a fetch is that of its first asker");
                self.followers.push(follower);
            }
        }
    }

    fn end(&mut self, body: ReplyBody, sure: bool) {
        let (Some(leader), now) = (self.leader.take(), self.now) else { return };
        let body = Arc::new(body);
        if let Some(keep) = self.policy.keep(Source::Peer, &body) {
            let entry = Entry::new(Arc::clone(&body), keep, leader.since(), now);
            let entry = if sure { entry } else { entry.unsure() };
            let usable = self.good.is_some_and(|(_, stale)| now < stale);
            let kept = self.cache.insert(leader.key().clone(), entry, now);
            let doubtful = body.rcode == Rcode::NXDOMAIN && !sure;
            let answer = body.rcode == Rcode::NOERROR;
            assert!(
                kept || !answer && (body.rcode != Rcode::NXDOMAIN || doubtful && usable),
                "a good one is always kept"
            );
            if !kept {
                let told = self.cache.set_back(leader.key(), "worse", now, |entry| entry.body().rcode);
                assert!(told.is_some(), "what is better is there");
            } else if answer {
                let fresh = leader.since() + Duration::from_secs(keep.ttl.into());
                self.good = Some((fresh, fresh + Duration::from_secs(STALE)));
            } else {
                assert!(!usable || body.rcode == Rcode::NXDOMAIN && sure, "a good answer is lost");
                self.good = None;
            }
        }
        leader.complete(body.rcode);
        self.all_hear(Some(body.rcode));
    }

    /// Nobody waits for ever, whatever became of the fetch.
    fn all_hear(&mut self, expected: Option<Rcode>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for follower in self.followers.drain(..) {
            assert_eq!(runtime.block_on(follower.wait()), expected);
        }
        assert!(self.inflight.is_empty());
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Arrive => self.arrive(),
            Step::Answer { ttl } => self.end(body(0, ttl), true),
            Step::Deny { sure } => self.end(body(3, 5), sure),
            Step::Fail => self.end(ReplyBody::failure(Rcode::SERVFAIL, None), false),
            Step::Cancel => {
                if self.leader.take().is_some() {
                    self.all_hear(None);
                }
            }
            Step::Wait { seconds } => self.now += Duration::from_secs(seconds.into()),
            Step::Evict => {
                self.cache.resize(0);
                self.cache.resize(1 << 20);
                self.good = None;
            }
        }
    }
}

proptest! {
    #[test]
    fn any_history_of_an_entry_is_sound(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.step(Step::Cancel);
        world.step(Step::Wait { seconds: 59 });
        world.now += Duration::from_secs(STALE + 10);
        world.arrive();
        assert_eq!((world.cache.len(), world.cache.bytes()), (0, 0), "what is over takes no room");
        world.step(Step::Cancel);
    }
}
