//! The objects as they came, and which names a change to them touches. Slices may come before their Service, after it, and
//! move to another.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::object::{Event, Kind, Namespace, Object, ObjectKey, ObjectName, Pod, Service, Slice};

#[derive(Default)]
pub(super) struct Store {
    services: HashMap<ObjectName, Sources>,
    /// The Service that each slice belongs to.
    homes: HashMap<ObjectName, Arc<str>>,
    namespaces: HashMap<Arc<str>, Declared>,
    /// What is not declared is not served.
    only_known: bool,
    /// How many Services each namespace has.
    populated: HashMap<Arc<str>, usize>,
    pods: HashMap<ObjectName, Box<[IpAddr]>>,
}

/// What a namespace says of itself.
#[derive(PartialEq, Eq)]
struct Declared {
    uid: Box<str>,
    served: bool,
}

/// What the records of one Service are made of.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) service: Option<Service>,
    pub(super) slices: Vec<Slice>,
}

/// What may be different since the last publication.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) services: HashSet<ObjectName>,
    pub(super) namespaces: HashSet<Arc<str>>,
    /// Namespaces all of whose Services came or went.
    pub(super) whole: HashSet<Arc<str>>,
    /// Addresses that pods took and gave up, in order.
    pub(super) pods: Vec<(PodChange, IpAddr, Arc<str>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PodChange {
    Taken,
    GivenUp,
}

impl Store {
    pub(super) fn change(&mut self, event: Event, touched: &mut Touched) {
        match event {
            Event::Apply(object) => self.apply(object, touched),
            Event::Delete(key) => self.delete(&key, touched),
            Event::Replace(kind, objects) => self.replace(kind, objects, touched),
        }
    }

    pub(super) fn sources(&self, name: &ObjectName) -> Option<&Sources> {
        self.services.get(name)
    }

    pub(super) fn service_names(&self) -> impl ExactSizeIterator<Item = &ObjectName> {
        self.services.keys()
    }

    /// A namespace exists if it was declared, or if a Service is in it: events of different kinds come in any order. What
    /// is not served does not exist.
    pub(super) fn namespace_exists(&self, name: &str) -> bool {
        self.serves(name) && (self.namespaces.contains_key(name) || self.populated.contains_key(name))
    }

    /// Are the names in this namespace answered, if there are any?
    pub(super) fn serves(&self, namespace: &str) -> bool {
        self.namespaces.get(namespace).map_or(!self.only_known, |declared| declared.served)
    }

    pub(super) fn namespace_uid(&self, name: &str) -> Option<&str> {
        self.namespaces.get(name).map(|declared| &*declared.uid).filter(|uid| !uid.is_empty())
    }

    /// Serves only namespaces that are declared from now on, or others too.
    pub(super) fn serve_only_known(&mut self, only_known: bool, touched: &mut Touched) {
        if std::mem::replace(&mut self.only_known, only_known) != only_known {
            touched.services.extend(self.services.keys().cloned());
            touched.namespaces.extend(self.populated.keys().cloned());
        }
    }

    pub(super) fn pods(&self) -> impl Iterator<Item = (IpAddr, &Arc<str>)> {
        self.pods.iter().flat_map(|(name, addresses)| addresses.iter().map(|address| (*address, &name.namespace)))
    }

    fn apply(&mut self, object: Object, touched: &mut Touched) {
        match object {
            Object::Namespace(Namespace { name, uid, served }) => {
                let declared = Declared { uid, served };
                if self.namespaces.get(&name) == Some(&declared) {
                    return;
                }
                let before = self.serves(&name);
                self.namespaces.insert(Arc::clone(&name), declared);
                self.touch_namespace(name, before, touched);
            }
            Object::Service(service) => {
                let name = service.name.clone();
                let sources = self.services.entry(name.clone()).or_default();
                if sources.service.as_ref() == Some(&service) {
                    return;
                }
                touched.services.insert(name.clone());
                if sources.service.replace(service).is_none() {
                    *self.populated.entry(Arc::clone(&name.namespace)).or_default() += 1;
                    touched.namespaces.insert(name.namespace);
                }
            }
            Object::Slice(slice) => self.apply_slice(slice, touched),
            Object::Pod(Pod { name, addresses }) => {
                if self.pods.get(&name) == Some(&addresses) {
                    return;
                }
                let taken = addresses.iter().map(|it| (PodChange::Taken, *it, Arc::clone(&name.namespace)));
                touched.pods.extend(taken);
                let old = self.pods.insert(name.clone(), addresses).unwrap_or_default();
                touched.give_up(&name, &old);
            }
        }
    }

    fn apply_slice(&mut self, slice: Slice, touched: &mut Touched) {
        let home = self.homes.insert(slice.name.clone(), Arc::clone(&slice.service));
        if let Some(home) = home.filter(|home| *home != slice.service) {
            self.leave(&slice.name, &home, touched);
        }
        let service = ObjectName { namespace: Arc::clone(&slice.name.namespace), name: Arc::clone(&slice.service) };
        let slices = &mut self.services.entry(service.clone()).or_default().slices;
        match slices.iter_mut().find(|other| other.name == slice.name) {
            Some(other) if *other == slice => return,
            Some(other) => *other = slice,
            None => slices.push(slice),
        }
        touched.services.insert(service);
    }

    fn delete(&mut self, key: &ObjectKey, touched: &mut Touched) {
        let name = &key.name;
        match key.kind {
            Kind::Namespace => {
                let before = self.serves(&name.name);
                self.namespaces.remove(&name.name);
                self.touch_namespace(Arc::clone(&name.name), before, touched);
            }
            Kind::Service => {
                let Some(sources) = self.services.get_mut(name) else { return };
                if sources.service.take().is_some() {
                    self.depopulate(&name.namespace, touched);
                }
                self.touch(name.clone(), touched);
            }
            Kind::Slice => {
                if let Some(home) = self.homes.remove(name) {
                    self.leave(name, &home, touched);
                }
            }
            Kind::Pod => {
                let old = self.pods.remove(name).unwrap_or_default();
                touched.give_up(name, &old);
            }
        }
    }

    fn replace(&mut self, kind: Kind, objects: Vec<Object>, touched: &mut Touched) {
        let mut gone: HashSet<ObjectName> = match kind {
            Kind::Namespace => self.namespaces.keys().map(|name| ObjectName::new("", Arc::clone(name))).collect(),
            Kind::Service => {
                let services = self.services.iter().filter(|(_, sources)| sources.service.is_some());
                services.map(|(name, _)| name.clone()).collect()
            }
            Kind::Slice => self.homes.keys().cloned().collect(),
            Kind::Pod => self.pods.keys().cloned().collect(),
        };
        for object in objects {
            // An object of another kind says nothing about this one.
            if object.kind() == kind {
                gone.remove(&object.key().name);
                self.apply(object, touched);
            }
        }
        for name in gone {
            self.delete(&ObjectKey { kind, name }, touched);
        }
    }

    /// Takes a slice away from a Service.
    fn leave(&mut self, slice: &ObjectName, home: &Arc<str>, touched: &mut Touched) {
        let service = ObjectName { namespace: Arc::clone(&slice.namespace), name: Arc::clone(home) };
        if let Some(sources) = self.services.get_mut(&service) {
            sources.slices.retain(|other| other.name != *slice);
        }
        self.touch(service, touched);
    }

    /// Notes a change, and forgets a Service of which nothing is left.
    fn touch(&mut self, name: ObjectName, touched: &mut Touched) {
        if self.services.get(&name).is_some_and(|it| it.service.is_none() && it.slices.is_empty()) {
            self.services.remove(&name);
        }
        touched.services.insert(name);
    }

    /// Notes a change of what a namespace says; `served` is whether it was served before.
    fn touch_namespace(&self, name: Arc<str>, served: bool, touched: &mut Touched) {
        if self.serves(&name) != served {
            touched.whole.insert(Arc::clone(&name));
        }
        touched.namespaces.insert(name);
    }

    fn depopulate(&mut self, namespace: &Arc<str>, touched: &mut Touched) {
        if let Some(services) = self.populated.get_mut(namespace) {
            *services -= 1;
            if *services == 0 {
                self.populated.remove(namespace);
                touched.namespaces.insert(Arc::clone(namespace));
            }
        }
    }
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.services.is_empty() && self.namespaces.is_empty() && self.pods.is_empty()
    }

    fn give_up(&mut self, pod: &ObjectName, addresses: &[IpAddr]) {
        let given_up = addresses.iter().map(|it| (PodChange::GivenUp, *it, Arc::clone(&pod.namespace)));
        self.pods.extend(given_up);
    }
}
