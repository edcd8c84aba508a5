//! Where a chain of CNAMEs may go on. It inherits the door and the stamp of its question, so it cannot reach what the question
//! could not.

use super::decide::{Decision, Door, Remote, Whence};
use super::table::{Routes, Target};
use crate::answer::Failure;
use crate::wire::NameBuf;

/// Who gave the CNAME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A Service of ours.
    Local,
    Remote(Remote),
}

/// What becomes of the rest of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    Go(Decision),
    /// The answer ends with the CNAME; who asked goes on.
    Leave,
    /// The answer ends here, and says why.
    End(Failure),
}

impl Routes {
    /// Whether, and where, to go on with `target`.
    #[must_use]
    pub fn follow(&self, whence: &Whence<'_>, source: Source, target: &NameBuf) -> Follow {
        let inside = target.as_ref().is_in(self.domain.as_ref());
        let region_zone = self.region_zones.longest(target);
        match (whence.door, source) {
            (Door::Peers, _) => self.follow_for_a_peer(target, inside, region_zone.map(|found| *found.1)),
            (_, Source::Remote(Remote::Peer(region))) if inside && region_zone.is_none() => {
                Follow::End(Failure::TargetPrivate { region: self.regions[region].clone() })
            }
            _ => match self.decide(whence, target) {
                Decision::Refuse(failure) => Follow::End(failure),
                decision => Follow::Go(decision),
            },
        }
    }

    /// The peers' door goes through everything that is Local to this cluster, and outside all cluster domains through
    /// Forward, never to a peer: what leads there is for the asker to follow.
    fn follow_for_a_peer(&self, target: &NameBuf, inside: bool, region_zone: Option<Option<usize>>) -> Follow {
        if let Some((_, Target::Local { origin })) = self.peers_door.longest(target) {
            return Follow::Go(Decision::Local { origin: *origin });
        }
        match region_zone {
            Some(_) => Follow::Leave,
            None if inside => Follow::Go(Decision::Local { origin: 0 }),
            None if !self.chase_outside => Follow::Leave,
            None => match self.servers.first().and_then(|zones| zones.longest(target)) {
                Some((_, Target::Forward { upstream })) => Follow::Go(Decision::Remote(Remote::Forward(*upstream))),
                _ => Follow::Leave,
            },
        }
    }
}
