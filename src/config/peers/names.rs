//! Which names a row may take: a peer table must never take the cluster's own names, nor those of the Internet. Pure
//! rules about one name; what two rows may not share is in `row`.

use super::tld::is_tld;
use crate::config::error::Fault;
use crate::wire::{Name, NameRef};

/// The names that the rules are about.
pub(super) struct Rules<'a> {
    domain: &'a Name,
    svc: Name,
    pod: Name,
    stub_zones: &'a [Name],
    /// Labels that end a domain in use here: of the cluster domain, and of every mesh and stub zone.
    endings: Vec<String>,
}

impl<'a> Rules<'a> {
    /// None if the domain is so long that nothing fits under it.
    pub(super) fn new<'n>(
        domain: &'a Name,
        stub_zones: &'a [Name],
        mesh: impl Iterator<Item = &'n Name>,
    ) -> Option<Self> {
        let (svc, pod) = (domain.prepend("svc").ok()?, domain.prepend("pod").ok()?);
        let mut endings: Vec<String> =
            std::iter::once(domain).chain(stub_zones).filter_map(|name| last(name.as_ref())).collect();
        endings.extend(mesh.filter_map(|name| last(name.as_ref())));
        Some(Self { domain, svc, pod, stub_zones, endings })
    }

    /// The zone of a region that lists none.
    pub(super) fn default_zone(&self, label: &str) -> Option<Name> {
        self.svc.prepend(label).ok()
    }

    /// May a row own this zone?
    pub(super) fn zone(&self, zone: &Name, allow_tld: bool) -> Result<(), Fault> {
        self.common(zone)?;
        let Some(namespace) = self.namespace(zone.as_ref()) else {
            let fault = Fault::new(format!("zone `{zone}` is not below `{}`", self.svc));
            return Err(fault.help("other names belong in `forward` of interlocal.yaml"));
        };
        if namespace == "default" || namespace.starts_with("kube-") {
            let fault = Fault::new(format!("zone `{zone}` takes the namespace `{namespace}` of the cluster itself"));
            return Err(fault.help("`default` and `kube-*` are in every cluster; name the region otherwise"));
        }
        self.label(&namespace, allow_tld)
    }

    /// May a row have this mesh zone?
    pub(super) fn mesh(&self, mesh: &Name, allow_tld: bool) -> Result<(), Fault> {
        self.common(mesh)?;
        if mesh.as_ref().is_in(self.svc.as_ref()) {
            let fault = Fault::new(format!("mesh zone `{mesh}` lies below `{}`", self.svc));
            return Err(
                fault.help("it stands for a whole cluster domain: choose a name beside it, such as `east.mesh`")
            );
        }
        match last(mesh.as_ref()) {
            Some(label) if mesh.as_ref().label_count() == 1 && is_tld(&label) && !allow_tld => {
                let fault = Fault::new(format!("mesh zone `{mesh}` is a top-level domain"));
                Err(fault.help("choose a name below one of your own, or write `allow_tld: true` if all of it is yours"))
            }
            _ => Ok(()),
        }
    }

    /// May a region, or a namespace in its place, be called this?
    pub(super) fn label(&self, label: &str, allow_tld: bool) -> Result<(), Fault> {
        if allow_tld || !(is_tld(label) || self.endings.iter().any(|ending| ending == label)) {
            return Ok(());
        }
        let fault = Fault::new(format!("`{label}` is a top-level domain"));
        Err(fault.help(format!(
            "search paths would send `example.{label}` to this region; choose another label, or write `allow_tld: true`"
        )))
    }

    fn common(&self, name: &Name) -> Result<(), Fault> {
        let at = name.as_ref();
        let what = if *name == *self.domain {
            "is the cluster domain itself".into()
        } else if self.domain.as_ref().is_in(at) {
            format!("holds the cluster domain `{}`", self.domain)
        } else if *name == self.svc {
            "holds every Service of the cluster".into()
        } else if at.is_in(self.pod.as_ref()) {
            "holds pods of the cluster".into()
        } else if self.stub_zones.contains(name) {
            let fault = Fault::new(format!("`{name}` is also a zone of `forward` in interlocal.yaml"));
            return Err(fault.help("a name can go to one place only: remove one of the two"));
        } else {
            return Ok(());
        };
        Err(Fault::new(format!("`{name}` {what}")).help(format!("a region takes names below `{}`", self.svc)))
    }

    /// The label right under `svc.<domain>`: a namespace, where Kubernetes is concerned.
    fn namespace(&self, zone: NameRef<'_>) -> Option<String> {
        let above = self.svc.as_ref().label_count();
        let index = zone.label_count().checked_sub(above + 1)?;
        let label = zone.labels().nth(index).filter(|_| zone.is_in(self.svc.as_ref()))?;
        Some(String::from_utf8_lossy(label).into_owned())
    }
}

fn last(name: NameRef<'_>) -> Option<String> {
    name.labels().last().map(|label| String::from_utf8_lossy(label).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn zones_of_the_cluster_itself_are_refused() {
        let (domain, stubs, mesh) = (name("cluster.local"), [name("corp.example")], [name("east.mesh")]);
        let rules = Rules::new(&domain, &stubs, mesh.iter()).unwrap();
        for (zone, why) in [
            (".", "holds the cluster domain"),
            ("local", "holds the cluster domain"),
            ("cluster.local", "is the cluster domain itself"),
            ("svc.cluster.local", "holds every Service"),
            ("pod.cluster.local", "holds pods"),
            ("a.pod.cluster.local", "holds pods"),
            ("east.cluster.local", "is not below `svc.cluster.local`"),
            ("east.example", "is not below `svc.cluster.local`"),
            ("corp.example", "is also a zone of `forward`"),
            ("default.svc.cluster.local", "namespace `default`"),
            ("kube-system.svc.cluster.local", "namespace `kube-system`"),
            ("dns.kube-system.svc.cluster.local", "namespace `kube-system`"),
            ("com.svc.cluster.local", "`com` is a top-level domain"),
            ("shop.com.svc.cluster.local", "`com` is a top-level domain"),
            ("mesh.svc.cluster.local", "`mesh` is a top-level domain"),
            ("example.svc.cluster.local", "`example` is a top-level domain"),
        ] {
            let fault = rules.zone(&name(zone), false).unwrap_err();
            assert!(fault.message.contains(why), "{zone}: {}", fault.message);
        }
        for zone in ["east.svc.cluster.local", "kafka.east.svc.cluster.local", "kubernetes.svc.cluster.local"] {
            assert_eq!(rules.zone(&name(zone), false), Ok(()), "{zone}");
        }
        assert_eq!(rules.zone(&name("com.svc.cluster.local"), true), Ok(()));
        assert!(rules.zone(&name("default.svc.cluster.local"), true).is_err(), "no key allows this");
    }

    #[test]
    fn mesh_zones_lie_beside_the_cluster() {
        let (domain, stubs) = (name("cluster.local"), [name("corp.example")]);
        let rules = Rules::new(&domain, &stubs, std::iter::empty()).unwrap();
        for mesh in ["cluster.local", ".", "svc.cluster.local", "east.svc.cluster.local", "pod.cluster.local", "com"] {
            assert!(rules.mesh(&name(mesh), false).is_err(), "{mesh}");
        }
        for mesh in ["east.mesh", "mesh", "east.mesh.cluster.local", "east.example.com"] {
            assert_eq!(rules.mesh(&name(mesh), false), Ok(()), "{mesh}");
        }
        assert!(rules.mesh(&name("corp.example"), false).is_err(), "a stub zone");
        assert_eq!(rules.mesh(&name("internal"), true), Ok(()));
    }
}
