//! What a pod makes of a name without a dot at its end: the search path that the kubelet writes (`ndots:5`), each name looked up as
//! any question. It is a hint; pods with another `dnsConfig` do otherwise.

use super::page::Searched;
use super::{Explainer, Wanted, dotted, stages};
use crate::route::{Decision, Whence};
use crate::wire::{Name, NameBuf, Rcode};

/// A name with so many dots is tried as it is first.
const NDOTS: usize = 5;

impl Explainer<'_> {
    /// The names in the order in which they are asked, up to the first that gives records.
    pub(super) fn search(&self, wanted: &Wanted, namespace: &str) -> Vec<Searched> {
        let (name, domain) = (wanted.name.to_string(), &self.config.cluster_domain);
        let below = [format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.to_string()];
        let mut names: Vec<Name> = below.iter().filter_map(|suffix| format!("{name}.{suffix}").parse().ok()).collect();
        let place = if wanted.name.as_ref().label_count() > NDOTS { 0 } else { names.len() };
        names.insert(place, wanted.name.clone());
        let mut searched = Vec::new();
        for name in names {
            let one = self.searched(wanted, &name);
            let end = one.answered;
            searched.push(one);
            if end {
                break;
            }
        }
        searched
    }

    /// From the zone; what others would have to say is not known.
    fn searched(&self, wanted: &Wanted, name: &Name) -> Searched {
        let whence = Whence { door: wanted.door, stamp: None, own_id: self.zone.cluster_id };
        let buf = NameBuf::from(name.as_ref());
        let body = match self.routes.decide(&whence, &buf) {
            Decision::Local { origin } => Some(stages::zone(self.zone, origin, &buf, wanted.qtype).1),
            Decision::Refuse(failure) => Some(failure.body()),
            _ => None,
        };
        Searched {
            name: dotted(name),
            rcode: body.as_ref().map(|body| body.rcode.to_text().into_owned()),
            answered: body.is_some_and(|body| body.rcode == Rcode::NOERROR && body.answers() > 0),
        }
    }
}
